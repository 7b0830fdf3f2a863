/** Operations on JSON documents (RFC 6902), those that patches of pods have. */
import { put } from './json.ts';

export type Operation =
  | { op: 'add' | 'replace'; path: string; value: unknown }
  | { op: 'remove'; path: string }
  /** `from` and `path` may be within one list: `path` counts without what is moved. */
  | { op: 'move'; from: string; path: string };

/** A key as a step of a path (RFC 6901). */
export function pathStep(key: string): string {
  return key.replaceAll('~', '~0').replaceAll('/', '~1');
}

/** A path's keys and indexes. */
export function stepsOf(path: string): string[] {
  const steps = path.split('/').slice(1);
  return path.includes('~') ? steps.map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~')) : steps;
}

type Collection = unknown[] | Record<string, unknown>;

/**
 * A document after operations in their order. The old one stays as it was; they share what no operation touches, so that nothing goes
 * through the whole of it, however deep it is.
 * @throws {Error} for a path that leads nowhere
 */
export function patched(document: unknown, operations: readonly Operation[]): unknown {
  const around = { document };
  const copies = new Set<unknown>();
  /** The collection that a path's last step is in, which may be changed. */
  const reach = (path: string): { parent: Collection; key: string } => {
    const steps = ['document', ...stepsOf(path)];
    const key = steps.pop() ?? '';
    return { parent: steps.reduce<Collection>((at, step) => changeable(at, step, copies), around), key };
  };
  for (const operation of operations) {
    const moved = operation.op === 'move' ? reach(operation.from) : undefined;
    const value = moved === undefined ? undefined : take(moved.parent, moved.key);
    const { parent, key } = reach(operation.path);
    if (operation.op === 'remove') take(parent, key);
    else if (operation.op === 'replace') set(parent, key, operation.value);
    else insert(parent, key, operation.op === 'move' ? value : operation.value);
  }
  return around.document;
}

function changeable(parent: Collection, key: string, copies: Set<unknown>): Collection {
  const value = get(parent, key);
  if (!isCollection(value)) throw new Error(`there is no list and no map at ${JSON.stringify(key)}`);
  if (copies.has(value)) return value;
  const copy = Array.isArray(value) ? [...value] : { ...value };
  copies.add(copy);
  set(parent, key, copy);
  return copy;
}

function isCollection(value: unknown): value is Collection {
  return typeof value === 'object' && value !== null;
}

function get(parent: Collection, key: string): unknown {
  if (Array.isArray(parent)) return parent[Number(key)];
  return Object.hasOwn(parent, key) ? parent[key] : undefined;
}

function set(parent: Collection, key: string, value: unknown): void {
  if (Array.isArray(parent)) parent[Number(key)] = value;
  else put(parent, key, value);
}

function insert(parent: Collection, key: string, value: unknown): void {
  if (!Array.isArray(parent)) put(parent, key, value);
  else parent.splice(key === '-' ? parent.length : Number(key), 0, value);
}

function take(parent: Collection, key: string): unknown {
  if (Array.isArray(parent)) return parent.splice(Number(key), 1)[0];
  const value = get(parent, key);
  delete parent[key];
  return value;
}
