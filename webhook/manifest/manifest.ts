/**
 * A stream of Kubernetes manifests, YAML or JSON: its documents and the pods in them.
 *
 * Read as kubectl reads it: YAML 1.1's booleans (`y`, `on`), merge keys, and the last of two equal keys; but no dates,
 * no numbers to the base of 60, and a document that is no Kubernetes object is nobody's business here.
 */
import { type Document, LineCounter, parseAllDocuments, type Tags } from 'yaml';
import { isRecord, type JsonRecord } from '../shared/json.ts';
import { UsageError } from '../shared/usage-error.ts';
import { explainSyntaxError, explainValueError } from '../shared/yaml-error.ts';

/** A pod, or the pod that a controller's template makes. */
export interface ManifestPod {
  /** Where it stands in its document, as keys and indexes. */
  path: readonly (string | number)[];
  kind: string;
  /** The object's name, or its generateName. */
  name: string;
  namespace: string;
  /** Has `metadata` and `spec`. */
  pod: unknown;
  /** The metadata of the object that makes it; undefined where it is the object itself. */
  owner: JsonRecord | undefined;
}

export interface ManifestDocument {
  /** From 1, as a person counts; documents that hold nothing are counted too. */
  number: number;
  document: Document.Parsed;
  /** The document as a JSON value of its own: what aliases share is copied. */
  value: unknown;
  pods: ManifestPod[];
}

/** An alias may be used this often, all in all (a bomb of aliases has far more). */
const MAX_ALIASES = 1000;

/** What no YAML decoder of the Kubernetes family knows. */
const FOREIGN_TAGS = new Set(['intTime', 'floatTime', 'timestamp', 'binary', 'omap', 'pairs', 'set']);

/**
 * Parse a stream.
 * @param source what messages call it
 * @throws {UsageError} with the line of what does not parse
 */
export function parseManifests(text: string, source: string): ManifestDocument[] {
  const lineCounter = new LineCounter();
  const documents = parseAllDocuments(text, {
    version: '1.1',
    merge: true,
    uniqueKeys: false,
    keepSourceTokens: true,
    prettyErrors: false,
    logLevel: 'silent',
    lineCounter,
    customTags: (tags) => tags.filter((tag) => !isForeign(tag)),
  });
  if (!Array.isArray(documents)) return [];
  return documents.map((document, index) => {
    const [error] = document.errors;
    const number = index + 1;
    if (error !== undefined) {
      const { line, col } = lineCounter.linePos(error.pos[0]);
      throw new UsageError(
        `${source}:${line}:${col}: document ${number} is neither YAML nor JSON: ${explainSyntaxError(error, text)}`,
      );
    }
    const value = jsonValue(document, `${source}: document ${number}`);
    return { number, document, value, pods: [...podsIn(value, [])] };
  });
}

function isForeign(tag: Tags[number]): boolean {
  if (typeof tag === 'string') return FOREIGN_TAGS.has(tag);
  return 'format' in tag && tag.format === 'TIME'
    ? true
    : /:(timestamp|binary|omap|pairs|set)$/.test(tag.tag);
}

function jsonValue(document: Document.Parsed, name: string): unknown {
  try {
    // Through JSON: aliases become copies, and what JSON does not know (NaN) becomes what JSON makes of it.
    return JSON.parse(JSON.stringify(document.toJS({ maxAliasCount: MAX_ALIASES })) ?? 'null');
  } catch (cause) {
    throw new UsageError(`${name} cannot be read: ${explainValueError(cause)}`, { cause });
  }
}

/** Where the kinds that make pods keep their template, by API group. */
const TEMPLATES: Record<string, Record<string, readonly string[]>> = {
  '': { Pod: [], PodTemplate: ['template'], ReplicationController: ['spec', 'template'] },
  apps: {
    Deployment: ['spec', 'template'],
    StatefulSet: ['spec', 'template'],
    DaemonSet: ['spec', 'template'],
    ReplicaSet: ['spec', 'template'],
  },
  batch: { Job: ['spec', 'template'], CronJob: ['spec', 'jobTemplate', 'spec', 'template'] },
};

/** Kinds in which pods are looked for. */
export const TEMPLATE_KINDS: readonly string[] = Object.values(TEMPLATES).flatMap((kinds) =>
  Object.keys(kinds),
);

/** Where an object of a kind keeps its pod; undefined for a kind that is none of {@link TEMPLATE_KINDS}. */
export function podTemplatePath(apiVersion: string, kind: string): readonly string[] | undefined {
  const group = apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : '';
  const kinds = Object.hasOwn(TEMPLATES, group) ? TEMPLATES[group] : undefined;
  return kinds !== undefined && Object.hasOwn(kinds, kind) ? kinds[kind] : undefined;
}

/** Every pod of an object; a List's items are looked into. */
function* podsIn(value: unknown, path: readonly (string | number)[]): Generator<ManifestPod> {
  if (!isRecord(value) || typeof value.kind !== 'string' || typeof value.apiVersion !== 'string') return;
  const { kind, apiVersion } = value;
  if (kind.endsWith('List') && Array.isArray(value.items)) {
    for (const [index, item] of value.items.entries()) {
      // The items of a typed list (PodList) need not say their kind.
      const typed =
        isRecord(item) && kind !== 'List' ? { apiVersion, kind: kind.slice(0, -4), ...item } : item;
      yield* podsIn(typed, [...path, 'items', index]);
    }
    return;
  }
  const steps = podTemplatePath(apiVersion, kind);
  if (steps === undefined) return;
  const pod = steps.reduce<unknown>((at, step) => (isRecord(at) ? at[step] : undefined), value);
  if (!isRecord(pod)) return;
  const metadata = isRecord(value.metadata) ? value.metadata : {};
  const named = [metadata.name, metadata.generateName].find(
    (text) => typeof text === 'string' && text !== '',
  );
  yield {
    path: [...path, ...steps],
    kind,
    name: typeof named === 'string' ? named : '(no name)',
    namespace: typeof metadata.namespace === 'string' ? metadata.namespace : '',
    pod,
    owner: steps.length === 0 ? undefined : metadata,
  };
}
