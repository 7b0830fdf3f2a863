/**
 * Places in a manifest's text: lines, columns, and where the nodes of its tree begin and end.
 */
import { isCollection, isNode, isPair, isScalar, type Node, type YAMLSeq } from 'yaml';

/** The text does not have the form that a splice needs; the document must be written another way. */
export class UnspliceableError extends Error {}

/** A text, seen as lines. */
export class Lines {
  readonly source: string;

  constructor(source: string) {
    this.source = source;
  }

  start(offset: number): number {
    return this.source.lastIndexOf('\n', offset - 1) + 1;
  }

  column(offset: number): number {
    return offset - this.start(offset);
  }

  /** Is there nothing but blanks before it in its line? */
  isFirst(offset: number): boolean {
    return this.source.slice(this.start(offset), offset).trim() === '';
  }

  /** The start of the line after the one that ends a content; the content's own comment stays before it. */
  after(contentEnd: number): number {
    if (contentEnd > 0 && this.source[contentEnd - 1] === '\n') return contentEnd;
    const end = this.source.indexOf('\n', contentEnd);
    return end < 0 ? this.source.length : end + 1;
  }

  /** The start of an item's line, or of the comments that stand right above it. */
  aboveComments(offset: number): number {
    let at = this.start(offset);
    while (at > 0) {
      const previous = this.start(at - 1);
      if (!this.source.slice(previous, at).trimStart().startsWith('#')) break;
      at = previous;
    }
    return at;
  }

  /** The blanks with which a line begins. */
  indent(offset: number): string {
    return /^[ \t]*/.exec(this.source.slice(this.start(offset), offset))?.[0] ?? '';
  }
}

/** Start and end of what a node itself says, without its anchor before and its comment after it. */
export function rangeOf(node: unknown): [from: number, to: number] {
  if (!isNode(node) || !node.range) throw new UnspliceableError('a node without a place');
  return [node.range[0], node.range[1]];
}

/** Where the last word of a node or pair ends. (A block collection's own range takes in the comments after it.) */
export function contentEnd(node: unknown): number {
  if (isPair(node)) {
    const keyEnd = rangeOf(node.key)[1];
    if (!isNode(node.value)) return keyEnd;
    return isEmptyScalar(node.value) ? colonOf(node) + 1 : contentEnd(node.value);
  }
  if (isCollection(node) && node.flow !== true) {
    const last = node.items.at(-1);
    if (last !== undefined) return contentEnd(last);
  }
  return rangeOf(node)[1];
}

/** Where a pair's colon stands. */
export function colonOf(pair: unknown): number {
  const token = isPair(pair) ? pair.srcToken?.sep?.find(({ type }) => type === 'map-value-ind') : undefined;
  if (token === undefined) throw new UnspliceableError('a pair without a colon');
  return token.offset;
}

/** Where the dashes of a block list stand. */
export function dashesOf(list: YAMLSeq): number[] {
  const { srcToken } = list;
  if (srcToken?.type !== 'block-seq') throw new UnspliceableError('a list without dashes');
  return srcToken.items.flatMap((item) => {
    const dash = item.start.find(({ type }) => type === 'seq-item-ind');
    return dash === undefined ? [] : [dash.offset];
  });
}

/** A null that is written as nothing. */
export function isEmptyScalar(node: Node): boolean {
  return isScalar(node) && node.range != null && node.range[0] === node.range[1];
}
