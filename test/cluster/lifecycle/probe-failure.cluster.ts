/** Sidecars with probes, and what follows when these fail. docs/conformance.md, K52 to K56 and K69. */
import assert from 'node:assert/strict';
import { describe } from 'node:test';
import type { V1Container } from '@kubernetes/client-node';
import { type Namespace, type Pod, statusOf } from '../cluster.ts';
import { until } from '../kubectl.ts';
import { steps } from '../manifests.ts';
import { changeImage, NEW_IMAGE } from './image-change.ts';
import { inOrder } from './said-order.ts';
import { execSteps, FAILING, SCRATCH, scratch, touch } from './scratch.ts';
import { stoppedByStartupProbe } from './startup-probe.ts';
import { awaited } from './usual-containers.ts';
import { bothWays, codesOf, podOf, restarted, saidSoFar } from './way.ts';

const POLICIES = ['Never', 'OnFailure', 'Always'] as const;
const SIDECAR = 'say up wait exit 0';

function options(restartPolicy: string) {
  return { spec: { ...SCRATCH, restartPolicy, terminationGracePeriodSeconds: 8 } };
}

const worker = () => steps('main', 'say working exit 0');

/** A sidecar whose preStop hook and process wait for each other. */
function hooked(probe: Partial<V1Container>): V1Container {
  const list = 'say up await /scratch/hooked say hooked touch /scratch/seen wait exit 3';
  const preStop = execSteps('touch /scratch/hooked await /scratch/seen');
  return scratch('proxy', list, { lifecycle: { preStop }, ...probe });
}

/** Its hook ran beside its process, which was asked to end only when it was over. */
async function assertHookFirst(ns: Namespace, pod: Pod): Promise<void> {
  assert.equal(statusOf(pod, 'proxy')?.lastState.terminated?.exitCode, 3);
  const before = await ns.lines('worker', 'proxy', '--previous');
  assert.deepEqual(
    before.map((line) => line.text),
    ['up', 'hooked', 'got TERM'],
  );
}

/** Give a sidecar another image, and wait until it was started again with it. */
async function restartedWithNewImage(ns: Namespace, container: string): Promise<Pod> {
  await changeImage(ns, 'worker', container);
  return until(`${container} was started again with ${NEW_IMAGE}`, async () => {
    const pod = await ns.pod('worker');
    const status = statusOf(pod, container);
    return status?.image === NEW_IMAGE && status.restartCount > 1 ? pod : undefined;
  });
}

describe('probes of sidecars', { concurrency: 3 }, () => {
  bothWays(
    'K52 sidecars start one after the other, each when its startup probe says so',
    async (_t, ns, way) => {
      const sidecar = (name: string) => awaited(name, 'say up sleep 1 say started', 'wait exit 0');
      const parts = {
        sidecars: [sidecar('first'), sidecar('second')],
        mains: [worker()],
      };
      await ns.create(podOf(way, 'worker', parts, options('Never')));
      await ns.waitForPhase('worker', 'Succeeded');
      assert.deepEqual(codesOf(await ns.pod('worker'), 'main', 'first', 'second'), [0, 0, 0]);
      await inOrder(ns, 'first: started', 'second: up', 'second: started', 'main: working');
    },
  );

  for (const policy of POLICIES) {
    bothWays(`K53 a new image for a sidecar whose startup probe fails, ${policy}`, async (_t, ns, way) => {
      const parts = {
        sidecars: [steps('first', SIDECAR), steps('second', SIDECAR, { startupProbe: FAILING })],
        mains: [worker()],
      };
      await ns.create(podOf(way, 'worker', parts, options(policy)));
      await stoppedByStartupProbe(ns, 'worker');
      if (way === 'curfew' && policy === 'Never') {
        // Nobody starts it again, so it will never be up: the main gives up, and the pod has failed.
        await ns.waitForPhase('worker', 'Failed');
        assert.deepEqual(codesOf(await ns.pod('worker'), 'main', 'first', 'second'), [125, 0, 0]);
        assert.match(await ns.log('worker', 'main'), /^curfew: .*second/m);
        assert.deepEqual(await saidSoFar(ns, 'worker', 'main'), []);
        return;
      }
      await restarted(ns, 'worker', 'second');
      const pod = await restartedWithNewImage(ns, 'second');
      assert.equal(statusOf(pod, 'first')?.restartCount, 0);
      assert.deepEqual(await saidSoFar(ns, 'worker', 'main'), []);
      // Under Curfew the main's container is there from the beginning, although it runs nothing.
      assert.equal(pod.status.phase, way === 'native' ? 'Pending' : 'Running');
    });
  }

  bothWays(
    'K54 a startup probe that fails: the preStop hook runs, and the main does not',
    async (_t, ns, way) => {
      const parts = {
        sidecars: [hooked({ startupProbe: FAILING })],
        mains: [worker()],
      };
      await ns.create(podOf(way, 'worker', parts, options('Always')));
      await stoppedByStartupProbe(ns, 'worker');
      const pod = await restarted(ns, 'worker', 'proxy');
      await assertHookFirst(ns, pod);
      assert.equal(statusOf(pod, 'main')?.restartCount, 0);
      assert.deepEqual(await saidSoFar(ns, 'worker', 'main'), []);
    },
  );

  bothWays(
    'K55 a liveness probe that fails: the preStop hook runs, and the main does too',
    async (_t, ns, way) => {
      const parts = {
        sidecars: [hooked({ livenessProbe: FAILING })],
        mains: [scratch('main', 'say working await /scratch/go remove /scratch/go exit 0')],
      };
      await ns.create(podOf(way, 'worker', parts, options('Always')));
      const pod = await restarted(ns, 'worker', 'proxy');
      await assertHookFirst(ns, pod);
      assert.equal(statusOf(pod, 'main')?.restartCount, 0);
      await touch(ns, 'worker', 'main', '/scratch/go');
      await restarted(ns, 'worker', 'main');
    },
  );

  for (const policy of POLICIES) {
    bothWays(`K56 a new image for a sidecar whose liveness probe fails, ${policy}`, async (_t, ns, way) => {
      const parts = {
        sidecars: [steps('first', SIDECAR), steps('second', SIDECAR, { livenessProbe: FAILING })],
        mains: [scratch('main', 'say working await /scratch/go say done exit 0')],
      };
      await ns.create(podOf(way, 'worker', parts, options(policy)));
      await ns.said('worker', 'main', 'working');
      if (way === 'curfew' && policy === 'Never') {
        // Nobody starts it again, whatever its image; it fails neither the main nor the pod.
        assert.equal((await ns.exit('worker', 'second')).state.terminated?.exitCode, 0);
        await changeImage(ns, 'worker', 'second');
      } else {
        await restarted(ns, 'worker', 'second');
        await restartedWithNewImage(ns, 'second');
      }
      const pod = await ns.pod('worker');
      assert.equal(statusOf(pod, 'first')?.restartCount, 0);
      assert.equal(statusOf(pod, 'main')?.restartCount, 0);
      assert.deepEqual(await saidSoFar(ns, 'worker', 'main'), ['working']);
      await touch(ns, 'worker', 'main', '/scratch/go');
      if (policy === 'Always') {
        const after = await restarted(ns, 'worker', 'main');
        assert.equal(statusOf(after, 'first')?.restartCount, 0);
        return;
      }
      await ns.waitForPhase('worker', 'Succeeded');
      const ended = await ns.pod('worker');
      assert.deepEqual(codesOf(ended, 'main', 'first'), [0, 0]);
      if (way === 'curfew' && policy === 'Never') assert.equal(statusOf(ended, 'second')?.restartCount, 0);
    });
  }

  bothWays(
    'K69 a sidecar that fails before its startup probe holds: the main waits for the next try',
    async (_t, ns, way) => {
      const parts = {
        sidecars: [awaited('proxy', 'once /scratch/failed 1 say up', 'wait exit 0')],
        mains: [scratch('main', 'have /scratch/proxy say working exit 0')],
      };
      await ns.create(podOf(way, 'worker', parts, options('Never')));
      await ns.waitForPhase('worker', 'Succeeded');
      const pod = await ns.pod('worker');
      assert.deepEqual(codesOf(pod, 'main', 'proxy'), [0, 0]);
      assert.equal(statusOf(pod, 'proxy')?.restartCount, way === 'native' ? 1 : 0);
    },
  );
});
