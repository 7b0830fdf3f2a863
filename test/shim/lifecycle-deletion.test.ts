/** Rules L12 to L15: the pod's deletion, and a stop of one container alone. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Marker } from '../../shim/marker.ts';
import { SIGKILL, SIGTERM } from '../../shim/signals.ts';
import { ends, job, marker, PROBED, TCP, two } from './fake-job.ts';
import { FakePod } from './fake-pod.ts';

test('L12 in a deletion a main gets TERM at once, sidecars hold theirs and leave in reverse order', () => {
  const pod = two('Always').start().stop();
  assert.deepEqual(ends(pod), ['work got 15']);
  pod.pass(20_000).exits('work', 0);
  assert.deepEqual(ends(pod), ['work got 15', 'work exited 0', 'second got 15']);
  pod.exits('second', 0);
  assert.deepEqual(pod.get('first').signals, [SIGTERM]);
});

for (const { grace, reserve } of [
  { grace: 30_000, reserve: 2_000 },
  { grace: 4_000, reserve: 1_000 },
]) {
  test(`L12 with a grace period of ${grace} ms the reserve is ${reserve} ms, and KILL comes before the kubelet's`, () => {
    const pod = two('Always', { grace })
      .start()
      .stop()
      .pass(grace - reserve - 1);
    assert.deepEqual([pod.get('first').signals, pod.get('second').signals], [[], []]);
    pod.pass(1);
    assert.deepEqual([pod.get('first').signals, pod.get('second').signals], [[SIGTERM], [SIGTERM]]);
    pod.pass(reserve - 1);
    assert.deepEqual(pod.get('first').signals, [SIGTERM, SIGKILL]);
    assert.equal(pod.get('first').up, false);
  });
}

test('L13 a TERM for one sidecar alone reaches it without waiting for the mains', () => {
  const options = { proxy: { probed: true } };
  const pod = job('OnFailure', { options }).start().stop('proxy');
  assert.deepEqual(pod.get('proxy').signals, []);
  pod.pass(2_000);
  assert.deepEqual(pod.get('proxy').signals, [SIGTERM]);
  pod.exits('proxy', 0);
  assert.equal(pod.get('proxy').exitCode, 143, 'not 0: else the kubelet would not start it again');
  pod.start('proxy');
  assert.equal(pod.get('proxy').running, true);
  const never = job('Never', { options }).start().stop('proxy').pass(2_000).exits('proxy', 1);
  assert.equal(never.get('proxy').exitCode, 0, 'nobody starts it again, so its code would only fail the pod');
});

test("L13 where a probe's own grace period is short, its process has half of that", () => {
  const options = { proxy: { probed: true, aloneGrace: { least: 1_000, most: 1_000 } } };
  const pod = job('OnFailure', { options }).start().stop('proxy').pass(499);
  assert.deepEqual(pod.get('proxy').signals, []);
  pod.pass(1);
  assert.deepEqual(pod.get('proxy').signals, [SIGTERM]);
  pod.pass(436);
  assert.deepEqual(pod.get('proxy').signals, [SIGTERM]);
  pod.pass(2);
  assert.deepEqual(pod.get('proxy').signals, [SIGTERM, SIGKILL], 'before the kubelet kills the shim with it');
});

test("L13 a probe's short grace period is kept where a sidecar is stopped before any other container has come", () => {
  const options = { proxy: { probed: true, aloneGrace: { least: 1_000, most: 1_000 } } };
  const pod = job('OnFailure', { options }).start('proxy').stop('proxy').start('work').pass(936);
  assert.deepEqual(pod.get('proxy').signals, [SIGTERM]);
  pod.pass(2);
  assert.deepEqual(pod.get('proxy').signals, [SIGTERM, SIGKILL]);
});

test("L12 L13 a deletion that comes before a sidecar can tell its own stop leaves it the probe's short grace period", () => {
  const options = { proxy: { probed: true, aloneGrace: { least: 1_000, most: 1_000 } } };
  const pod = job('OnFailure', { options }).start().stop('proxy').pass(400).stop().pass(50);
  assert.deepEqual(pod.get('proxy').signals, [SIGTERM]);
});

test("L13 a probe's own grace period that is longer than the pod's is left to the process", () => {
  const options = { proxy: { probed: true, aloneGrace: { least: 60_000, most: 60_000 } } };
  const pod = job('OnFailure', { options }).start().stop('proxy').pass(59_000);
  assert.deepEqual(pod.get('proxy').signals, [SIGTERM]);
  pod.pass(1_000);
  assert.deepEqual(pod.get('proxy').signals, [SIGTERM, SIGKILL]);
});

test("L12 L13 the pod's deletion ends what a probe's longer grace period had left", () => {
  const options = { proxy: { probed: true, aloneGrace: { least: 600_000, most: 600_000 } } };
  const pod = job('OnFailure', { options }).start().stop('proxy').pass(5_000).stop().exits('work', 143);
  assert.deepEqual(pod.get('proxy').signals, [SIGTERM]);
  pod.pass(30_000);
  assert.deepEqual(pod.get('proxy').signals, [SIGTERM, SIGKILL]);
});

test("L13 the main's TERM may come a little later than the sidecar's", () => {
  const pod = job('OnFailure', { options: { proxy: { probed: true } } })
    .start()
    .stop('proxy')
    .pass(1_900)
    .stop('work')
    .pass(10_000);
  assert.deepEqual(pod.get('proxy').signals, []);
  pod.exits('work', 0);
  assert.deepEqual(pod.get('proxy').signals, [SIGTERM]);
});

test('L13 nothing stops a sidecar without a probe alone: its TERM is the deletion, however late the main has its own', () => {
  const pod = job('OnFailure').start().stop('proxy').pass(20_000);
  assert.deepEqual(pod.get('proxy').signals, []);
  pod.stop('work').exits('work', 0);
  assert.deepEqual(pod.get('proxy').signals, [SIGTERM]);
});

test("L12 a sidecar whose own preStop delays its TERM still counts the grace period from the others'", () => {
  const pod = job('OnFailure', { preStop: ['proxy'] })
    .start()
    .stop('work')
    .pass(20_000)
    .stop('proxy')
    .pass(7_999);
  assert.deepEqual(pod.get('proxy').signals, []);
  pod.pass(1);
  assert.deepEqual(pod.get('proxy').signals, [SIGTERM]);
});

test("L12 L15 a main's own stop, long over, is not taken for the deletion's beginning by a sidecar with a preStop hook", () => {
  const pod = job('OnFailure', { preStop: ['proxy'] })
    .start()
    .stop('work')
    .pass(28_000);
  const again = { alive: true, lived: true, marker: { ...marker(pod, 'work'), stopping: false } };
  // It sees the main's next attempt for the first time when its own stop request comes (driver.ts, lookAgain).
  const proxy = pod.get('proxy');
  if (proxy.sidecar !== undefined) proxy.sidecar = { ...proxy.sidecar, peers: new Map([['work', again]]) };
  pod.stop('proxy');
  assert.deepEqual(pod.get('proxy').signals, []);
});

test("L12 L15 a main that died as it came up again is not taken for the deletion's beginning by a sidecar with a preStop hook", () => {
  const pod = job('Always', { preStop: ['proxy'] })
    .start()
    .exits('work', 0);
  const coming: Marker = { ...marker(pod, 'work'), attempt: 2, phase: 'waiting', stopping: true };
  const see = (alive: boolean, marker: Marker) =>
    pod.send('proxy', {
      type: 'peers',
      at: pod.at,
      peers: new Map([['work', { alive, lived: true, marker }]]),
    });
  see(false, coming).pass(30_000);
  see(true, { ...coming, attempt: 3, phase: 'running' }).stop('proxy');
  assert.deepEqual(pod.get('proxy').signals, [], 'the main has its whole grace period');
});

test("L15 a sidecar's own preStop hook is not cut off by the end of the mains that were stopped with it", () => {
  for (const policy of ['Never', 'OnFailure', 'Always'] as const) {
    const pod = job(policy, { preStop: ['proxy'] })
      .start()
      .stop('work')
      .exits('work', 0)
      .pass(5_000);
    assert.deepEqual(pod.get('proxy').signals, [], policy);
    pod.stop('proxy');
    assert.deepEqual(pod.get('proxy').signals, [SIGTERM], policy);
  }
  // Its hook takes the whole grace period; then the kubelet leaves it 2 s.
  const endless = job('Never', { preStop: ['proxy'] })
    .start()
    .stop('work')
    .pass(4_000)
    .exits('work', 0)
    .pass(26_000);
  assert.deepEqual(endless.get('proxy').signals, []);
  endless.stop('proxy');
  assert.deepEqual(endless.get('proxy').signals, [SIGTERM]);
  endless.pass(1_499);
  assert.deepEqual(endless.get('proxy').signals, [SIGTERM]);
  endless.pass(1);
  assert.deepEqual(endless.get('proxy').signals, [SIGTERM, SIGKILL]);
});

test('L15 a preStop hook that does not run at the end of the work is not waited for', () => {
  const work = job('Never', { preStop: ['proxy'] })
    .start()
    .exits('work', 0);
  assert.deepEqual(work.get('proxy').signals, [SIGTERM]);
  // The main was stopped alone, by its probe: the first sidecar, which has no hook, would have had its TERM by now.
  const alone = two('Never', { preStop: ['second'], ...PROBED })
    .start()
    .stop('work')
    .exits('work', 1);
  assert.deepEqual(alone.get('second').signals, []);
  alone.pass(2_000);
  assert.deepEqual(alone.get('second').signals, [SIGTERM]);
  // Nobody else is there: when its hook must be over and no stop request has come, it was the probe's stop, and there is time to leave.
  const only = job('Never', { preStop: ['proxy'], ...PROBED })
    .start()
    .stop('work')
    .exits('work', 1)
    .pass(31_999);
  assert.deepEqual(only.get('proxy').signals, []);
  only.pass(1);
  assert.deepEqual(only.get('proxy').signals, [SIGTERM]);
  only.pass(29_999);
  assert.deepEqual(only.get('proxy').signals, [SIGTERM]);
});

test('L14 deletion during start ends every container, and nothing starts after TERM', () => {
  const pod = two('OnFailure', { options: { first: TCP } })
    .start()
    .stop();
  assert.equal(pod.get('work').exitCode, 143);
  assert.equal(pod.get('second').up, false);
  assert.deepEqual(pod.get('first').signals, [SIGTERM]);
  pod.exits('first', 0);
  assert.deepEqual([pod.get('work').starts, pod.get('second').starts, pod.get('first').starts], [0, 0, 1]);
  const early = two('OnFailure', { options: { first: TCP } })
    .start()
    .stop('first')
    .ready('first')
    .pass(1_000);
  assert.equal(early.get('work').starts, 0, 'a sidecar that is stopping starts nobody');
});

test("L15 a main that its probe stopped long ago does not make the end of another look like the pod's deletion", () => {
  const pod = new FakePod({
    mains: ['work', 'more'],
    sidecars: ['proxy'],
    restartPolicy: 'Never',
    preStop: ['proxy'],
    options: { work: { probed: true } },
  });
  pod.start().stop('work').exits('work', 143).pass(3_000).exits('more', 0);
  assert.deepEqual(pod.get('proxy').signals, [SIGTERM], 'at once, with its whole grace period before it');
  const back = job('OnFailure', { preStop: ['proxy'], options: { work: { probed: true } } });
  back.start().stop('work').exits('work', 143).start('work').exits('work', 0);
  assert.deepEqual(back.get('proxy').signals, [SIGTERM], 'it came back');
});

test("L15 a main's preStop that delays its TERM does not make the sidecars leave early", () => {
  const pod = two('OnFailure', { preStop: ['work'] })
    .start()
    .stop('first', 'second')
    .pass(20_000);
  assert.deepEqual(ends(pod), []);
  pod.stop('work');
  assert.deepEqual(ends(pod), ['work got 15']);
  pod.exits('work', 0);
  assert.deepEqual(ends(pod), ['work got 15', 'work exited 0', 'second got 15']);
  const alone = job('OnFailure', { preStop: ['work'], options: { proxy: { probed: true } } })
    .start()
    .stop('proxy')
    .pass(27_999);
  assert.deepEqual(alone.get('proxy').signals, []);
});
