/**
 * When a sidecar leaves its next start to the kubelet. One that is started again in place finds what its last process left in the container's own
 * file system (a socket, a pid file, a lock), and only the kubelet gives it a fresh one: rule L9. One whose command cannot be started has nothing
 * to do here: rule L20.
 */
import { BACKOFF_FORGOTTEN, type Context, type Event, isFinal } from './lifecycle.ts';
import type { SidecarState } from './sidecar-state.ts';

/** An end that comes sooner after a restart in place may have to do with what was left; also any before the readiness condition has held. */
const SOON = 60_000;

/**
 * The kubelet starts a container again at once when it ends for the first time, and 10 s after the second end; then the pause doubles. The end of
 * the work is hidden behind that pause, so who was started more often stays in place.
 */
const LAST_ATTEMPT = 2;

/**
 * Where the kubelet does not start it again (Never) a command that cannot be started is tried so often, at once and after 10 s: another container
 * may be about to put it into a volume, or to give back the memory that it takes.
 */
const TRIES_IN_ALL = 3;

/**
 * Whether a sidecar whose process has ended or could not be started leaves its container, with that code.
 *
 * One whose command cannot be started at all leaves it to the kubelet, which counts its restarts, backs off and shows both (rule L20); for good where the
 * kubelet does not start it again. The end of work is not hidden by that: no main runs. With a main that runs it is as one that has failed.
 */
export function isLeft(
  context: Context,
  state: SidecarState,
  event: Extract<Event, { type: 'exit' | 'not-started' }>,
): boolean {
  const { restartPolicy, restartRules } = context.options;
  if (event.type === 'exit' || state.ran || isMainRunning(context, state))
    return isLeftForFreshFiles(context, state, event);
  return !isFinal(restartPolicy, restartRules, event.code) || state.restarts + 1 >= TRIES_IN_ALL;
}

function isMainRunning({ options: { mains } }: Context, { peers }: SidecarState): boolean {
  return mains.some((name) => {
    const { alive, marker } = peers.get(name) ?? {};
    return alive && marker?.phase === 'running';
  });
}

/**
 * Whether a sidecar that has ended with this code leaves its next start to the kubelet, for a fresh file system, and exits with that code. It is
 * started again in place where it did not fail, or not soon after a restart in place; where the kubelet does not start it again (Never), or would do so
 * only after more than 10 s. The kubelet forgets its pauses when a container has run for ten minutes.
 */
function isLeftForFreshFiles(
  { options: { restartPolicy, restartRules }, attempt }: Context,
  state: SidecarState,
  { at, code }: { at: number; code: number },
): boolean {
  const soon = state.phase === 'starting' || at - state.runningSince < SOON;
  if (code === 0 || state.restarts === 0 || !soon) return false;
  if (attempt > LAST_ATTEMPT && at - state.since < BACKOFF_FORGOTTEN) return false;
  return !isFinal(restartPolicy, restartRules, code);
}
