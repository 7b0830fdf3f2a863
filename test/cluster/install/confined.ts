/** Namespaces of the level "restricted", and pods that they accept. */
import type { TestContext } from 'node:test';
import type { V1Container, V1Job, V1Pod, V1PodSpec } from '@kubernetes/client-node';
import { Namespace } from '../cluster.ts';
import { job, type PodOptions, pod, sidecars, steps } from '../manifests.ts';
import { RESTRICTED } from './pod-security.ts';

/** The label that opts a namespace in. */
export const INJECTED = { 'curfew.dev/injection': 'enabled' };

/** A namespace that accepts only restricted pods. Without other labels Curfew is not called for them. */
export function restrictedNamespace(
  t: TestContext,
  name: string,
  labels: Record<string, string> = {},
): Promise<Namespace> {
  return Namespace.make(t, name, { ...RESTRICTED, ...labels });
}

/** A restricted pod. Without `runAsUser` its user is the image's. */
export function restrictedPod(name: string, containers: V1Container[], options: PodOptions = {}): V1Pod {
  return pod(name, containers.map(confined), { ...options, spec: confinedSpec(options.spec) });
}

/** A Job of one such pod. */
export function restrictedJob(name: string, containers: V1Container[], options: PodOptions = {}): V1Job {
  return job(name, containers.map(confined), { ...options, spec: confinedSpec(options.spec) });
}

/** A Job whose sidecar never ends by itself, and ends with 143 when it is told to. Without Curfew it would run for ever. */
export function endlessJob(name: string, main = 'say working exit 0', options: PodOptions = {}): V1Job {
  const containers = [steps('main', main), steps('proxy', 'say up tick exit 143')];
  return restrictedJob(name, containers, { annotations: sidecars('proxy'), ...options });
}

function confined(container: V1Container): V1Container {
  const securityContext = { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } };
  return { ...container, securityContext };
}

function confinedSpec(spec: Partial<V1PodSpec> = {}): Partial<V1PodSpec> {
  const securityContext = {
    runAsNonRoot: true,
    runAsUser: 12_345,
    seccompProfile: { type: 'RuntimeDefault' },
  };
  return { securityContext, ...spec };
}
