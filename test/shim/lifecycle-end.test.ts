/** Rules L5 to L7: which ends are for good, and how the sidecars leave after the last. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isFinal } from '../../shim/lifecycle.ts';
import { SIGKILL, SIGTERM } from '../../shim/signals.ts';
import { ends, job, marker, PROBED, TCP, two } from './fake-job.ts';

const STOP_DOUBTS = [
  { policy: 'Never', code: 0, doubt: 300_000 },
  { policy: 'Never', code: 143, doubt: 300_000 },
  { policy: 'OnFailure', code: 0, doubt: 300_000 },
  { policy: 'OnFailure', code: 0, doubt: 60_000, ...PROBED },
  { policy: 'Never', code: 143, doubt: 0, ...PROBED },
] as const;

for (const { policy, code, doubt, ...more } of STOP_DOUBTS) {
  const kind = 'options' in more ? 'probed' : 'unprobed';
  test(`L5 an end with ${code} after a stop request is doubted for ${doubt} ms (${policy}, ${kind})`, () => {
    const pod = job(policy, more).start().stop('work').exits('work', code);
    if (doubt > 0) {
      pod.pass(doubt - 1);
      assert.deepEqual(pod.get('proxy').signals, []);
      pod.pass(1);
    }
    assert.deepEqual(pod.get('proxy').signals, [SIGTERM]);
    pod.exits('proxy', 143);
    assert.equal(pod.get('proxy').exitCode, 0);
    if (doubt === 0) return;
    const back = job(policy, more).start().stop('work').exits('work', code).pass(30_000).start('work');
    assert.equal(back.get('work').running, true, 'the kubelet has started it again');
    back.pass(600_000).exits('work', 0);
    assert.deepEqual(back.get('proxy').signals, [SIGTERM], 'this end is doubted by nobody');
    const killed = job('Never', more).start().stop('work').killed('work');
    assert.deepEqual(killed.get('proxy').signals, kind === 'unprobed' ? [] : [SIGTERM]);
  });
}

test('L5 L12 a stop request of its own ends the doubt: the pod is deleted, and a main that succeeded has succeeded', () => {
  const pod = job('OnFailure').start().stop('work').exits('work', 0).pass(1_000).stop('proxy');
  assert.deepEqual(pod.get('proxy').signals, [SIGTERM]);
  assert.equal(pod.exits('proxy', 143).get('proxy').exitCode, 0);
});

test('L5 the doubt begins anew with the next stop, also when nobody saw the main between', () => {
  const pod = job('Never').start().stop('work').exits('work', 143).pass(299_000);
  const last = marker(pod, 'work');
  const peers = new Map([['work', { alive: false, lived: true, marker: { ...last, attempt: 2 } }]]);
  pod.send('proxy', { type: 'peers', at: pod.at, peers }).pass(299_999);
  assert.deepEqual(pod.get('proxy').signals, []);
  pod.pass(1);
  assert.deepEqual(pod.get('proxy').signals, [SIGTERM]);
});

test('L5 L17 a waiting main waits for a sidecar that was stopped for a new image', () => {
  const pod = job('Never', { options: { proxy: TCP } })
    .start()
    .stop('proxy')
    .pass(28_000)
    .exits('proxy', 143);
  assert.equal(pod.get('proxy').exitCode, 0);
  pod.pass(299_999);
  assert.equal(pod.get('work').up, true);
  pod.start('proxy').ready('proxy').exits('work', 0);
  assert.equal(pod.get('work').exitCode, 0);
  const lost = job('Never', { options: { proxy: { ...TCP, probed: true } } })
    .start()
    .stop('proxy');
  lost.pass(2_000).exits('proxy', 143).pass(2_000);
  assert.equal(lost.get('work').exitCode, 125, 'under Never a probe stops it for good');
});

test('L5 which exits are final', () => {
  assert.equal(isFinal('Never', [], 1), true);
  assert.equal(isFinal('OnFailure', [], 0), true);
  assert.equal(isFinal('OnFailure', [], 1), false);
  assert.equal(isFinal('Always', [], 0), false);
  assert.equal(isFinal('Never', [{ operator: 'In', codes: [42] }], 42), false);
  assert.equal(isFinal('Never', [{ operator: 'In', codes: [42] }], 1), true);
  assert.equal(isFinal('Never', [{ operator: 'NotIn', codes: [0] }], 1), false);
  assert.equal(isFinal('Never', [{ operator: 'NotIn', codes: [0] }], 0), true);
});

test('L5 a main that fails under OnFailure keeps its sidecars, one that succeeds lets them go', () => {
  const pod = job('OnFailure').start();
  pod.exits('work', 1).pass(3_600_000);
  assert.equal(pod.get('proxy').running, true);
  assert.deepEqual(pod.get('proxy').signals, []);
  pod.start('work');
  assert.equal(pod.get('work').starts, 2);
  pod.exits('work', 0);
  assert.deepEqual(pod.get('proxy').signals, [SIGTERM]);
});

test('L5 under Always no exit is final, but in a deletion every exit is', () => {
  const pod = job('Always').start();
  pod.exits('work', 0).pass(60_000);
  assert.equal(pod.get('proxy').running, true);
  pod.start('work').stop();
  assert.deepEqual(pod.get('work').signals, [SIGTERM]);
  assert.deepEqual(pod.get('proxy').signals, []);
  pod.exits('work', 1);
  assert.deepEqual(pod.get('proxy').signals, [SIGTERM]);
});

test("L5 a container's own restart policy and rules are honoured", () => {
  const pod = job('Never', {
    options: { work: { restartRules: [{ operator: 'In', codes: [42] }] } },
  }).start();
  pod.exits('work', 42);
  assert.deepEqual(pod.get('proxy').signals, []);
  pod.start('work').exits('work', 41);
  assert.deepEqual(pod.get('proxy').signals, [SIGTERM]);
});

test('L6 sidecars stop when every main is final, in reverse order, the next when the last has gone', () => {
  const pod = two('Never', { mains: ['work', 'more'] }).start();
  pod.exits('work', 0);
  assert.deepEqual(ends(pod), ['work exited 0']);
  pod.exits('more', 1).pass(5_000);
  assert.deepEqual(ends(pod), ['work exited 0', 'more exited 1', 'second got 15']);
  pod.exits('second', 0);
  assert.deepEqual(ends(pod).slice(3), ['second exited 0', 'first got 15']);
  pod.exits('first', 0);
  assert.equal(pod.get('first').exitCode, 0);
});

test('L6 sidecars leave within one grace period from the last main, then KILL', () => {
  const pod = two('Never').start().exits('work', 0);
  pod.pass(27_999);
  assert.deepEqual(pod.get('first').signals, []);
  pod.pass(1);
  assert.deepEqual(pod.get('first').signals, [SIGTERM], 'every survivor is asked at the reserve');
  pod.pass(1_999);
  assert.equal(pod.get('second').up, true);
  pod.pass(1);
  assert.deepEqual(pod.get('second').signals, [SIGTERM, SIGKILL]);
  assert.deepEqual(pod.get('first').signals, [SIGTERM, SIGKILL]);
  assert.deepEqual([pod.get('first').exitCode, pod.get('second').exitCode], [0, 0]);
});

test('L6 a stop-timeout of its own kills a sidecar earlier', () => {
  const pod = job('Never', { options: { proxy: { stopTimeout: 3_000 } } })
    .start()
    .exits('work', 0)
    .pass(2_999);
  assert.deepEqual(pod.get('proxy').signals, [SIGTERM]);
  pod.pass(1);
  assert.equal(pod.get('proxy').exitCode, 0);
});

test('L7 a sidecar that was stopped because the work is done exits 0 and tells its real code', () => {
  const pod = job('OnFailure').start().exits('work', 0).exits('proxy', 2);
  assert.equal(pod.get('proxy').exitCode, 0);
  assert.deepEqual(pod.get('proxy').said, ['ended with code 2 when it was stopped']);
  const quiet = job('OnFailure').start().exits('work', 0).exits('proxy', 143);
  assert.equal(quiet.get('proxy').exitCode, 0);
  assert.deepEqual(quiet.get('proxy').said, [], 'to die of the stop signal is no news (P8)');
});
