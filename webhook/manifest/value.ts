/** What a document's tree says, as the JSON value that kubectl makes of it. */
import { isRecord } from '../shared/json.ts';
import { scalarValue } from './scalar.ts';
import { YamlError } from './scanner.ts';
import { type Alias, type Collection, DEEPEST, isCollection, type Node, TOO_DEEP } from './tree.ts';

/** How many values aliases may stand for, all in all: what kubectl's reader takes too. */
const MOST_BY_ALIAS = 400_000;

/**
 * Makes values of nodes. Each call makes a value of its own: what aliases share is copied.
 */
export class Values {
  private readonly text: string;
  private readonly active = new Set<Node>();
  private byAlias = 0;
  private depth = 0;

  constructor(text: string) {
    this.text = text;
  }

  /** @throws {YamlError} for aliases that have no end */
  of(node: Node): unknown {
    if (this.active.size > 0 && ++this.byAlias > MOST_BY_ALIAS)
      throw new YamlError(`its aliases stand for more than ${MOST_BY_ALIAS} values`, node.from);
    switch (node.kind) {
      case 'scalar':
        return scalarValue(this.text, node);
      case 'alias':
        return this.ofAlias(node);
      case 'list':
        return this.items(node);
      case 'map':
        return this.fill({}, node);
    }
  }

  /** A map's key as JSON has it. */
  key(node: Node): string {
    const value = this.of(node);
    if (typeof value === 'object' && value !== null)
      throw new YamlError('a map or a list is no key', node.from);
    return String(value);
  }

  /** The maps that a pair `<<` merges, the one that wins last. Undefined for any other pair. */
  merged(key: Node | undefined, value: Node): Collection[] | undefined {
    if (key?.kind !== 'scalar' || key.to - key.from !== 2 || !this.text.startsWith('<<', key.from))
      return undefined;
    const target = value.kind === 'alias' ? value.target : value;
    const nodes = value.kind === 'list' ? value.entries.map((entry) => entry.value).reverse() : [target];
    return nodes.map((node) => {
      const map = node.kind === 'alias' ? node.target : node;
      if (map.kind !== 'map') throw new YamlError('"<<" merges maps only', node.from);
      return map;
    });
  }

  private ofAlias({ target, from }: Alias): unknown {
    if (this.active.has(target)) throw new YamlError('an alias stands inside of what it stands for', from);
    this.active.add(target);
    const value = this.of(target);
    this.active.delete(target);
    return value;
  }

  private goDeeper({ from }: Collection): void {
    this.depth++;
    if (this.depth > DEEPEST) throw new YamlError(TOO_DEEP, from);
  }

  private items(list: Collection): unknown[] {
    this.goDeeper(list);
    const items = list.entries.map(({ value }) => this.of(value));
    this.depth--;
    return items;
  }

  /** Pairs in their order, the last one counts: also where a merge comes last. */
  private fill(record: Record<string, unknown>, map: Collection): Record<string, unknown> {
    this.goDeeper(map);
    for (const { key, value } of map.entries) {
      const merged = this.merged(key, value);
      if (merged === undefined) {
        if (key !== undefined) put(record, this.key(key), this.of(value));
      } else for (const part of merged) this.merge(record, part);
    }
    this.depth--;
    return record;
  }

  private merge(record: Record<string, unknown>, map: Collection): void {
    if (this.active.has(map)) throw new YamlError('an alias stands inside of what it stands for', map.from);
    this.active.add(map);
    this.fill(record, map);
    this.active.delete(map);
  }
}

/** An own member, also where it is called `__proto__`. */
function put(record: Record<string, unknown>, key: string, value: unknown): void {
  if (key !== '__proto__') record[key] = value;
  else Object.defineProperty(record, key, { value, enumerable: true, writable: true, configurable: true });
}

/** Are two values the same, their maps' order aside? */
export function isSame(one: unknown, other: unknown): boolean {
  if (one === other || Object.is(one, other)) return true;
  if (typeof one !== 'object' || typeof other !== 'object' || one === null || other === null) return false;
  if (Array.isArray(one))
    return (
      Array.isArray(other) && one.length === other.length && one.every((item, i) => isSame(item, other[i]))
    );
  const keys = Object.keys(one);
  return (
    isRecord(one) &&
    isRecord(other) &&
    keys.length === Object.keys(other).length &&
    keys.every((key) => Object.hasOwn(other, key) && isSame(one[key], other[key]))
  );
}

/** A value that shares nothing with another. */
export function copyOf(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(copyOf);
  const copy: Record<string, unknown> = { ...value };
  for (const key of Object.keys(copy)) {
    const item = copy[key];
    if (typeof item === 'object' && item !== null) put(copy, key, copyOf(item));
  }
  return copy;
}

/** The nodes below a node, itself included. */
export function* nodesIn(node: Node): Generator<Node> {
  yield node;
  if (!isCollection(node)) return;
  for (const { key, value } of node.entries) {
    if (key !== undefined) yield* nodesIn(key);
    yield* nodesIn(value);
  }
}
