/** Sidecars that run on, and sidecars and mains that end and are started again. */
import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { statusOf, when } from '../cluster.ts';
import { steps } from '../manifests.ts';
import { SCRATCH, scratch, touch } from './scratch.ts';
import { awaited, proxy } from './usual-containers.ts';
import { bothWays, codesOf, podOf, restarted } from './way.ts';

const POLICIES = ['Never', 'OnFailure'] as const;

describe('sidecars that run on, and that end', { concurrency: 2 }, () => {
  bothWays('K9 a main that fails is started again beside the same sidecar, Always', async (_, ns, way) => {
    const parts = {
      sidecars: [proxy()],
      mains: [steps('main', 'say up exit 1')],
    };
    await ns.create(podOf(way, 'worker', parts, { spec: { restartPolicy: 'Always' } }));
    const pod = await restarted(ns, 'worker', 'main', 2);
    assert.equal(statusOf(pod, 'main')?.lastState.terminated?.exitCode, 1);
    assert.equal(statusOf(pod, 'proxy')?.restartCount, 0);
    assert.ok(statusOf(pod, 'proxy')?.state.running !== undefined);
    assert.deepEqual(
      (await ns.lines('worker', 'proxy')).map(({ text }) => text),
      ['up'],
    );
  });

  for (const restartPolicy of POLICIES) {
    bothWays(
      `K36 a sidecar that runs on: the main completes, the pod has succeeded, ${restartPolicy}`,
      async (_, ns, way) => {
        const parts = {
          sidecars: [awaited('proxy', 'say up', 'wait exit 143')],
          mains: [steps('main', 'say done exit 0')],
        };
        await ns.create(podOf(way, 'worker', parts, { spec: { ...SCRATCH, restartPolicy } }));
        await ns.waitForPhase('worker', 'Succeeded');
        const pod = await ns.pod('worker');
        assert.deepEqual(codesOf(pod, 'main'), [0]);
        if (way === 'curfew') assert.deepEqual(codesOf(pod, 'proxy'), [0]);
        for (const name of ['main', 'proxy']) assert.equal(statusOf(pod, name)?.restartCount, 0, name);
        assert.deepEqual(
          (await ns.lines('worker', 'proxy')).map(({ text }) => text),
          ['up', 'got TERM'],
        );
        assert.ok(
          when(await ns.lines('worker', 'main'), 'done') <=
            when(await ns.lines('worker', 'proxy'), 'got TERM'),
        );
      },
    );

    for (const [row, code] of [
      ['K39', 0],
      ['K40', 1],
    ] as const) {
      bothWays(
        `${row} a sidecar that exits ${code} again and again is started again before and beside the main, ${restartPolicy}`,
        async (_, ns, way) => {
          // It ends before it is ready, then once the main works; the main ends when the sidecar has come back after both.
          const again = `await /scratch/working once /scratch/second ${code} touch /scratch/back`;
          const parts = {
            sidecars: [awaited('proxy', `once /scratch/first ${code}`, `${again} wait exit 143`)],
            mains: [
              scratch(
                'main',
                'have /scratch/first have /scratch/proxy touch /scratch/working await /scratch/back say done await /scratch/go exit 0',
              ),
            ],
          };
          await ns.create(podOf(way, 'worker', parts, { spec: { ...SCRATCH, restartPolicy } }));
          // The second failure, soon after a restart in place, is left to the kubelet where that starts it again (L9).
          const left = restartPolicy === 'OnFailure' && code !== 0;
          if (left && way !== 'native') assert.equal(await ns.codeBeforeRestart('worker', 'proxy'), code);
          await touch(ns, 'worker', 'main', '/scratch/go');
          await ns.waitForPhase('worker', 'Succeeded');
          const pod = await ns.pod('worker');
          assert.deepEqual(codesOf(pod, 'main'), [0]);
          assert.equal(statusOf(pod, 'main')?.restartCount, 0);
          assert.equal(statusOf(pod, 'proxy')?.restartCount, way === 'native' ? 2 : left ? 1 : 0);
          if (way === 'native') return;
          assert.deepEqual(codesOf(pod, 'proxy'), [0]);
          if (left) return;
          const ends = (await ns.log('worker', 'proxy')).match(
            new RegExp(`^curfew: .*ended with code ${code} while the work goes on`, 'gm'),
          );
          assert.equal(ends?.length, 2);
        },
      );
    }
  }
});
