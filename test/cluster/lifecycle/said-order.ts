/** In which order the containers of the pod `worker` said something. */
import assert from 'node:assert/strict';
import { type Namespace, when } from '../cluster.ts';

/** What containers said since their last start was said in this order. */
export async function inOrder(ns: Namespace, ...said: [container: string, text: string][]): Promise<void> {
  const times: number[] = [];
  for (const [container, text] of said) times.push(when(await ns.lines('worker', container), text));
  assert.deepEqual(
    times,
    times.toSorted((a, b) => a - b),
    said.map((words) => words.join(' ')).join(', '),
  );
}
