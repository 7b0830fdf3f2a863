/** Changes of a document as changes of its text: what stays, stays as it is written, and every comment stays. */
import { endOf, goneParts, isGone, type Part, writeOutAliases } from './aliases.ts';
import { type Edits, type Slot, UneditableError } from './edits.ts';
import { flowKey, flowStyle } from './flow-style.ts';
import { aboveComments, indentOf, lineEnd, lineStart, shifted } from './lines.ts';
import { applySplices, type Splice } from './splice.ts';
import { SpliceWriter } from './splice-writer.ts';
import { type BlockStyle, scalarText } from './text.ts';
import { type Collection, type Entry, isCollection } from './tree.ts';
import { nodesIn } from './value.ts';

/**
 * @param eol the document's line end
 * @throws {UneditableError}
 */
export function splicesOf(edits: Edits, style: BlockStyle, eol: string): Splice[] {
  return new Writer(edits, style, eol).write();
}

class Writer extends SpliceWriter {
  private readonly moved: ReadonlyMap<Entry, Collection>;
  private readonly gone: readonly Part[];

  constructor(edits: Edits, style: BlockStyle, eol: string) {
    super(edits, style, eol);
    this.moved = edits.moved();
    this.gone = goneParts(edits, this.moved);
  }

  write(): Splice[] {
    writeOutAliases(this.edits, this.gone, this.moved);
    const moving = new Set([...this.moved.keys()].flatMap((entry) => this.changedIn(entry)));
    // What stands within another comes first, where both are put at one place.
    for (const node of [...this.edits.changed.keys()].reverse())
      if (node.from >= 0 && !moving.has(node)) this.collection(node);
    return this.splices;
  }

  /** What changes within an entry, the inner before the outer. */
  private changedIn({ value }: Entry): Collection[] {
    const collections = [...nodesIn(value)].filter(isCollection);
    return collections.filter((node) => this.edits.changed.has(node)).reverse();
  }

  private collection(node: Collection): void {
    if (isGone(node, this.gone)) return;
    const slots = this.edits.slotsOf(node);
    const stays = slots.filter(({ was, home }) => was !== undefined && home === undefined);
    const first = stays[0]?.was;
    if (first === undefined) {
      if (slots.length > 0) throw new UneditableError('nothing of a collection stays');
      this.replace(node.from, node.to, node.kind === 'map' ? '{}' : '[]', node);
      return;
    }
    let previous: Entry | undefined;
    for (const slot of slots) {
      if (slot.was === undefined || slot.home !== undefined) this.insert(node, slot, previous, first);
      else {
        previous = slot.was;
        this.entry(node, slot, slot.was);
      }
    }
    if (stays.length === node.entries.length) return;
    const left = new Set(stays.map(({ was }) => was));
    let isAfterOther = false;
    for (const [index, entry] of node.entries.entries())
      if (left.has(entry)) isAfterOther = true;
      else if (this.moved.has(entry) && !node.flow) this.cutOut(node, entry);
      else this.removeEntry(node, index, isAfterOther, this.moved.has(entry));
  }

  private entry(node: Collection, { key, now, list, bare = false }: Slot, entry: Entry): void {
    const { key: was, indicator, value } = entry;
    if (key !== undefined && was !== undefined) {
      const quote = /["']/.exec(this.text[was.from] ?? '')?.[0] ?? '';
      this.splices.push({ from: was.from, to: was.to, text: quote + key + quote });
    }
    if (now === undefined) return;
    const from = node.flow ? value.start : indicator;
    const to = Math.max(from, value.to);
    const text = list === undefined ? this.valueText(node, now.value) : this.listText(list, node);
    const gap = node.flow && endsWithColon(entry) ? ' ' : '';
    this.replace(from, to, gap + text, node, bare ? [] : this.comments(from, to));
  }

  private insert(node: Collection, slot: Slot, previous: Entry | undefined, first: Entry): void {
    const texts = slot.written ?? [this.slotText(node, slot)];
    const at = previous === undefined ? first.from : endOf(previous);
    if (node.flow) {
      const { gap } = flowStyle(this.text, node, this.eol);
      // Right after a colon a comma would be the key's.
      const comma = previous !== undefined && endsWithColon(previous) ? ' ,' : ',';
      for (const text of texts) this.add(at, previous === undefined ? `${text},${gap}` : comma + gap + text);
      return;
    }
    const indent = ' '.repeat(node.column);
    if (previous !== undefined)
      for (const text of texts) this.add(lineEnd(this.text, at), this.eol + indent + text);
    else {
      const above = aboveComments(this.text, this.edits.tree.comments, at);
      const start = lineStart(this.text, above);
      const isOwnLine = this.text.slice(start, above).trim() === '';
      for (const text of texts)
        if (isOwnLine) this.add(start, indent + text + this.eol);
        else this.add(at, text + this.eol + indent);
    }
  }

  private slotText(node: Collection, slot: Slot): string {
    const { was, home, key, now, list } = slot;
    if (was !== undefined && home !== undefined) return this.movedText(node, was, home, now);
    if (key !== undefined && list !== undefined)
      return `${node.flow ? flowKey(this.text, node, key) : scalarText(key)}:${this.listText(list, node)}`;
    return this.newText(node, key, now?.value);
  }

  /** What follows the key of a list that is not in the text: it is written like the one that its first item has left. */
  private listText(list: Collection, { flow }: Collection): string {
    const slots = this.edits.slotsOf(list);
    const home = slots.find((slot) => slot.home !== undefined)?.home;
    if (home === undefined || (flow && !list.flow)) throw new UneditableError('a list without a layout');
    const texts = slots.map((slot) => this.slotText(list, slot));
    if (!list.flow) return texts.map((text) => `${this.eol}${' '.repeat(list.column)}${text}`).join('');
    const { gap } = flowStyle(this.text, home, this.eol);
    const [first, last] = gap === ' ' ? ['', ''] : [gap, this.eol + indentOf(this.text, home.from)];
    return `${flow ? '' : ' '}[${first}${texts.join(`,${gap}`)}${last}]`;
  }

  private movedText(node: Collection, entry: Entry, home: Collection, now: Slot['now']): string {
    if (node.flow && !home.flow) throw new UneditableError('lines within brackets');
    if (now !== undefined) {
      const { from, to } = this.placeOf(home, entry);
      const text = this.slotText(node, { now });
      return [...this.comments(from, to), text].join(this.eol + ' '.repeat(node.column));
    }
    const text = this.takeOut(home, entry);
    if (node === home || (node.flow && home.flow)) return text;
    return home.flow ? `- ${shifted(text, home, node)}` : shifted(text, home, node);
  }

  /** A moved entry's text with the changes within it. */
  private takeOut(node: Collection, entry: Entry): string {
    const { from, to } = this.placeOf(node, entry);
    const outside = this.splices;
    this.splices = [];
    for (const within of this.changedIn(entry)) this.collection(within);
    const inside = this.splices;
    this.splices = outside;
    return applySplices(this.text, from, to, inside);
  }
}

function endsWithColon({ key, indicator, value }: Entry): boolean {
  return key !== undefined && indicator > key.to && value.to === indicator;
}
