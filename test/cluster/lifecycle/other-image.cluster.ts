/** Init containers and sidecars whose image is changed while the pod lives. */
import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { linesOf, type Pod, statusOf } from '../cluster.ts';
import { kubectl, until } from '../kubectl.ts';
import { steps } from '../manifests.ts';
import { changeImage, letGo, NEW_IMAGE, runsNewImage, TOLD, untilLetGo } from './image-change.ts';
import { execSteps, SCRATCH, scratch, touch } from './scratch.ts';
import { proxy } from './usual-containers.ts';
import { bothWays, codesOf, podOf } from './way.ts';

describe('a new image for an init container', { concurrency: 2 }, () => {
  bothWays('K19 an init container that is done does not run again with its new image', async (_, ns, way) => {
    const parts = {
      inits: [steps('init-1', 'say up exit 0')],
      sidecars: [proxy()],
      mains: [steps('main', 'say working wait exit 0')],
    };
    await ns.create(podOf(way, 'worker', parts, { spec: { restartPolicy: 'Always' } }));
    await ns.said('worker', 'main', 'working');
    // The main's too, so that its new start shows that the kubelet has acted on both.
    await changeImage(ns, 'worker', 'init-1', 'main');
    ranOnce(await runsNewImage(ns, 'worker', 'main'));
  });

  bothWays('K20 an init container that runs is not started again with its new image', async (_, ns, way) => {
    const inits = [scratch('init-1', 'say up await /scratch/go exit 0')];
    const parts = { inits, sidecars: [proxy()], mains: [steps('main', 'say working wait exit 0')] };
    await ns.create(podOf(way, 'worker', parts, { spec: { ...SCRATCH, restartPolicy: 'Always' } }));
    await ns.said('worker', 'init-1', 'up');
    await changeImage(ns, 'worker', 'init-1');
    await touch(ns, 'worker', 'init-1', '/scratch/go');
    await ns.said('worker', 'main', 'working');
    ranOnce(await ns.pod('worker'));
  });

  bothWays(
    'K21 an init container does not run again with its new image while the pod is deleted',
    async (_, ns, way) => {
      const main = scratch('main', 'say working wait await /scratch/go exit 1');
      await ns.create(
        podOf(
          way,
          'worker',
          { inits: [steps('init-1', 'say up exit 0')], sidecars: [proxy()], mains: [main] },
          // A grace period that does not end the test: the main waits for what it does.
          { spec: { ...SCRATCH, terminationGracePeriodSeconds: 600 } },
        ),
      );
      await ns.said('worker', 'main', 'working');
      const output = ns.follow('worker', 'main');
      await ns.kubectl('delete', 'pod', 'worker', '--wait=false');
      await ns.said('worker', 'main', 'got TERM');
      await changeImage(ns, 'worker', 'init-1');
      ranOnce(await ns.pod('worker'));
      await touch(ns, 'worker', 'main', '/scratch/go');
      await until('the pod is gone', async () => {
        const found = await kubectl(['-n', ns.name, 'get', 'pod', 'worker', '-o', 'json']);
        if (found.code !== 0) return true;
        assert.doesNotMatch(found.stdout, /"restartCount": [1-9]/);
        return undefined;
      });
      assert.deepEqual(
        linesOf(await output).map(({ text }) => text),
        ['working', 'got TERM'],
      );
    },
  );
});

describe('a new image for a sidecar', { concurrency: 2 }, () => {
  for (const restartPolicy of ['Always', 'OnFailure', 'Never'] as const) {
    const code = restartPolicy === 'Never' ? 1 : 0;
    bothWays(
      `K35 a sidecar takes its new image while a later init container runs, ${restartPolicy}`,
      async (_, ns, way) => {
        const parts = {
          inits: [steps('init-1', 'say up exit 0')],
          sidecars: [steps('proxy-1', 'say up wait say gone exit 0')],
          lateInits: [untilLetGo('init-2', code)],
          mains: [steps('main', 'say working wait exit 0')],
        };
        await ns.create(podOf(way, 'worker', parts, { spec: { ...TOLD, restartPolicy } }));
        await ns.said('worker', 'init-2', 'up');
        await changeImage(ns, 'worker', 'proxy-1');
        // Natively it runs already, and is started again; under Curfew it starts after the last init container.
        if (way === 'native') await runsNewImage(ns, 'worker', 'proxy-1');
        else notStarted(await ns.pod('worker'), 'proxy-1');
        notStarted(await ns.pod('worker'), 'main');
        await letGo(ns, 'worker');
        if (restartPolicy === 'Never') {
          await ns.waitForPhase('worker', 'Failed');
          const pod = await ns.pod('worker');
          notStarted(pod, ...(way === 'native' ? ['main'] : ['main', 'proxy-1']));
          assert.deepEqual(codesOf(pod, 'init-1', 'init-2'), [0, 1]);
          return;
        }
        await ns.said('worker', 'main', 'working');
        const pod = await runsNewImage(ns, 'worker', 'proxy-1');
        assert.equal(statusOf(pod, 'proxy-1')?.restartCount, way === 'native' ? 1 : 0);
        for (const name of ['init-1', 'init-2', 'main'])
          assert.equal(statusOf(pod, name)?.restartCount, 0, name);
      },
    );
  }

  for (const restartPolicy of ['OnFailure', 'Never'] as const) {
    for (const probed of [false, true]) {
      const how = probed ? 'at once where it has a liveness probe' : 'when its grace period ends';
      bothWays(
        `K37 a sidecar starts again with its new image, and no other does, ${how}, ${restartPolicy}`,
        async (_, ns, way) => {
          const livenessProbe = { ...execSteps('exit 0'), periodSeconds: 1 };
          const sidecars = [
            steps('proxy-1', 'say up wait exit 143', probed ? { livenessProbe } : {}),
            steps('proxy-2', 'say up wait exit 143'),
          ];
          const main = scratch('main', 'say working await /scratch/go say done exit 0');
          // A grace period that no test waits for, and one that it does.
          const spec = { ...SCRATCH, restartPolicy, terminationGracePeriodSeconds: probed ? 600 : 4 };
          await ns.create(podOf(way, 'worker', { sidecars, mains: [main] }, { spec }));
          await ns.said('worker', 'main', 'working');
          await changeImage(ns, 'worker', 'proxy-1');
          const pod = await runsNewImage(ns, 'worker', 'proxy-1');
          assert.equal(statusOf(pod, 'proxy-1')?.restartCount, 1);
          await ns.said('worker', 'proxy-1', 'up');
          await touch(ns, 'worker', 'main', '/scratch/go');
          await ns.waitForPhase('worker', 'Succeeded');
          const finished = await ns.pod('worker');
          assert.deepEqual(codesOf(finished, 'main'), [0]);
          for (const name of ['main', 'proxy-2'])
            assert.equal(statusOf(finished, name)?.restartCount, 0, name);
          assert.equal(statusOf(finished, 'proxy-1')?.image, NEW_IMAGE);
        },
      );
    }
  }
});

function ranOnce(pod: Pod): void {
  const status = statusOf(pod, 'init-1');
  assert.deepEqual(status?.state.terminated?.exitCode, 0);
  assert.equal(status?.restartCount, 0);
  assert.notEqual(status?.image, NEW_IMAGE);
}

function notStarted(pod: Pod, ...containers: string[]): void {
  for (const name of containers) assert.ok(statusOf(pod, name)?.state.waiting !== undefined, name);
}
