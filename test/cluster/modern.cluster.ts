/** What a node of today does to a container, and a node of cgroup v1 or of an older Kubernetes does not. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { V1Container } from '@kubernetes/client-node';
import { exitCodes, Namespace, statusOf } from './cluster.ts';
import { until } from './kubectl.ts';
import { SCRATCH, scratch, touch } from './lifecycle/scratch.ts';
import { restarted } from './lifecycle/way.ts';
import { pod, sidecars, steps } from './manifests.ts';
import { UNIFIED_CGROUPS } from './node.ts';
import { minorVersion } from './version.ts';

const MINOR = minorVersion();
const since = (minor: number) =>
  MINOR < minor && `Kubernetes 1.${MINOR} does not have it: it is on since 1.${minor}`;
const SIDECAR = 'say up wait exit 143';
const LIMIT = { resources: { limits: { memory: '40Mi' }, requests: { memory: '40Mi' } } };
/** The kubelet sets memory.oom.group from this version on. */
const whole = UNIFIED_CGROUPS
  ? since(28)
  : 'this machine has cgroup v1: its kernel kills one process, and knows no memory.oom.group';

test('L8 memory runs out in a main: the kernel kills all of the container, the shim with it, and the sidecar ends', {
  skip: whole,
}, async (t) => {
  const ns = await Namespace.make(t, 'oom-main');
  const main = steps('main', 'say working eat 200 say survived exit 0', LIMIT);
  await ns.create(pod('worker', [main, steps('proxy', SIDECAR)], { annotations: sidecars('proxy') }));
  await ns.waitForPhase('worker', 'Failed');
  const ended = await ns.pod('worker');
  assert.deepEqual(exitCodes(ended), { main: 137, proxy: 0 });
  assert.equal(statusOf(ended, 'main')?.state.terminated?.reason, 'OOMKilled');
  // A shim that had lived would have said how its main ended.
  assert.match(await ns.log('worker', 'proxy'), /^curfew: .*main ended without a word/m);
});

test('L11 memory runs out in a sidecar: all of the container dies, and it comes back beside the same main', {
  skip: whole,
}, async (t) => {
  const ns = await Namespace.make(t, 'oom-sidecar');
  const main = scratch('main', 'say working await /scratch/go say done exit 0');
  const proxy = scratch('proxy', 'say up until /scratch/food remove /scratch/food eat 200 exit 0', LIMIT);
  const spec = { ...SCRATCH, restartPolicy: 'OnFailure' };
  await ns.create(pod('worker', [main, proxy], { annotations: sidecars('proxy'), spec }));
  await ns.said('worker', 'main', 'working');
  await touch(ns, 'worker', 'main', '/scratch/food');
  // Of a process that had died alone the kubelet would hear nothing (L9).
  const again = await restarted(ns, 'worker', 'proxy');
  assert.equal(statusOf(again, 'proxy')?.lastState.terminated?.exitCode, 137);
  await ns.said('worker', 'proxy', 'up');
  await touch(ns, 'worker', 'main', '/scratch/go');
  await ns.waitForPhase('worker', 'Succeeded');
  const ended = await ns.pod('worker');
  assert.deepEqual(exitCodes(ended), { main: 0, proxy: 0 });
  assert.equal(statusOf(ended, 'main')?.restartCount, 0);
});

/** What Pod Security's level `restricted` asks of a container. */
const RESTRICTED: Partial<V1Container> = {
  securityContext: {
    runAsNonRoot: true,
    runAsUser: 1000,
    allowPrivilegeEscalation: false,
    capabilities: { drop: ['ALL'] },
    seccompProfile: { type: 'RuntimeDefault' },
  },
};

test('P5 L6 in a namespace that admits only restricted pods, under the runtime’s own seccomp profile', {
  skip: since(25),
}, async (t) => {
  const labels = {
    'curfew.dev/injection': 'enabled',
    'pod-security.kubernetes.io/enforce': 'restricted',
  };
  const ns = await Namespace.make(t, 'restricted', labels);
  const containers = [
    scratch('main', 'say working once /scratch/failed 3 say done exit 0', RESTRICTED),
    scratch('proxy', SIDECAR, RESTRICTED),
  ];
  const spec = { ...SCRATCH, restartPolicy: 'OnFailure' };
  await ns.create(pod('worker', containers, { annotations: sidecars('proxy'), spec }));
  await ns.waitForPhase('worker', 'Succeeded');
  const ended = await ns.pod('worker');
  assert.deepEqual(exitCodes(ended), { main: 0, proxy: 0 });
  assert.equal(statusOf(ended, 'main')?.restartCount, 1);
  assert.equal(statusOf(ended, 'proxy')?.restartCount, 0);
  const proxy = (await ns.lines('worker', 'proxy')).map(({ text }) => text);
  assert.deepEqual(proxy, ['up', 'got TERM']);
});

test('L6 the resources of a sidecar and of a main are changed while they run, and nobody is restarted', {
  skip: since(33),
}, async (t) => {
  const ns = await Namespace.make(t, 'resize');
  const before = { limits: { cpu: '200m', memory: '40Mi' }, requests: { cpu: '10m', memory: '20Mi' } };
  const containers = [
    scratch('main', 'say working await /scratch/go say done exit 0', { resources: before }),
    scratch('proxy', SIDECAR, { resources: before }),
  ];
  await ns.create(pod('worker', containers, { annotations: sidecars('proxy'), spec: SCRATCH }));
  await ns.said('worker', 'main', 'working');
  const after = { limits: { cpu: '300m', memory: '64Mi' }, requests: { cpu: '20m', memory: '30Mi' } };
  const patch = { spec: { containers: ['main', 'proxy'].map((name) => ({ name, resources: after })) } };
  await ns.kubectl('patch', 'pod', 'worker', '--subresource=resize', '--patch', JSON.stringify(patch));
  await until('both containers have their new resources', async () => {
    const path = '{.status.containerStatuses[*].resources.limits.memory}';
    return (await ns.kubectl('get', 'pod', 'worker', '-o', `jsonpath=${path}`)) === '64Mi 64Mi' || undefined;
  });
  await touch(ns, 'worker', 'main', '/scratch/go');
  await ns.waitForPhase('worker', 'Succeeded');
  const ended = await ns.pod('worker');
  assert.deepEqual(exitCodes(ended), { main: 0, proxy: 0 });
  for (const name of ['main', 'proxy']) assert.equal(statusOf(ended, name)?.restartCount, 0, name);
  const proxy = (await ns.lines('worker', 'proxy')).map(({ text }) => text);
  assert.deepEqual(proxy, ['up', 'got TERM']);
});
