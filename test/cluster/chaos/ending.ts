/** Assertions on how a pod must end after any fault. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { TestContext } from 'node:test';
import { exitCodes, type Line, type Namespace, type Pod } from '../cluster.ts';
import { PATIENCE, until } from '../kubectl.ts';
import { processesOf } from '../node/local.ts';
import type { Store } from './store.ts';

/** One watch of a namespace's pods, shared by all that wait for the end of one. */
export class Phases {
  private readonly seen = new Map<string, string>();
  private readonly watch: ChildProcess;

  constructor(t: TestContext, ns: Namespace) {
    const output = 'jsonpath={.metadata.name} {.status.phase}{"\\n"}';
    const args = ['-n', ns.name, 'get', 'pods', '--watch', '-o', output];
    const watch = spawn(process.env.KUBECTL ?? 'kubectl', args, { stdio: ['ignore', 'pipe', 'inherit'] });
    this.watch = watch;
    createInterface({ input: watch.stdout }).on('line', (line) => {
      const [pod = '', phase = ''] = line.split(' ');
      this.seen.set(pod, phase);
    });
    t.after(() => watch.kill());
  }

  /** Whether a pod has succeeded or failed. */
  hasEnded(pod: string): boolean {
    assert.equal(this.watch.exitCode, null, 'the watch has ended');
    return /^(Succeeded|Failed)$/.test(this.seen.get(pod) ?? '');
  }

  async end(pod: string, patience = PATIENCE): Promise<void> {
    await until(`the end of ${pod}`, () => this.hasEnded(pod) || undefined, patience);
  }
}

/** The names and roles of a pod's containers. */
export interface Roles {
  mains: string[];
  /** In start order. */
  sidecars: string[];
}

/** The output of each container's last start. */
export async function linesOf(ns: Namespace, pod: string, roles: Roles): Promise<Map<string, Line[]>> {
  const lines = new Map<string, Line[]>();
  for (const name of [...roles.mains, ...roles.sidecars]) lines.set(name, await ns.lines(pod, name));
  return lines;
}

/** No sidecar was told to end before the mains' last line, or before the sidecars that started after it. */
export function assertOrder(lines: ReadonlyMap<string, Line[]>, roles: Roles): void {
  for (const [index, sidecar] of roles.sidecars.entries()) {
    const told = lines.get(sidecar)?.find((line) => line.text === 'got TERM');
    if (told === undefined) continue;
    for (const other of [...roles.mains, ...roles.sidecars.slice(index + 1)]) {
      const last = lines.get(other)?.at(-1);
      assert.ok(
        last === undefined || last.at <= told.at,
        `${sidecar} was told to end before "${last?.text}" of ${other}`,
      );
    }
  }
}

/** No process of a pod that has ended is left on the node, not even its sandbox's. */
export async function assertGone(pod: Pod): Promise<void> {
  await until(`the end of all processes of ${pod.metadata.name}`, () =>
    processesOf(pod.metadata.uid).length === 0 ? true : undefined,
  );
}

/**
 * Wait for a pod's end and check it: the phase, each container's last code, the order of ends, all sidecars' data complete, nothing
 * left on the node.
 */
export async function assertEnds(
  ns: Namespace,
  name: string,
  roles: Roles,
  expected: { phase: 'Succeeded' | 'Failed'; codes: Record<string, number>; store?: Store },
): Promise<Pod> {
  await ns.waitForPhase(name, expected.phase);
  const pod = await ns.pod(name);
  assert.deepEqual(exitCodes(pod), expected.codes);
  if (expected.store !== undefined) {
    for (const sidecar of roles.sidecars)
      assert.equal(expected.store.of(sidecar), 'whole', `the data of ${sidecar}`);
  }
  assertOrder(await linesOf(ns, name, roles), roles);
  await assertGone(pod);
  return pod;
}
