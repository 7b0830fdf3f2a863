import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { parseShimArguments, SHIM_PATH } from '../../../shim/protocol.ts';
import { REASONS } from '../../../webhook/decision/mutate.ts';
import { isTexts } from '../../../webhook/shared/json.ts';
import { at } from '../server/served-webhook.ts';
import { anyChange, anyPod, EVERY_IMAGE } from './any-pod.ts';
import { normalised, statusOf, withoutOurs } from './compared-pod.ts';
import { applied, mutation, named, type TestPod } from './mutated-pod.ts';

const again = (pod: TestPod) => mutation(pod, EVERY_IMAGE);
/** The shim's own arguments in a startup probe that asks it. */
function gateFlags(probe: unknown): string[] | undefined {
  const command = at(probe, 'exec', 'command');
  return isTexts(command) && command[0] === SHIM_PATH ? command.slice(1) : undefined;
}

const once = (pod: TestPod) => applied(pod, again(pod));

describe('any pod', () => {
  test('W2 the patch applies with validation on, and touches nothing of others', () => {
    const seen = { wrapped: 0, unchanged: 0, refused: 0 };
    fc.assert(
      fc.property(anyPod, (pod) => {
        const result = again(pod);
        assert.ok(result.outcome !== 'converted');
        seen[result.outcome]++;
        if (result.outcome !== 'wrapped') assert.deepEqual(result.operations, []);
        const after = applied(pod, result);
        assert.deepEqual(withoutOurs(after), withoutOurs(pod));
        // L18: the one field of a container's that may be ours or its author's.
        for (const { startupProbe, name } of after.spec.containers)
          if (gateFlags(startupProbe) === undefined)
            assert.deepEqual(startupProbe, named(pod, name).startupProbe);
          else {
            const options = parseShimArguments(gateFlags(startupProbe) ?? []);
            assert.ok(options.role === 'started' && options.name === name);
          }
      }),
      { numRuns: 500 },
    );
    for (const [outcome, count] of Object.entries(seen)) assert.ok(count > 20, `${outcome} ${count} times`);
  });

  test('W3 a second run changes nothing', () => {
    fc.assert(
      fc.property(anyPod, (pod) => {
        const first = again(pod);
        const second = again(applied(pod, first));
        assert.deepEqual(second.operations, []);
        assert.equal(second.reason, first.outcome === 'wrapped' ? 'already-wrapped' : first.reason);
        assert.deepEqual(second.containers, first.containers);
      }),
      { numRuns: 500 },
    );
  });

  test('W3 after other webhooks’ changes the result is that of one run over the final pod', () => {
    let rewrapped = 0;
    fc.assert(
      fc.property(anyPod, fc.array(anyChange, { minLength: 1, maxLength: 3 }), (pod, changes) => {
        const change = (before: TestPod) => {
          const after = structuredClone(before);
          for (const { apply } of changes) apply(after);
          return after;
        };
        const first = once(pod);
        const late = change(first);
        const result = again(late);
        // Where the containers were moved, another order than ours is from then on the author's, and a place among some of them that
        // are gone is no longer known.
        const lists = changes.map(({ list }) => list);
        const isUnknown =
          lists.includes('reordered') || (lists.includes('added') && lists.includes('removed'));
        if (statusOf(first).order !== undefined && isUnknown) {
          assert.deepEqual(again(applied(late, result)).operations, []);
          return;
        }
        const direct = again(change(pod));
        if (direct.outcome === 'refused')
          assert.deepEqual([result.outcome, result.reason], ['refused', direct.reason]);
        else {
          if (direct.outcome === 'wrapped' && result.operations.length > 0) rewrapped++;
          assert.deepEqual(normalised(applied(late, result)), normalised(once(change(pod))));
        }
      }),
      { numRuns: 1_500 },
    );
    assert.ok(rewrapped > 50, `${rewrapped} pods were wrapped again`);
  });

  test('W3 an injected pod whose args were replaced runs them, as if the original had them as its command', () => {
    const seen = { wrapped: 0, refused: 0 };
    const words = fc.array(fc.constantFrom('other', '$(X)', '$$', '', '--'), { minLength: 1, maxLength: 3 });
    const change = fc.oneof(
      words.map((added) => (present: string[]) => [...added, ...present]),
      words.map((added) => (present: string[]) => [...present, ...added]),
      words.map((added) => () => added),
      fc.constant((present: string[]) => (present.length > 1 ? present.slice(0, -1) : ['one'])),
    );
    fc.assert(
      fc.property(anyPod, fc.nat(9), change, (pod, at, changed) => {
        const first = again(pod);
        if (first.outcome !== 'wrapped') return;
        const late = applied(pod, first);
        const direct = structuredClone(pod);
        // Mostly one with an entrypoint annotation, where there is one: few pods have it.
        const annotated = direct.spec.containers.findIndex(
          ({ name }) => pod.metadata.annotations?.[`entrypoint.curfew.dev/${name}`] !== undefined,
        );
        const place = annotated >= 0 && at > 0 ? annotated : at % direct.spec.containers.length;
        const plain = direct.spec.containers[place];
        assert.ok(plain);
        const one = named(late, plain.name);
        assert.ok(one.args);
        one.args = changed(one.args);
        const wish: string[] = JSON.parse(
          pod.metadata.annotations?.[`entrypoint.curfew.dev/${one.name}`] ?? '[]',
        );
        plain.command = one.args.slice(0, wish.length || one.args.length);
        plain.args = one.args.slice(plain.command.length);
        const result = again(late);
        if (wish.some((word, i) => word !== one.args?.[i])) {
          assert.deepEqual([result.outcome, result.reason], ['refused', 'bad-annotation']);
          seen.refused++;
          return;
        }
        const after = applied(late, result);
        assert.deepEqual(named(after, one.name).args, one.args);
        assert.deepEqual(withoutStatus(after), withoutStatus(applied(direct, again(direct))));
        assert.deepEqual(again(after).operations, []);
        seen.wrapped++;
      }),
      { numRuns: 1_500 },
    );
    assert.ok(seen.wrapped > 100 && seen.refused > 0, JSON.stringify(seen));
  });

  test('W4 what the shim gets it can read, and it runs what would have run', () => {
    fc.assert(
      fc.property(anyPod, (pod) => {
        const result = again(pod);
        if (result.outcome !== 'wrapped') return;
        const { spec } = applied(pod, result);
        for (const one of spec.containers) {
          const [, ...flags] = one.command ?? [];
          const options = parseShimArguments([...flags, ...(one.args ?? [])]);
          assert.ok('name' in options && options.name === one.name);
        }
        const [, ...flags] = spec.initContainers?.[0]?.command ?? [];
        const install = parseShimArguments(flags);
        assert.ok(install.role === 'install');
        assert.deepEqual(
          install.containers,
          spec.containers.map(({ name }) => name),
        );
      }),
    );
  });
});

/** Without the status, which can say the same in two ways: as a command, or as ENTRYPOINT and args. */
function withoutStatus(pod: TestPod): unknown {
  const copy = structuredClone(pod);
  delete copy.metadata.annotations?.['curfew.dev/status'];
  return normalised(copy);
}

describe('undone', () => {
  test('W3 L18 a wrapped pod that is opted out is as its author wrote it', () => {
    let undone = 0;
    fc.assert(
      fc.property(anyPod, (pod) => {
        const first = again(pod);
        if (first.outcome !== 'wrapped') return;
        const optOut = (one: TestPod): TestPod => ({
          ...one,
          metadata: { ...one.metadata, labels: { ...one.metadata.labels, 'curfew.dev/inject': 'false' } },
        });
        const out = optOut(applied(pod, first));
        assert.deepEqual(normalised(applied(out, again(out))), normalised(optOut(pod)));
        undone++;
      }),
      { numRuns: 500 },
    );
    assert.ok(undone > 50, `${undone} pods`);
  });
});

describe('any JSON', () => {
  test('W2 nothing throws, and every reason has a name', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const result = mutation(value);
        assert.deepEqual([result.outcome, result.operations], ['unchanged', []]);
        assert.ok(REASONS.includes(result.reason));
      }),
    );
  });

  test('W2 a pod with anything anywhere: a patch that applies, or none', () => {
    fc.assert(
      fc.property(
        anyPod,
        fc.array(fc.nat(99), { maxLength: 6 }),
        fc.jsonValue({ maxDepth: 3 }),
        (pod, way, value) => {
          const broken = replacedAt(once(pod), way, value);
          const fresh = replacedAt(pod, way, value);
          for (const candidate of [broken, fresh]) {
            const result = mutation(candidate, EVERY_IMAGE);
            applied(candidate, result);
            for (const text of [result.message, ...result.warnings]) assert.match(text, /^[\P{Cc}]*$/u);
            for (const text of result.warnings) assert.ok(text.length <= 256);
          }
        },
      ),
      { numRuns: 2_000 },
    );
  });
});

/** A copy with one value replaced; `way` picks a member on each level. */
function replacedAt(value: unknown, way: readonly number[], put: unknown): unknown {
  const [step, ...rest] = way;
  if (step === undefined || typeof value !== 'object' || value === null) return put;
  const copy: unknown = structuredClone(value);
  if (typeof copy !== 'object' || copy === null) return put;
  const keys = Object.keys(copy);
  const key = keys[step % Math.max(keys.length, 1)];
  if (key === undefined) return put;
  const inner: unknown = Reflect.get(copy, key);
  Object.defineProperty(copy, key, {
    value: replacedAt(inner, rest, put),
    enumerable: true,
    configurable: true,
    writable: true,
  });
  return copy;
}
