/**
 * Injection without a cluster: the pods of a stream of manifests are mutated as the webhook would, and the changes go
 * into the text. Documents that do not change stay byte for byte.
 */
import { isDeepStrictEqual } from 'node:util';
import jsonPatch from 'fast-json-patch';
import { isNode, stringify, visit } from 'yaml';
import type { ImageAnswer, ImageLookup } from '../decision/images.ts';
import { type Mutation, prepare } from '../decision/mutate.ts';
import type { Policy } from '../decision/policy.ts';
import { applySplices, type Splice, spliceDocument } from './edit.ts';
import { contentEnd, rangeOf, UnspliceableError } from './lines.ts';
import { type ManifestDocument, type ManifestPod, parseManifests } from './manifest.ts';
import { misplacedKeys } from './oversight.ts';

/** What became of one pod of a stream. */
export interface Verdict {
  document: number;
  pod: ManifestPod;
  mutation: Mutation;
}

export interface Injection {
  text: string;
  verdicts: Verdict[];
  documents: readonly ManifestDocument[];
  /** Documents whose comments could not be kept. */
  rewritten: number[];
}

/** How long a pod's images may be looked up; each has a deadline of its own besides (`images.timeout`). */
const LOOK_UP_MS = 60_000;

/**
 * What would happen to every pod of a document.
 */
export async function judge(
  document: ManifestDocument,
  policy: Policy,
  images: ImageLookup,
): Promise<Verdict[]> {
  return Promise.all(
    document.pods.map(async (pod) => {
      const prepared = prepare(pod.pod, policy);
      const answers =
        prepared.pod === undefined || prepared.images.length === 0
          ? new Map<string, ImageAnswer>()
          : await images.lookUp(
              prepared.images,
              pod.namespace,
              prepared.pod,
              AbortSignal.timeout(LOOK_UP_MS),
            );
      const mutation = prepared.mutate(answers);
      const warnings = [...mutation.warnings, ...misplacedKeys(pod)];
      return { document: document.number, pod, mutation: { ...mutation, warnings } };
    }),
  );
}

/** How a document is written: by splices, by splices after its aliases were written out, or anew from its value. */
type Way = 'splice' | 'expand' | 'rewrite';

interface Change {
  document: ManifestDocument;
  after: unknown;
  way: Way;
}

/**
 * Mutate every pod of a stream and write the stream again.
 * @param source what messages call it
 * @throws {UsageError} where it does not parse
 */
export async function injectManifests(
  text: string,
  source: string,
  policy: Policy,
  images: ImageLookup,
): Promise<Injection> {
  const documents = parseManifests(text, source);
  const verdicts: Verdict[] = [];
  const changes: Change[] = [];
  for (const document of documents) {
    const judged = await judge(document, policy, images);
    verdicts.push(...judged);
    const changed = judged.filter(
      ({ mutation: { operations, outcome } }) => operations.length > 0 && outcome !== 'refused',
    );
    if (changed.length === 0) continue;
    const after = changed.reduce(patched, structuredClone(document.value));
    changes.push({ document, after, way: 'splice' });
  }
  const written = write(text, documents, changes);
  const rewritten = changes.filter(({ way }) => way === 'rewrite').map(({ document }) => document.number);
  return { text: written, verdicts, documents, rewritten };
}

/** Do one pod's mutation to the document's value, in place: a copy for each of a List's thousand pods takes a minute. */
function patched(value: unknown, { pod, mutation }: Verdict): unknown {
  const prefix = pod.path.map((step) => `/${jsonPatch.escapePathComponent(String(step))}`).join('');
  const operations = mutation.operations.map((operation) =>
    'from' in operation
      ? { ...operation, path: prefix + operation.path, from: prefix + operation.from }
      : { ...operation, path: prefix + operation.path },
  );
  return jsonPatch.applyPatch(value, structuredClone(operations), true, true).newDocument;
}

/**
 * Write the changes, read the result back, and write those documents in a plainer way that did not come out as meant.
 */
function write(text: string, documents: ManifestDocument[], changes: Change[]): string {
  for (;;) {
    const splices = changes.flatMap((change) => attempt(text, change));
    const written = applySplices(text, splices);
    const wrong = findWrong(written, documents, changes);
    if (wrong.length === 0) return written;
    for (const change of wrong) change.way = plainer(change);
  }
}

function attempt(text: string, change: Change): Splice[] {
  for (;;) {
    try {
      if (change.way === 'splice') return splice(text, change);
      const [from] = rangeOf(change.document.document.contents);
      const to = contentEnd(change.document.document.contents);
      const end = text[to - 1] === '\n' ? '\n' : '';
      return [{ from, to, text: anew(text, change).trimEnd() + end }];
    } catch (error) {
      if (!(error instanceof UnspliceableError)) throw error;
      change.way = plainer(change);
    }
  }
}

function splice(text: string, { document, after }: Change): Splice[] {
  return spliceDocument(text, document.document, document.value, after);
}

/** The document's whole text, written in another way. */
function anew(text: string, change: Change): string {
  if (change.way === 'rewrite') {
    return stringify(change.after, { version: '1.1', lineWidth: 0, aliasDuplicateObjects: false });
  }
  const [from] = rangeOf(change.document.document.contents);
  const [own] = parseManifests(text.slice(from, contentEnd(change.document.document.contents)), '');
  if (own === undefined) throw new UnspliceableError('the document does not stand alone');
  const { document } = own;
  visit(document, {
    Alias: (_key, alias) => {
      const target = alias.resolve(document)?.clone();
      return isNode(target) ? target : undefined;
    },
  });
  visit(document, {
    Node: (_key, node) => {
      if ('anchor' in node) delete node.anchor;
    },
  });
  const expanded = document.toString({ lineWidth: 0 });
  const [plain] = parseManifests(expanded, '');
  if (plain === undefined) throw new UnspliceableError('the document does not stand alone');
  return applySplices(expanded, spliceDocument(expanded, plain.document, plain.value, change.after));
}

function plainer({ way, document }: Change): Way {
  if (way === 'splice') return 'expand';
  if (way === 'expand') return 'rewrite';
  throw new Error(`document ${document.number} cannot be written`);
}

/** Changes whose document does not read back as meant; all of them where the stream itself fell apart. */
function findWrong(written: string, documents: ManifestDocument[], changes: Change[]): Change[] {
  if (changes.length === 0) return [];
  let back: ManifestDocument[];
  try {
    back = parseManifests(written, '');
  } catch {
    return changes;
  }
  if (back.length !== documents.length) return changes;
  return changes.filter(({ document, after }) => !isDeepStrictEqual(back[document.number - 1]?.value, after));
}
