/** Rules L8 to L11: deaths, restarts, and what was said before them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { doneBefore } from '../../shim/lifecycle.ts';
import type { Marker } from '../../shim/marker.ts';
import type { ContainerOptions } from '../../shim/protocol.ts';
import { SIGTERM } from '../../shim/signals.ts';
import { job, TCP } from './fake-job.ts';

test("L11 an end for good, on nobody's demand and in this life of the sandbox, need not be repeated", () => {
  const { options } = job('OnFailure').get('work').context;
  const end = { attempt: 1, epoch: 'now', phase: 'ended', code: 0, final: true } as const;
  const last = { ...end, killedIsFinal: false, stopping: false, stopDoubt: 0 };
  const code = (more: Partial<Marker>, epoch = 'now', own: Partial<ContainerOptions> = {}) =>
    doneBefore({ ...options, ...own }, epoch, { ...last, ...more });
  assert.equal(code({}), 0);
  assert.equal(code({ code: 3 }), 3);
  assert.equal(doneBefore(options, 'now', undefined), undefined);
  assert.equal(code({ final: false, code: 1 }), undefined);
  assert.equal(code({ phase: 'running' }), undefined, 'it did not end');
  assert.equal(code({ stopping: true, stopDoubt: 300_000 }), undefined, 'a new image');
  assert.equal(code({}, 'later'), undefined, 'the sandbox was made anew');
  assert.equal(code({ epoch: '' }, ''), undefined, 'nobody knows which life this is');
  assert.equal(code({}, 'now', { preStop: ['work'] }), undefined, 'perhaps its hook ended it');
  assert.equal(code({}, 'now', { role: 'sidecar' }), undefined);
});

test('L8 a main that dies without a word counts as 137', () => {
  const never = job('Never').start().killed('work');
  assert.deepEqual(never.get('proxy').signals, [SIGTERM]);
  assert.match(never.get('proxy').said[0] ?? '', /work ended without a word .* 137/);
  const again = job('OnFailure').start().killed('work').pass(60_000);
  assert.deepEqual(again.get('proxy').signals, []);
  again.start('work').exits('work', 0);
  assert.deepEqual(again.get('proxy').signals, [SIGTERM]);
  const waiting = job('Never', { options: { proxy: TCP } })
    .start()
    .killed('work');
  assert.deepEqual(waiting.get('proxy').signals, [SIGTERM], 'also while it still waits');
});

test('L8 a main that was killed before its first marker is noticed too', () => {
  const pod = job('Never').start('proxy');
  pod.get('work').lived = true;
  pod.send('proxy', { type: 'peers', at: pod.at, peers: new Map([['work', { alive: false, lived: true }]]) });
  assert.deepEqual(pod.get('proxy').signals, [SIGTERM]);
});

test('L9 a sidecar that ends while a main runs is started again: at once, then 10 s, 20 s ... 5 min', () => {
  const pod = job('Never').start();
  const waits = [0, 10_000, 20_000, 40_000, 80_000, 160_000, 300_000, 300_000];
  waits.forEach((wait, i) => {
    pod.exits('proxy', i % 2);
    if (wait > 0) {
      pod.pass(wait - 1);
      assert.equal(pod.get('proxy').running, false, `start ${i} comes no earlier than ${wait} ms`);
      pod.pass(1);
    }
    assert.equal(pod.get('proxy').running, true, `start ${i} comes after ${wait} ms`);
  });
  pod.pass(600_000).exits('proxy', 0);
  assert.equal(pod.get('proxy').running, true, 'ten minutes of running reset it');
  assert.deepEqual(pod.get('work').signals, []);
  assert.equal(pod.get('work').starts, 1, 'the main is not disturbed');
  assert.equal(pod.get('proxy').up, true);
});

test('L9 under Never a sidecar with a probe rests for 10 s at most, or the probe would end it for good', () => {
  for (const [policy, pauses] of [
    ['Never', [0, 10_000, 10_000, 10_000]],
    ['OnFailure', [0, 10_000, 20_000, 40_000]],
  ] as const) {
    const pod = job(policy, { options: { proxy: { probed: true } } }).start();
    // The kubelet has started it twice before: it is not left to it again.
    if (policy === 'OnFailure') pod.killed('proxy').start('proxy').killed('proxy').start('proxy');
    for (const pause of pauses) {
      const { starts } = pod.get('proxy');
      pod.exits('proxy', 1);
      if (pause > 0) pod.pass(pause - 1);
      assert.equal(pod.get('proxy').starts, pause === 0 ? starts + 1 : starts);
      if (pause > 0) pod.pass(1);
      assert.equal(pod.get('proxy').starts, starts + 1, `${policy} after ${pause} ms`);
    }
  }
});

test('L9 a sidecar that waits to be started again leaves at once when the work is done', () => {
  const pod = job('Never').start().exits('proxy', 1).exits('proxy', 1).exits('work', 0);
  assert.equal(pod.get('proxy').exitCode, 0);
});

test('L10 a main that ended before the sidecar came up is seen; a sidecar after the work runs nothing', () => {
  const pod = job('Never', { options: { work: { startTimeout: 5_000 } } });
  pod.start('work').pass(5_000).start('proxy');
  assert.equal(pod.get('proxy').starts, 0);
  assert.equal(pod.get('proxy').exitCode, 0);
  const again = job('OnFailure').start().exits('work', 0).killed('proxy').start('proxy');
  assert.equal(again.get('proxy').starts, 1, 'only the first time');
  assert.equal(again.get('proxy').exitCode, 0);
});

test('L11 a stale started marker starts no main', () => {
  const pod = job('OnFailure').start().reboot().start('work').pass(60_000);
  assert.equal(pod.get('work').running, false);
  pod.start('proxy');
  assert.equal(pod.get('work').running, true);
});

test('L11 after a node restart a final marker is doubted: the kubelet may start that main again', () => {
  const pod = job('OnFailure').start().exits('work', 0).reboot().start('proxy');
  assert.equal(pod.get('proxy').running, true);
  pod.pass(30_000).start('work');
  assert.equal(pod.get('work').running, true);
  pod.pass(3_600_000);
  assert.deepEqual(pod.get('proxy').signals, []);
  pod.exits('work', 0);
  assert.deepEqual(pod.get('proxy').signals, [SIGTERM]);
});

test('L11 a main that ended before a node restart and is not started again hangs no pod', () => {
  const pod = job('OnFailure').start().exits('work', 0).reboot().start('proxy').pass(60_000);
  assert.deepEqual(pod.get('proxy').signals, [SIGTERM]);
  const both = job('OnFailure', { mains: ['work', 'more'] })
    .start()
    .exits('work', 0)
    .reboot()
    .start('more', 'proxy');
  both.pass(300_000);
  assert.deepEqual(both.get('proxy').signals, []);
  both.exits('more', 0);
  assert.deepEqual(both.get('proxy').signals, [SIGTERM]);
});

test('L11 L17 a main whose sidecar ended before a node restart, and is not started again, gives up after a minute', () => {
  const pod = job('OnFailure').start().exits('work', 0).exits('proxy', 0).reboot();
  pod.start('work').pass(59_999);
  assert.equal(pod.get('work').up, true, 'the kubelet may have forgotten the sidecar too');
  pod.pass(1);
  assert.equal(pod.get('work').exitCode, 125);
  const both = job('OnFailure').start().exits('work', 0).exits('proxy', 0).reboot();
  both.start('work').pass(30_000).start('proxy').pass(60_000).exits('work', 0);
  assert.equal(both.get('work').exitCode, 0);
});

test('L11 L7 a sandbox that dies alone: all are stopped, and every one that the kubelet must start again fails', () => {
  const pod = job('OnFailure').start().stop().exits('work', 143).exits('proxy', 0);
  assert.equal(pod.get('proxy').exitCode, 143, 'with 0 the kubelet would leave it ended');
  pod.reboot().start();
  assert.equal(pod.get('work').running, true);
  pod.exits('work', 0).exits('proxy', 143);
  assert.deepEqual([pod.get('work').exitCode, pod.get('proxy').exitCode], [0, 0]);
  const waiting = job('OnFailure', { options: { proxy: TCP } })
    .start()
    .stop()
    .exits('proxy', 0);
  assert.deepEqual([waiting.get('work').exitCode, waiting.get('proxy').exitCode], [143, 143]);
  const done = job('OnFailure').start().stop().exits('work', 0).exits('proxy', 143);
  assert.equal(done.get('proxy').exitCode, 0, 'a main that used its time to succeed is not started again');
  const never = job('Never').start().stop().exits('work', 143).exits('proxy', 143);
  assert.equal(never.get('proxy').exitCode, 0);
});

test('L11 L7 in a sandbox that dies alone a sidecar waits for its own stop request, and fails too', () => {
  const early = job('OnFailure').start().stop('work').exits('work', 143).exits('proxy', 0);
  assert.equal(early.get('proxy').starts, 2, 'its main will be started again');
  assert.equal(early.stop('proxy').exits('proxy', 0).get('proxy').exitCode, 143);
  early.reboot().start();
  assert.equal(early.get('work').running, true);
  const hooked = job('OnFailure', { preStop: ['proxy'] })
    .start()
    .stop('work')
    .exits('work', 143)
    .pass(30_000);
  assert.deepEqual(hooked.get('proxy').signals, []);
  assert.equal(hooked.stop('proxy').exits('proxy', 0).get('proxy').exitCode, 143);
  const resting = job('OnFailure', { options: { proxy: TCP }, preStop: ['proxy'] })
    .start()
    .exits('proxy', 1)
    .stop();
  assert.deepEqual([resting.get('work').exitCode, resting.get('proxy').exitCode], [143, 143]);
});
