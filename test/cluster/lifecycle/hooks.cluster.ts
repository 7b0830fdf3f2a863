/** Hooks and probes of mains, beside a sidecar. */
import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { type Line, linesOf, type Namespace, statusOf, when } from '../cluster.ts';
import { kubectl, timeout, until } from '../kubectl.ts';
import { steps } from '../manifests.ts';
import { execSteps, SCRATCH, scratch } from './scratch.ts';
import { proxy } from './usual-containers.ts';
import { bothWays, codesOf, podOf } from './way.ts';

/** Makes what the mains' liveness probes look for, so that these hold until a main takes it away. */
const inits = () => [scratch('init-1', 'touch /scratch/alive touch /scratch/initialised exit 0')];
const spec = SCRATCH;

describe('hooks and probes of mains', { concurrency: 2 }, () => {
  bothWays(
    'K8 the postStart hook of a main runs beside it, after the init containers',
    async (_, ns, way) => {
      const postStart = execSteps('have /scratch/initialised await /scratch/working touch /scratch/hooked');
      const main = scratch('main', 'touch /scratch/working await /scratch/hooked say seen exit 0', {
        lifecycle: { postStart },
      });
      const pod = podOf(way, 'worker', { inits: inits(), sidecars: [proxy()], mains: [main] }, { spec });
      await ns.create(pod);
      await ns.waitForPhase('worker', 'Succeeded');
      assert.equal(statusOf(await ns.pod('worker'), 'main')?.restartCount, 0);
    },
  );

  bothWays(
    'K10 a second main is not started before the postStart hook of the first is done',
    async (_, ns, way) => {
      const postStart = execSteps('sleep 2 touch /scratch/hooked');
      const mains = [
        scratch('regular-1', 'await /scratch/hooked exit 0', { lifecycle: { postStart } }),
        scratch('regular-2', 'have /scratch/hooked exit 0'),
      ];
      await ns.create(podOf(way, 'worker', { sidecars: [proxy()], mains }, { spec }));
      await ns.waitForPhase('worker', 'Succeeded');
    },
  );

  for (const [row, kind] of [
    ['K15', 'startup'],
    ['K16', 'liveness'],
  ] as const) {
    bothWays(
      `${row} a main that fails its ${kind} probe is stopped, after its preStop hook`,
      async (_, ns, way) => {
        const preStop = execSteps('have /scratch/working touch /scratch/hooked');
        const probes =
          kind === 'startup'
            ? { startupProbe: { ...execSteps('have /never'), periodSeconds: 1, failureThreshold: 8 } }
            : {
                livenessProbe: { ...execSteps('have /scratch/alive'), periodSeconds: 1, failureThreshold: 1 },
              };
        const main = scratch(
          'main',
          'touch /scratch/working remove /scratch/alive wait have /scratch/hooked exit 0',
          { ...probes, lifecycle: { preStop } },
        );
        await ns.create(
          podOf(way, 'worker', { inits: inits(), sidecars: [proxy()], mains: [main] }, { spec }),
        );
        if (kind === 'startup') await lookedAt(ns);
        await ns.waitForPhase('worker', 'Succeeded');
        const pod = await ns.pod('worker');
        assert.deepEqual(codesOf(pod, 'main'), [0]);
        assert.equal((await ns.lines('worker', 'main')).at(0)?.text, 'got TERM');
      },
    );
  }

  bothWays(
    'K17 in the preStop hook of a main its readiness is still probed, and its liveness is not',
    async (_, ns, way) => {
      // Both look once a second: between three looks of the one there would be one of the other.
      const look = 'remove /scratch/readiness await /scratch/readiness';
      const preStop = execSteps(`remove /scratch/liveness ${look} ${look} ${look}`);
      // `once` ends with 42 where its file is missing: the liveness probe has not made it again.
      const main = scratch(
        'main',
        'await /scratch/readiness remove /scratch/alive wait have /scratch/readiness once /scratch/liveness 42 exit 7',
        {
          livenessProbe: {
            ...execSteps('touch /scratch/liveness have /scratch/alive'),
            periodSeconds: 1,
            failureThreshold: 1,
          },
          readinessProbe: { ...execSteps('touch /scratch/readiness'), periodSeconds: 1 },
          lifecycle: { preStop },
        },
      );
      await ns.create(podOf(way, 'worker', { inits: inits(), sidecars: [proxy()], mains: [main] }, { spec }));
      await ns.waitForPhase('worker', 'Failed');
      assert.deepEqual(codesOf(await ns.pod('worker'), 'main'), [42]);
    },
  );

  bothWays('K18 a sidecar that ends in the preStop hook of a main', async (_, ns, way) => {
    const main = scratch('main', 'remove /scratch/alive wait have /scratch/back exit 0', {
      livenessProbe: { ...execSteps('have /scratch/alive'), periodSeconds: 1, failureThreshold: 1 },
      lifecycle: { preStop: execSteps('touch /scratch/stopping await /scratch/back') },
    });
    const sidecar = scratch(
      'proxy',
      'say up await /scratch/stopping once /scratch/failed 1 touch /scratch/back wait exit 143',
    );
    const options = { spec: { ...spec, terminationGracePeriodSeconds: 10 } };
    await ns.create(podOf(way, 'worker', { inits: inits(), sidecars: [sidecar], mains: [main] }, options));
    // Under Curfew its shim starts it again. The kubelet does not look at it while the hook runs.
    await ns.waitForPhase('worker', way === 'curfew' ? 'Succeeded' : 'Failed');
    assert.deepEqual(codesOf(await ns.pod('worker'), 'main'), [way === 'curfew' ? 0 : 1]);
  });
});

describe('a main that does not end when it is told to', { concurrency: 2 }, () => {
  const sidecars = () => [steps('proxy', 'say up wait say gone exit 0')];
  const options = { spec: { terminationGracePeriodSeconds: 6 } };

  bothWays('K13 a main that ignores its TERM ends with the grace period', async (_, ns, way) => {
    const mains = [steps('main', 'say working wait sleep 1 say stays wait')];
    await ns.create(podOf(way, 'worker', { sidecars: sidecars(), mains }, options));
    await ns.said('worker', 'main', 'working');
    const [main, proxy] = await linesUntilDeleted(ns);
    assert.deepEqual(textsOf(main), ['working', 'got TERM', 'stays']);
    assert.deepEqual(textsOf(proxy), ['up', 'got TERM', 'gone']);
    assert.ok(when(main, 'stays') <= when(proxy, 'got TERM'));
  });

  bothWays(
    'K14 a preStop hook of a main that does not return ends with the grace period',
    async (_, ns, way) => {
      const lifecycle = { preStop: execSteps('sleep 10000') };
      const mains = [steps('main', 'say working wait wait', { lifecycle })];
      await ns.create(podOf(way, 'worker', { sidecars: sidecars(), mains }, options));
      await ns.said('worker', 'main', 'working');
      const [main, proxy] = await linesUntilDeleted(ns);
      assert.deepEqual(textsOf(main), ['working', 'got TERM']);
      assert.deepEqual(textsOf(proxy), ['up', 'got TERM', 'gone']);
    },
  );
});

/** Delete the pod, and read what its main and its sidecar say until they end. */
async function linesUntilDeleted(ns: Namespace): Promise<[Line[], Line[]]> {
  const logs = [ns.follow('worker', 'main'), ns.follow('worker', 'proxy')] as const;
  await ns.kubectl('delete', 'pod', 'worker', timeout(120));
  return [linesOf(await logs[0]), linesOf(await logs[1])];
}

function textsOf(lines: Line[]): string[] {
  return lines.map(({ text }) => text);
}

/** The kubelet of 1.20 looks at a startup probe's result only when it looks at the pod: change that until it does. */
async function lookedAt(ns: Namespace): Promise<void> {
  await until('the main is stopped', async () => {
    await ns.kubectl('annotate', '--overwrite', 'pod/worker', `example.com/looked-at=${Date.now()}`);
    const log = await kubectl(['-n', ns.name, 'logs', 'worker', '-c', 'main']);
    return log.stdout.includes('got TERM') || undefined;
  });
}
