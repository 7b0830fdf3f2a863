/**
 * Changes to a YAML or JSON document as splices of its text: what does not change stays byte for byte, comments,
 * quotes, key order, anchors and line ends with it.
 *
 * Two values are compared along the document's tree, and only the places where they differ become splices. The caller
 * reads the result back and compares: a splice that means something else than its value is never written.
 */
import { isDeepStrictEqual } from 'node:util';
import {
  type Document,
  isMap,
  isNode,
  isPair,
  isScalar,
  isSeq,
  type Node,
  type Pair,
  type YAMLMap,
  type YAMLSeq,
} from 'yaml';
import { blockStyle } from './block-style.ts';
import { colonOf, contentEnd, dashesOf, isEmptyScalar, Lines, rangeOf, UnspliceableError } from './lines.ts';
import { alignItems } from './list-alignment.ts';
import { type BlockStyle, flowText, itemText, pairText, scalarText } from './text.ts';

/** Put `text` in the place of what stands from `from` to `to`. */
export interface Splice {
  from: number;
  to: number;
  text: string;
}

/**
 * The splices that turn a document's value into another.
 * @param source the whole text, in which the document's offsets count
 * @throws {UnspliceableError}
 */
export function spliceDocument(
  source: string,
  document: Document.Parsed,
  before: unknown,
  after: unknown,
): Splice[] {
  const { contents } = document;
  if (contents === null) throw new UnspliceableError('the document is empty');
  const editor = new Editor(source, document);
  editor.change(contents, before, after, undefined);
  return editor.splices;
}

/** Apply splices that do not overlap; those at one place in their order. */
export function applySplices(source: string, splices: readonly Splice[]): string {
  let text = '';
  let at = 0;
  for (const splice of splices.toSorted((left, right) => left.from - right.from)) {
    if (splice.from < at) throw new UnspliceableError('two changes overlap');
    text += source.slice(at, splice.from) + splice.text;
    at = splice.to;
  }
  return text + source.slice(at);
}

class Editor {
  readonly splices: Splice[] = [];
  private readonly lines: Lines;
  private readonly eol: string;
  private readonly style: BlockStyle;
  private readonly root: Node | null;

  constructor(source: string, document: Document.Parsed) {
    this.lines = new Lines(source);
    this.eol = source.slice(document.range[0], document.range[2]).includes('\r\n') ? '\r\n' : '\n';
    this.style = blockStyle(document, this.lines);
    this.root = document.contents;
  }

  /** @param pair the pair of a block map whose value the node is, where it is one */
  change(node: Node, before: unknown, after: unknown, pair: Pair | undefined): void {
    if (isDeepStrictEqual(before, after)) return;
    if (this.changeWithin(node, before, after)) return;
    if (node === this.root) throw new UnspliceableError('nothing of the document stays');
    if (pair !== undefined && typeof after === 'object' && after !== null)
      this.replaceByBlock(node, after, pair);
    else this.replaceInLine(node, after, pair !== undefined);
  }

  /** @returns false where the node must be replaced as a whole */
  private changeWithin(node: Node, before: unknown, after: unknown): boolean {
    const done = this.splices.length;
    try {
      if (isMap(node) && isObject(before) && isObject(after)) this.changeMap(node, before, after);
      else if (isSeq(node) && Array.isArray(before) && Array.isArray(after))
        this.changeList(node, before, after);
      else return false;
      return true;
    } catch (error) {
      if (!(error instanceof UnspliceableError)) throw error;
      this.splices.length = done;
      return false;
    }
  }

  private changeMap(map: YAMLMap, before: Record<string, unknown>, after: Record<string, unknown>): void {
    const added: string[] = [];
    for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
      const pair = findPair(map, key);
      if (!Object.hasOwn(after, key)) {
        if (pair === undefined)
          throw new UnspliceableError(`${key} comes by a merge key and cannot be taken back`);
        this.removePair(map, pair);
      } else if (isNode(pair?.value)) {
        this.change(pair.value, before[key], after[key], map.flow === true ? undefined : pair);
      } else if (!isDeepStrictEqual(before[key], after[key])) {
        added.push(key);
      }
    }
    const last = map.items.at(-1);
    if (added.length === 0) return;
    if (last === undefined) throw new UnspliceableError('an empty map has no place for a pair');
    // A container's args are looked for under its command; everything else goes to the end.
    const command = added.includes('args') ? findPair(map, 'command') : undefined;
    if (command !== undefined) this.addPairs(map, command, ['args'], after);
    const others = command === undefined ? added : added.filter((key) => key !== 'args');
    if (others.length > 0) this.addPairs(map, last, others, after);
  }

  private addPairs(map: YAMLMap, previous: Pair, keys: string[], after: Record<string, unknown>): void {
    const place = contentEnd(previous);
    const [key] = rangeOf(previous.key);
    if (map.flow === true) {
      const { gap, indent, step } = this.flowLayout(map, key);
      const pairs = keys.map(
        (name) => `,${gap}${JSON.stringify(name)}: ${flowText(after[name], indent, step)}`,
      );
      this.splices.push({ from: place, to: place, text: this.withEol(pairs.join('')) });
      return;
    }
    const column = this.lines.column(key);
    this.insertLines(
      this.lines.after(place),
      keys.map((name) => ' '.repeat(column) + pairText(name, after[name], column, this.style)),
    );
  }

  private removePair(map: YAMLMap, pair: Pair): void {
    const [from] = rangeOf(pair.key);
    if (map.flow === true || map.items.length === 1) throw new UnspliceableError('a pair cannot be cut out');
    this.removeLines(from, contentEnd(pair));
  }

  private changeList(list: YAMLSeq, before: unknown[], after: unknown[]): void {
    const { kept, inserted, removed } = alignItems(before, after);
    if (kept.length === 0 || list.items.length !== before.length)
      throw new UnspliceableError('a list of other items');
    for (const [was, is] of kept) {
      const item = list.items[was];
      if (isNode(item)) this.change(item, before[was], after[is], undefined);
    }
    if (list.flow === true) {
      if (removed.length > 0) throw new UnspliceableError('an item of a flow list cannot be cut out');
      this.insertFlowItems(list, inserted, after);
      return;
    }
    const dashes = dashesOf(list);
    for (const was of removed) this.removeLines(dashes[was] ?? 0, contentEnd(list.items[was]));
    const [first = 0] = dashes;
    const column = this.lines.column(first);
    if (inserted.length > 0 && !this.lines.isFirst(first))
      throw new UnspliceableError('a list within a line');
    for (const { before: place, items } of inserted) {
      this.insertLines(
        place === 0 ? this.lines.aboveComments(first) : this.lines.after(contentEnd(list.items[place - 1])),
        items.map((is) => ' '.repeat(column) + itemText(after[is], column, this.style)),
      );
    }
  }

  private insertFlowItems(
    list: YAMLSeq,
    inserted: { before: number; items: number[] }[],
    after: unknown[],
  ): void {
    const [first] = rangeOf(list.items[0]);
    const { gap, indent, step } = this.flowLayout(list, first);
    for (const { before: place, items } of inserted) {
      const texts = items.map((is) => flowText(after[is], indent, step));
      const at = place === 0 ? first : contentEnd(list.items[place - 1]);
      const text = texts.map((item) => (place === 0 ? `${item},${gap}` : `,${gap}${item}`)).join('');
      this.splices.push({ from: at, to: at, text: this.withEol(text) });
    }
  }

  /** As a block under its key, in the place of whatever stood there. */
  private replaceByBlock(node: Node, after: object, pair: Pair): void {
    const colon = colonOf(pair);
    const end = isEmptyScalar(node) ? colon + 1 : contentEnd(node);
    const old = this.lines.source.slice(colon + 1, end);
    const block = pairText('k', after, this.lines.column(rangeOf(pair.key)[0]), this.style).slice(
      'k:'.length,
    );
    this.splices.push({
      from: colon + 1,
      to: end,
      text: this.withEol(block) + (old.endsWith('\n') ? this.eol : ''),
    });
  }

  /** In one line, in the place of whatever stood there. */
  private replaceInLine(node: Node, after: unknown, block: boolean): void {
    const [from] = rangeOf(node);
    const to = contentEnd(node);
    const old = this.lines.source.slice(from, to);
    if (isEmptyScalar(node)) throw new UnspliceableError('nothing stands there');
    const text = block ? scalarText(after) : this.flowLike(node, after);
    this.splices.push({ from, to, text: text + (old.endsWith('\n') ? this.eol : '') });
  }

  /** A value in a flow collection's place, over as many lines as that was written. */
  private flowLike(node: Node, after: unknown): string {
    const item = isMap(node) || isSeq(node) ? node.items[0] : undefined;
    if (item === undefined) return flowText(after);
    const { step } = this.flowLayout(node, rangeOf(isPair(item) ? item.key : item)[0]);
    const [from] = rangeOf(node);
    return this.withEol(flowText(after, this.lines.indent(from), step));
  }

  private removeLines(from: number, end: number): void {
    if (!this.lines.isFirst(from)) throw new UnspliceableError('what shares its line cannot be cut out');
    this.splices.push({ from: this.lines.start(from), to: this.lines.after(end), text: '' });
  }

  private insertLines(at: number, lines: string[]): void {
    const text = this.withEol(lines.join('\n'));
    const endless = at > 0 && this.lines.source[at - 1] !== '\n';
    this.splices.push({ from: at, to: at, text: endless ? this.eol + text : text + this.eol });
  }

  private withEol(text: string): string {
    return this.eol === '\n' ? text : text.replaceAll('\n', this.eol);
  }

  /** How a flow collection's items follow each other: on one line, or each on its own as in pretty-printed JSON. */
  private flowLayout(node: Node, firstItem: number): { gap: string; indent: string; step: number } {
    const { source } = this.lines;
    const [from] = rangeOf(node);
    if (!source.slice(from, firstItem).includes('\n')) return { gap: ' ', indent: '', step: 0 };
    const indent = this.lines.indent(firstItem);
    return { gap: `\n${indent}`, indent, step: Math.max(1, indent.length - this.lines.indent(from).length) };
  }
}

/** The last of equal keys counts. */
function findPair(map: YAMLMap, key: string): Pair | undefined {
  return map.items.findLast((item) => isScalar(item.key) && String(item.key.value) === key);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
