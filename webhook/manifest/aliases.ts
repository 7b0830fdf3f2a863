/** What changes in a document also changes for the aliases that stand for it: those are written out, with the value that they had. */
import { type Edits, type Slot, UneditableError } from './edits.ts';
import type { Collection, Entry, Node } from './tree.ts';

/** A part of a text. */
export interface Part {
  from: number;
  to: number;
}

/** The parts of the text that give way to something else, in their order, none within another. */
export function goneParts(edits: Edits, moved: ReadonlyMap<Entry, Collection>): Part[] {
  const parts = [...edits.changed].flatMap(([node, slots]) => goneOf(node, slots, moved));
  const outer: Part[] = [];
  for (const part of parts.sort((left, right) => left.from - right.from))
    if (part.to > (outer.at(-1)?.to ?? 0)) outer.push(part);
  for (const entry of moved.keys())
    if (isGone(entry, outer)) throw new UneditableError('what moves stands in what goes');
  return outer;
}

/** @param gone in order: a List has thousands */
export function isGone({ from }: Pick<Node, 'from'>, gone: readonly Part[]): boolean {
  let [low, high] = [0, gone.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((gone[middle]?.from ?? 0) <= from) low = middle + 1;
    else high = middle;
  }
  const part = gone[low - 1];
  return part !== undefined && from < part.to;
}

/** Give a value of its own to each alias whose anchor's node changes. */
export function writeOutAliases(
  edits: Edits,
  gone: readonly Part[],
  moved: ReadonlyMap<Entry, Collection>,
): void {
  if (edits.tree.aliases.length === 0) return;
  const { changed, tree, values } = edits;
  const nodes = [...changed.keys()];
  const moves = (node: Node) => [...moved.keys()].some((entry) => isWithin(node, entry));
  const places = tree.aliases.filter(({ alias }) => {
    const { start, to } = alias.target;
    const changes =
      nodes.some(({ from }) => from >= start && from < to) ||
      gone.some((part) => part.from < to && part.to > start);
    // An anchor must stand before its aliases.
    return (changes || (moves(alias.target) && !moves(alias))) && !isGone(alias, gone);
  });
  for (const { alias, entry, parent } of places) {
    if (entry.value !== alias) throw new UneditableError('an alias that is a key');
    const slot = edits.slotsOf(parent).find(({ was }) => was === entry);
    if (slot !== undefined) slot.now ??= { value: values.of(alias) };
  }
}

function goneOf(node: Collection, slots: readonly Slot[], moved: ReadonlyMap<Entry, Collection>): Part[] {
  const stays = new Map(slots.flatMap((slot) => (slot.was === undefined ? [] : [[slot.was, slot]])));
  return node.entries.flatMap((entry) => {
    const slot = stays.get(entry);
    if (slot === undefined) return moved.has(entry) ? [] : [{ from: entry.from, to: endOf(entry) }];
    const { start, to } = entry.value;
    return slot.now === undefined ? [] : [{ from: start, to: Math.max(to, start + 1) }];
  });
}

/** Does a node stand in an entry? */
export function isWithin({ from }: Node, entry: Entry): boolean {
  return from >= entry.from && from < endOf(entry);
}

/** Where an entry's last character ends. */
export function endOf({ key, value, indicator }: Entry): number {
  return Math.max(value.to, indicator, key?.to ?? 0);
}
