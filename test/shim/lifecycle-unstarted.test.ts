/** Rule L20: a sidecar whose command cannot be started is as visible as without Curfew. And what is said of a sidecar that ended (L2, L17). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { job, TCP, two } from './fake-job.ts';
import type { FakePod } from './fake-pod.ts';

const REASON = '"x": command not found in PATH';

/** Its command is not there. */
function notThere(pod: FakePod, name = 'proxy'): FakePod {
  return pod.send(name, { type: 'not-started', at: pod.at, code: 127, reason: REASON });
}

test('L20 where the kubelet starts it again a sidecar whose command is not there leaves that to the kubelet, however often', () => {
  for (const policy of ['OnFailure', 'Always'] as const) {
    const pod = job(policy, { options: { proxy: TCP } });
    pod.start('work');
    for (let attempt = 1; attempt <= 5; attempt++) {
      notThere(pod.start('proxy'));
      const { up, exitCode, marker } = pod.get('proxy');
      assert.deepEqual([up, exitCode, marker?.final], [false, 127, false], `${policy}, start ${attempt}`);
    }
    assert.match(
      pod.get('proxy').said.join('\n'),
      /"x": command not found in PATH\nthe command cannot be started/,
    );
    assert.equal(pod.get('proxy').why, REASON);
    assert.equal(pod.get('work').up, true);
    pod.pass(10_000);
    const words =
      'waiting for sidecar proxy (ended with code 127, to be started again by the kubelet: see its log)';
    assert.equal(pod.get('work').said[0], `${words} (10 s)`);
    pod.start('proxy').ready('proxy');
    assert.equal(pod.get('work').running, true, 'its command is there again');
  }
});

test('L20 under Never it is tried three times in all, and its main says why it cannot start', () => {
  const pod = job('Never', { options: { proxy: TCP } }).start();
  notThere(pod);
  assert.equal(pod.get('proxy').starts, 2, 'at once');
  notThere(pod);
  assert.deepEqual([pod.get('proxy').up, pod.get('proxy').marker?.phase], [true, 'resting']);
  pod.pass(9_999);
  assert.equal(pod.get('proxy').starts, 2);
  pod.pass(1);
  assert.equal(
    pod.get('work').said.join(),
    'waiting for sidecar proxy (ended with code 127, to be started again: see its log) (10 s)',
  );
  notThere(pod);
  const proxy = pod.get('proxy');
  assert.deepEqual([proxy.up, proxy.exitCode, proxy.marker?.final, proxy.why], [false, 127, true, REASON]);
  const words = 'sidecar proxy ended with code 127 and will not be started again (see its log): cannot start';
  const { exitCode, said, why } = pod.get('work');
  assert.deepEqual([exitCode, said.at(-1), why], [125, words, words]);
});

test('L20 a main that comes later than such a sidecar went says so too', () => {
  const pod = job('Never', { options: { proxy: TCP } }).start('proxy');
  notThere(notThere(pod).pass(10_000));
  notThere(pod);
  assert.equal(pod.get('proxy').up, false);
  pod.start('work');
  assert.equal(pod.get('work').exitCode, 125);
  assert.match(pod.get('work').why ?? '', /^sidecar proxy ended with code 127 and will not be started again/);
});

test('L20 L9 with a main that runs the end of the work must not be hidden: it is as one that failed', () => {
  const pod = two('OnFailure').start().killed('first').start('first');
  notThere(pod, 'first');
  assert.deepEqual([pod.get('first').up, pod.get('first').starts], [true, 3], 'in place, at once');
  notThere(pod, 'first');
  assert.equal(pod.get('first').up, false, 'the kubelet takes 10 s: its second start');
  pod.start('first');
  notThere(notThere(pod, 'first'), 'first');
  assert.equal(pod.get('first').up, true, 'the third would take 20 s');
  const never = job('Never').start().killed('proxy').start('proxy');
  for (let i = 0; i < 5; i++) notThere(never).pass(300_000);
  assert.equal(never.get('proxy').up, true);
});

test('L20 L9 one that has run in this start of the container stays as it was: in place, or left for fresh files', () => {
  const pod = job('Never', { options: { proxy: TCP } })
    .start()
    .exits('proxy', 1);
  for (let i = 0; i < 5; i++) notThere(pod).pass(300_000);
  assert.equal(pod.get('proxy').up, true);
});

test('L20 L9 a stop request that follows its preStop hook comes first: it exits as one that was stopped', () => {
  const pod = job('OnFailure', { preStop: ['proxy'], options: { proxy: TCP } }).start();
  notThere(pod);
  assert.equal(pod.get('proxy').up, true, 'its hook may still run');
  pod.stop();
  assert.deepEqual([pod.get('proxy').exitCode, pod.get('work').exitCode], [143, 143]);
});

test('L2 L17 what a main says of a sidecar that ended has its code, and where to look', () => {
  const pod = job('OnFailure', { options: { proxy: TCP } }).start();
  pod.exits('proxy', 3).exits('proxy', 4).pass(10_000);
  const words =
    'waiting for sidecar proxy (ended with code 4, to be started again by the kubelet: see its log)';
  assert.equal(pod.get('work').said[0], `${words} (10 s)`);
  const killed = job('Never', { options: { proxy: TCP } })
    .start()
    .killed('proxy');
  const gone = 'sidecar proxy was killed and will not be started again (see its log): cannot start';
  assert.deepEqual([killed.get('work').exitCode, killed.get('work').why], [125, gone]);
});

test('L21 only an end of the shim’s own doing has last words', () => {
  const timeout = job('Never', { options: { work: { startTimeout: 1_000 } } })
    .start('work')
    .pass(1_000);
  assert.equal(timeout.get('work').exitCode, 124);
  assert.equal(timeout.get('work').why, 'start-timeout: gave up waiting for sidecar proxy (not running yet)');
  const unusable = job('Never').start('proxy', 'work');
  unusable.send('work', {
    type: 'unusable',
    at: unusable.at,
    reason: 'cannot write: no space left on device',
  });
  assert.equal(unusable.get('work').why, 'cannot write: no space left on device');
  const own = job('Never').start('proxy', 'work').exits('work', 127);
  assert.deepEqual([own.get('work').exitCode, own.get('work').why], [127, undefined]);
  const unheard = job('OnFailure', { options: { proxy: TCP } }).start('proxy');
  unheard.send('proxy', { type: 'unusable', at: unheard.at, reason: 'read-only file system', running: true });
  unheard.start('work').exits('proxy', 0);
  assert.deepEqual([unheard.get('proxy').exitCode, unheard.get('proxy').why], [125, 'read-only file system']);
});
