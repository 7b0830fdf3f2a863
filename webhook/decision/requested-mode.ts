import { type Mode, nativeSupport, parseMode } from './mode.ts';
import type { PodView } from './pod.ts';
import type { Policy } from './policy.ts';
import { MODE } from './vocabulary.ts';

/**
 * The pod's own mode, else the one of its namespace or of the configuration.
 * @returns the latter too where the pod's does not parse: that is refused when all its annotations are read
 */
export function requestedMode(pod: PodView, policy: Policy): Mode {
  return parseMode(pod.ourAnnotations.get(MODE) ?? '') ?? policy.mode;
}

/** May the pod get native sidecars, as far as its mode and the cluster go? */
export function mayBeNative(pod: PodView, policy: Policy): boolean {
  const mode = requestedMode(pod, policy);
  return mode === 'native'
    ? isNativeBelieved(policy)
    : mode === 'auto' && nativeSupport(policy.cluster).available;
}

/** May a pod be native that says so itself, or whose namespace does? */
export function isNativeBelieved({ cluster }: Policy): boolean {
  return nativeSupport(cluster).available || (cluster.server === undefined && cluster.isOffline === true);
}
