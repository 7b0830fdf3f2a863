/** The promise itself: a Job with a sidecar that never ends by itself completes, and without Curfew it does not. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exitCodes, Namespace, statusOf } from './cluster.ts';
import { SLOWNESS } from './kubectl.ts';
import { touch } from './lifecycle/scratch.ts';
import { job, sidecars, steps } from './manifests.ts';

const MAIN = 'say working say done exit 0';
/** It ends with 143, which would fail the Job. */
const SIDECAR = 'say up tick exit 143';

for (const restartPolicy of ['Never', 'OnFailure']) {
  test(`without Curfew a Job with a sidecar hangs (restartPolicy ${restartPolicy})`, async (t) => {
    const ns = await Namespace.make(t, 'plain', {});
    const containers = [steps('main', MAIN), steps('proxy', SIDECAR)];
    await ns.create(job('migrate', containers, { annotations: sidecars('proxy'), spec: { restartPolicy } }));
    const pod = await ns.podOf('migrate');
    assert.equal((await ns.exit(pod, 'main')).state.terminated?.exitCode, 0);
    // The sidecar prints five more lines, a second apart, after the main's end.
    const ticks = (await ns.lines(pod, 'proxy')).filter((line) => line.text === 'tick').length;
    await ns.said(pod, 'proxy', 'tick', ticks + 5);
    assert.equal((await ns.pod(pod)).status.phase, 'Running');
    assert.deepEqual(await ns.job('migrate'), { succeeded: 0, failed: 0, active: 1 });
  });

  test(`L6 L7 P8 the same Job completes with Curfew (restartPolicy ${restartPolicy})`, async (t) => {
    const ns = await Namespace.make(t, 'complete');
    const containers = [steps('main', MAIN), steps('proxy', SIDECAR)];
    await ns.create(job('migrate', containers, { annotations: sidecars('proxy'), spec: { restartPolicy } }));
    const name = await ns.podOf('migrate');
    await ns.waitForJob('migrate');
    const pod = await ns.pod(name);
    assert.equal(pod.status.phase, 'Succeeded');
    assert.deepEqual(exitCodes(pod), { main: 0, proxy: 0 });
    assert.equal(statusOf(pod, 'proxy')?.restartCount, 0);
    const proxy = await ns.lines(name, 'proxy');
    assert.equal(proxy.at(-1)?.text, 'got TERM');
    // A normal run adds no line of Curfew to the main's output. A slow node starts the sidecar so late that there is one.
    const late = SLOWNESS > 1 ? /^(?:curfew: waiting for sidecar proxy .*\n)?/ : /^/;
    assert.match((await ns.log(name, 'main')).replace(late, ''), /^\d+ working\n\d+ done\n$/);
  });
}

test('L5 L9 under OnFailure a main that failed is tried again beside the same sidecar', async (t) => {
  const ns = await Namespace.make(t, 'retry');
  const scratch = [{ name: 'scratch', mountPath: '/scratch' }];
  const containers = [
    steps('main', 'once /scratch/failed 7 say retried await /scratch/go exit 0', { volumeMounts: scratch }),
    steps('proxy', SIDECAR),
  ];
  const spec = { restartPolicy: 'OnFailure', volumes: [{ name: 'scratch', emptyDir: {} }] };
  // The Job counts the kubelet's restarts too.
  await ns.create(job('migrate', containers, { annotations: sidecars('proxy'), spec, backoffLimit: 6 }));
  const name = await ns.podOf('migrate');
  assert.equal(await ns.codeBeforeRestart(name, 'main'), 7);
  await touch(ns, name, 'main', '/scratch/go');
  await ns.waitForPhase(name, 'Succeeded');
  const pod = await ns.pod(name);
  assert.deepEqual(exitCodes(pod), { main: 0, proxy: 0 });
  assert.equal(statusOf(pod, 'main')?.restartCount, 1);
  assert.equal(statusOf(pod, 'proxy')?.restartCount, 0);
  const proxy = (await ns.lines(name, 'proxy')).map((line) => line.text);
  assert.equal(proxy.filter((text) => text === 'up').length, 1);
  assert.equal(proxy.filter((text) => text === 'got TERM').length, 1);
  await ns.waitForJob('migrate');
});

test('L5 L7 under Never a main that fails ends the pod with its own code', async (t) => {
  const ns = await Namespace.make(t, 'fail');
  const containers = [steps('main', 'say failing exit 3'), steps('proxy', SIDECAR)];
  await ns.create(job('migrate', containers, { annotations: sidecars('proxy') }));
  const name = await ns.podOf('migrate');
  await ns.waitForPhase(name, 'Failed');
  assert.deepEqual(exitCodes(await ns.pod(name)), { main: 3, proxy: 0 });
  await ns.waitForJob('migrate', 'failed');
});
