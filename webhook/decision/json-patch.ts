/** RFC 6902 operations that make one member or list read as it must; none where it reads so already. */

import { isRecord, type JsonRecord } from '../shared/json.ts';
import { type Operation, pathStep } from '../shared/operations.ts';
import type { PodView } from './pod.ts';

/** Make annotations read so; undefined: absent. */
export function putAnnotations(
  operations: Operation[],
  { metadata, annotations }: Pick<PodView, 'metadata' | 'annotations'>,
  wanted: Readonly<Record<string, unknown>>,
): void {
  const entries = Object.entries(wanted);
  if (annotations === undefined) {
    const value = Object.fromEntries(entries.filter(([, text]) => text !== undefined));
    if (Object.keys(value).length === 0) return;
    if (metadata === undefined)
      operations.push({ op: 'add', path: '/metadata', value: { annotations: value } });
    else operations.push({ op: 'add', path: '/metadata/annotations', value });
    return;
  }
  for (const [key, value] of entries) {
    const path = `/metadata/annotations/${pathStep(key)}`;
    const present = Object.hasOwn(annotations, key) ? (annotations[key] ?? undefined) : undefined;
    if (value === present) continue;
    operations.push(value === undefined ? { op: 'remove', path } : { op: 'add', path, value });
  }
}

/** Append to a list that may not be there. */
export function append(
  operations: Operation[],
  path: string,
  list: unknown,
  items: readonly unknown[],
): void {
  if (items.length === 0) return;
  if (!Array.isArray(list)) operations.push({ op: 'add', path, value: items });
  else for (const value of items) operations.push({ op: 'add', path: `${path}/-`, value });
}

/** Set a member that may not be there; nothing where it reads so already. */
export function putMember(
  operations: Operation[],
  path: string,
  record: JsonRecord,
  key: string,
  value: unknown,
): void {
  // Not `member`: a null is there and can be replaced.
  const present = Object.hasOwn(record, key) ? record[key] : undefined;
  if (present === undefined) operations.push({ op: 'add', path: `${path}/${key}`, value });
  else if (!isSameJson(present, value)) operations.push({ op: 'replace', path: `${path}/${key}`, value });
}

/** Set a member, or remove it where its value is undefined. */
export function putOrRemove(
  operations: Operation[],
  path: string,
  record: JsonRecord,
  key: string,
  value: unknown,
): void {
  if (value !== undefined) putMember(operations, path, record, key, value);
  else if (Object.hasOwn(record, key) && record[key] !== undefined)
    operations.push({ op: 'remove', path: `${path}/${key}` });
}

/** Move the items of a list. @param from names, as they stand @param to the same names, as they must stand */
export function moveItems(
  operations: Operation[],
  path: string,
  from: readonly string[],
  to: readonly string[],
): void {
  const now = [...from];
  to.forEach((name, i) => {
    const at = now.indexOf(name);
    if (at === i) return;
    operations.push({ op: 'move', from: `${path}/${at}`, path: `${path}/${i}` });
    now.splice(i, 0, ...now.splice(at, 1));
  });
}

/** Remove items from the last to the first, so that indexes stay true; the list itself when nothing is left. */
export function removeItems<T extends { index: number }>(
  operations: Operation[],
  path: string,
  key: string,
  items: readonly T[],
  isOurs: (item: T) => boolean,
): void {
  const gone = items.filter(isOurs);
  if (gone.length === 0) return;
  if (gone.length === items.length) operations.push({ op: 'remove', path: `${path}/${key}` });
  else
    for (const { index } of gone.reverse())
      operations.push({ op: 'remove', path: `${path}/${key}/${index}` });
}

/** Equal as JSON. Only ever called with one side of our own making, so the depth is ours. */
export function isSameJson(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (Array.isArray(a) && Array.isArray(b))
    return a.length === b.length && a.every((item, i) => isSameJson(item, b[i]));
  if (!isRecord(a) || !isRecord(b)) return false;
  const keys = Object.keys(b);
  return (
    keys.length === Object.keys(a).length &&
    keys.every((key) => Object.hasOwn(a, key) && isSameJson(a[key], b[key]))
  );
}
