import { isFinal } from '../../shim/lifecycle.ts';
import type { Trouble } from './mutation.ts';
import type { ReadPart } from './planned-part.ts';
import type { PodView } from './pod.ts';

/**
 * A sidecar exits 0 when the work is done (L7). Find one that the kubelet would start again all the same. In a pod that is not
 * meant to end, where a main is started again for ever, the work is never done, and no sidecar exits so.
 */
export function findRestartLoop(pod: PodView, parts: readonly ReadPart[]): Trouble | undefined {
  const policyOf = ({ details }: ReadPart) => details.restartPolicy ?? pod.restartPolicy;
  const isForEver = (part: ReadPart) => part.role === 'main' && policyOf(part) === 'Always';
  if (pod.restartPolicy === 'Always' && parts.some(isForEver)) return undefined;
  const looping = parts.find(
    (part) => part.role !== 'main' && !isFinal(policyOf(part), part.details.restartRules, 0),
  );
  return looping && { reason: 'sidecar-never-ends', message: messageOf(looping) };
}

function messageOf({ container: { name }, details }: ReadPart): string {
  const loop = 'so the kubelet would start it again for ever after the work is done';
  if (details.restartPolicy === undefined && details.restartRules.length === 0)
    return `sidecar ${name} has the pod's restartPolicy: Always, ${loop}, for each main has a restartPolicy of its own and may end: give it restartPolicy: Never of its own; Curfew restarts sidecars itself`;
  const field = details.restartPolicy === 'Always' ? 'restartPolicy: Always' : 'restartPolicyRules';
  return `sidecar ${name} has ${field} of its own, ${loop}: remove it; Curfew restarts sidecars itself`;
}
