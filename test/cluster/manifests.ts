/** Short ways to write the tests' Jobs and pods. */
import type { V1Container, V1Job, V1Pod, V1PodSpec } from '@kubernetes/client-node';

/** The parts of a pod that differ between tests. */
export interface PodOptions {
  annotations?: Record<string, string>;
  labels?: Record<string, string>;
  spec?: Partial<V1PodSpec>;
}

/** A container of the scratch image that does these steps (images/steps.c). */
export function steps(name: string, list: string, more: Partial<V1Container> = {}): V1Container {
  return {
    name,
    image: 'localhost/steps:1',
    imagePullPolicy: 'Never',
    command: ['/steps', ...list.split(' ')],
    ...more,
  };
}

function podSpec(containers: V1Container[], options: PodOptions): V1PodSpec {
  return {
    restartPolicy: 'Never',
    terminationGracePeriodSeconds: 20,
    automountServiceAccountToken: false,
    // The node's own DNS, because the cluster has none. Otherwise each pod would have an event about that, and the kubelet drops events when there are many.
    dnsPolicy: 'Default',
    containers,
    ...options.spec,
  };
}

/** A pod, restartPolicy Never unless said otherwise. */
export function pod(name: string, containers: V1Container[], options: PodOptions = {}): V1Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, annotations: options.annotations ?? {}, labels: options.labels ?? {} },
    spec: podSpec(containers, options),
  };
}

/** A Job of one such pod; unless backoffLimit says so, a failed pod is not tried again. */
export function job(
  name: string,
  containers: V1Container[],
  options: PodOptions & { backoffLimit?: number } = {},
): V1Job {
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name },
    spec: {
      backoffLimit: options.backoffLimit ?? 0,
      template: {
        metadata: { annotations: options.annotations ?? {}, labels: options.labels ?? {} },
        spec: podSpec(containers, options),
      },
    },
  };
}

/** The annotation that names the sidecars. */
export function sidecars(...names: string[]): Record<string, string> {
  return { 'curfew.dev/sidecars': names.join(', ') };
}
