/** Which of the two mechanisms a pod gets (N1, N7). */
import type { Decision } from '../decide.ts';
import { nativeSupport } from '../mode.ts';
import { NotWrapped, refuse } from '../mutation.ts';
import type { PodView } from '../pod.ts';
import type { Policy } from '../policy.ts';
import { isNativeBelieved, requestedMode } from '../requested-mode.ts';
import { type NativePlan, planNative } from './convert.ts';
import { needsNative } from './losses.ts';

/** A mechanism. why: half a sentence; undefined where the mode itself says it. */
export type Choice =
  | { mechanism: 'native'; why?: string; plan: NativePlan }
  /** otherwise: what it gets where the shim cannot do it. */
  | { mechanism: 'shim'; why?: string; otherwise?: NativePlan };

/**
 * @param pod as its author wrote it, without any trace of ours
 * @throws {ShapeError}
 */
export function chooseMechanism(pod: PodView, decision: Decision, policy: Policy): Choice | NotWrapped {
  const { beforeInit = false } = decision.wishes;
  const mode = requestedMode(pod, policy);
  if (mode === 'shim') return beforeInit ? refuse(needsNative('the mode is shim')) : { mechanism: 'shim' };
  const support = nativeSupport(policy.cluster);
  if (mode === 'native' && !isNativeBelieved(policy))
    return refuse({
      reason: 'native-unavailable',
      message: `the mode is native, and ${support.why}: take mode auto or shim, or set minimumKubelet in the configuration where every kubelet is newer`,
    });
  if (mode === 'auto' && !support.available)
    return beforeInit ? refuse(needsNative(support.why)) : { mechanism: 'shim', why: support.why };
  const plan = planNative(pod, decision, policy);
  if (mode === 'native') return plan instanceof NotWrapped ? plan : { mechanism: 'native', plan };
  if (plan instanceof NotWrapped) {
    if (beforeInit) return plan;
    return { mechanism: 'shim', why: plan.message.replace(/:.*$/s, '').replace(/\.$/, '') };
  }
  const [loss] = plan.losses;
  if (loss === undefined || beforeInit) return { mechanism: 'native', why: support.why, plan };
  return { mechanism: 'shim', why: `natively it would lose something: ${loss}`, otherwise: plan };
}
