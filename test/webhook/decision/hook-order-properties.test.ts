/** A small kubelet runs pods whose hooks need containers in front of them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { app, applied, flag, jobPod, mutation, type TestPod } from './mutated-pod.ts';

const postStart = { lifecycle: { postStart: { exec: { command: ['/hook'] } } } };
const namesOf = ({ spec }: TestPod) => spec.containers.map(({ name }) => name).join(', ');

/** Any pod with hooks; each hook needs some of the containers that without Curfew run by then. */
const hooked = fc
  .record({
    containers: fc.uniqueArray(
      fc.record({
        name: fc.constantFrom<string[]>('a', 'b', 'c', 'd', 'e', 'f'),
        isMain: fc.boolean(),
        isHooked: fc.boolean(),
        needs: fc.array(fc.boolean(), { minLength: 6, maxLength: 6 }),
      }),
      { minLength: 2, maxLength: 6, selector: ({ name }) => name },
    ),
    shuffled: fc.shuffledSubarray(['a', 'b', 'c', 'd', 'e', 'f'], { minLength: 6 }),
    isListed: fc.boolean(),
  })
  .filter(
    ({ containers }) => containers.some(({ isMain }) => isMain) && containers.some(({ isMain }) => !isMain),
  );

/** The kubelet and the shims: which containers have run when nothing more happens. */
function run(pod: TestPod, needs: ReadonlyMap<string, readonly string[]>): Set<string> {
  const running = new Set<string>();
  const ended = new Set<string>();
  const names = pod.spec.containers.map(({ name }) => name);
  for (let changed = true; changed; ) {
    changed = false;
    for (const [i, name] of names.entries()) {
      // Created when the hooks of all before it have ended.
      if (!names.slice(0, i).every((before) => ended.has(before))) break;
      const sidecars = flag(pod, name, 'sidecars')?.split(',') ?? [];
      const awaited = sidecars.slice(0, sidecars.includes(name) ? sidecars.indexOf(name) : undefined);
      const runs = awaited.every((other) => running.has(other));
      const ends = (needs.get(name) ?? []).every((other) => running.has(other));
      if ((runs && !running.has(name)) || (ends && !ended.has(name))) changed = true;
      if (runs) running.add(name);
      if (ends) ended.add(name);
    }
  }
  return running;
}

test('W10 no hook that ends without Curfew keeps a container from running, but where a warning names both', () => {
  const seen = { moved: 0, refused: 0, warned: 0, stays: 0 };
  fc.assert(
    fc.property(hooked, ({ containers, shuffled, isListed }) => {
      const of = (main: boolean) =>
        containers.filter(({ isMain }) => isMain === main).map(({ name }) => name);
      const annotations = (order: readonly string[]): Record<string, string> =>
        isListed
          ? { 'curfew.dev/sidecars': order.filter((name) => of(false).includes(name)).join(', ') }
          : { 'curfew.dev/mains': of(true).join(', ') };
      const specs = containers.map(({ name, isHooked }) => app({ name, ...(isHooked ? postStart : {}) }));
      let pod = jobPod(annotations(shuffled), specs);
      let result = mutation(pod);
      if (result.outcome === 'refused') {
        seen.refused++;
        assert.equal(result.reason, 'post-start-order');
        const order = /write curfew\.dev\/sidecars: (.*)\.$/.exec(result.message)?.[1] ?? '';
        pod = jobPod({ 'curfew.dev/sidecars': order }, specs);
        result = mutation(pod);
      }
      assert.equal(result.outcome, 'wrapped', result.message);
      const after = applied(pod, result);
      if (namesOf(after) !== namesOf(pod)) seen.moved++;
      else seen.stays++;
      const warned = result.warnings.flatMap(
        (text) => /: sidecar (\w): its postStart hook has to end before/.exec(text)?.[1] ?? [],
      );
      if (warned.length > 0) seen.warned++;
      const needs = new Map(
        containers.map(({ name, isHooked, needs: some }, i): [string, string[]] => {
          const before = containers.slice(0, i).filter((_, k) => some[k] && !warned.includes(name));
          return [name, isHooked ? [name, ...before.map((one) => one.name)] : []];
        }),
      );
      assert.deepEqual([...run(after, needs)].sort(), containers.map(({ name }) => name).sort());
    }),
    { numRuns: 1_000 },
  );
  for (const [what, count] of Object.entries(seen)) assert.ok(count > 20, `${what} ${count} times`);
});
