/** Pods whose restartPolicy is Always: mains come and go, sidecars stay. docs/conformance.md, K45 to K51. */
import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { statusOf } from '../cluster.ts';
import { until } from '../kubectl.ts';
import { steps } from '../manifests.ts';
import { changeImage, runsNewImage } from './image-change.ts';
import { SCRATCH, scratch, touch } from './scratch.ts';
import { awaited } from './usual-containers.ts';
import { bothWays, podOf, restarted, saidSoFar } from './way.ts';

const ALWAYS = { spec: { ...SCRATCH, restartPolicy: 'Always', terminationGracePeriodSeconds: 8 } };
const SIDECAR = 'say up wait exit 0';

describe('restartPolicy Always', { concurrency: 3 }, () => {
  bothWays('K45 a main that ends is started again beside the same sidecar', async (_t, ns, way) => {
    const parts = { sidecars: [steps('proxy', SIDECAR)], mains: [steps('main', 'say working exit 0')] };
    await ns.create(podOf(way, 'worker', parts, ALWAYS));
    const pod = await restarted(ns, 'worker', 'main', 2);
    assert.equal(statusOf(pod, 'proxy')?.restartCount, 0);
    assert.deepEqual(await saidSoFar(ns, 'worker', 'proxy'), ['up']);
  });

  bothWays('K46 a sidecar with a new image is started again, and nobody else', async (_t, ns, way) => {
    const parts = {
      sidecars: [steps('first', SIDECAR), steps('second', SIDECAR)],
      mains: [scratch('main', 'say working await /scratch/go exit 0')],
    };
    await ns.create(podOf(way, 'worker', parts, ALWAYS));
    await ns.said('worker', 'main', 'working');
    await changeImage(ns, 'worker', 'first');
    const pod = await restarted(ns, 'worker', 'first');
    assert.equal(statusOf(pod, 'second')?.restartCount, 0);
    assert.equal(statusOf(pod, 'main')?.restartCount, 0);
    await runsNewImage(ns, 'worker', 'first');
    await ns.said('worker', 'first', 'up');
    assert.deepEqual(await saidSoFar(ns, 'worker', 'second'), ['up']);
    await touch(ns, 'worker', 'main', '/scratch/go');
    await restarted(ns, 'worker', 'main'); // which it would not be, were its sidecars not up
    await ns.said('worker', 'main', 'working');
  });

  bothWays(
    'K47 a sidecar whose image cannot be had: pending, and the main runs nothing',
    async (_t, ns, way) => {
      const bad = { image: 'localhost/missing:1', imagePullPolicy: 'IfNotPresent' };
      const parts = {
        sidecars: [steps('proxy', SIDECAR, bad)],
        mains: [steps('main', 'say working exit 0')],
      };
      await ns.create(podOf(way, 'worker', parts)); // as in Kubernetes, whatever the group: restartPolicy Never
      const pod = await until('the kubelet gives the image up for now', async () => {
        const found = await ns.pod('worker');
        return statusOf(found, 'proxy')?.state.waiting?.reason === 'ImagePullBackOff' ? found : undefined;
      });
      assert.equal(pod.status.phase, 'Pending');
      assert.deepEqual(await saidSoFar(ns, 'worker', 'proxy'), []);
      assert.deepEqual(await saidSoFar(ns, 'worker', 'main'), []);
    },
  );

  for (const [number, code] of [
    ['K48', 0],
    ['K49', 1],
  ] as const) {
    bothWays(`${number} a sidecar that ends again and again with ${code}`, async (_t, ns, way) => {
      const ends = `await /scratch/working once /scratch/1 ${code} once /scratch/2 ${code}`;
      const parts = {
        sidecars: [awaited('proxy', 'say up', `${ends} touch /scratch/third wait exit 0`)],
        // Its own end says whether the sidecar came first, and it ends after the sidecar's third start.
        mains: [
          scratch(
            'main',
            'have /scratch/proxy say working touch /scratch/working await /scratch/third exit 7',
          ),
        ],
      };
      await ns.create(podOf(way, 'worker', parts, ALWAYS));
      const pod = await restarted(ns, 'worker', 'main');
      assert.equal(statusOf(pod, 'main')?.lastState.terminated?.exitCode, 7);
      await ns.said('worker', 'main', 'working');
      if (way === 'native') {
        assert.equal(statusOf(pod, 'proxy')?.restartCount, 2);
      } else if (code !== 0) {
        // The second failure, soon after a restart in place, is left to the kubelet (L9).
        assert.equal(statusOf(pod, 'proxy')?.restartCount, 1);
        assert.equal(statusOf(pod, 'proxy')?.lastState.terminated?.exitCode, code);
        assert.deepEqual(await saidSoFar(ns, 'worker', 'proxy'), ['up']);
      } else {
        // The shim starts it again: the kubelet has seen nothing.
        assert.equal(statusOf(pod, 'proxy')?.restartCount, 0);
        const failed = `failing once with ${code}`;
        assert.deepEqual(await saidSoFar(ns, 'worker', 'proxy'), ['up', failed, 'up', failed, 'up']);
      }
    });
  }

  bothWays(
    'K50 an init container that fails keeps the pod pending, and no sidecar starts',
    async (_t, ns, way) => {
      const parts = {
        inits: [steps('init', 'say trying exit 1')],
        sidecars: [steps('proxy', SIDECAR)],
        mains: [steps('main', 'say working exit 0')],
      };
      await ns.create(podOf(way, 'worker', parts, ALWAYS));
      const pod = await restarted(ns, 'worker', 'init', 2);
      assert.equal(pod.status.phase, 'Pending');
      assert.deepEqual(await saidSoFar(ns, 'worker', 'proxy'), []);
      assert.deepEqual(await saidSoFar(ns, 'worker', 'main'), []);
    },
  );

  bothWays('K51 a late init container that fails keeps the pod pending', async (_t, ns, way) => {
    const parts = {
      sidecars: [steps('proxy', SIDECAR)],
      lateInits: [steps('init', 'say trying exit 1')],
      mains: [steps('main', 'say working exit 0')],
    };
    await ns.create(podOf(way, 'worker', parts, ALWAYS));
    const pod = await restarted(ns, 'worker', 'init', 2);
    assert.equal(pod.status.phase, 'Pending');
    assert.deepEqual(await saidSoFar(ns, 'worker', 'main'), []);
    // Under Curfew every init container comes before the first sidecar.
    assert.deepEqual(await saidSoFar(ns, 'worker', 'proxy'), way === 'native' ? ['up'] : []);
  });
});
