/** The order of lines of several containers. An expected line has the form `CONTAINER: TEXT`. */
import assert from 'node:assert/strict';
import { type Line, type Namespace, when } from '../cluster.ts';

/** That these lines were printed in this order. */
export function assertOrder(said: ReadonlyMap<string, Line[]>, ...expected: string[]): void {
  const times = expected.map((line) => {
    const [container = '', text = ''] = line.split(': ');
    return when(said.get(container) ?? [], text);
  });
  const sorted = times.toSorted((a, b) => a - b);
  assert.deepEqual(times, sorted, `not in this order: ${expected.join(', ')}`);
}

/** That the containers of the pod `worker` have said this, since their last starts, in this order. */
export function inOrder(ns: Namespace, ...expected: string[]): Promise<void> {
  return inOrderOf(ns, 'worker', ...expected);
}

/** The same of any pod. */
export async function inOrderOf(ns: Namespace, pod: string, ...expected: string[]): Promise<void> {
  const said = new Map<string, Line[]>();
  for (const container of new Set(expected.map((line) => line.split(': ')[0] ?? '')))
    said.set(container, await ns.lines(pod, container));
  assertOrder(said, ...expected);
}
