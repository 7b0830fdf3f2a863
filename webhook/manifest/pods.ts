/** Where pods stand in Kubernetes objects. Pure. */
import { isRecord, type JsonRecord } from '../shared/json.ts';

/** A pod, or the pod that a controller's template makes. */
export interface ManifestPod {
  /** Where it stands in its document, as keys and indexes. */
  path: readonly (string | number)[];
  /** Where it stands in its object: `spec.template`. */
  template: string;
  kind: string;
  /** The object's name, or its generateName. */
  name: string;
  namespace: string;
  /** Has `metadata` and `spec`. */
  pod: JsonRecord;
  /** The metadata of the object that makes it; undefined where it is the object itself. */
  owner: JsonRecord | undefined;
  /** The metadata of a CronJob's Job template, which the Jobs get and not their pods. */
  jobTemplate: JsonRecord | undefined;
  /** What its template stands in: of a Job and of a CronJob, the Job's spec. */
  around: JsonRecord;
}

/** An object that is no List. */
export interface ManifestObject {
  path: readonly (string | number)[];
  apiVersion: string;
  kind: string;
  value: JsonRecord;
}

type Path = readonly string[];

/** As a step: every item of a list, every member of a map. */
export const ALL = '*';

/** Where the kinds that make pods keep their template, by API group. */
const TEMPLATES: Readonly<Record<string, Readonly<Record<string, Path>>>> = {
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
export const TEMPLATE_KINDS: readonly string[] = Object.values(TEMPLATES).flatMap(Object.keys);

/** Templates of other kinds, by the kind. */
export type PodTemplates = ReadonlyMap<string, Path>;
export const NO_TEMPLATES: PodTemplates = new Map();

/** Where an object of a kind keeps its pod; undefined where that is not known. */
export function podTemplatePath(apiVersion: string, kind: string, others: PodTemplates): Path | undefined {
  const group = apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : '';
  const kinds = Object.hasOwn(TEMPLATES, group) ? TEMPLATES[group] : undefined;
  if (kinds !== undefined && Object.hasOwn(kinds, kind)) return kinds[kind];
  return others.get(`${kind}.${group}`) ?? others.get(kind);
}

/**
 * Can a text hold a pod? It cannot where it names none of the kinds, neither plainly nor by an escape, and none of our keys.
 */
export function mayHoldPod(text: string, others: PodTemplates): boolean {
  if (POD_WORDS.test(text)) return true;
  for (const kind of others.keys()) if (text.includes(kind.replace(/\..*/, ''))) return true;
  return false;
}

const KINDS = TEMPLATE_KINDS.join('|');
const POD_WORDS = new RegExp(
  `(?<![A-Za-z])(?:${KINDS})(?:List)?(?![A-Za-z])|curfew\\.dev|\\\\(?:[xuU]|[\\r\\n\\u0085\\u2028\\u2029])`,
);

/** Does a text that cannot be read say that it is of a kind that makes pods? */
export function saysPodKind(text: string): boolean {
  return KIND_LINE.test(text);
}

const KIND_LINE = new RegExp(`(?:^|[\\s"'{,])kind["']?\\s*:\\s*["']?(?:${KINDS})(?:List)?(?![\\w.-])`);

/** The objects of a document, in their order; a List's items are looked into. */
export function* objectsIn(document: unknown): Generator<ManifestObject> {
  const left: { value: unknown; path: ManifestObject['path'] }[] = [{ value: document, path: [] }];
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    const { value, path } = next;
    if (!isRecord(value) || typeof value.kind !== 'string' || typeof value.apiVersion !== 'string') continue;
    const { kind, apiVersion } = value;
    if (!kind.endsWith('List') || !Array.isArray(value.items)) {
      yield { path, apiVersion, kind, value };
      continue;
    }
    const items = [...value.items.entries()].reverse();
    for (const [index, item] of items) {
      // The items of a typed list (PodList) need not say their kind.
      const typed =
        isRecord(item) && kind !== 'List' ? { apiVersion, kind: kind.slice(0, -4), ...item } : item;
      left.push({ value: typed, path: [...path, 'items', index] });
    }
  }
}

/** The pods of an object that is one, or makes some. */
export function podsOf(
  { path, apiVersion, kind, value }: ManifestObject,
  others: PodTemplates,
): ManifestPod[] {
  const steps = podTemplatePath(apiVersion, kind, others);
  if (steps === undefined) return [];
  const metadata = isRecord(value.metadata) ? value.metadata : {};
  return placesOf(value, steps).flatMap((place) => {
    const [pod, around] = [memberAt(value, place), memberAt(value, place.slice(0, -1))];
    if (!isRecord(pod) || !isRecord(around)) return [];
    const jobTemplate = kind === 'CronJob' ? memberAt(value, ['spec', 'jobTemplate', 'metadata']) : undefined;
    const object: ManifestPod = {
      path: [...path, ...place],
      template: place.join('.'),
      kind,
      name: nameOf(metadata),
      namespace: typeof metadata.namespace === 'string' ? metadata.namespace : '',
      pod,
      owner: steps.length === 0 ? undefined : metadata,
      jobTemplate: isRecord(jobTemplate) ? jobTemplate : undefined,
      around,
    };
    return [object];
  });
}

/** The paths that one with `*` stands for in a value. */
function placesOf(value: unknown, steps: Path): (string | number)[][] {
  let places: (string | number)[][] = [[]];
  for (const step of steps)
    places = places.flatMap((place) => {
      const keys = step === ALL ? keysOf(memberAt(value, place)) : [step];
      return keys.map((key) => [...place, key]);
    });
  return places;
}

function keysOf(value: unknown): (string | number)[] {
  if (Array.isArray(value)) return [...value.keys()];
  return isRecord(value) ? Object.keys(value) : [];
}

function memberAt(value: unknown, path: readonly (string | number)[]): unknown {
  return path.reduce<unknown>((at, step) => {
    if (Array.isArray(at)) return at[Number(step)];
    return isRecord(at) && Object.hasOwn(at, step) ? at[step] : undefined;
  }, value);
}

/** An object's name, for a person. */
export function nameOf(metadata: unknown): string {
  if (!isRecord(metadata)) return '(no name)';
  const named = [metadata.name, metadata.generateName].find(
    (text) => typeof text === 'string' && text !== '',
  );
  return typeof named === 'string' ? named : '(no name)';
}
