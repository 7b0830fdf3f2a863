/** Changes of a document as changes of its text: what stays, stays as it is written, and every comment stays. */
import { isBreak } from './characters.ts';
import { type Edits, type Slot, UneditableError } from './edits.ts';
import {
  type BlockStyle,
  blockText,
  flowText,
  inlineText,
  isFilled,
  itemText,
  pairText,
  valueText,
} from './text.ts';
import type { Collection, Entry, Node } from './tree.ts';
import { nodesIn } from './value.ts';

/** Put `text` in the place of what stands from `from` to `to`. */
export interface Splice {
  from: number;
  to: number;
  text: string;
}

/** Apply splices that do not overlap; those at one place in their order. */
export function applySplices(text: string, from: number, to: number, splices: readonly Splice[]): string {
  let written = '';
  let at = from;
  for (const splice of splices.toSorted((left, right) => left.from - right.from)) {
    if (splice.from < at || splice.to > to) throw new UneditableError('two changes overlap');
    written += text.slice(at, splice.from) + splice.text;
    at = splice.to;
  }
  return written + text.slice(at, to);
}

/**
 * @param eol the document's line end
 * @throws {UneditableError}
 */
export function splicesOf(edits: Edits, style: BlockStyle, eol: string): Splice[] {
  return new Writer(edits, style, eol).write();
}

class Writer {
  private readonly edits: Edits;
  private readonly text: string;
  private readonly style: BlockStyle;
  private readonly eol: string;
  private splices: Splice[] = [];
  /** What does not stay. */
  private gone: { from: number; to: number }[] = [];

  constructor(edits: Edits, style: BlockStyle, eol: string) {
    this.edits = edits;
    this.text = edits.text;
    this.style = style;
    this.eol = eol;
  }

  write(): Splice[] {
    const { changed } = this.edits;
    for (const [node, slots] of changed) this.gone.push(...goneOf(node, slots));
    this.writeOutAliases();
    // What stands within another comes first, where both are put at one place.
    for (const [node, slots] of [...changed].reverse()) if (!this.isGone(node)) this.collection(node, slots);
    this.endLastScalar();
    return this.splices;
  }

  /** An alias keeps its value where what it stands for changes. */
  private writeOutAliases(): void {
    const { changed, tree, values } = this.edits;
    const parts = [...changed.keys(), ...this.gone];
    const places = tree.aliases.filter(({ alias }) => {
      const { start, to } = alias.target;
      return (
        !this.isGone(alias) &&
        parts.some((part) => part.from < to && part.to > start && (!('kind' in part) || part.from >= start))
      );
    });
    for (const { alias, entry, parent } of places) {
      const slot = this.edits.slotsOf(parent).find(({ was }) => was === entry);
      if (entry.value !== alias) throw new UneditableError('an alias that is a key');
      if (slot !== undefined) slot.now ??= { value: values.of(alias) };
    }
  }

  private isGone(node: Node): boolean {
    return this.gone.some(({ from, to }) => from <= node.from && node.from < to);
  }

  private collection(node: Collection, slots: Slot[]): void {
    const stays = slots.filter(({ was, moved }) => was !== undefined && !moved);
    const left = new Set(stays.map(({ was }) => was));
    const first = stays[0]?.was;
    if (first === undefined) {
      if (slots.length > 0) throw new UneditableError('nothing of a collection stays');
      this.replace(node.from, node.to, node.kind === 'map' ? '{}' : '[]', node);
      return;
    }
    let previous: Entry | undefined;
    for (const slot of slots) {
      if (slot.was === undefined || slot.moved) this.insert(node, slot, previous, first);
      else {
        previous = slot.was;
        this.entry(node, slot, slot.was);
      }
    }
    const moved = new Set(slots.filter((slot) => slot.moved).map(({ was }) => was));
    let isAfterOther = false;
    for (const [index, entry] of node.entries.entries())
      if (left.has(entry)) isAfterOther = true;
      else this.removeEntry(node, index, isAfterOther, moved.has(entry));
  }

  private entry(
    node: Collection,
    { key, now, bare = false }: Slot,
    { key: was, indicator, value }: Entry,
  ): void {
    if (key !== undefined && was !== undefined) {
      const quote = /["']/.exec(this.text[was.from] ?? '')?.[0] ?? '';
      this.splices.push({ from: was.from, to: was.to, text: quote + key + quote });
    }
    if (now === undefined) return;
    const from = node.flow ? value.start : indicator;
    const text = node.flow ? this.flow(now.value, node) : this.blockValue(node, now.value);
    this.replace(from, Math.max(from, value.to), text, node, !bare);
  }

  /** What follows a key's colon, or a dash. */
  private blockValue({ kind, column }: Collection, value: unknown): string {
    if (!isFilled(value)) return ` ${inlineText(value)}`;
    return this.withEol(
      kind === 'map'
        ? `\n${valueText(value, column, this.style)}`
        : ` ${blockText(value, column + 2, this.style)}`,
    );
  }

  private insert(node: Collection, slot: Slot, previous: Entry | undefined, first: Entry): void {
    const texts = slot.written ?? [this.slotText(node, slot)];
    const at = previous === undefined ? first.from : endOf(previous);
    if (node.flow) {
      const { gap } = this.layout(node);
      for (const text of texts) this.add(at, previous === undefined ? `${text},${gap}` : `,${gap}${text}`);
      return;
    }
    const indent = this.eol + ' '.repeat(node.column);
    for (const text of texts)
      if (previous === undefined) this.add(this.aboveComments(at), text + indent);
      else this.add(this.lineEnd(at), indent + text);
  }

  private slotText(node: Collection, { was, key, now }: Slot): string {
    if (was !== undefined && now === undefined) return this.takeOut(was);
    if (node.flow) {
      const value = this.flow(now?.value, node);
      return key === undefined ? value : `${this.flowKey(node, key)}: ${value}`;
    }
    const text =
      key === undefined
        ? itemText(now?.value, node.column, this.style)
        : pairText(key, now?.value, node.column, this.style);
    return this.withEol(text);
  }

  /** An entry's text with the changes within it. */
  private takeOut(entry: Entry): string {
    const [from, to] = [entry.from, endOf(entry)];
    const isInside = (splice: Splice) => splice.from >= from && splice.to <= to;
    const inside = this.splices.filter(isInside);
    this.splices = this.splices.filter((splice) => !isInside(splice));
    return applySplices(this.text, from, to, inside);
  }

  private removeEntry(node: Collection, index: number, isAfterOther: boolean, isMoved: boolean): void {
    const entry = node.entries[index];
    const [previous, next] = [node.entries[index - 1], node.entries[index + 1]];
    if (entry === undefined) return;
    if (node.flow) {
      if (isAfterOther && previous !== undefined) this.replace(endOf(previous), endOf(entry), '', node);
      else this.replace(entry.from, next?.from ?? endOf(entry), '', node);
      return;
    }
    const start = this.lineStart(entry.from);
    const isFirst = this.text.slice(start, entry.from).trim() === '';
    const end = this.lineEnd(endOf(entry));
    const after = /\r\n|[^]/y;
    after.lastIndex = end;
    const brk = after.exec(this.text)?.[0] ?? '';
    const comments = this.comments(isMoved ? endOf(entry) : entry.from, end);
    const text = comments.map((comment) => ' '.repeat(node.column) + comment + this.eol).join('');
    if (isFirst) this.splices.push({ from: start, to: end + brk.length, text });
    else if (next !== undefined && comments.length === 0)
      this.splices.push({ from: entry.from, to: next.from, text: '' });
    else throw new UneditableError('what shares its line cannot be cut out');
  }

  /** The comments of what is replaced stand after it. */
  private replace(from: number, to: number, text: string, { flow, column }: Collection, keep = true): void {
    const comments = keep ? this.comments(from, to) : [];
    const indent = this.eol + ' '.repeat(column);
    const kept = comments.map((comment) => (flow ? ` ${comment}${indent}` : indent + comment));
    this.splices.push({ from, to, text: text + kept.join('') });
  }

  private comments(from: number, to: number): string[] {
    const inside = this.edits.tree.comments.filter((comment) => comment.from >= from && comment.to <= to);
    return inside.map((comment) => this.text.slice(comment.from, comment.to));
  }

  private add(at: number, text: string): void {
    this.splices.push({ from: at, to: at, text });
  }

  private flow(value: unknown, node: Collection): string {
    const { indent, step } = this.layout(node);
    return this.withEol(flowText(value, indent, step));
  }

  private flowKey(node: Collection, key: string): string {
    const first = node.entries[0]?.key;
    const isJson = first === undefined || this.text[first.from] === '"';
    return isJson || !/^[a-zA-Z]+$/.test(key) ? JSON.stringify(key) : key;
  }

  /** How a flow collection's entries follow each other: on one line, or each on its own as in pretty-printed JSON. */
  private layout(node: Collection): { gap: string; indent: string; step: string } {
    const first = node.entries[0]?.from ?? node.from;
    const indent = this.indent(first);
    if (this.lineStart(first) === this.lineStart(node.from)) return { gap: ' ', indent: '', step: '' };
    return { gap: this.eol + indent, indent, step: indent.slice(this.indent(node.from).length) || ' ' };
  }

  private indent(offset: number): string {
    return /^[ \t]*/.exec(this.text.slice(this.lineStart(offset), offset))?.[0] ?? '';
  }

  private lineStart(offset: number): number {
    let at = offset;
    while (at > 0 && !isBreak(this.text.charCodeAt(at - 1))) at--;
    return at;
  }

  /** The end of a line, after a comment. */
  private lineEnd(offset: number): number {
    let at = offset;
    while (at < this.text.length && !isBreak(this.text.charCodeAt(at))) at++;
    return at;
  }

  /** Above the comments that stand right above an entry. */
  private aboveComments(offset: number): number {
    let at = offset;
    for (let start = this.lineStart(offset); start > 0; ) {
      if (this.text.slice(start, offset).trim() !== '' && at === offset) break;
      const line = this.lineStart(start - (this.text.startsWith('\r\n', start - 2) ? 2 : 1));
      const comment = this.edits.tree.comments.find(({ from }) => from >= line && from < start);
      if (comment === undefined || this.text.slice(line, comment.from).trim() !== '') break;
      at = comment.from;
      start = line;
    }
    return at;
  }

  private withEol(text: string): string {
    return this.eol === '\n' ? text : text.replaceAll('\n', this.eol);
  }

  /** A block scalar whose last line has no end keeps that value when lines are put after it: `|` becomes `|-`. */
  private endLastScalar(): void {
    const { end, root } = this.edits.tree;
    if (isBreak(this.text.charCodeAt(end - 1))) return;
    for (const node of nodesIn(root)) {
      if (node.kind !== 'scalar' || !node.unended) continue;
      if (!this.splices.some((splice) => splice.from >= node.to)) continue;
      const header = /^.[1-9]?([-+]?)/.exec(this.text.slice(node.from, node.from + 3))?.[0] ?? '';
      this.splices.push({
        from: node.from,
        to: node.from + header.length,
        text: `${header.replace(/[-+]/, '')}-`,
      });
    }
  }
}

/** The parts of the text that a collection gives away. */
function goneOf(node: Collection, slots: readonly Slot[]): { from: number; to: number }[] {
  const stays = new Map(slots.flatMap((slot) => (slot.was === undefined ? [] : [[slot.was, slot]])));
  return node.entries.flatMap((entry) => {
    const slot = stays.get(entry);
    if (slot === undefined) return [{ from: entry.from, to: endOf(entry) }];
    return slot.now === undefined
      ? []
      : [{ from: entry.value.start, to: Math.max(entry.value.to, entry.value.start + 1) }];
  });
}

function endOf({ key, value, indicator }: Entry): number {
  return Math.max(value.to, indicator, key?.to ?? 0);
}
