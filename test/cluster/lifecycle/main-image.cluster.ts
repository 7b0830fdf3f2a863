/** A main whose image is changed while the pod lives. */
import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { linesOf, type Namespace, statusOf, when } from '../cluster.ts';
import { kubectl, until } from '../kubectl.ts';
import { steps } from '../manifests.ts';
import { changeImage, letGo, NEW_IMAGE, runsNewImage, TOLD, untilLetGo } from './image-change.ts';
import { execSteps, SCRATCH, scratch, touch } from './scratch.ts';
import { stoppedByStartupProbe } from './startup-probe.ts';
import { bothWays, podOf, restarted } from './way.ts';

const POLICIES = ['Always', 'OnFailure', 'Never'] as const;
/** A grace period that ends no test: the main waits for what the test does. */
const PATIENT = { terminationGracePeriodSeconds: 600 };
const RETRYING = ['Always', 'OnFailure'] as const;

const proxy = () => steps('proxy', 'say up wait exit 143');

describe('a new image for a main', { concurrency: 2 }, () => {
  for (const restartPolicy of POLICIES) {
    bothWays(
      `K1 a main starts again with its new image, and no other does, ${restartPolicy}`,
      async (_, ns, way) => {
        const mains = [
          steps('regular-1', 'say working wait exit 0'),
          steps('regular-2', 'say working wait exit 0'),
        ];
        await ns.create(podOf(way, 'worker', { sidecars: [proxy()], mains }, { spec: { restartPolicy } }));
        await Promise.all(mains.map(({ name }) => ns.said('worker', name, 'working')));
        await changeImage(ns, 'worker', 'regular-1');
        const pod = await runsNewImage(ns, 'worker', 'regular-1');
        assert.equal(statusOf(pod, 'regular-1')?.restartCount, 1);
        await ns.said('worker', 'regular-1', 'working');
        await stayedAsTheyWere(ns, 'regular-2', 'proxy');
      },
    );

    for (const code of [0, 1]) {
      bothWays(
        `K1 an only main that exits ${code} starts again with its new image, ${restartPolicy}`,
        async (_, ns, way) => {
          const parts = { sidecars: [proxy()], mains: [steps('main', `say working wait exit ${code}`)] };
          await ns.create(podOf(way, 'worker', parts, { spec: { restartPolicy } }));
          await ns.said('worker', 'main', 'working');
          await changeImage(ns, 'worker', 'main');
          await runsNewImage(ns, 'worker', 'main');
          await ns.said('worker', 'main', 'working');
          await stayedAsTheyWere(ns, 'proxy');
        },
      );
    }

    bothWays(
      `K2 a main does not start when its image changes before its time, ${restartPolicy}`,
      async (_, ns, way) => {
        const parts = {
          inits: [untilLetGo('init-1')],
          sidecars: [proxy()],
          mains: [
            steps('regular-1', 'say working wait exit 0'),
            steps('regular-2', 'say working wait exit 0'),
          ],
        };
        await ns.create(podOf(way, 'worker', parts, { spec: { ...TOLD, restartPolicy } }));
        await ns.said('worker', 'init-1', 'up');
        await changeImage(ns, 'worker', 'regular-1');
        const before = await ns.pod('worker');
        assert.equal(before.status.phase, 'Pending');
        for (const { name } of parts.mains)
          assert.ok(statusOf(before, name)?.state.waiting !== undefined, name);
        await letGo(ns, 'worker');
        await runsNewImage(ns, 'worker', 'regular-1');
        for (const { name } of parts.mains) await ns.said('worker', name, 'working');
        await stayedAsTheyWere(ns, 'regular-1', 'regular-2', 'proxy');
        assert.equal(statusOf(await ns.pod('worker'), 'init-1')?.restartCount, 0);
      },
    );

    bothWays(
      `K5 a main whose image changes while it is stopped is not started again, ${restartPolicy}`,
      async (_, ns, way) => {
        const main = scratch('main', 'say working wait await /scratch/go say gone exit 1');
        const parts = { sidecars: [proxy()], mains: [main] };
        await ns.create(podOf(way, 'worker', parts, { spec: { ...SCRATCH, restartPolicy, ...PATIENT } }));
        await ns.said('worker', 'main', 'working');
        const followed = [ns.follow('worker', 'main'), ns.follow('worker', 'proxy')];
        await ns.kubectl('delete', 'pod', 'worker', '--wait=false');
        await ns.said('worker', 'main', 'got TERM');
        await changeImage(ns, 'worker', 'main');
        await touch(ns, 'worker', 'main', '/scratch/go');
        await until('the pod is gone', async () => {
          const found = await kubectl(['-n', ns.name, 'get', 'pod', 'worker', '-o', 'json']);
          if (found.code !== 0) return true;
          assert.doesNotMatch(found.stdout, /"restartCount": [1-9]/);
          return undefined;
        });
        const [lines = [], last = []] = (await Promise.all(followed)).map(linesOf);
        assert.deepEqual(
          lines.map(({ text }) => text),
          ['working', 'got TERM', 'gone'],
        );
        assert.ok(when(lines, 'gone') <= when(last, 'got TERM'));
      },
    );
  }

  for (const restartPolicy of RETRYING) {
    for (const [row, kind] of [
      ['K3', 'startup'],
      ['K4', 'liveness'],
    ] as const) {
      bothWays(
        `${row} a main that failed its ${kind} probe takes its new image, ${restartPolicy}`,
        async (_, ns, way) => {
          const probe = { ...execSteps('have /never'), periodSeconds: 1, failureThreshold: 1 };
          const probes = kind === 'startup' ? { startupProbe: probe } : { livenessProbe: probe };
          const main = steps('main', 'say working wait exit 143', probes);
          await ns.create(
            podOf(way, 'worker', { sidecars: [proxy()], mains: [main] }, { spec: { restartPolicy } }),
          );
          if (kind === 'startup') await stoppedByStartupProbe(ns, 'worker');
          await restarted(ns, 'worker', 'main');
          await changeImage(ns, 'worker', 'main');
          await restarted(ns, 'worker', 'main', 2);
          await until(`main has ${NEW_IMAGE}`, async () => {
            const found = await ns.pod('worker');
            return statusOf(found, 'main')?.image === NEW_IMAGE || undefined;
          });
          await stayedAsTheyWere(ns, 'proxy');
        },
      );

      bothWays(
        `${row} a main that failed its ${kind} probe and exits 0 starts again, ${restartPolicy}`,
        async (_, ns, way) => {
          const probe = { ...execSteps('have /scratch/well'), periodSeconds: 1, failureThreshold: 1 };
          const probes = kind === 'startup' ? { startupProbe: probe } : { livenessProbe: probe };
          const main = scratch('main', 'say working wait await /scratch/go exit 0', probes);
          const parts = { sidecars: [proxy()], mains: [main] };
          await ns.create(podOf(way, 'worker', parts, { spec: { ...SCRATCH, restartPolicy, ...PATIENT } }));
          if (kind === 'startup') await stoppedByStartupProbe(ns, 'worker');
          await ns.said('worker', 'main', 'got TERM');
          await touch(ns, 'worker', 'main', '/scratch/well');
          await touch(ns, 'worker', 'main', '/scratch/go');
          await restarted(ns, 'worker', 'main');
          await ns.said('worker', 'main', 'working');
          await stayedAsTheyWere(ns, 'proxy');
        },
      );
    }
  }
});

/** They run, and have run since they were first started. */
async function stayedAsTheyWere(ns: Namespace, ...containers: string[]): Promise<void> {
  const pod = await ns.pod('worker');
  for (const name of containers) {
    const status = statusOf(pod, name);
    assert.equal(status?.restartCount, 0, name);
    assert.ok(status.state.running !== undefined, name);
  }
}
