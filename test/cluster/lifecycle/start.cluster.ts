/** Init containers, sidecars and mains: who starts after whom, and who never starts. */
import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { linesOf, type Namespace, type Pod, statusOf } from '../cluster.ts';
import { timeout, until } from '../kubectl.ts';
import { steps } from '../manifests.ts';
import { inOrder } from './said-order.ts';
import { SCRATCH } from './scratch.ts';
import { awaited, INITS_IN_TURN, proxy, threeInits } from './usual-containers.ts';
import { bothWays, codesOf, INTERLEAVED, podOf, restarted } from './way.ts';

/** It says that it is up before anybody takes it for started. */
const sidecar = (name: string) => awaited(name, 'say up', 'wait say gone exit 0');
const main = () => steps('main', 'say up exit 0');
const MISSING = { image: 'localhost/missing:1', imagePullPolicy: 'IfNotPresent' };

describe('the order of the start', { concurrency: 2 }, () => {
  bothWays('K6 init containers run one after the other, before the main', async (_, ns, way) => {
    await ns.create(podOf(way, 'worker', { inits: threeInits(), sidecars: [proxy()], mains: [main()] }));
    await ns.waitForPhase('worker', 'Succeeded');
    await inOrder(ns, ...INITS_IN_TURN, 'main: up');
  });

  bothWays(
    'K27 K28 K29 K30 K31 K32 K33 K34 three init containers and two sidecars',
    async (_, ns, way) => {
      const sidecars = [sidecar('proxy-1'), sidecar('proxy-2')];
      const parts = { inits: threeInits(), sidecars, mains: [steps('main', 'say up say gone exit 0')] };
      const pod = podOf(way, 'worker', parts, { spec: SCRATCH });
      if (way === 'native') {
        const order = ['init-1', 'proxy-1', 'init-2', 'proxy-2', 'init-3'];
        pod.spec?.initContainers?.sort((a, b) => order.indexOf(a.name) - order.indexOf(b.name));
      }
      await ns.create(pod);
      await ns.waitForPhase('worker', 'Succeeded');
      await inOrder(
        ns,
        'init-1: gone',
        'proxy-1: up',
        'proxy-2: up',
        'main: up',
        'main: gone',
        'proxy-2: gone',
        'proxy-1: gone',
      );
      await inOrder(ns, 'init-1: gone', 'init-2: up', 'init-2: gone', 'proxy-2: up');
      await inOrder(ns, 'init-2: gone', 'init-3: up', 'init-3: gone', 'main: up');
      if (way === 'native') {
        await inOrder(ns, 'proxy-1: up', 'init-2: up');
        await inOrder(ns, 'proxy-2: up', 'init-3: up');
      } else await inOrder(ns, 'init-3: gone', 'proxy-1: up');
    },
    INTERLEAVED,
  );

  bothWays('K12 init containers do not run again when a main does', async (_, ns, way) => {
    const mains = [steps('main', 'say up exit 255')];
    const parts = { inits: threeInits(), sidecars: [proxy()], mains };
    await ns.create(podOf(way, 'worker', parts, { spec: { restartPolicy: 'Always' } }));
    const pod = await restarted(ns, 'worker', 'main', 2);
    assert.ok(statusOf(pod, 'proxy')?.state.running !== undefined);
    for (const { name } of [...threeInits(), proxy()])
      assert.equal(statusOf(pod, name)?.restartCount, 0, name);
    await inOrder(ns, ...INITS_IN_TURN, 'main: up');
  });
});

describe('a start that fails', { concurrency: 2 }, () => {
  bothWays(
    'K7 K41 an init container before the sidecar fails, Never: the pod has failed, nothing starts',
    async (_, ns, way) => {
      const inits = [steps('init-1', 'say up exit 1')];
      await ns.create(podOf(way, 'worker', { inits, sidecars: [proxy()], mains: [main()] }));
      await ns.waitForPhase('worker', 'Failed');
      const pod = await ns.pod('worker');
      assert.deepEqual(codesOf(pod, 'init-1'), [1]);
      neverStarted(pod, 'proxy', 'main');
    },
  );

  bothWays('K42 an init container after the sidecar fails, Never: the pod has failed', async (_, ns, way) => {
    const lateInits = [steps('init-1', 'say up sleep 1 say gone exit 1')];
    const sidecars = [sidecar('proxy')];
    await ns.create(podOf(way, 'worker', { sidecars, lateInits, mains: [main()] }, { spec: SCRATCH }));
    await ns.waitForPhase('worker', 'Failed');
    const pod = await ns.pod('worker');
    assert.deepEqual(codesOf(pod, 'init-1'), [1]);
    neverStarted(pod, 'main');
    if (way === 'curfew') neverStarted(pod, 'proxy');
    else await inOrder(ns, 'proxy: up', 'init-1: up', 'init-1: gone', 'proxy: gone');
  });

  bothWays(
    'K43 an init container before the sidecar keeps failing, OnFailure: the pod stays Pending',
    async (_, ns, way) => {
      const parts = { inits: [steps('init-1', 'say up exit 1')], sidecars: [proxy()], mains: [main()] };
      await ns.create(podOf(way, 'worker', parts, { spec: { restartPolicy: 'OnFailure' } }));
      const pod = await restarted(ns, 'worker', 'init-1', 2);
      assert.equal(pod.status.phase, 'Pending');
      neverStarted(pod, 'proxy', 'main');
    },
  );

  bothWays(
    'K44 an init container after the sidecar keeps failing, OnFailure: the pod stays Pending',
    async (_, ns, way) => {
      const parts = { sidecars: [proxy()], lateInits: [steps('init-1', 'say up exit 1')], mains: [main()] };
      await ns.create(podOf(way, 'worker', parts, { spec: { restartPolicy: 'OnFailure' } }));
      const pod = await restarted(ns, 'worker', 'init-1', 2);
      assert.equal(pod.status.phase, 'Pending');
      neverStarted(pod, 'main');
      if (way === 'curfew') neverStarted(pod, 'proxy');
      else assert.equal((await ns.lines('worker', 'proxy')).length, 1);
    },
  );

  bothWays('K11 an init container whose image is not to be had: nothing starts', async (_, ns, way) => {
    const inits = [steps('init-1', 'say up exit 0', MISSING)];
    await ns.create(podOf(way, 'worker', { inits, sidecars: [proxy()], mains: [main()] }));
    const pod = await waits(ns, 'init-1', 'ImagePullBackOff');
    assert.equal(pod.status.phase, 'Pending');
    neverStarted(pod, 'init-1', 'proxy', 'main');
  });

  for (const restartPolicy of ['Never', 'OnFailure'] as const) {
    bothWays(
      `K38 a sidecar whose image is not to be had: the main runs nothing, ${restartPolicy}`,
      async (_, ns, way) => {
        const sidecars = [steps('proxy', 'say up wait exit 143', MISSING)];
        await ns.create(podOf(way, 'worker', { sidecars, mains: [main()] }, { spec: { restartPolicy } }));
        const pod = await waits(ns, 'proxy', 'ImagePullBackOff');
        assert.equal(pod.status.phase, 'Pending');
        neverStarted(pod, 'proxy');
        if (way === 'native') return neverStarted(pod, 'main');
        // Its container is up: the shim waits in it, and says for what.
        await until('the main says what it waits for', async () => {
          const log = await ns.log('worker', 'main');
          return /^curfew: waiting for sidecar proxy/m.test(log) || undefined;
        });
        assert.deepEqual(await ns.lines('worker', 'main'), []);
        const { output } = await ns.followed('worker', 'main');
        await ns.kubectl('delete', 'pod', 'worker', timeout(120));
        assert.deepEqual(linesOf(await output), []);
      },
    );
  }
});

/** Wait until a container waits for this reason. */
function waits(ns: Namespace, container: string, reason: string): Promise<Pod> {
  return until(`${container} waits: ${reason}`, async () => {
    const pod = await ns.pod('worker');
    return statusOf(pod, container)?.state.waiting?.reason === reason ? pod : undefined;
  });
}

/** Nothing of these containers has ever run. */
function neverStarted(pod: Pod, ...containers: string[]): void {
  for (const name of containers) {
    const status = statusOf(pod, name);
    assert.ok(status?.state.waiting !== undefined, `${name}: ${JSON.stringify(status)}`);
    assert.equal(status.restartCount, 0, name);
  }
}
