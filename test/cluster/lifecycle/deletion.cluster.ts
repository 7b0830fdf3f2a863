/** Pods that are deleted: while they start, and beyond their grace period. docs/conformance.md, K58 and K61 to K68. */
import assert from 'node:assert/strict';
import { describe } from 'node:test';
import type { V1Container } from '@kubernetes/client-node';
import { statusOf } from '../cluster.ts';
import { timeout, until } from '../kubectl.ts';
import { steps } from '../manifests.ts';
import { changeImage } from './image-change.ts';
import { assertOrder } from './said-order.ts';
import { execSteps, fileProbe, SCRATCH, scratch, touch } from './scratch.ts';
import { createWitnessed, deleted, follow, startsOf, textsOf } from './stop-order.ts';
import { bothWays, podOf, saidSoFar } from './way.ts';

const NAMES = ['first', 'second', 'third'];
const OPTIONS = { spec: { ...SCRATCH, restartPolicy: 'Never', terminationGracePeriodSeconds: 8 } };
const LONG = { spec: { ...SCRATCH, restartPolicy: 'Never', terminationGracePeriodSeconds: 600 } };
const MAIN = 'say working wait exit 0';
const PROMPT = 'say up wait exit 0';
/** Goes when it is killed. */
const STUBBORN = 'say up wait await /never exit 0';

describe('the deletion of a pod', { concurrency: 3 }, () => {
  for (const restartPolicy of ['Always', 'OnFailure', 'Never'] as const) {
    bothWays(`K58 a new image for a sidecar of a pod that ends, ${restartPolicy}`, async (_t, ns, way) => {
      const all = ['main', 'first', 'second'];
      const slow = 'say up wait sleep 1 say gone exit 0';
      const parts = {
        inits: [steps('init', 'say ran exit 0')],
        sidecars: [steps('first', slow), steps('second', slow)],
        mains: [scratch('main', 'say working wait await /scratch/go say gone exit 0')],
      };
      await ns.create(podOf(way, 'worker', parts, { spec: { ...LONG.spec, restartPolicy } }));
      await ns.said('worker', 'main', 'working');
      const followed = follow(ns, 'worker', ...all);
      await ns.kubectl('delete', 'pod', 'worker', '--wait=false');
      await ns.said('worker', 'main', 'got TERM');
      await changeImage(ns, 'worker', 'first');
      await touch(ns, 'worker', 'main', '/scratch/go');
      const said = await followed;
      assert.deepEqual(textsOf(said, 'main'), ['working', 'got TERM', 'gone']);
      for (const name of ['first', 'second'])
        assert.deepEqual(textsOf(said, name), ['up', 'got TERM', 'gone']);
      await ns.kubectl('wait', 'pod/worker', '--for=delete', timeout(120));
      for (const name of all) assert.equal(await startsOf(ns, 'worker', name), 1, name);
      assertOrder(said, 'main: gone', 'second: got TERM', 'second: gone', 'first: got TERM');
    });
  }

  bothWays('K61 a pod that is deleted while an init container runs goes at once', async (_t, ns, way) => {
    const lifecycle = { preStop: execSteps('sleep 1') };
    const parts = {
      inits: [steps('init', 'say up wait exit 1')],
      sidecars: NAMES.map((name) => steps(name, PROMPT, { lifecycle })),
      mains: [steps('main', MAIN)],
    };
    await ns.create(podOf(way, 'worker', parts, LONG));
    await ns.said('worker', 'init', 'up');
    for (const name of [...NAMES, 'main']) assert.deepEqual(await saidSoFar(ns, 'worker', name), []);
    await ns.kubectl('delete', 'pod', 'worker', timeout(120));
  });

  bothWays('K62 a pod that is deleted before one of its sidecars is up goes at once', async (_t, ns, way) => {
    const parts = {
      inits: [steps('init', 'say ran exit 0')],
      sidecars: [
        steps('first', PROMPT, { startupProbe: { ...fileProbe('/never'), failureThreshold: 600 } }),
        steps('second', PROMPT),
      ],
      mains: [steps('main', MAIN)],
    };
    await ns.create(podOf(way, 'worker', parts, LONG));
    await ns.said('worker', 'first', 'up');
    // Natively the others' containers do not exist; under Curfew their shims wait.
    const waiting = way === 'native' ? [] : ['second', 'main'];
    for (const name of waiting) {
      await until(
        `the container of ${name}`,
        async () => statusOf(await ns.pod('worker'), name)?.state.running,
      );
    }
    const followed = follow(ns, 'worker', 'first', ...waiting);
    await ns.kubectl('delete', 'pod', 'worker', timeout(120));
    const said = await followed;
    assert.deepEqual(textsOf(said, 'first'), ['up', 'got TERM']);
    for (const name of waiting) assert.deepEqual(textsOf(said, name), []);
  });

  /** A pod of a main and three sidecars that is deleted: the codes in which they end, natively and under Curfew. */
  function ends(
    title: string,
    phase: 'Succeeded' | 'Failed',
    main: V1Container,
    sidecars: V1Container[],
    codes: { main: number; native: number[]; curfew: number[] },
  ): void {
    bothWays(title, async (t, ns, way) => {
      await createWitnessed(t, ns, podOf(way, 'worker', { sidecars, mains: [main] }, OPTIONS));
      await ns.said('worker', 'main', 'working');
      for (const name of NAMES) await ns.said('worker', name, 'up');
      const found = await deleted(t, ns, 'worker', phase, 'main', ...NAMES);
      assert.deepEqual(found, [codes.main, ...codes[way]]);
    });
  }
  /** Three sidecars with these steps. */
  const three = (...lists: string[]) => NAMES.map((name, index) => steps(name, lists[index] ?? PROMPT));

  ends(
    'K63 a sidecar that ends with 1 when its pod is deleted: the pod has succeeded',
    ...(['Succeeded', steps('main', MAIN), three(PROMPT, 'say up wait exit 1', PROMPT)] as const),
    { main: 0, native: [0, 1, 0], curfew: [0, 0, 0] },
  );
  ends(
    'K64 a preStop hook that fails: the pod has succeeded',
    ...(['Succeeded', steps('main', MAIN)] as const),
    NAMES.map((name) =>
      steps(name, PROMPT, { lifecycle: { preStop: execSteps(`exit ${name === 'second' ? 1 : 0}`) } }),
    ),
    { main: 0, native: [0, 0, 0], curfew: [0, 0, 0] },
  );
  ends(
    'K65 a main that exceeds the grace period: the pod has failed',
    ...(['Failed', steps('main', 'say working wait await /never exit 0')] as const),
    three(STUBBORN, PROMPT, STUBBORN),
    { main: 137, native: [137, 0, 137], curfew: [0, 0, 0] },
  );
  ends(
    'K66 a sidecar that exceeds the grace period: the pod has succeeded',
    ...(['Succeeded', steps('main', MAIN), three(PROMPT, STUBBORN, PROMPT)] as const),
    { main: 0, native: [0, 137, 0], curfew: [0, 0, 0] },
  );
  ends(
    "K67 a main's preStop hook that exceeds the grace period: the pod has failed",
    'Failed',
    steps('main', 'say working wait await /never exit 0', {
      lifecycle: { preStop: execSteps('await /never') },
    }),
    three(PROMPT, STUBBORN, PROMPT),
    { main: 137, native: [0, 137, 0], curfew: [0, 0, 0] },
  );
  ends(
    "K68 a sidecar's preStop hook that exceeds the grace period: the pod has succeeded",
    ...(['Succeeded', steps('main', MAIN)] as const),
    NAMES.map((name) =>
      steps(name, name === 'second' ? STUBBORN : PROMPT, {
        lifecycle: { preStop: execSteps(name === 'second' ? 'await /never' : 'exit 0') },
      }),
    ),
    { main: 0, native: [0, 137, 0], curfew: [0, 0, 0] },
  );
});
