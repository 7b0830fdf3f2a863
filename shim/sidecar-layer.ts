/**
 * A sidecar that is started again in place finds what its last process left in the container's own file system: a socket, a pid file, a
 * lock. Only the kubelet gives it a fresh one. Rule L9.
 */
import { BACKOFF_FORGOTTEN, type Context, isFinal } from './lifecycle.ts';
import type { SidecarState } from './sidecar-state.ts';

/** An end that comes sooner after a restart in place may have to do with what was left; also any before the readiness condition has held. */
const SOON = 60_000;

/**
 * The kubelet starts a container again at once when it ends for the first time, and 10 s after the second end; then the pause doubles. The end of
 * the work is hidden behind that pause, so who was started more often stays in place.
 */
const LAST_ATTEMPT = 2;

/**
 * Whether a sidecar that has ended with this code leaves its next start to the kubelet, for a fresh file system, and exits with that code. It is
 * started again in place where it did not fail, or not soon after a restart in place; where the kubelet does not start it again (Never), or would do so
 * only after more than 10 s. The kubelet forgets its pauses when a container has run for ten minutes.
 */
export function isLeft(
  { options: { restartPolicy, restartRules }, attempt }: Context,
  state: SidecarState,
  at: number,
  code: number,
): boolean {
  const soon = state.phase === 'starting' || at - state.runningSince < SOON;
  if (code === 0 || state.restarts === 0 || !soon) return false;
  if (attempt > LAST_ATTEMPT && at - state.since < BACKOFF_FORGOTTEN) return false;
  return !isFinal(restartPolicy, restartRules, code);
}
