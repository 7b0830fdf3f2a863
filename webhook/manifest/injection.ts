/**
 * Injection without a cluster: the pods of a stream of manifests are mutated as the webhook would, and the changes go into the text,
 * document by document.
 *
 * A document's way: `stream` finds where it begins; only one that may hold a pod goes on. `reader` makes a tree whose nodes know their
 * places in the text, and `value` the JSON value of it. `pods` finds the pods in the value, `judge` decides about each. `change` applies the
 * decision's operations: `edits` to the tree, with `command` for a container's words, and `splices` turns the difference into changes of
 * the text. The result is read back: where it does not say what the operations make of the value, the document is written anew.
 *
 * Places in the text are changed, and no tree is printed, so that what stays, stays byte for byte: a printer keeps neither the columns of
 * comments, nor folded scalars, nor numbers beyond 2^53.
 */
import type { ImageLookup } from '../decision/images.ts';
import type { Policy } from '../decision/policy.ts';
import { changedText } from './change.ts';
import { judge, type Verdict } from './judge.ts';
import {
  type ManifestObject,
  mayHoldPod,
  objectsIn,
  type PodTemplates,
  podsOf,
  saysPodKind,
} from './pods.ts';
import { YamlError } from './scanner.ts';
import { type Document, documentsOf, type Segment, segmentsOf } from './stream.ts';

/** What happens to a stream, in its order. */
export type Step =
  | { kind: 'verdict'; verdict: Verdict }
  /** An object without a pod that is known, in a document that was read. */
  | { kind: 'object'; document: number; object: ManifestObject }
  /** A document whose layout could not be kept. Its comments stand at its head. */
  | { kind: 'rewritten'; document: number }
  /** A document that does not parse; it may hold a pod where its text says such a kind. */
  | { kind: 'unreadable'; document: number; line: number; column: number; message: string; saysPod: boolean }
  /** Part of what is to be written. */
  | { kind: 'text'; text: string };

/** What decides about a stream. */
export interface Judges {
  policy: Policy;
  images: ImageLookup;
  templates: PodTemplates;
}

/**
 * Mutate every pod of a stream and write the stream again. What does not change stays byte for byte.
 */
export async function* inject(text: string, judges: Judges): AsyncGenerator<Step> {
  let number = 1;
  let unchanged = 0;
  for (const segment of segmentsOf(text)) {
    if (!mayHoldPod(text.slice(segment.from, segment.to), judges.templates)) {
      number++;
      continue;
    }
    const pieces: string[] = [];
    let from = segment.from;
    for (const document of read(text, segment, number)) {
      if ('kind' in document) {
        yield document;
        continue;
      }
      number = document.number;
      const verdicts = yield* judgeAll(document, judges);
      const changed = verdicts.filter(
        ({ mutation }) => mutation.operations.length > 0 && mutation.outcome !== 'refused',
      );
      if (changed.length === 0) continue;
      const { start, to } = document.tree.root;
      const end = Math.max(document.tree.end, to);
      const change = changedText(text, start, end, document, changed);
      if (change.rewritten) yield { kind: 'rewritten', document: number };
      pieces.push(text.slice(from, start), change.text);
      from = end;
    }
    number++;
    if (from === segment.from) continue;
    yield { kind: 'text', text: [text.slice(unchanged, segment.from), ...pieces].join('') };
    unchanged = from;
  }
  yield { kind: 'text', text: text.slice(unchanged) };
}

/** Judge the pods of a stream, and change nothing. */
export async function* explain(
  text: string,
  judges: Judges,
): AsyncGenerator<Exclude<Step, { kind: 'rewritten' | 'text' }>> {
  let number = 1;
  for (const segment of segmentsOf(text)) {
    if (mayHoldPod(text.slice(segment.from, segment.to), judges.templates))
      for (const document of read(text, segment, number))
        if ('kind' in document) yield document;
        else {
          number = document.number;
          yield* judgeAll(document, judges);
        }
    number++;
  }
}

/** Objects larger than this are not read only to be named. */
const LARGE = 1_000_000;

/** The objects of a stream, those included that hold no pod for certain; what does not parse is passed over. */
export function* allObjects(text: string): Generator<ManifestObject> {
  for (const segment of segmentsOf(text))
    if (segment.to - segment.from < LARGE)
      for (const document of read(text, segment, 1))
        if ('value' in document) yield* objectsIn(document.value);
}

type Unreadable = Extract<Step, { kind: 'unreadable' }>;

function* read(text: string, segment: Segment, number: number): Generator<Document | Unreadable> {
  let last = number;
  try {
    for (const document of documentsOf(text, segment, number)) {
      yield document;
      last = document.number + 1;
    }
  } catch (error) {
    if (!(error instanceof YamlError)) throw error;
    const lines = text.slice(0, error.at).split(/\r\n|[\n\r]/);
    const column = lines.at(-1)?.length ?? 0;
    lines.push(`${lines.pop() ?? ''}${/^.*/.exec(text.slice(error.at))?.[0] ?? ''}`);
    yield {
      kind: 'unreadable',
      document: last,
      line: lines.length,
      column: column + 1,
      message: error.message + templateHint(lines),
      saysPod: saysPodKind(text.slice(segment.from, segment.to)),
    };
  }
}

/** @param lines up to the one that does not parse */
function templateHint(lines: readonly string[]): string {
  const at = [lines.length - 1, lines.length - 2].find((index) =>
    /^\s*(?:- )?\{\{|: *\{\{/.test(lines[index] ?? ''),
  );
  if (at === undefined) return '';
  return `; line ${at + 1} looks like one of a template, which must be rendered first (helm template)`;
}

async function* judgeAll(
  { value, number }: Document,
  judges: Judges,
): AsyncGenerator<Extract<Step, { kind: 'verdict' | 'object' }>, Verdict[]> {
  const verdicts: Verdict[] = [];
  for (const object of objectsIn(value)) {
    const pods = podsOf(object, judges.templates);
    if (pods.length === 0) yield { kind: 'object', document: number, object };
    for (const pod of pods) {
      const verdict = await judge(number, pod, judges);
      yield { kind: 'verdict', verdict };
      verdicts.push(verdict);
    }
  }
  return verdicts;
}
