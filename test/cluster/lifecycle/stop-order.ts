/** The end of a pod that is deleted: its codes, and what its containers said until then. */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import type { V1Pod } from '@kubernetes/client-node';
import { z } from 'zod';
import { type Line, linesOf, type Namespace, statusOf } from '../cluster.ts';
import { kubectl, until } from '../kubectl.ts';
import { idOf } from '../node.ts';
import { minorVersion } from '../version.ts';
import { watchExits } from './exit-watch.ts';

const EVENTS = z.object({
  items: z.array(
    z.object({
      involvedObject: z.object({ fieldPath: z.string().optional() }),
      count: z.int().nullable().optional(),
    }),
  ),
});

/** From this minor version on the kubelet reports how a deleted pod ended before it takes the containers away (KEP-3329). */
const REPORTS_SINCE = 27;
const REPORTS = minorVersion() >= REPORTS_SINCE;
/** Keeps a deleted pod readable until the test is over. */
const FINALIZER = 'example.com/witness';

/** Create a pod that stays readable after its deletion, where the kubelet writes down how it ended. */
export async function createWitnessed(t: TestContext, ns: Namespace, pod: V1Pod): Promise<void> {
  if (!REPORTS) return ns.create(pod);
  const metadata = { ...pod.metadata, finalizers: [FINALIZER] };
  await ns.create({ ...pod, metadata });
  t.after(() =>
    kubectl([
      ...['-n', ns.name, 'patch', 'pod', metadata.name ?? '', '--type=merge'],
      ...['-p', '{"metadata":{"finalizers":null}}'],
    ]),
  );
}

/**
 * Delete a pod that createWitnessed() made, and hold its end against a phase. Where the kubelet does not report it, the phase
 * is what the codes make of a pod of ordinary containers whose restartPolicy is Never.
 * @returns the exit codes of containers, which must be running
 */
export async function deleted(
  t: TestContext,
  ns: Namespace,
  pod: string,
  phase: 'Succeeded' | 'Failed',
  ...containers: string[]
): Promise<number[]> {
  const ids = await until(`all containers of ${pod} run`, async () => {
    const found = await ns.pod(pod);
    const all = containers.map((name) => statusOf(found, name));
    return all.every((status) => status?.state.running !== undefined) ? all.map(idOf) : undefined;
  });
  const [main = ''] = containers;
  const codeOf = await watchExits(t, () =>
    kubectl(['-n', ns.name, 'exec', pod, '-c', main, '--', '/steps', 'exit', '0']),
  );
  await ns.kubectl('delete', 'pod', pod, '--wait=false');
  const codes = await Promise.all(ids.map(codeOf));
  if (REPORTS) await ns.waitForPhase(pod, phase);
  else assert.equal(codes.every((code) => code === 0) ? 'Succeeded' : 'Failed', phase, `codes ${codes}`);
  return codes;
}

/** How often the kubelet has started a container, by its events, which outlive the pod. */
export async function startsOf(ns: Namespace, pod: string, container: string): Promise<number> {
  const started = `involvedObject.name=${pod},reason=Started`;
  const events = EVENTS.parse(
    JSON.parse(await ns.kubectl('get', 'events', `--field-selector=${started}`, '-o', 'json')),
  );
  const own = events.items.filter(({ involvedObject }) =>
    involvedObject.fieldPath?.endsWith(`{${container}}`),
  );
  return own.reduce((sum, { count }) => sum + (count ?? 1), 0);
}

/** The containers' output until they end. Call it before a deletion, which removes the logs. */
export async function follow(
  ns: Namespace,
  pod: string,
  ...containers: string[]
): Promise<Map<string, Line[]>> {
  const texts = await Promise.all(containers.map((container) => ns.follow(pod, container)));
  return new Map(containers.map((container, index) => [container, linesOf(texts[index] ?? '')]));
}

/** A container's output without the times. */
export function textsOf(said: Map<string, Line[]>, container: string): string[] {
  return (said.get(container) ?? []).map((line) => line.text);
}
