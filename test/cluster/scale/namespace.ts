/** A namespace for many pods, and the pod that all of them are. */
import { randomBytes } from 'node:crypto';
import type { V1Pod } from '@kubernetes/client-node';
import { INJECTED, restrictedPod } from '../install/confined.ts';
import { RESTRICTED } from '../install/pod-security.ts';
import { mustKubectl } from '../kubectl.ts';
import { sidecars, steps } from '../manifests.ts';

/** Make one, opted in or not, in which pods can be created. @returns its name */
export async function openNamespace(name: string, isInjected: boolean): Promise<string> {
  const unique = `${name}-${randomBytes(2).toString('hex')}`;
  const labels = { ...RESTRICTED, ...(isInjected ? INJECTED : {}) };
  const object = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: unique, labels } };
  await mustKubectl(['create', '-f', '-'], JSON.stringify(object));
  await mustKubectl(['-n', unique, 'wait', '--for=create', 'serviceaccount/default', '--timeout=60s']);
  return unique;
}

/** A main and its sidecar, of two containers as most are. */
export function twoContainers(name: string): V1Pod {
  const containers = [steps('main', 'exit 0'), steps('proxy', 'tick exit 143')];
  return restrictedPod(name, containers, { annotations: sidecars('proxy') });
}
