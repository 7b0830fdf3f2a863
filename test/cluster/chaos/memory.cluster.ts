/** A main that runs out of memory under a real limit: the process alone, and its whole control group. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { Namespace } from '../cluster.ts';
import { until } from '../kubectl.ts';
import { pod, sidecars } from '../manifests.ts';
import { processesOf, shimOf, signal } from '../node/local.ts';
import { assertEnds } from './ending.ts';
import { Store } from './store.ts';

const ROLES = { mains: ['main'], sidecars: ['proxy'] };
const LIMIT = { limits: { memory: '40Mi' }, requests: { memory: '40Mi' } };

/** A pod whose main uses more memory than its limit as soon as the store holds `go`. */
async function hungry(ns: Namespace, store: Store): Promise<string> {
  const main = store.steps('main', 'say working await /store/go eat 200 say survived exit 0');
  const containers = [{ ...main, resources: LIMIT }, store.keeper('proxy')];
  const spec = { volumes: [store.volume] };
  await ns.create(pod('worker', containers, { annotations: sidecars('proxy'), spec }));
  await ns.said('worker', 'main', 'working');
  return (await ns.pod('worker')).metadata.uid;
}

const expected = (store: Store) => ({ phase: 'Failed' as const, codes: { main: 137, proxy: 0 }, store });

describe('memory', { concurrency: true }, () => {
  test('L8 the kernel kills the process that eats: 137, and the sidecar flushes', async (t) => {
    const ns = await Namespace.make(t, 'eats');
    const store = new Store('eats');
    await hungry(ns, store);
    store.touch('go');
    await assertEnds(ns, 'worker', ROLES, expected(store));
  });

  test('L8 the whole control group dies with it, the shim at the same moment', async (t) => {
    const ns = await Namespace.make(t, 'group');
    const store = new Store('group');
    const uid = await hungry(ns, store);
    const shim = shimOf(uid, 'main')?.shim;
    // cgroup v1 has no memory.oom.group, and its kernel kills one process. It is told to kill none, and the test kills all processes
    // that are stopped for lack of memory at once. On cgroup v2 the kubelet sets memory.oom.group.
    const path = /^\d+:memory:(.*)$/m.exec(readFileSync(`/proc/${shim?.pid}/cgroup`, 'utf8'))?.[1] ?? '';
    const control = join('/sys/fs/cgroup/memory', path, 'memory.oom_control');
    if (existsSync(control)) writeFileSync(control, '1');
    store.touch('go');
    if (existsSync(control)) {
      await until('the main is stopped for lack of memory', () =>
        /^under_oom 1$/m.test(readFileSync(control, 'utf8')) ? true : undefined,
      );
      signal(processesOf(shim?.container ?? ''), 'SIGKILL');
    }
    await assertEnds(ns, 'worker', ROLES, expected(store));
  });
});
