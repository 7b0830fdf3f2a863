/**
 * The documents of a stream of manifests. Only those that may hold a pod are read: the others pass as they are, whatever they hold.
 */
import { readTree } from './reader.ts';
import { YamlError } from './scanner.ts';
import type { Tree } from './tree.ts';
import { Values } from './value.ts';

/** Part of a stream: what stands between two separators, the first one included. */
export interface Segment {
  from: number;
  to: number;
  /** Where its content begins, and where it ends. */
  content: number;
  end: number;
}

/** A document that was read. */
export interface Document {
  /** From 1, as a person counts; documents that hold nothing are counted too. */
  number: number;
  tree: Tree;
  /** As a JSON value; whole numbers that a double cannot hold are bigints. */
  value: unknown;
}

const SEPARATOR = /^(---|\.\.\.)(?=[ \t\r\n]|$)/gm;

/** Split a stream where lines say `---` or `...`. What stands before the first `---` is its document's where it is blank or comments. */
export function* segmentsOf(text: string): Generator<Segment> {
  let from = 0;
  let content = 0;
  let begun = false;
  for (const { index, 1: mark } of text.matchAll(SEPARATOR)) {
    const ends = begun || !isBlankUntil(text, content, index);
    if (mark === '...') {
      if (ends) yield { from, to: index + 3, content, end: index };
      if (ends) from = index + 3;
      begun = false;
    } else {
      if (ends) yield { from, to: index, content, end: index };
      if (ends) from = index;
      begun = true;
    }
    content = index + 3;
  }
  yield { from, to: text.length, content, end: text.length };
}

/** Are there only blanks, comments and directives? */
function isBlankUntil(text: string, from: number, to: number): boolean {
  const part = /\s+|#.*|%.*/y;
  part.lastIndex = from;
  while (part.lastIndex < to) if (!part.test(text)) return false;
  return true;
}

/**
 * Read the documents of a segment: one of YAML, or several of JSON, one after another.
 * @param number the first one's
 * @throws {YamlError}
 */
export function* documentsOf(text: string, segment: Segment, number: number): Generator<Document> {
  let from = segment.content;
  let lineStart = text.lastIndexOf('\n', from - 1) + 1;
  for (let next = number; ; next++) {
    const tree = readTree(text, from, segment.end, lineStart);
    const value = new Values(text).of(tree.root);
    yield { number: next, tree, value };
    from = tree.end;
    lineStart = from;
    if (from >= segment.end) return;
    const isNext = text[from] === '{' && tree.root.kind === 'map' && tree.root.flow;
    if (!isNext) throw new YamlError('the document has ended before this', from);
  }
}
