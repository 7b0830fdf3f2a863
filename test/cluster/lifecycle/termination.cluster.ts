/** The end of the work: sidecars leave in reverse order. docs/conformance.md, K57, K59, K60. */
import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { steps } from '../manifests.ts';
import { assertOrder } from './said-order.ts';
import { execSteps, SCRATCH, scratch } from './scratch.ts';
import { createWitnessed, deleted, follow, textsOf } from './stop-order.ts';
import { awaited } from './usual-containers.ts';
import { bothWays, codesOf, podOf } from './way.ts';

const NAMES = ['first', 'second', 'third'];
const OPTIONS = { spec: { ...SCRATCH, restartPolicy: 'Never', terminationGracePeriodSeconds: 8 } };
/** How sidecars leave. */
const REVERSE = ['third', 'second', 'first'].flatMap((name) => [`${name}: got TERM`, `${name}: gone`]);
/** Each hook ends only when all three have begun. */
const TOGETHER = NAMES.map((name) => `await /scratch/hook-${name}`).join(' ');

describe('the end of the work', { concurrency: 3 }, () => {
  bothWays('K57 sidecars leave in reverse order once the main has ended', async (_t, ns, way) => {
    const sidecars = NAMES.map((name) => awaited(name, 'say up', 'wait sleep 1 say gone exit 0'));
    const parts = { sidecars, mains: [steps('main', 'say working say done exit 0')] };
    await ns.create(podOf(way, 'worker', parts, OPTIONS));
    await ns.waitForPhase('worker', 'Succeeded');
    assert.deepEqual(codesOf(await ns.pod('worker'), 'main', ...NAMES), [0, 0, 0, 0]);
    const said = await follow(ns, 'worker', 'main', ...NAMES);
    const up = NAMES.map((name) => `${name}: up`);
    assertOrder(said, ...up, 'main: working', 'main: done', ...REVERSE);
  });

  bothWays(
    'K59 preStop hooks that never return hold up nobody at the end of the work',
    async (_t, ns, way) => {
      const sidecars = NAMES.map((name) =>
        scratch(name, `say up wait have /scratch/hook-${name} say hooked exit 0`, {
          lifecycle: { preStop: execSteps(`touch /scratch/hook-${name} await /never`) },
        }),
      );
      const parts = { sidecars, mains: [steps('main', 'say working exit 0')] };
      await ns.create(podOf(way, 'worker', parts, OPTIONS));
      await ns.waitForPhase('worker', 'Succeeded');
      assert.deepEqual(codesOf(await ns.pod('worker'), 'main', ...NAMES), [0, 0, 0, 0]);
      // Under Curfew the kubelet, which runs the hooks, is not involved. Natively it gives them up with the grace period.
      const said = await follow(ns, 'worker', ...NAMES);
      const last = way === 'native' ? ['hooked'] : [];
      for (const name of NAMES) assert.deepEqual(textsOf(said, name), ['up', 'got TERM', ...last], name);
      if (way === 'curfew') assertOrder(said, 'third: got TERM', 'second: got TERM', 'first: got TERM');
    },
  );

  bothWays('K59 preStop hooks that never return, when the pod is deleted', async (t, ns, way) => {
    const sidecars = NAMES.map((name) =>
      scratch(name, 'say up wait exit 0', {
        lifecycle: { preStop: execSteps(`touch /scratch/hook-${name} await /never`) },
      }),
    );
    const mains = [scratch('main', `say working wait ${TOGETHER} say gone exit 0`)];
    await createWitnessed(t, ns, podOf(way, 'worker', { sidecars, mains }, OPTIONS));
    await ns.said('worker', 'main', 'working');
    const codes = await deleted(t, ns, 'worker', 'Succeeded', 'main', ...NAMES);
    assert.deepEqual(codes, [0, 0, 0, 0]);
  });

  bothWays('K60 sidecars with preStop hooks leave in reverse order, with 0', async (_t, ns, way) => {
    const sidecars = NAMES.map((name) =>
      scratch(name, `say up wait sleep 1 say gone exit 0`, {
        lifecycle: { preStop: execSteps(`touch /scratch/hook-${name} ${TOGETHER}`) },
      }),
    );
    // Natively each hook waits for the others: one that ran later would never return.
    const parts = { sidecars, mains: [steps('main', 'say working say done exit 0')] };
    await ns.create(podOf(way, 'worker', parts, OPTIONS));
    await ns.waitForPhase('worker', 'Succeeded');
    assert.deepEqual(codesOf(await ns.pod('worker'), 'main', ...NAMES), [0, 0, 0, 0]);
    assertOrder(await follow(ns, 'worker', 'main', ...NAMES), 'main: done', ...REVERSE);
  });

  bothWays('K60 their preStop hooks run side by side when the pod is deleted', async (t, ns, way) => {
    const sidecars = NAMES.map((name) =>
      scratch(
        name,
        `say up await /scratch/over-${name} say hooked touch /scratch/seen-${name} wait sleep 1 say gone exit 0`,
        {
          lifecycle: {
            preStop: execSteps(
              `touch /scratch/hook-${name} ${TOGETHER} sleep 1 touch /scratch/over-${name} await /scratch/seen-${name}`,
            ),
          },
        },
      ),
    );
    const parts = { sidecars, mains: [steps('main', 'say working wait say gone exit 0')] };
    const options = { spec: { ...OPTIONS.spec, terminationGracePeriodSeconds: 30 } };
    await createWitnessed(t, ns, podOf(way, 'worker', parts, options));
    await ns.said('worker', 'main', 'working');
    const followed = follow(ns, 'worker', 'main', ...NAMES);
    const codes = await deleted(t, ns, 'worker', 'Succeeded', 'main', ...NAMES);
    assert.deepEqual(codes, [0, 0, 0, 0]);
    const said = await followed;
    for (const name of NAMES) {
      assert.deepEqual(textsOf(said, name), ['up', 'hooked', 'got TERM', 'gone'], name);
    }
    assertOrder(said, 'main: gone', ...REVERSE);
  });
});
