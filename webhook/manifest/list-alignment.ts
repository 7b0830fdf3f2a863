/**
 * Which items of a list stayed, came and went.
 */

export interface Alignment {
  /** Places of the same item before and after, in order; its content may differ. */
  kept: [was: number, is: number][];
  /** Places of new items, by the old place that they stand before (the old length: at the end). */
  inserted: { before: number; items: number[] }[];
  /** Places of old items that went. */
  removed: number[];
}

/** Beyond this, comparing every item with every other costs too much. */
const MAX_PRODUCT = 1_000_000;

/**
 * Align two lists by their items' names, or by their whole content where they have none.
 */
export function alignItems(before: readonly unknown[], after: readonly unknown[]): Alignment {
  const was = before.map(identity);
  const is = after.map(identity);
  let head = 0;
  while (head < was.length && head < is.length && was[head] === is[head]) head++;
  let tail = 0;
  while (
    tail < Math.min(was.length, is.length) - head &&
    was[was.length - 1 - tail] === is[is.length - 1 - tail]
  ) {
    tail++;
  }
  const kept: [number, number][] = [];
  for (let i = 0; i < head; i++) kept.push([i, i]);
  for (const [i, j] of commonItems(was.slice(head, was.length - tail), is.slice(head, is.length - tail))) {
    kept.push([head + i, head + j]);
  }
  for (let i = tail; i > 0; i--) kept.push([was.length - i, is.length - i]);
  const paired = pairNameless(kept, before, after);
  return { kept: paired, ...rest(paired, was.length, is.length) };
}

/** Between two items that stayed, as many old as new objects without a name are the same ones, changed. */
function pairNameless(
  kept: [number, number][],
  before: readonly unknown[],
  after: readonly unknown[],
): [number, number][] {
  const paired: [number, number][] = [];
  let i = 0;
  let j = 0;
  for (const [was, is] of [...kept, [before.length, after.length] as const]) {
    const nameless = [...before.slice(i, was), ...after.slice(j, is)].every(
      (item) => isObject(item) && !hasName(item),
    );
    if (was - i === is - j && nameless) for (let k = 0; i + k < was; k++) paired.push([i + k, j + k]);
    if (was < before.length) paired.push([was, is]);
    i = was + 1;
    j = is + 1;
  }
  return paired;
}

function rest(kept: [number, number][], wasLength: number, isLength: number) {
  const inserted: { before: number; items: number[] }[] = [];
  const removed: number[] = [];
  let i = 0;
  let j = 0;
  for (const [was, is] of [...kept, [wasLength, isLength]]) {
    if (was === undefined || is === undefined) continue;
    for (; i < was; i++) removed.push(i);
    const items: number[] = [];
    for (; j < is; j++) items.push(j);
    if (items.length > 0) inserted.push({ before: was, items });
    i = was + 1;
    j = is + 1;
  }
  return { inserted, removed };
}

function identity(item: unknown): string {
  return isObject(item) && hasName(item) ? `name ${item.name}` : `value ${JSON.stringify(item)}`;
}

function isObject(item: unknown): item is object {
  return typeof item === 'object' && item !== null;
}

function hasName(item: object): item is { name: string } {
  return 'name' in item && typeof item.name === 'string';
}

/** The longest common subsequence. */
function commonItems(was: string[], is: string[]): [number, number][] {
  if (was.length * is.length > MAX_PRODUCT) return [];
  const width = is.length + 1;
  const lengths = new Uint32Array((was.length + 1) * width);
  const at = (i: number, j: number) => lengths[i * width + j] ?? 0;
  for (let i = was.length - 1; i >= 0; i--) {
    for (let j = is.length - 1; j >= 0; j--) {
      lengths[i * width + j] = was[i] === is[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  }
  const common: [number, number][] = [];
  for (let i = 0, j = 0; i < was.length && j < is.length; ) {
    if (was[i] === is[j]) common.push([i++, j++]);
    else if (at(i + 1, j) >= at(i, j + 1)) i++;
    else j++;
  }
  return common;
}
