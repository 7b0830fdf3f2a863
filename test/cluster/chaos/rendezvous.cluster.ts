/** Faults of the rendezvous: full, read-only, without inotify events, and a user without inotify instances. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdirSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import type { V1PodSpec } from '@kubernetes/client-node';
import { Namespace, when } from '../cluster.ts';
import { kubectl, until } from '../kubectl.ts';
import { pod, sidecars, steps } from '../manifests.ts';
import { emptyDirOf, shimOf } from '../node/local.ts';
import { assertEnds } from './ending.ts';
import { Store } from './store.ts';

const ROLES = { mains: ['main'], sidecars: ['proxy', 'mesh'] };
const annotations = sidecars('proxy', 'mesh');
const STATE = process.env.STATE ?? '';

/**
 * Mount a small file system as the rendezvous, after curfew-install has prepared it and before the containers mount it. An init
 * container of the pod waits for that.
 */
async function smallRendezvous(
  t: TestContext,
  name: string,
  code: number,
  restartPolicy: 'Never' | 'OnFailure' = 'Never',
) {
  const ns = await Namespace.make(t, name);
  const store = new Store(name);
  const main = store.steps('main', `say working await /store/go say done exit ${code}`);
  const initContainers = [store.steps('hold', 'say holding await /store/hold')];
  const spec = { restartPolicy, initContainers, volumes: [store.volume] };
  await ns.create(pod('worker', [main, store.keeper('proxy'), store.keeper('mesh')], { annotations, spec }));
  await ns.said('worker', 'hold', 'holding');
  const folder = emptyDirOf((await ns.pod('worker')).metadata.uid, 'curfew-run');
  const copy = join(STATE, 'store', `${ns.name}-rendezvous`);
  execFileSync('cp', ['-a', folder, copy]);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k,mode=777', 'tmpfs', folder]);
  t.after(() => execFileSync('sh', ['-c', 'umount -l "$1" 2>/dev/null || true', '-', folder]));
  execFileSync('cp', ['-a', `${copy}/.`, folder]);
  return { ns, store, folder };
}

function fill(folder: string): void {
  assert.throws(() => {
    for (;;) appendFileSync(join(folder, 'filler'), Buffer.alloc(4_096));
  }, /ENOSPC/);
}

function makeReadOnly(folder: string): void {
  execFileSync('mount', ['-o', 'remount,ro', folder]);
}

const kept = (store: Store, main: number) => ({
  phase: main === 0 ? ('Succeeded' as const) : ('Failed' as const),
  codes: { main, proxy: 0, mesh: 0 },
  store,
});

/**
 * A pod whose first sidecar starts last, and is ready when the store holds `go`. The other sidecar must notice that, and the main
 * must notice both.
 */
function held(store: Store, spec: Partial<V1PodSpec>) {
  const main = store.steps('main', 'say working sleep 1 say done exit 0');
  const proxy = store.keeper('proxy', {}, 'await /store/go listen 7001');
  const readiness = { 'ready.curfew.dev/proxy': 'tcp://:7001' };
  return pod('worker', [main, store.keeper('mesh'), proxy], {
    annotations: { ...annotations, ...readiness },
    spec,
  });
}

/** The watches of each inotify instance that the shim of a container has. */
async function watchesOf(ns: Namespace, container: string): Promise<number[]> {
  const { pid } = shimOf((await ns.pod('worker')).metadata.uid, container)?.shim ?? {};
  assert.ok(pid !== undefined, `${container} has no shim`);
  return readdirSync(`/proc/${pid}/fd`)
    .filter((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`) === 'anon_inode:inotify')
    .map((fd) => readFileSync(`/proc/${pid}/fdinfo/${fd}`, 'utf8').match(/^inotify /gm)?.length ?? 0);
}

describe('rendezvous', { concurrency: 4 }, () => {
  test('L17 full from the start: the reserved space is enough', async (t) => {
    const { ns, store, folder } = await smallRendezvous(t, 'full', 0, 'OnFailure');
    fill(folder);
    store.touch('hold');
    for (const name of ROLES.sidecars) await ns.said('worker', name, 'up');
    store.touch('go');
    await assertEnds(ns, 'worker', ROLES, kept(store, 0));
  });

  test('L17 full while the main works: its code is not lost', async (t) => {
    const { ns, store, folder } = await smallRendezvous(t, 'fills', 5);
    store.touch('hold');
    await ns.said('worker', 'main', 'working');
    fill(folder);
    store.touch('go');
    await assertEnds(ns, 'worker', ROLES, kept(store, 5));
  });

  test('L17 read-only from the start: no command runs, all report why, and the pod fails', async (t) => {
    const { ns, store, folder } = await smallRendezvous(t, 'read-only', 0);
    makeReadOnly(folder);
    store.touch('hold', 'go');
    const codes = { main: 125, proxy: 125, mesh: 125 };
    await assertEnds(ns, 'worker', ROLES, { phase: 'Failed', codes });
    for (const name of Object.keys(codes)) {
      assert.match(await ns.log('worker', name), /^curfew: cannot .*read-only file system$/m);
      assert.deepEqual(await ns.lines('worker', name), []);
    }
  });

  test('L17 read-only while the main works: its end is noticed', async (t) => {
    const { ns, store, folder } = await smallRendezvous(t, 'goes-read-only', 0, 'OnFailure');
    store.touch('hold');
    await ns.said('worker', 'main', 'working');
    makeReadOnly(folder);
    store.touch('go');
    await assertEnds(ns, 'worker', ROLES, kept(store, 0));
  });

  test('L16 a file system without inotify events: the shims poll', async (t) => {
    // All local file systems have events, so inotify_add_watch is replaced by one that does nothing and succeeds.
    const syscalls = [{ names: ['inotify_add_watch'], action: 'SCMP_ACT_ERRNO', errnoRet: 0 }];
    // The kubelet's own folder, and the one that old kubelets use with any root.
    for (const root of [join(STATE, 'kubelet'), '/var/lib/kubelet']) {
      mkdirSync(join(root, 'seccomp'), { recursive: true });
      const profile = JSON.stringify({ defaultAction: 'SCMP_ACT_ALLOW', syscalls });
      writeFileSync(join(root, 'seccomp', 'silent.json'), profile);
    }
    const ns = await Namespace.make(t, 'silent');
    const store = new Store('silent');
    const seccompProfile = { type: 'Localhost', localhostProfile: 'silent.json' };
    const spec = { securityContext: { seccompProfile }, volumes: [store.volume] };
    await ns.create(held(store, spec));
    await until('the main waits', async () => {
      const log = await kubectl(['-n', ns.name, 'logs', 'worker', '-c', 'main']);
      return log.stdout.includes('(10 s)') || undefined;
    });
    // Each shim has an inotify instance that gets no events.
    for (const name of ['main', 'mesh', 'proxy']) assert.deepEqual(await watchesOf(ns, name), [0], name);
    store.touch('go');
    await assertEnds(ns, 'worker', ROLES, kept(store, 0));
    const ready = when(await ns.lines('worker', 'proxy'), 'listening');
    t.diagnostic(`seen after ${when(await ns.lines('worker', 'main'), 'working') - ready} ms`);
  });

  test('L16 a user without a free inotify instance: each shim polls twice a second, and reports that once', async (t) => {
    const ns = await Namespace.make(t, 'instances');
    const store = new Store('instances');
    // The limit is for one user on one node, and no other pod of this cluster has this user.
    const securityContext = { runAsUser: 4_321, runAsGroup: 4_321 };
    await ns.create(pod('taker', [steps('taker', 'instances wait')], { spec: { securityContext } }));
    await ns.said('taker', 'taker', 'took all');
    const spec = { securityContext, volumes: [store.volume] };
    await ns.create(held(store, spec));
    const refusals = async (name: string) => {
      const log = await kubectl(['-n', ns.name, 'logs', 'worker', '-c', name]);
      return log.stdout.match(/^curfew: cannot watch .*$/gm)?.length;
    };
    for (const name of ['main', 'mesh', 'proxy']) await until(`${name} is refused one`, () => refusals(name));
    store.touch('go');
    await assertEnds(ns, 'worker', ROLES, kept(store, 0));
    for (const name of ['main', 'mesh', 'proxy']) assert.equal(await refusals(name), 1);
  });
});
