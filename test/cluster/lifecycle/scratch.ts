/** A volume that the containers of a test share, so that they can wait for one another (images/steps.c: await, touch, once). */
import type { V1Container, V1ExecAction, V1PodSpec, V1Probe } from '@kubernetes/client-node';
import type { Namespace } from '../cluster.ts';
import { kubectl, until } from '../kubectl.ts';
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

/** The exit code of an exec whose container ends meanwhile, which it may do as soon as the file exists. */
const KILLED = 137;

/** Create a file from outside, in a container that runs; tried again while there is no kubelet to ask. */
export async function touch(ns: Namespace, pod: string, container: string, file: string): Promise<void> {
  await until(`${file} in ${pod}`, async () => {
    const exec = ['-n', ns.name, 'exec', pod, '-c', container, '--', '/steps', 'touch', file];
    const { code } = await kubectl(exec);
    return code === 0 || code === KILLED || undefined;
  });
}

/** A probe that holds as soon as a file is there; it is tried each second, for a minute. */
export function fileProbe(file: string): V1Probe {
  return { ...execSteps(`have ${file}`), periodSeconds: 1, failureThreshold: 60 };
}

/** A probe that fails for good at its first try. */
export const FAILING: V1Probe = {
  ...execSteps('have /never'),
  periodSeconds: 1,
  failureThreshold: 1,
  initialDelaySeconds: 1,
};
