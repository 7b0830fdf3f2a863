/** Mains and sidecars that die unexpectedly. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exitCodes, Namespace, statusOf, when } from './cluster.ts';
import { touch } from './lifecycle/scratch.ts';
import { job, pod, sidecars, steps } from './manifests.ts';
import { idOf, killContainer, killPod, sandboxesOf } from './node.ts';

test('L8 a main whose whole container is killed: the sidecar ends with 0, the pod has failed', async (t) => {
  const ns = await Namespace.make(t, 'killed');
  const containers = [steps('main', 'say working wait'), steps('proxy', 'say up wait exit 143')];
  await ns.create(job('migrate', containers, { annotations: sidecars('proxy') }));
  const name = await ns.podOf('migrate');
  await ns.said(name, 'main', 'working');
  const killed = Date.now();
  await killContainer(idOf(statusOf(await ns.pod(name), 'main')));
  await ns.waitForPhase(name, 'Failed', 30_000);
  assert.deepEqual(exitCodes(await ns.pod(name)), { main: 137, proxy: 0 });
  t.diagnostic(`noticed after ${when(await ns.lines(name, 'proxy'), 'got TERM') - killed} ms`);
  await ns.waitForJob('migrate', 'failed');
});

test('L8 a main that runs out of memory: 137, and the sidecar ends with 0', async (t) => {
  const ns = await Namespace.make(t, 'memory');
  const resources = { limits: { memory: '40Mi' }, requests: { memory: '40Mi' } };
  const containers = [
    steps('main', 'say working eat 200 say survived exit 0', { resources }),
    steps('proxy', 'say up wait exit 143'),
  ];
  await ns.create(job('migrate', containers, { annotations: sidecars('proxy') }));
  const name = await ns.podOf('migrate');
  await ns.waitForPhase(name, 'Failed', 60_000);
  assert.deepEqual(exitCodes(await ns.pod(name)), { main: 137, proxy: 0 });
});

test('L9 a sidecar whose process ends is started again, and neither the kubelet nor the main notices', async (t) => {
  const ns = await Namespace.make(t, 'restart');
  const volumeMounts = [{ name: 'scratch', mountPath: '/scratch' }];
  const containers = [
    steps('main', 'say working await /scratch/again say seen exit 0', { volumeMounts }),
    steps('proxy', 'once /scratch/failed 1 touch /scratch/again wait exit 143', { volumeMounts }),
  ];
  const spec = { volumes: [{ name: 'scratch', emptyDir: {} }] };
  await ns.create(pod('worker', containers, { annotations: sidecars('proxy'), spec }));
  await ns.waitForPhase('worker', 'Succeeded');
  const finished = await ns.pod('worker');
  assert.deepEqual(exitCodes(finished), { main: 0, proxy: 0 });
  assert.equal(statusOf(finished, 'proxy')?.restartCount, 0);
  assert.match(await ns.log('worker', 'proxy'), /^curfew: .*/m);
});

test('L5 L6 two mains: the sidecar stays until the last of them has ended', async (t) => {
  const ns = await Namespace.make(t, 'two-mains');
  const containers = [
    steps('quick', 'say done exit 0'),
    steps('slow', 'say working sleep 4 say done exit 0'),
    steps('proxy', 'say up wait exit 143'),
  ];
  await ns.create(job('migrate', containers, { annotations: { 'curfew.dev/mains': 'quick, slow' } }));
  const name = await ns.podOf('migrate');
  await ns.waitForPhase(name, 'Succeeded');
  assert.deepEqual(exitCodes(await ns.pod(name)), { quick: 0, slow: 0, proxy: 0 });
  assert.ok(when(await ns.lines(name, 'slow'), 'done') <= when(await ns.lines(name, 'proxy'), 'got TERM'));
});

test('L11 a pod whose sandbox dies, as in a reboot, starts anew in the same volumes', async (t) => {
  const ns = await Namespace.make(t, 'reboot');
  const volumeMounts = [{ name: 'scratch', mountPath: '/scratch' }];
  const containers = [
    steps('main', 'say working await /scratch/go say done exit 0', { volumeMounts }),
    steps('proxy', 'sleep 1 listen 7001 wait exit 143'),
  ];
  const spec = { restartPolicy: 'OnFailure', volumes: [{ name: 'scratch', emptyDir: {} }] };
  const annotations = { ...sidecars('proxy'), 'ready.curfew.dev/proxy': 'tcp://:7001' };
  await ns.create(pod('worker', containers, { annotations, spec }));
  await ns.said('worker', 'main', 'working');
  await killPod(await ns.pod('worker'));
  for (const name of ['main', 'proxy']) {
    await ns.waitFor('pod/worker', `{.status.containerStatuses[?(@.name=="${name}")].restartCount}`, '1');
  }
  await ns.said('worker', 'main', 'working');
  const main = await ns.lines('worker', 'main');
  const proxy = await ns.lines('worker', 'proxy');
  assert.ok(when(proxy, 'listening') <= when(main, 'working'), 'a stale marker started the main');
  assert.deepEqual(proxy.at(-1)?.text, 'listening');
  await touch(ns, 'worker', 'main', '/scratch/go');
  await ns.waitForPhase('worker', 'Succeeded');
  assert.deepEqual(exitCodes(await ns.pod('worker')), { main: 0, proxy: 0 });
});

test('L11 L7 a pod whose sandbox alone dies: the kubelet stops all of it, and all of it starts anew', async (t) => {
  const ns = await Namespace.make(t, 'sandbox');
  const volumeMounts = [{ name: 'scratch', mountPath: '/scratch' }];
  const containers = [
    steps('main', 'say working until /scratch/go say done exit 0', { volumeMounts }),
    steps('proxy', 'say up wait exit 0'),
  ];
  const spec = { restartPolicy: 'OnFailure', volumes: [{ name: 'scratch', emptyDir: {} }] };
  await ns.create(pod('worker', containers, { annotations: sidecars('proxy'), spec }));
  await ns.said('worker', 'main', 'working');
  for (const id of await sandboxesOf(await ns.pod('worker'))) await killContainer(id);
  for (const name of ['main', 'proxy']) assert.equal(await ns.codeBeforeRestart('worker', name), 143);
  await ns.said('worker', 'main', 'working');
  await touch(ns, 'worker', 'main', '/scratch/go');
  await ns.waitForPhase('worker', 'Succeeded');
  assert.deepEqual(exitCodes(await ns.pod('worker')), { main: 0, proxy: 0 });
});

test('L11 a sidecar whose whole container is killed comes back beside the same main', async (t) => {
  const ns = await Namespace.make(t, 'comeback');
  const volumeMounts = [{ name: 'scratch', mountPath: '/scratch' }];
  const containers = [
    steps('main', 'say working await /scratch/go say done exit 0', { volumeMounts }),
    steps('proxy', 'say up wait exit 143'),
  ];
  const spec = { restartPolicy: 'OnFailure', volumes: [{ name: 'scratch', emptyDir: {} }] };
  await ns.create(pod('worker', containers, { annotations: sidecars('proxy'), spec }));
  await ns.said('worker', 'main', 'working');
  await killContainer(idOf(statusOf(await ns.pod('worker'), 'proxy')));
  assert.equal(await ns.codeBeforeRestart('worker', 'proxy'), 137);
  await ns.said('worker', 'proxy', 'up');
  await touch(ns, 'worker', 'main', '/scratch/go');
  await ns.waitForPhase('worker', 'Succeeded');
  const finished = await ns.pod('worker');
  assert.deepEqual(exitCodes(finished), { main: 0, proxy: 0 });
  assert.equal(statusOf(finished, 'main')?.restartCount, 0);
});
