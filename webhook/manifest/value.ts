/** What a document's tree says, as the JSON value that kubectl makes of it. Nothing here calls itself: values may be deeper than Node's stack. */
import { isRecord, put } from '../shared/json.ts';
import { type ScalarValue, scalarValue } from './scalar.ts';
import { YamlError } from './scanner.ts';
import {
  type Alias,
  type Collection,
  DEEPEST,
  isCollection,
  type Node,
  type Scalar,
  TOO_DEEP,
} from './tree.ts';

/** How many values aliases may stand for, all in all: what kubectl's reader takes too. */
const MOST_BY_ALIAS = 400_000;
/** How many merge keys may bring each other. */
const MOST_MERGES = 1_000;

/** A collection's value that is made, and not filled yet. */
interface Hollow {
  node: Collection;
  value: unknown[] | Record<string, unknown>;
  /** Within how many collections it stands, itself included. */
  depth: number;
  /** It stands in what an alias or a merge key brings. */
  isShared: boolean;
}

/**
 * Makes values of nodes. Each call makes a value of its own: what aliases share is copied.
 */
export class Values {
  private readonly text: string;
  private readonly hollow: Hollow[] = [];
  private byAlias = 0;

  constructor(text: string) {
    this.text = text;
  }

  /** @throws {YamlError} for aliases that have no end */
  of(node: Node): unknown {
    const value = this.begin(node, 1, false);
    for (let next = this.hollow.pop(); next !== undefined; next = this.hollow.pop()) this.fill(next);
    return value;
  }

  /** A map's key as JSON has it. */
  key(node: Node): string {
    const target = node.kind === 'alias' ? node.target : node;
    if (target.kind === 'scalar') return String(this.scalar(target));
    throw new YamlError('a map or a list is no key', node.from);
  }

  /** The maps that a pair `<<` merges, the one that wins last. Undefined for any other pair. */
  merged(key: Node | undefined, value: Node): Collection[] | undefined {
    if (key?.kind !== 'scalar' || key.to - key.from !== 2 || !this.text.startsWith('<<', key.from))
      return undefined;
    const target = targetOf(value);
    const nodes = value.kind === 'list' ? value.entries.map((entry) => entry.value).reverse() : [target];
    return nodes.map((node) => {
      const map = targetOf(node);
      if (map.kind !== 'map') throw new YamlError('"<<" merges maps only', node.from);
      return map;
    });
  }

  /** A scalar's value; a collection's without what is in it. */
  private begin(node: Node, depth: number, isShared: boolean): unknown {
    if (isShared && ++this.byAlias > MOST_BY_ALIAS)
      throw new YamlError(`its aliases stand for more than ${MOST_BY_ALIAS} values`, node.from);
    if (node.kind === 'scalar') return this.scalar(node);
    if (node.kind === 'alias') return this.begin(targetOf(node), depth, true);
    if (depth > DEEPEST) throw new YamlError(TOO_DEEP, node.from);
    const value = node.kind === 'list' ? [] : {};
    this.hollow.push({ node, value, depth, isShared });
    return value;
  }

  private fill({ node, value, depth, isShared }: Hollow): void {
    if (!Array.isArray(value)) this.addPairs(value, node, depth, isShared, 0);
    else for (const entry of node.entries) value.push(this.begin(entry.value, depth + 1, isShared));
  }

  /** Pairs in their order, the last one counts: also where a merge comes last. */
  private addPairs(
    record: Record<string, unknown>,
    map: Collection,
    depth: number,
    isShared: boolean,
    merges: number,
  ): void {
    if (merges > MOST_MERGES)
      throw new YamlError(`more than ${MOST_MERGES} merge keys bring each other`, map.from);
    for (const { key, value } of map.entries) {
      const merged = this.merged(key, value);
      if (merged === undefined) {
        if (key !== undefined) put(record, this.key(key), this.begin(value, depth + 1, isShared));
      } else for (const part of merged) this.addPairs(record, part, depth, true, merges + 1);
    }
  }

  private scalar(node: Scalar): ScalarValue {
    return scalarValue(this.text, node);
  }
}

/** What an alias stands for; another node itself. */
function targetOf(node: Node): Exclude<Node, Alias> {
  let target = node;
  while (target.kind === 'alias') {
    const { from } = target;
    target = target.target;
    if (from >= target.start && from < target.to)
      throw new YamlError('an alias stands inside of what it stands for', from);
  }
  return target;
}

/** Are two values the same, their maps' order aside? */
export function isSame(one: unknown, other: unknown): boolean {
  const left = [one];
  const right = [other];
  while (left.length > 0) {
    const [a, b] = [left.pop(), right.pop()];
    if (a === b || Object.is(a, b)) continue;
    if (Array.isArray(a) && Array.isArray(b)) {
      if (a.length !== b.length) return false;
      for (const [index, item] of a.entries()) {
        left.push(item);
        right.push(b[index]);
      }
    } else if (isRecord(a) && isRecord(b)) {
      const keys = Object.keys(a);
      if (keys.length !== Object.keys(b).length) return false;
      for (const key of keys) {
        if (!Object.hasOwn(b, key)) return false;
        left.push(a[key]);
        right.push(b[key]);
      }
    } else return false;
  }
  return true;
}

/** The nodes below a node, itself included, in no order. */
export function* nodesIn(node: Node): Generator<Node> {
  const left = [node];
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    yield next;
    if (!isCollection(next)) continue;
    for (const { key, value } of next.entries) left.push(value, ...(key === undefined ? [] : [key]));
  }
}
