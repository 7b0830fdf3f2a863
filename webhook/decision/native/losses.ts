/** What a pod loses, or cannot have, where its sidecars are native ones (N4). */

import { member } from '../../shared/json.ts';
import type { Decision } from '../decide.ts';
import type { Minor } from '../mode.ts';
import type { Trouble } from '../mutation.ts';
import type { ReadPart } from '../planned-part.ts';
import {
  containerKey,
  ENTRYPOINT,
  LOG,
  SIDECARS_BEFORE,
  START_TIMEOUT,
  STOP_SIGNAL,
  STOP_TIMEOUT,
} from '../vocabulary.ts';

/** resizePolicy may stand in a native sidecar from here on (kubernetes: validation.go, validateInitContainers). */
const RESIZABLE_FROM: Minor = 33;
/** restartPolicyRules may (validateInitContainerRestartPolicy, with RestartAllContainersOnContainerExits). */
const RULED_FROM: Minor = 36;

/**
 * A field of a sidecar that a native one cannot have, or that would mean something else there.
 * @param server the API server's version, where it is known
 */
export function findNotAllowed(parts: readonly ReadPart[], server: Minor | undefined): Trouble | undefined {
  for (const { role, container, details } of parts) {
    if (role === 'main') continue;
    const found = notAllowedIn(details, member(container.raw, 'resizePolicy'), server);
    if (found !== undefined)
      return {
        reason: 'native-not-allowed',
        message: `sidecar ${container.name} has ${found}: remove it, or take mode auto or shim`,
      };
  }
  return undefined;
}

function notAllowedIn(
  { restartPolicy, restartRules }: ReadPart['details'],
  resizePolicy: unknown,
  server: Minor | undefined,
): string | undefined {
  if (restartPolicy !== undefined && restartPolicy !== 'Always')
    return `restartPolicy ${restartPolicy} of its own, and a native sidecar is always started again`;
  if (restartRules.length > 0 && (server === undefined || server < RULED_FROM))
    return 'restartPolicyRules, which a native sidecar can have from Kubernetes 1.36 on';
  if (
    server !== undefined &&
    server < RESIZABLE_FROM &&
    Array.isArray(resizePolicy) &&
    resizePolicy.length > 0
  )
    return 'a resizePolicy, which a native sidecar can have from Kubernetes 1.33 on';
  return undefined;
}

/** What the pod uses and native sidecars do not have; a sentence each, without a full stop. Readiness is not among it. */
export function findLosses({ wishes }: Decision, parts: readonly ReadPart[]): string[] {
  const losses: string[] = [];
  if (wishes.startTimeout !== undefined)
    losses.push(
      `annotation ${START_TIMEOUT}: a native sidecar that is not ready by then is started again, and the mains wait on: no main exits 124`,
    );
  for (const { role, container, details } of parts) {
    const { name, command } = container;
    const own = wishes.containers.get(name) ?? {};
    if (own.entrypoint !== undefined && command !== undefined)
      losses.push(
        `annotation ${containerKey(ENTRYPOINT, name)} has no effect: ${name} runs the command of its spec; write it there`,
      );
    if (own.stopTimeout !== undefined)
      losses.push(
        `annotation ${containerKey(STOP_TIMEOUT, name)} has no effect: Kubernetes has no such word, and ${name} is killed at the end of the grace period`,
      );
    if (own.stopSignal !== undefined && details.stopSignal?.replace(/^SIG/, '') !== own.stopSignal)
      losses.push(
        `annotation ${containerKey(STOP_SIGNAL, name)} has no effect: ${name} gets its image's STOPSIGNAL; from Kubernetes 1.33 on write lifecycle.stopSignal`,
      );
    if (role === 'sidecar' && details.hasPreStop)
      losses.push(
        `sidecar ${name}: its preStop hook runs at once when the pod is deleted, while the mains still work, and at the end of the work too`,
      );
  }
  return losses;
}

/** What needs no shim and yet changes nothing natively: said, and no reason for the shim. */
export function findIdle({ wishes }: Decision): string[] {
  return wishes.log === 'debug' ? [`annotation ${LOG} has no effect: there is no shim`] : [];
}

/** The refusal of a pod that asks for what only native mode can do. @param why half a sentence: why it is not native */
export function needsNative(why: string): Trouble {
  return {
    reason: 'needs-native',
    message: `annotation ${SIDECARS_BEFORE}: init needs native sidecars, and the pod gets the shim (${why}): remove it, or take mode native`,
  };
}
