import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { Mode } from '../../../webhook/decision/mode.ts';
import { defaultPolicy } from '../../../webhook/decision/policy.ts';
import { anyChange, anyPod, EVERY_IMAGE } from './any-pod.ts';
import { normalised } from './compared-pod.ts';
import { applied, mutation, type TestContainer, type TestPod } from './mutated-pod.ts';

const of = (mode: Mode) => defaultPolicy({ version: '1.2.3', mode, cluster: { server: 36 } });
const POLICIES = { shim: of('shim'), native: of('native'), auto: of('auto') };
const run = (pod: TestPod, mode: Mode) => mutation(pod, EVERY_IMAGE, POLICIES[mode]);
const once = (pod: TestPod, mode: Mode) => applied(pod, run(pod, mode));
const anyMode = fc.constantFrom<Mode>('shim', 'native', 'auto');

/** Every container of a pod by its name, without what is ours in a native sidecar. */
function containers({ spec }: TestPod): [string, TestContainer][] {
  const all = [...spec.containers, ...(spec.initContainers ?? [])];
  return all
    .map(({ restartPolicy: _policy, startupProbe: _probe, ...rest }): [string, TestContainer] => [
      rest.name,
      rest,
    ])
    .sort(([a], [b]) => (a < b ? -1 : 1));
}

describe('any pod, natively', () => {
  test('N2 the patch applies with validation on, moves sidecars, and touches nothing else', () => {
    const seen = { wrapped: 0, converted: 0, unchanged: 0, refused: 0 };
    fc.assert(
      fc.property(anyPod, (pod) => {
        const result = run(pod, 'native');
        seen[result.outcome]++;
        const after = applied(pod, result);
        if (result.outcome !== 'converted') return assert.deepEqual(after, pod);
        const sidecars = result.containers.filter(({ role }) => role === 'sidecar').map(({ name }) => name);
        assert.deepEqual(containers(after), containers(pod));
        const others = (list: TestContainer[] = []) => list.filter(({ name }) => !sidecars.includes(name));
        assert.deepEqual(others(after.spec.initContainers), pod.spec.initContainers ?? []);
        assert.deepEqual(after.spec.containers, others(pod.spec.containers));
        for (const one of after.spec.initContainers ?? [])
          assert.equal(one.restartPolicy === 'Always', sidecars.includes(one.name), one.name);
        const { initContainers: _i, containers: _c, ...spec } = pod.spec;
        const { initContainers: _j, containers: _d, ...afterSpec } = after.spec;
        assert.deepEqual(afterSpec, spec);
      }),
      { numRuns: 500 },
    );
    assert.equal(seen.wrapped, 0);
    assert.ok(seen.converted > 100 && seen.unchanged > 20 && seen.refused > 20, JSON.stringify(seen));
  });

  test('N5 a second run changes nothing, in whatever mode', () => {
    fc.assert(
      fc.property(anyPod, anyMode, (pod, mode) => {
        const first = run(pod, mode);
        if (first.outcome === 'refused') return;
        const second = run(applied(pod, first), mode);
        assert.deepEqual(second.operations, []);
        assert.deepEqual(second.mode, first.mode);
      }),
      { numRuns: 700 },
    );
  });

  test('N5 after another mode the result is that of one run over the plain pod', () => {
    let changed = 0;
    fc.assert(
      fc.property(anyPod, anyMode, anyMode, (pod, before, mode) => {
        const first = run(pod, before);
        if (first.outcome === 'refused') return;
        const direct = run(pod, mode);
        const late = applied(pod, first);
        const result = run(late, mode);
        if (direct.outcome === 'refused')
          return assert.deepEqual([result.outcome, result.reason], ['refused', direct.reason]);
        if (first.outcome !== direct.outcome) changed++;
        assert.deepEqual(normalised(applied(late, result)), normalised(applied(pod, direct)));
      }),
      { numRuns: 1_500 },
    );
    assert.ok(changed > 100, `${changed} pods changed their mode`);
  });

  test('N5 after other webhooks’ changes it is stable, and every sidecar stands where it belongs', () => {
    fc.assert(
      fc.property(
        anyPod,
        fc.array(anyChange, { minLength: 1, maxLength: 3 }),
        anyMode,
        (pod, changes, mode) => {
          if (run(pod, mode).outcome === 'refused') return;
          const late = structuredClone(once(pod, mode));
          for (const { apply } of changes) apply(late);
          const result = run(late, mode);
          if (result.outcome === 'refused') return;
          const after = applied(late, result);
          assert.deepEqual(run(after, mode).operations, []);
          if (result.mode !== 'native' || result.containers.length === 0) return;
          const own = (role: string) =>
            result.containers.filter((one) => one.role === role).map(({ name }) => name);
          const inits = (after.spec.initContainers ?? []).map(({ name }) => name);
          assert.deepEqual(
            after.spec.containers.map(({ name }) => name),
            own('main'),
          );
          assert.deepEqual(
            own('sidecar').filter((name) => !inits.includes(name)),
            [],
          );
          assert.equal(new Set(inits).size, inits.length);
        },
      ),
      { numRuns: 1_500 },
    );
  });
});
