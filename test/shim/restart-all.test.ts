/** Rules L5, L7, L9, L11 and L13 where a container's end makes the kubelet start the whole pod again (RestartAllContainers). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RestartRule } from '../../shim/protocol.ts';
import { SIGTERM } from '../../shim/signals.ts';
import { FakePod, type PodSpec } from './fake-pod.ts';

const ALL_42: RestartRule = { operator: 'In', codes: [42], all: true };
/** What the kubelet leaves each container that it stops for it, beside the pod's own grace period. */
const RESET = { least: 2_000, most: 30_000 };

function job(
  restartPolicy: PodSpec['restartPolicy'],
  restartRules: RestartRule[],
  more: Partial<PodSpec> = {},
) {
  const options = { proxy: { restartRules, aloneGrace: RESET }, mesh: { aloneGrace: RESET } };
  return new FakePod({ mains: ['work'], sidecars: ['proxy'], restartPolicy, options, ...more });
}

test('L9 a sidecar whose end restarts all containers is left to the kubelet at its first end, with its code', () => {
  for (const policy of ['Never', 'OnFailure', 'Always'] as const) {
    const pod = job(policy, [ALL_42]).start().exits('proxy', 42);
    assert.deepEqual([pod.get('proxy').up, pod.get('proxy').exitCode], [false, 42], policy);
    assert.equal(pod.get('proxy').marker?.final, false);
    assert.match(pod.get('proxy').said.join('\n'), /42, on which all containers are started again/);
    assert.deepEqual([pod.get('work').up, pod.get('work').signals], [true, []], 'the main is not disturbed');
    const other = job(policy, [ALL_42]).start().exits('proxy', 41);
    assert.equal(other.get('proxy').running, true, 'any other end is in place');
  }
});

test('L9 the first rule that matches decides whether all containers are restarted', () => {
  const restart: RestartRule = { operator: 'In', codes: [42] };
  const first = job('Never', [restart, ALL_42]).start().exits('proxy', 42);
  assert.equal(first.get('proxy').running, true, 'Restart: in place');
  const failed: RestartRule = { operator: 'NotIn', codes: [0], all: true };
  const second = job('Never', [ALL_42, failed]).start().exits('proxy', 1);
  assert.equal(second.get('proxy').exitCode, 1);
});

test('L7 after the end of the work such an end restarts nothing', () => {
  const pod = job('Never', [ALL_42]).start().exits('work', 0).exits('proxy', 42);
  assert.equal(pod.get('proxy').exitCode, 0);
});

test('L7 a sidecar that was stopped alone keeps a code on which a rule of its own starts something again', () => {
  for (const rule of [ALL_42, { operator: 'In', codes: [42] } as const]) {
    const options = { proxy: { probed: true, restartRules: [{ ...rule, codes: [...rule.codes] }] } };
    const pod = job('Never', [], { options }).start().stop('proxy').pass(2_000).exits('proxy', 42);
    assert.equal(pod.get('proxy').exitCode, 42);
    const deleted = job('Never', [], { options }).start().stop().exits('work', 143).exits('proxy', 42);
    assert.equal(deleted.get('proxy').exitCode, 0, 'not in a deletion');
  }
});

test('L13 in a pod whose containers may all be restarted a sidecar without a probe has its TERM within 2 s', () => {
  const pod = job('Never', []).start().stop('proxy').pass(999);
  assert.deepEqual(pod.get('proxy').signals, []);
  pod.pass(1);
  assert.deepEqual(pod.get('proxy').signals, [SIGTERM]);
  pod.pass(20_000);
  assert.deepEqual(pod.get('proxy').signals, [SIGTERM], 'a new image leaves it the whole grace period');
  const deleted = job('Never', []).start().stop().pass(5_000);
  assert.deepEqual(deleted.get('proxy').signals, [], 'a deletion is known by the others');
});

/**
 * The kubelet's way: every container that is up is stopped, one after the other, and has 2 s; then all start again.
 * @returns the sidecars whose processes were killed without a TERM
 */
function resetAll(pod: FakePod, names: readonly string[]): string[] {
  const killed: string[] = [];
  for (const name of names) {
    if (!pod.get(name).up) continue;
    pod.stop(name);
    for (let waited = 0; waited < 2_000 && pod.get(name).up; waited += 250) {
      const { signals, running } = pod.get(name);
      if (signals.includes(SIGTERM) && running) pod.exits(name, 143);
      else pod.pass(250);
    }
    if (!pod.get(name).up) continue;
    killed.push(name);
    pod.killed(name);
  }
  pod.newLife().start(...names);
  return killed;
}

const NAMES = ['work', 'more', 'proxy', 'mesh'];

for (const source of ['work', 'proxy', 'mesh', undefined])
  test(`L11 L13 all are restarted by ${source ?? 'an init container'}, in every order: all work again, each sidecar had its TERM, and none leaves before the mains`, () => {
    const reset = { aloneGrace: RESET };
    const own: NonNullable<PodSpec['options']> = { proxy: reset, mesh: reset };
    if (source !== undefined) own[source] = { ...own[source], restartRules: [ALL_42] };
    for (const names of permutations(NAMES)) {
      const lists = { mains: ['work', 'more'], sidecars: ['proxy', 'mesh'] };
      const pod = job('Never', [], { ...lists, options: own }).start(...names);
      pod.exits('more', 0);
      if (source !== undefined) pod.exits(source, 42);
      assert.deepEqual(resetAll(pod, names), [], `${names}`);
      pod.pass(70_000);
      for (const name of names)
        assert.deepEqual([pod.get(name).running, pod.get(name).starts], [true, 2], `${names}: ${name}`);
      pod.exits('work', 0).pass(70_000);
      for (const name of ['proxy', 'mesh']) assert.deepEqual(pod.get(name).signals, [], `${names}: ${name}`);
      pod.exits('more', 0).exits('mesh', 143).exits('proxy', 143);
      assert.deepEqual(
        names.map((name) => pod.get(name).exitCode),
        names.map(() => 0),
        `${names}`,
      );
    }
  });

function permutations(names: readonly string[]): string[][] {
  if (names.length === 0) return [[]];
  return names.flatMap((name) =>
    permutations(names.filter((other) => other !== name)).map((rest) => [name, ...rest]),
  );
}
