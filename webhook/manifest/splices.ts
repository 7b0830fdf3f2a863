/** Changes of a document as changes of its text: what stays, stays as it is written, and every comment stays. */
import { endOf, goneParts, isGone, type Part, writeOutAliases } from './aliases.ts';
import { isBreak } from './characters.ts';
import { type Edits, type Slot, UneditableError } from './edits.ts';
import { flowKey, flowStyle } from './flow-style.ts';
import { aboveComments, endBefore, lineEnd, lineStart, nextLine } from './lines.ts';
import { applySplices, type Splice } from './splice.ts';
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
import type { Collection, Entry } from './tree.ts';
import { nodesIn } from './value.ts';

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

  constructor(edits: Edits, style: BlockStyle, eol: string) {
    this.edits = edits;
    this.text = edits.text;
    this.style = style;
    this.eol = eol;
  }

  write(): Splice[] {
    const gone = goneParts(this.edits);
    writeOutAliases(this.edits, gone);
    // What stands within another comes first, where both are put at one place.
    for (const [node, slots] of [...this.edits.changed].reverse())
      if (!isGone(node, gone)) this.collection(node, slots);
    this.endLastScalar();
    return this.splices;
  }

  private collection(node: Collection, slots: Slot[]): void {
    const stays = slots.filter(({ was, moved }) => was !== undefined && !moved);
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
    if (stays.length === node.entries.length) return;
    const left = new Set(stays.map(({ was }) => was));
    const moved = new Set(slots.filter((slot) => slot.moved).map(({ was }) => was));
    let isAfterOther = false;
    for (const [index, entry] of node.entries.entries())
      if (left.has(entry)) isAfterOther = true;
      else if (moved.has(entry) && !node.flow) this.cutOut(node, entry);
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
    const to = Math.max(from, value.to);
    this.replace(from, to, text, node, bare ? [] : this.comments(from, to));
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
      const { gap } = flowStyle(this.text, node, this.eol);
      for (const text of texts) this.add(at, previous === undefined ? `${text},${gap}` : `,${gap}${text}`);
      return;
    }
    const indent = this.eol + ' '.repeat(node.column);
    for (const text of texts)
      if (previous === undefined)
        this.add(aboveComments(this.text, this.edits.tree.comments, at), text + indent);
      else this.add(lineEnd(this.text, at), indent + text);
  }

  private slotText(node: Collection, { was, key, now }: Slot): string {
    if (was !== undefined && now === undefined) return this.takeOut(node, was);
    if (node.flow) {
      const value = this.flow(now?.value, node);
      return key === undefined ? value : `${flowKey(this.text, node, key)}: ${value}`;
    }
    const text =
      key === undefined
        ? itemText(now?.value, node.column, this.style)
        : pairText(key, now?.value, node.column, this.style);
    return this.withEol(text);
  }

  /** A moved entry's text with the changes within it. */
  private takeOut(node: Collection, entry: Entry): string {
    const { from, to } = this.placeOf(node, entry);
    const isInside = (splice: Splice) => splice.from >= from && splice.to <= to;
    const inside = this.splices.filter(isInside);
    this.splices = this.splices.filter((splice) => !isInside(splice));
    return applySplices(this.text, from, to, inside);
  }

  /** What goes with a moved entry: of lines, also the comments right above it and at its end. */
  private placeOf({ flow }: Collection, entry: Entry): Part {
    const to = endOf(entry);
    if (flow) return { from: entry.from, to };
    const { comments } = this.edits.tree;
    return { from: aboveComments(this.text, comments, entry.from), to: lineEnd(this.text, to) };
  }

  /** The lines of a moved entry, with the line end before them: what is added after the list stands at the end of its last line. */
  private cutOut(node: Collection, entry: Entry): void {
    const { from, to } = this.placeOf(node, entry);
    const start = lineStart(this.text, from);
    if (start === 0 || this.text.slice(start, from).trim() !== '')
      throw new UneditableError('what shares its line cannot be cut out');
    this.splices.push({ from: endBefore(this.text, start), to, text: '' });
  }

  private removeEntry(node: Collection, index: number, isAfterOther: boolean, isMoved: boolean): void {
    const entry = node.entries[index];
    const [previous, next] = [node.entries[index - 1], node.entries[index + 1]];
    if (entry === undefined) return;
    if (node.flow) {
      const isLater = isAfterOther && previous !== undefined;
      const from = isLater ? endOf(previous) : entry.from;
      const to = isLater ? endOf(entry) : (next?.from ?? endOf(entry));
      const beside = [...this.comments(from, entry.from), ...this.comments(endOf(entry), to)];
      this.replace(from, to, '', node, isMoved ? beside : this.comments(from, to));
      return;
    }
    const start = lineStart(this.text, entry.from);
    const isFirst = this.text.slice(start, entry.from).trim() === '';
    const end = lineEnd(this.text, endOf(entry));
    const comments = this.comments(entry.from, end);
    const text = comments.map((comment) => ' '.repeat(node.column) + comment + this.eol).join('');
    if (isFirst) this.splices.push({ from: start, to: nextLine(this.text, end), text });
    else if (next !== undefined && comments.length === 0)
      this.splices.push({ from: entry.from, to: next.from, text: '' });
    else throw new UneditableError('what shares its line cannot be cut out');
  }

  /** @param comments those of what is replaced: they stand after it */
  private replace(
    from: number,
    to: number,
    text: string,
    { flow, column }: Collection,
    comments = this.comments(from, to),
  ): void {
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
    const { indent, step } = flowStyle(this.text, node, this.eol);
    return this.withEol(flowText(value, indent, step));
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
