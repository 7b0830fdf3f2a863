/** Rules L1 to L4: who starts when, and what ends a main that waits. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SIGTERM } from '../../shim/signals.ts';
import { job, TCP, two } from './fake-job.ts';

test('L1 sidecars start in their listed order, each when the one before is started', () => {
  const pod = two('Never', { options: { first: TCP, second: TCP } });
  pod.start('work', 'second', 'first');
  assert.deepEqual(pod.log, ['first started']);
  pod.pass(60_000);
  assert.deepEqual(pod.log, ['first started']);
  pod.ready('first');
  assert.deepEqual(pod.log, ['first started', 'second started']);
  pod.ready('second');
  assert.deepEqual(pod.log, ['first started', 'second started', 'work started']);
});

test('L1 a readiness condition must hold again after the sidecar was started again', () => {
  const pod = two('Never', { options: { first: TCP } });
  pod.start().ready('first');
  assert.equal(pod.get('work').starts, 1);
  const late = job('OnFailure', { options: { proxy: TCP } });
  late.start('proxy').ready('proxy').exits('proxy', 1).start('work');
  assert.equal(late.get('work').running, false);
  late.ready('proxy');
  assert.equal(late.get('work').running, true);
});

test('L2 a main runs nothing until all sidecars are started, and says every 10 s for what it waits', () => {
  const pod = two('Never', { options: { first: TCP } });
  pod.start('work', 'first').pass(9_999);
  assert.deepEqual(pod.get('work').said, []);
  pod.pass(1);
  assert.deepEqual(pod.get('work').said, [
    'waiting for sidecar first (running, not ready yet), sidecar second (not running yet) (10 s)',
  ]);
  pod.pass(50_000);
  assert.equal(pod.get('work').said.length, 6);
  assert.equal(pod.get('work').starts, 0);
  pod.start('second').ready('first');
  assert.equal(pod.get('work').starts, 1);
});

for (const restartPolicy of ['Never', 'OnFailure', 'Always'] as const) {
  test(`L3 TERM while waiting ends a main with 143 without running it (${restartPolicy})`, () => {
    const pod = job(restartPolicy, { options: { proxy: TCP } });
    pod.start('work', 'proxy').stop('work');
    assert.equal(pod.get('work').exitCode, 143);
    assert.equal(pod.get('work').starts, 0);
    assert.equal(pod.get('work').marker?.final, restartPolicy === 'Never');
    assert.deepEqual(pod.get('proxy').signals, [], 'its own stop request tells it that the pod is deleted');
    pod.stop('proxy');
    assert.deepEqual(pod.get('proxy').signals, [SIGTERM]);
  });
}

test('L3 L5 a main that something may have stopped alone is final by its policy alone', () => {
  const pod = job('OnFailure', { options: { work: { probed: true }, proxy: TCP } })
    .start()
    .stop('work');
  assert.equal(pod.get('work').exitCode, 143);
  assert.equal(pod.get('work').marker?.final, false);
  assert.deepEqual(pod.get('proxy').signals, []);
  pod.start('work').ready('proxy').exits('work', 0);
  assert.deepEqual(pod.get('proxy').signals, [SIGTERM]);
});

test("L3 L14 in a deletion a sidecar that goes first does not change the waiting main's end", () => {
  const pod = two('Never', { options: { first: TCP } })
    .start()
    .stop('second');
  assert.equal(pod.get('second').exitCode, 0);
  assert.equal(pod.get('work').up, true);
  pod.pass(1_999).stop('work');
  assert.equal(pod.get('work').exitCode, 143);
  const alone = two('Never', { options: { first: TCP, second: { probed: true } } })
    .start()
    .stop('second')
    .pass(2_000);
  assert.equal(alone.get('work').exitCode, 125, 'stopped alone, it comes no more');
});

test('L4 a start-timeout ends the main with 124 and names the sidecar', () => {
  const pod = job('Never', { options: { work: { startTimeout: 25_000 }, proxy: TCP } });
  pod.start().pass(24_999);
  assert.equal(pod.get('work').up, true);
  pod.pass(1);
  assert.equal(pod.get('work').exitCode, 124);
  assert.match(pod.get('work').said.at(-1) ?? '', /start-timeout: .* proxy/);
  assert.equal(pod.get('work').starts, 0);
});
