/** The image of a container of a pod that exists already, changed in its spec: what `kubectl set image` does. */
import type { V1Container, V1PodSpec } from '@kubernetes/client-node';
import { z } from 'zod';
import { type Namespace, type Pod, statusOf } from '../cluster.ts';
import { kubectl, until } from '../kubectl.ts';
import { steps } from '../manifests.ts';

/** The same program as in every other test, in another image. */
export const NEW_IMAGE = 'localhost/quit:1';

const SPEC = z.object({
  metadata: z.object({ uid: z.string() }),
  spec: z.object({
    initContainers: z.array(z.object({ name: z.string(), image: z.string() })).default([]),
    containers: z.array(z.object({ name: z.string(), image: z.string() })),
  }),
});
const LIST = z.object({ items: z.array(SPEC) });

/** Give containers the new image, and wait until the kubelet knows of it. */
export async function changeImage(ns: Namespace, pod: string, ...containers: string[]): Promise<void> {
  const uid = await ns.kubectl('get', 'pod', pod, '-o', 'jsonpath={.metadata.uid}');
  const node = await ns.kubectl('get', 'pod', pod, '-o', 'jsonpath={.spec.nodeName}');
  await ns.kubectl('set', 'image', `pod/${pod}`, ...containers.map((name) => `${name}=${NEW_IMAGE}`));
  await until(`the kubelet knows the new image of ${containers.join(', ')} in ${pod}`, async () => {
    const answer = await kubectl(['get', '--raw', `/api/v1/nodes/${node}/proxy/pods`]);
    if (answer.code !== 0) return undefined; // it is being restarted
    const seen = LIST.parse(JSON.parse(answer.stdout)).items.find((item) => item.metadata.uid === uid)?.spec;
    const all = [...(seen?.initContainers ?? []), ...(seen?.containers ?? [])];
    const known = containers.every((name) =>
      all.some((item) => item.name === name && item.image === NEW_IMAGE),
    );
    return known || undefined;
  });
}

/** Wait until a container runs with the new image. */
export function runsNewImage(ns: Namespace, pod: string, container: string): Promise<Pod> {
  return until(`${container} in ${pod} runs with ${NEW_IMAGE}`, async () => {
    const found = await ns.pod(pod);
    const status = statusOf(found, container);
    return status?.image === NEW_IMAGE && status.state.running !== undefined ? found : undefined;
  });
}

/** For the pod's spec: the annotation `go` as a file, empty at first. */
export const TOLD: Partial<V1PodSpec> = {
  volumes: [
    {
      name: 'told',
      downwardAPI: { items: [{ path: 'go', fieldRef: { fieldPath: "metadata.annotations['go']" } }] },
    },
  ],
};

/**
 * An init container that ends with this code once the kubelet works on the pod as {@link letGo} found it. That the
 * kubelet knows a change is not enough: it may yet finish a round with the pod as it was before, see in it that the
 * init container has ended, and start the next containers from the old spec. It writes this volume at the beginning of
 * a round, and what comes after it starts from the spec that has the annotation.
 */
export function untilLetGo(name: string, code = 0): V1Container {
  const volumeMounts = [{ name: 'told', mountPath: '/told' }];
  return steps(name, `say up filled /told/go say gone exit ${code}`, { volumeMounts });
}

/** Let {@link untilLetGo} end, when the kubelet has taken up everything that was changed before. */
export async function letGo(ns: Namespace, pod: string): Promise<void> {
  await ns.kubectl('annotate', 'pod', pod, 'go=yes');
}
