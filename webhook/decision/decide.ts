import { MACHINES } from '../../shim/machine-words.ts';
import { parseInjectLabel, parseWishes, type Wishes } from './annotations.ts';
import { NotWrapped, pass, refuse, refuseOrPass, sentence } from './mutation.ts';
import { machinesOf } from './nodes.ts';
import { MAX_CONTAINERS, type PodView } from './pod.ts';
import type { Policy } from './policy.ts';
import { mayBeNative } from './requested-mode.ts';
import { chooseRoles, type Roles } from './roles.ts';
import { INJECT_LABEL, STATUS } from './vocabulary.ts';

/** A pod that is to be wrapped: what its author wrote, and each container's role. */
export interface Decision extends Roles {
  wishes: Wishes;
  /** How long the mains wait for their sidecars: the pod's word, else the policy's (L4). Milliseconds; undefined: for ever. */
  startTimeout: number | undefined;
}

/** Is the pod to be wrapped, and which container has which role? Needs no image. */
export function decide(pod: PodView, policy: Policy): Decision | NotWrapped {
  if (pod.mirror) return pass('mirror-pod', 'A mirror pod only shows what a node runs already.');
  if (pod.windows && !mayBeNative(pod, policy)) return forWindows();
  const inject = parseInjectLabel(pod);
  if (inject instanceof NotWrapped) return inject;
  if (inject === false) return pass('opted-out', `Label ${INJECT_LABEL} is "false".`);
  if (pod.restartPolicy === 'Always' && inject !== true && !hasWish(pod))
    return pass(
      'restart-policy-always',
      `restartPolicy is Always, so the pod is not meant to end; label ${INJECT_LABEL}: "true" wraps it all the same.`,
    );
  if (policy.unusable !== undefined && mayNeedSettings(pod, inject))
    return refuse({ reason: 'bad-settings', message: policy.unusable });
  const wishes = parseWishes(pod, inject, policy.catalogue);
  if (wishes instanceof NotWrapped) return wishes;
  if (pod.containers.length > MAX_CONTAINERS)
    return refuseOrPass(wishes.asks, {
      reason: 'too-many-containers',
      message: `the pod has ${pod.containers.length} containers; Curfew wraps at most ${MAX_CONTAINERS}`,
    });
  const roles = chooseRoles(pod, wishes, policy.catalogue);
  if (roles instanceof NotWrapped) return roles;
  return { ...roles, wishes, startTimeout: wishes.startTimeout ?? policy.startTimeout };
}

/** The pod cannot run the shim wherever it may land. */
export function findNoShim(pod: PodView): NotWrapped | undefined {
  if (pod.windows) return forWindows();
  return machinesOf(pod.spec).length === 0 ? noShim() : undefined;
}

function forWindows(): NotWrapped {
  return pass('windows', 'The shim runs on Linux.');
}

/** W7: passed over also where it asks, because the same manifest may serve clusters of several machines. */
function noShim(): NotWrapped {
  const why = `its node selector or affinity allows no machine that the shim runs on (Linux on ${MACHINES.join(' or ')})`;
  return pass('no-shim-for-machine', sentence(`the pod is not wrapped: ${why}`), `not wrapped: ${why}`);
}

/** V5: a pod of one container that asks for nothing has no sidecar. One that another webhook adds brings the pod here again. */
function mayNeedSettings(pod: PodView, inject: boolean | undefined): boolean {
  return inject === true || hasWish(pod) || pod.containers.length > 1;
}

/** Has the pod an annotation of its author's? */
function hasWish(pod: PodView): boolean {
  return pod.ourAnnotations.size > (pod.ourAnnotations.has(STATUS) ? 1 : 0);
}
