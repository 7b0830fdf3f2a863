/** The end of a pod that is deleted, and in which order its containers said what. */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import type { V1Pod } from '@kubernetes/client-node';
import { type Line, linesOf, type Namespace, type Pod, when } from '../cluster.ts';
import { kubectl } from '../kubectl.ts';

/** Keeps a deleted pod readable until the test is over: how its containers ended stands in its status. */
const FINALIZER = 'example.com/witness';

/** Create a pod that stays readable after its deletion. */
export async function createWitnessed(t: TestContext, ns: Namespace, pod: V1Pod): Promise<void> {
  const metadata = { ...pod.metadata, finalizers: [FINALIZER] };
  await ns.create({ ...pod, metadata });
  t.after(() =>
    kubectl([
      ...['-n', ns.name, 'patch', 'pod', metadata.name ?? '', '--type=merge'],
      ...['-p', '{"metadata":{"finalizers":null}}'],
    ]),
  );
}

/** Delete a pod that createWitnessed() made, and wait for its phase at the end. */
export async function deleted(ns: Namespace, pod: string, phase: 'Succeeded' | 'Failed'): Promise<Pod> {
  await ns.kubectl('delete', 'pod', pod, '--wait=false');
  await ns.waitForPhase(pod, phase);
  return ns.pod(pod);
}

/** What containers have said and will say until they end. To be called before a deletion, which takes the logs away. */
export async function follow(
  ns: Namespace,
  pod: string,
  ...containers: string[]
): Promise<Map<string, Line[]>> {
  const texts = await Promise.all(containers.map((container) => ns.follow(pod, container)));
  return new Map(containers.map((container, index) => [container, linesOf(texts[index] ?? '')]));
}

/** What a container said, without the times. */
export function textsOf(said: Map<string, Line[]>, container: string): string[] {
  return (said.get(container) ?? []).map((line) => line.text);
}

/** That lines were printed in this order. Each is `CONTAINER: TEXT`. */
export function assertOrder(said: Map<string, Line[]>, ...expected: string[]): void {
  const times = expected.map((line) => {
    const [container = '', text = ''] = line.split(': ');
    return when(said.get(container) ?? [], text);
  });
  const sorted = times.toSorted((a, b) => a - b);
  assert.deepEqual(times, sorted, `not in this order: ${expected.join(', ')}`);
}
