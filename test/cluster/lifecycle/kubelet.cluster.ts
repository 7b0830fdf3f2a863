/** A node that reboots, and a kubelet that is restarted: who runs again, and who does not. */
import assert from 'node:assert/strict';
import type { V1Container } from '@kubernetes/client-node';
import { type Namespace, statusOf } from '../cluster.ts';
import { steps } from '../manifests.ts';
import { idOf, killPod, removeContainer, restartContainerd, restartKubelet } from '../node.ts';
import { inOrder } from './said-order.ts';
import { SCRATCH, scratch, touch } from './scratch.ts';
import { INITS_IN_TURN, proxy, threeInits } from './usual-containers.ts';
import { bothWays, codesOf, type Parts, podOf, restarted, type Way } from './way.ts';

bothWays(
  'K22 after a reboot init containers, sidecars and mains start again in the same order',
  async (_, ns, way) => {
    const startupProbe = { tcpSocket: { port: 7001 }, periodSeconds: 1, failureThreshold: 60 };
    const listening = steps('proxy', 'say up listen 7001 wait exit 143', { startupProbe });
    const parts = {
      inits: threeInits(),
      sidecars: [listening],
      mains: [steps('main', 'say up wait exit 0')],
    };
    await ns.create(podOf(way, 'worker', parts, { spec: { restartPolicy: 'Always' } }));
    await ns.said('worker', 'main', 'up');
    await killPod(await ns.pod('worker'));
    await restarted(ns, 'worker', 'main');
    const again = await ns.said('worker', 'main', 'up');
    await inOrder(ns, ...INITS_IN_TURN, 'proxy: up', 'main: up');
    const first = await ns.lines('worker', 'main', '--previous');
    assert.ok(first.every(({ at }) => at < again.at));
  },
);

for (const [title, forgotten] of [
  ['K23 K25 init containers that are done do not run again when the kubelet is restarted', false],
  ['K24 K26 nor do those that the container runtime has forgotten', true],
] as const) {
  bothWays(title, async (_, ns, way) => {
    const waiting = scratch('init-3', 'say up await /scratch/go exit 0');
    const pods = [
      { name: 'running', gate: 'main', parts: partsOf(single('init-3'), 'say up await /scratch/go exit 0') },
      { name: 'initialising', gate: 'init-3', parts: partsOf(waiting, 'say up exit 0') },
    ];
    const options = { spec: { ...SCRATCH, restartPolicy: 'OnFailure' } };
    for (const { name, parts } of pods) await ns.create(podOf(way, name, parts, options));
    for (const { name, gate } of pods) await ns.said(name, gate, 'up');
    await restartKubelet(async () => {
      if (!forgotten) return;
      for (const { name } of pods) await forget(ns, name, way);
      await restartContainerd();
    });
    for (const { name, gate } of pods) {
      // The kubelet answers, so it knows its pods again.
      await touch(ns, name, gate, '/scratch/go');
      await ns.waitForPhase(name, 'Succeeded');
      const pod = await ns.pod(name);
      assert.deepEqual(codesOf(pod, 'main'), [0]);
      for (const container of ['init-1', 'init-2', 'init-3', 'main', 'proxy'])
        assert.equal(statusOf(pod, container)?.restartCount, 0, `${container} in ${name}`);
    }
  });
}

/** An init container that fails when it runs again: its restart count would not tell, where the kubelet has forgotten it. */
function single(name: string): V1Container {
  return scratch(name, `once /scratch/${name} 0 exit 9`);
}

function partsOf(last: V1Container, main: string): Parts {
  return {
    inits: [single('init-1'), single('init-2'), last],
    sidecars: [proxy()],
    mains: [scratch('main', main)],
  };
}

/** Take the init containers that are done out of the container runtime. */
async function forget(ns: Namespace, name: string, way: Way): Promise<void> {
  const pod = await ns.pod(name);
  const done = pod.status.initContainerStatuses.filter(({ state }) => state.terminated !== undefined);
  assert.ok(done.length >= (way === 'curfew' ? 3 : 2));
  for (const status of done) await removeContainer(idOf(status));
}
