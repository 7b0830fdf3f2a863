/** Rule L9 where a sidecar's last process left something in its way: only the kubelet can give it a fresh file system. */
import assert from 'node:assert/strict';
import { existsSync, rmSync } from 'node:fs';
import { test } from 'node:test';
import { KILL } from './container.ts';
import { FakePod, type PodSpec } from './fake-pod.ts';
import { Pod } from './pod.ts';

function job(restartPolicy: PodSpec['restartPolicy'], more: Partial<PodSpec> = {}): FakePod {
  const spec: PodSpec = { mains: ['work'], sidecars: ['proxy'], restartPolicy };
  return new FakePod({ ...spec, ...more });
}

/** A pod whose sidecar the kubelet has started so often. */
function startedBefore(pod: FakePod, times: number): FakePod {
  pod.start();
  for (let i = 1; i < times; i++) pod.killed('proxy').start('proxy');
  return pod;
}

test('L9 a sidecar that fails again soon after a restart in place is left to the kubelet, which starts it again', () => {
  for (const [policy, code] of [
    ['OnFailure', 1],
    ['OnFailure', 137],
    ['Always', 1],
  ] as const) {
    const pod = job(policy).start();
    pod.exits('proxy', 137);
    assert.deepEqual([pod.get('proxy').running, pod.get('proxy').starts], [true, 2], 'in place, at once');
    pod.pass(59_999).exits('proxy', code);
    assert.deepEqual([pod.get('proxy').up, pod.get('proxy').exitCode], [false, code], policy);
    assert.equal(pod.get('proxy').marker?.final, false);
    assert.match(
      pod.get('proxy').said.join('\n'),
      /leaving the next to the kubelet, for a fresh file system/,
    );
    pod.start('proxy');
    assert.equal(pod.get('proxy').running, true);
    assert.deepEqual([pod.get('work').signals, pod.get('work').starts], [[], 1], 'the main is not disturbed');
  }
});

test('L9 under Never nobody else starts it: it stays in place', () => {
  const pod = job('Never').start().exits('proxy', 1).exits('proxy', 1);
  assert.equal(pod.get('proxy').up, true);
  pod.pass(10_000);
  assert.equal(pod.get('proxy').running, true);
  // A rule of its own says which codes the kubelet starts it again for.
  const rules = { proxy: { restartRules: [{ operator: 'In' as const, codes: [5] }] } };
  const ruled = job('Never', { options: rules }).start().exits('proxy', 5).exits('proxy', 5);
  assert.deepEqual([ruled.get('proxy').up, ruled.get('proxy').exitCode], [false, 5]);
  const other = job('Never', { options: rules }).start().exits('proxy', 6).exits('proxy', 6);
  assert.equal(other.get('proxy').up, true);
});

test('L9 one that does not fail is no such case: it stays in place', () => {
  for (const policy of ['OnFailure', 'Always'] as const) {
    const pod = job(policy).start().exits('proxy', 1).exits('proxy', 0);
    assert.equal(pod.get('proxy').up, true);
    assert.equal(pod.pass(10_000).get('proxy').running, true);
  }
});

test('L9 one that has worked for a minute after its restart in place fails of something else', () => {
  const pod = job('OnFailure').start().exits('proxy', 1).pass(60_000).exits('proxy', 1);
  assert.equal(pod.get('proxy').up, true);
  pod.pass(10_000);
  assert.equal(pod.get('proxy').running, true);
  // It has not worked before its readiness condition has held.
  const options = { proxy: { ready: { kind: 'tcp' as const, port: 1 } } };
  const slow = job('OnFailure', { options }).start().exits('proxy', 1).pass(120_000).exits('proxy', 1);
  assert.equal(slow.get('proxy').up, false);
  const ready = job('OnFailure', { options }).start().exits('proxy', 1).ready('proxy').pass(120_000);
  assert.equal(ready.exits('proxy', 1).get('proxy').up, true);
});

test("L9 the kubelet's back-off hides the end of work for 10 s at most: who was started more often stays in place for ten minutes", () => {
  const second = startedBefore(job('OnFailure'), 2).exits('proxy', 1).exits('proxy', 1);
  assert.equal(second.get('proxy').up, false, '10 s');
  const third = startedBefore(job('OnFailure'), 3).exits('proxy', 1).exits('proxy', 1);
  assert.equal(third.get('proxy').up, true, '20 s would be too long');
  for (const pause of [10_000, 20_000, 40_000, 80_000, 160_000]) {
    third.pass(pause).exits('proxy', 1);
    assert.equal(third.get('proxy').up, true, `after ${pause} ms`);
  }
  third.pass(300_000).exits('proxy', 1);
  assert.equal(third.get('proxy').up, false, 'up for ten minutes: the kubelet has forgotten its back-off');
});

test('L9 L10 work that ends while it is down is over when it is back', () => {
  const pod = job('OnFailure').start().exits('proxy', 1).exits('proxy', 1).exits('work', 0).start('proxy');
  assert.deepEqual([pod.get('proxy').exitCode, pod.get('proxy').starts], [0, 2]);
});

test('L9 L2 a main that waits for it waits on', () => {
  const options = { proxy: { ready: { kind: 'tcp' as const, port: 1 } } };
  const pod = job('OnFailure', { options }).start().exits('proxy', 1).exits('proxy', 1).pass(60_000);
  assert.deepEqual([pod.get('work').up, pod.get('work').starts], [true, 0]);
  pod.start('proxy').ready('proxy');
  assert.equal(pod.get('work').running, true);
});

test('L9 one with a preStop hook leaves only when no stop request follows', () => {
  const hooked = { preStop: ['proxy'] };
  const pod = job('OnFailure', hooked).start().exits('proxy', 1).pass(2_000).exits('proxy', 1).pass(1_999);
  assert.equal(pod.get('proxy').up, true);
  assert.equal(pod.pass(1).get('proxy').exitCode, 1);
  const deleted = job('OnFailure', hooked)
    .start()
    .exits('proxy', 1)
    .pass(2_000)
    .exits('proxy', 1)
    .stop('work');
  deleted.pass(29_000);
  assert.equal(deleted.get('proxy').up, true, 'the pod is being deleted');
});

test('L9 a real sidecar that finds its own lock: restarted in place, left to the kubelet, and up again in a fresh layer', async (t) => {
  const pod = new Pod(t, { mains: ['m'], sidecars: ['s'], restartPolicy: 'OnFailure' });
  const lock = `${pod.folder}/lock`;
  const text = `[ -e ${lock} ] && exit 3; touch ${lock}; exec ${pod.serve('s').join(' ')}`;
  const main = pod.start('m', pod.serve('m', '12=0'));
  const first = pod.start('s', ['sh', '-c', text]);
  await pod.notes('s up');
  await pod.notes('m up');
  process.kill(await first.childPid(), KILL);
  assert.equal(await first.code(), 3, first.words);
  assert.ok(existsSync(lock));
  rmSync(lock);
  const second = pod.start('s', ['sh', '-c', text]);
  await pod.notes('s up', 2);
  await main.signal(12);
  assert.equal(await second.code(), 0, second.words);
});
