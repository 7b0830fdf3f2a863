/** Rule L9 beside a preStop hook that ends the sidecar's process itself and waits for it to be gone: nothing starts in between. */
import assert from 'node:assert/strict';
import { copyFileSync } from 'node:fs';
import { test } from 'node:test';
import { SIGTERM } from '../../shim/signals.ts';
import { FakePod, type PodSpec } from './fake-pod.ts';
import { ACTOR, Pod } from './pod.ts';

function job(more: Partial<PodSpec> = {}): FakePod {
  const spec: PodSpec = { mains: ['work'], sidecars: ['proxy'], restartPolicy: 'Never', preStop: ['proxy'] };
  return new FakePod({ ...spec, ...more });
}

test('L9 a sidecar whose preStop hook ended its process is not started again before its stop request', () => {
  for (const restartPolicy of ['Never', 'OnFailure', 'Always'] as const) {
    const pod = job({ restartPolicy, options: { proxy: { probed: true } } }).start();
    pod.exits('proxy', 0).pass(1_999).stop('proxy');
    assert.equal(pod.get('proxy').starts, 1, 'its liveness probe stopped it alone: nobody else knows');
    assert.equal(pod.get('proxy').up, false);
  }
});

test('L9 in the deletion the hook may take its whole time after the process has gone', () => {
  const pod = job({ sidecars: ['first', 'proxy'] }).start();
  pod.stop('work', 'first').exits('proxy', 0).exits('work', 143).pass(29_000);
  assert.equal(pod.get('proxy').starts, 1, 'the others were stopped');
  pod.stop('proxy');
  assert.deepEqual([pod.get('proxy').starts, pod.get('proxy').exitCode], [1, 0]);
  // Its hook first, then the others' stop requests.
  const late = job().start().exits('proxy', 0).pass(1_000).stop('work').pass(29_000).stop('proxy');
  assert.deepEqual([late.get('proxy').starts, late.get('proxy').exitCode], [1, 0]);
});

test('L9 where no stop request follows the process is started again: after 2 s, or a quarter of a short grace period', () => {
  for (const [grace, pause] of [
    [30_000, 2_000],
    [4_000, 1_000],
  ] as const) {
    const pod = job({ grace }).start();
    pod.exits('proxy', 1).pass(pause - 1);
    assert.equal(pod.get('proxy').running, false);
    pod.pass(1);
    assert.equal(pod.get('proxy').running, true);
    pod.exits('proxy', 1).pass(9_999);
    assert.equal(pod.get('proxy').running, false, 'the back-off is longer');
    pod.pass(1);
    assert.equal(pod.get('proxy').running, true);
  }
});

test('L9 a stop of others that was no deletion keeps nobody down for good', () => {
  // The main was stopped alone, and is started again.
  const main = job({ restartPolicy: 'OnFailure' }).start().stop('work').exits('proxy', 1).pass(5_000);
  assert.equal(main.get('proxy').running, false);
  main.exits('work', 143).start('work');
  assert.equal(main.get('proxy').running, true);
  assert.equal(main.get('work').running, true);
  // It does not come back for long: the kubelet's own back-off.
  const gone = job({ restartPolicy: 'OnFailure' }).start().stop('work').exits('proxy', 1).exits('work', 143);
  gone.pass(31_999);
  assert.equal(gone.get('proxy').running, false);
  gone.pass(1);
  assert.equal(gone.get('proxy').running, true);
  assert.deepEqual(gone.get('proxy').signals.includes(SIGTERM), false);
});

test('L9 a real hook that ends the process and waits for it: it is over with the process, and nothing starts before TERM', async (t) => {
  const pod = new Pod(t, { mains: ['m'], sidecars: ['s'], preStop: ['s'] });
  const main = pod.start('m', pod.serve('m', '12=0'));
  copyFileSync(ACTOR, `${pod.folder}/server`);
  const [, ...words] = pod.serve('s', '3=0', '15=0');
  const sidecar = pod.start('s', [`${pod.folder}/server`, ...words]);
  await pod.notes('s up');
  await pod.notes('m up');
  const namespace = ['nsenter', `--target=${await sidecar.pid()}`, '--pid', '--mount'];
  const hook = pod.begin('hook', [
    ...namespace,
    'sh',
    '-c',
    'pkill -QUIT -x server; while :; do sleep 1; done',
  ]);
  await hook.code();
  await sidecar.signal(SIGTERM);
  assert.equal(await sidecar.code(), 0, pod.story);
  await main.signal(12);
  assert.equal(await main.code(), 0);
  assert.deepEqual(
    pod.noted.filter((line) => line.startsWith('s ')),
    ['s up', 's got 3', 's ends'],
  );
});
