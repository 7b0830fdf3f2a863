/** A volume that the containers of a test share, so that they can wait for one another (images/steps.c: await, touch, once). */
import type { V1Container, V1ExecAction, V1PodSpec } from '@kubernetes/client-node';
import type { Namespace } from '../cluster.ts';
import { steps } from '../manifests.ts';

/** For the pod's spec: files in it outlive containers and sandboxes. */
export const SCRATCH: Partial<V1PodSpec> = { volumes: [{ name: 'scratch', emptyDir: {} }] };

/** A container that does these steps and has the volume at /scratch. */
export function scratch(name: string, list: string, more: Partial<V1Container> = {}): V1Container {
  return steps(name, list, { volumeMounts: [{ name: 'scratch', mountPath: '/scratch' }], ...more });
}

/** A hook, or a probe, that does these steps in its container. */
export function execSteps(list: string): { exec: V1ExecAction } {
  return { exec: { command: ['/steps', ...list.split(' ')] } };
}

/** Create a file from outside, in a container that runs. */
export async function touch(ns: Namespace, pod: string, container: string, file: string): Promise<void> {
  await ns.kubectl('exec', pod, '-c', container, '--', '/steps', 'touch', file);
}
