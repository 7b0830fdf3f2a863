/**
 * Reboots of the node, and restarts of its kubelet. docs/conformance.md, K70 to K72 and K77 to K84. A kubelet that is
 * away for a moment disturbs no other test: they all wait for events.
 */
import assert from 'node:assert/strict';
import { describe } from 'node:test';
import type { V1Container } from '@kubernetes/client-node';
import { type Namespace, type Pod, statusOf, when } from '../cluster.ts';
import { until } from '../kubectl.ts';
import { steps } from '../manifests.ts';
import { idOf, killPod, restartKubelet } from '../node.ts';
import { changeImage, NEW_IMAGE, runsNewImage } from './image-change.ts';
import { fileProbe, SCRATCH, scratch, touch } from './scratch.ts';
import { ready } from './startup-probe.ts';
import { bothWays, codesOf, INTERLEAVED, type Parts, podOf, restarted, saidSoFar } from './way.ts';

const SPEC = { ...SCRATCH, terminationGracePeriodSeconds: 8 };

/** A pod that initialises when the test says so, in each of its lives. */
function gated(): Parts {
  const startupProbe = { tcpSocket: { port: 7001 }, periodSeconds: 1, failureThreshold: 60 };
  return {
    inits: [scratch('init', 'say ran await /scratch/go remove /scratch/go exit 0')],
    sidecars: [steps('proxy', 'say up sleep 1 listen 7001 wait exit 0', { startupProbe })],
    lateInits: [steps('late', 'say ran exit 0')],
    mains: [steps('main', 'say working wait exit 0')],
  };
}

/** Let it initialise: the first time, or once more after what it was before. */
async function initialise(ns: Namespace, before?: Pod): Promise<void> {
  // Not by its restartCount: the kubelet of 1.20 does not count this one.
  const last = before === undefined ? '' : idOf(statusOf(before, 'init'));
  await until('the init container runs', async () => {
    const status = statusOf(await ns.pod('worker'), 'init');
    return status?.state.running !== undefined && idOf(status) !== last ? true : undefined;
  });
  assert.deepEqual((await ns.pod('worker')).status.phase, 'Pending');
  await touch(ns, 'worker', 'init', '/scratch/go');
}

describe('a reboot of the node', { concurrency: 2 }, () => {
  for (const [title, image] of [
    ['K70 after a reboot the containers start in the same order', false],
    ['K71 a new image for a sidecar while the node reboots', true],
  ] as const) {
    bothWays(
      title,
      async (_t, ns, way) => {
        await ns.create(podOf(way, 'worker', gated(), { spec: { ...SPEC, restartPolicy: 'Always' } }));
        await initialise(ns);
        await ns.said('worker', 'main', 'working');
        const before = await ns.pod('worker');
        await killPod(before);
        if (image) await changeImage(ns, 'worker', 'proxy');
        await initialise(ns, before);
        await restarted(ns, 'worker', 'main');
        if (image) await runsNewImage(ns, 'worker', 'proxy');
        const working = await ns.said('worker', 'main', 'working');
        const proxy = await ns.lines('worker', 'proxy');
        const order = [
          when(await ns.lines('worker', 'init'), 'ran'),
          ...(way === 'curfew' ? [when(await ns.lines('worker', 'late'), 'ran')] : []),
          when(proxy, 'up'),
          when(proxy, 'listening'),
          ...(way === 'native' ? [when(await ns.lines('worker', 'late'), 'ran')] : []),
          working.at,
        ];
        assert.deepEqual(
          order,
          order.toSorted((a, b) => a - b),
        );
        await ns.waitForPhase('worker', 'Running');
      },
      INTERLEAVED,
    );
  }
});

bothWays('K72 a new image for a sidecar while the kubelet is restarted', async (_t, ns, way) => {
  const parts = {
    sidecars: [steps('proxy', 'say up wait exit 0')],
    mains: [steps('main', 'say working wait exit 0')],
  };
  await ns.create(podOf(way, 'worker', parts, { spec: { ...SPEC, restartPolicy: 'Always' } }));
  await ns.said('worker', 'main', 'working');
  await restartKubelet(async () => {
    await ns.kubectl('set', 'image', 'pod/worker', `proxy=${NEW_IMAGE}`);
  });
  await restarted(ns, 'worker', 'proxy');
  const pod = await runsNewImage(ns, 'worker', 'proxy');
  assert.equal(statusOf(pod, 'main')?.restartCount, 0);
  assert.equal(pod.status.phase, 'Running');
  assert.deepEqual(await saidSoFar(ns, 'worker', 'main'), ['working']);
});

/** The kinds of probes, in the order of Kubernetes' cases. */
const PROBES: readonly Partial<V1Container>[] = [
  {},
  { startupProbe: fileProbe('/scratch/up') },
  { readinessProbe: fileProbe('/scratch/up') },
  { startupProbe: fileProbe('/scratch/up'), readinessProbe: fileProbe('/scratch/up') },
];
const SIDECAR = 'say up touch /scratch/up wait exit 0';
const MAIN = 'say working touch /scratch/up await /scratch/go say done exit 0';

bothWays('K77 to K84 a restart of the kubelet restarts and stops nobody', async (_t, ns, way) => {
  const pods: { name: string; parts: Parts }[] = PROBES.flatMap((probes, index) => [
    {
      name: `k${77 + index}`,
      parts: {
        sidecars: [steps('proxy', 'say up wait exit 0')],
        mains: [scratch('main', MAIN, probes), scratch('other', MAIN, probes)],
      },
    },
    {
      name: `k${81 + index}`,
      parts: { sidecars: [scratch('proxy', SIDECAR, probes)], mains: [scratch('main', MAIN)] },
    },
  ]);
  await Promise.all(pods.map(({ name, parts }) => ns.create(podOf(way, name, parts, { spec: SPEC }))));
  const containers = pods.flatMap(({ name, parts }) =>
    [...parts.mains, ...parts.sidecars].map((container) => ({ pod: name, container: container.name })),
  );
  const ids = () =>
    Promise.all(containers.map(async ({ pod, container }) => idOf(statusOf(await ns.pod(pod), container))));
  for (const { name, parts } of pods) {
    for (const main of parts.mains) await ns.said(name, main.name, 'working');
    await ready(ns, name);
  }
  const before = await ids();
  await restartKubelet();
  // It has taken a pod over when it can be asked to run something in it.
  for (const { name } of pods) {
    await ready(ns, name);
    assert.equal((await ns.pod(name)).status.phase, 'Running');
    await touch(ns, name, 'main', '/scratch/go');
  }
  await Promise.all(pods.map(({ name }) => ns.waitForPhase(name, 'Succeeded')));
  assert.deepEqual(await ids(), before);
  for (const { pod, container } of containers) {
    const said = container === 'proxy' ? ['up', 'got TERM'] : ['working', 'done'];
    assert.deepEqual(await saidSoFar(ns, pod, container), said, `${container} in ${pod}`);
    assert.deepEqual(codesOf(await ns.pod(pod), container), [0], `${container} in ${pod}`);
  }
});
