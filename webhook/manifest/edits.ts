/**
 * RFC 6902 operations on a document's tree. The tree stays as it was read; what each collection holds instead is kept beside it, and
 * `splices.ts` makes changes of the text of the difference.
 */
import { isRecord } from '../shared/json.ts';
import { type Operation, patched, pathStep, stepsOf } from '../shared/operations.ts';
import { type Collection, type Entry, isCollection, type Node, type Tree } from './tree.ts';
import { isSame, Values } from './value.ts';

/** The text does not have the form that an operation needs. */
export class UneditableError extends Error {}

/** What stands at one place of a collection now. */
export interface Slot {
  /** What the text has there. */
  was?: Entry;
  /** A new pair's key, or another name for the key that is there. */
  key?: string;
  /** A value of ours, in the place of the text's. */
  now?: { value: unknown };
  /** The comments of what `now` replaces stand elsewhere. */
  bare?: boolean;
  /** Text that goes with it: a list's items as they are written elsewhere in the document. */
  written?: string[];
  /** The list that the text's entry has left, for another or for another place in it. */
  home?: Collection;
  /** A list that is not in the text, in the place of an empty `now`: what moves into it stays as it is written. */
  list?: Collection;
}

/** A document's changes. */
export class Edits {
  readonly text: string;
  readonly tree: Tree;
  readonly values: Values;
  /** What the collections hold whose own entries, or entries' entries, have changed. */
  readonly changed = new Map<Collection, Slot[]>();

  constructor(text: string, tree: Tree) {
    this.text = text;
    this.tree = tree;
    this.values = new Values(text);
  }

  /** @throws {UneditableError} */
  apply(operation: Operation): void {
    if (operation.op === 'move') this.move(operation);
    else if (operation.op === 'add' || operation.op === 'replace' || operation.op === 'remove')
      this.change(operation);
    else throw new UneditableError(operation.op);
  }

  private change(operation: Extract<Operation, { op: 'add' | 'replace' | 'remove' }>): void {
    const steps = stepsOf(operation.path);
    const last = steps.pop() ?? '';
    const place = this.reach(steps);
    if ('now' in place) {
      const path = `${place.rest}/${pathStep(last)}`;
      place.now.value = patched(place.now.value, [{ ...operation, path }]);
    } else if (operation.op === 'remove') this.remove(place.node, last);
    else this.put(place.node, last, operation.op, { value: operation.value });
  }

  /** A collection's slots, to be changed. */
  slotsOf(node: Collection): Slot[] {
    const known = this.changed.get(node);
    if (known !== undefined) return known;
    const slots = node.entries.map((was): Slot => ({ was }));
    this.changed.set(node, slots);
    return slots;
  }

  /**
   * Go along a path, through what has changed.
   * @returns a collection of the text; or a value of ours, and the rest of the path
   */
  reach(
    steps: readonly string[],
  ): { node: Collection } | { slot: Slot; now: { value: unknown }; rest: string } {
    let node = this.tree.root;
    for (const [index, step] of steps.entries()) {
      if (!isCollection(node)) throw new UneditableError('there is no collection');
      const slot = this.slotAt(node, step);
      if (slot?.list !== undefined) {
        node = slot.list;
        continue;
      }
      const value = slot?.was?.value;
      // Nothing can be put beside what an empty collection has not, nor into what others share.
      if (slot !== undefined && value !== undefined && (value.kind === 'alias' || isEmpty(value)))
        slot.now ??= { value: this.values.of(value) };
      if (slot?.now !== undefined)
        return {
          slot,
          now: slot.now,
          rest: steps
            .slice(index + 1)
            .map((part) => `/${pathStep(part)}`)
            .join(''),
        };
      if (value === undefined) throw new UneditableError(`there is no ${step}`);
      node = value;
    }
    if (!isCollection(node)) throw new UneditableError('there is no collection');
    this.slotsOf(node);
    return { node };
  }

  /** What decides a member of a map: the last pair of this key, unless a merge comes after it. */
  pairOf(map: Collection, key: string): Slot | undefined {
    let found: Slot | undefined;
    for (const slot of this.slotsOf(map)) {
      if (this.keyOf(slot) === key) found = slot;
      else if (this.mergedMember(slot, key) !== undefined) found = undefined;
    }
    return found;
  }

  /** The key as the text has it, or ours. */
  keyOf(slot: Slot): string | undefined {
    if (slot.key !== undefined) return slot.key;
    const key = slot.was?.key;
    return key === undefined ? undefined : this.values.key(key);
  }

  private slotAt(node: Collection, step: string): Slot | undefined {
    const slots = this.slotsOf(node);
    if (node.kind === 'list') return slots[Number(step)];
    const own = this.pairOf(node, step);
    if (own !== undefined) return own;
    const merged = slots
      .map((slot) => this.mergedMember(slot, step))
      .findLast((member) => member !== undefined);
    if (merged === undefined) return undefined;
    const slot = { key: step, now: { value: this.values.of(merged) } };
    this.withoutPairs(node, step).push(slot);
    return slot;
  }

  /** The member that a pair `<<` brings. */
  private mergedMember({ was }: Slot, key: string): Node | undefined {
    const maps = was === undefined ? undefined : this.values.merged(was.key, was.value);
    for (const map of maps?.toReversed() ?? [])
      for (const { key: own, value } of map.entries.toReversed()) {
        if (own !== undefined && this.values.key(own) === key) return value;
        const further = this.mergedMember({ was: { from: 0, indicator: 0, key: own, value } }, key);
        if (further !== undefined) return further;
      }
    return undefined;
  }

  private put(node: Collection, step: string, op: 'add' | 'replace', now: { value: unknown }): void {
    const slots = this.slotsOf(node);
    if (node.kind === 'map') {
      const slot = this.pairOf(node, step);
      if (slot === undefined) this.withoutPairs(node, step).push({ key: step, now });
      else slot.now = now;
    } else if (op === 'add') slots.splice(step === '-' ? slots.length : Number(step), 0, { now });
    else Object.assign(slots[Number(step)] ?? {}, { now });
  }

  private remove(node: Collection, step: string): void {
    if (node.kind === 'list') this.slotsOf(node).splice(Number(step), 1);
    else {
      const slots = this.withoutPairs(node, step);
      if (slots.some((slot) => this.mergedMember(slot, step) !== undefined))
        throw new UneditableError(`${step} comes by a merge key and cannot be taken back`);
    }
  }

  private withoutPairs(map: Collection, key: string): Slot[] {
    const slots = this.slotsOf(map).filter((slot) => this.keyOf(slot) !== key);
    this.changed.set(map, slots);
    return slots;
  }

  /** From a list into a list. */
  private move({ from, path }: { from: string; path: string }): void {
    const slot = this.take(stepsOf(from));
    const steps = stepsOf(path);
    const index = steps.pop() ?? '';
    const place = this.reach(steps);
    if ('node' in place) this.slotsOf(place.node).splice(Number(index), 0, slot);
    else if (slot.home === undefined)
      place.now.value = patched(place.now.value, [
        { op: 'add', path: `${place.rest}/${index}`, value: slot.now?.value },
      ]);
    else if (place.rest === '' && isSame(place.now.value, []))
      place.slot.list = this.newList(slot.home, slot);
    else throw new UneditableError('a move of text into a value of ours');
  }

  private take(steps: string[]): Slot {
    const index = steps.pop() ?? '';
    const place = this.reach(steps);
    if ('node' in place) {
      const [slot] = this.slotsOf(place.node).splice(Number(index), 1);
      if (slot === undefined || place.node.kind !== 'list') throw new UneditableError('no item of a list');
      if (slot.was !== undefined) slot.home ??= place.node;
      return slot;
    }
    const from = `/list${place.rest}/${index}`;
    const moved = patched({ list: place.now.value }, [{ op: 'move', from, path: '/item' }]);
    if (!isRecord(moved)) throw new UneditableError('no item of a list');
    place.now.value = moved.list;
    return { now: { value: moved.item } };
  }

  /** @param home the list that is to be written like */
  private newList({ flow, column }: Collection, slot: Slot): Collection {
    const list: Collection = { kind: 'list', flow, column, start: -1, from: -1, to: -1, entries: [] };
    this.changed.set(list, [slot]);
    return list;
  }

  /** The text's entries that have moved, each with the list that it has left. */
  moved(): Map<Entry, Collection> {
    const moved = new Map<Entry, Collection>();
    for (const slots of this.changed.values())
      for (const { was, home } of slots) if (was !== undefined && home !== undefined) moved.set(was, home);
    return moved;
  }
}

function isEmpty(node: Node): boolean {
  return isCollection(node) && node.entries.length === 0;
}
