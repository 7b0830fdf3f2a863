/** The pod that all pods of this benchmark are. */
import type { V1Pod } from '@kubernetes/client-node';
import { restrictedPod } from '../install/confined.ts';
import { sidecars, steps } from '../manifests.ts';

/** A main and its sidecar, of two containers as most are. */
export function twoContainers(name: string): V1Pod {
  const containers = [steps('main', 'exit 0'), steps('proxy', 'tick exit 143')];
  return restrictedPod(name, containers, { annotations: sidecars('proxy') });
}
