/** How a sidecar leaves: when its process is asked to end, when it is killed, and with what code. Rules L6, L7, L12, L13, L15. */
import {
  type Action,
  aloneLagOf,
  type Context,
  EXIT_UNUSABLE,
  earliest,
  isOver,
  isStopping,
  reserveOf,
  ruleFor,
} from './lifecycle.ts';
import { announce, type SidecarState, wake } from './sidecar-state.ts';

/** Milliseconds that the kubelet leaves a container after a preStop hook that took the whole grace period (minimumGracePeriodInSeconds). */
export const LEAST_GRACE = 2_000;

/** Ask the process to end when it is time to, and kill it when its time is over (rules L6, L12, L13, L15). */
export function leave(context: Context, state: SidecarState, at: number, actions: Action[]): void {
  announce(context, state, actions);
  const { grace, stopTimeout, mains, sidecars, name } = context.options;
  const { doneAt, stop } = state;
  const reserve = reserveOf(stop?.alone ? aloneGraceOf(context) : grace);
  const isDown = (other: string) => !state.peers.get(other)?.alive;
  const followersDown = sidecars.slice(sidecars.indexOf(name) + 1).every(isDown);
  const mainsDown = doneAt !== undefined || mains.every(isDown);
  const killAt = earliest(doneAt === undefined ? undefined : doneAt + grace, killedAt(context, state)) ?? at;
  const lastAt = stop === undefined ? killAt : killAt - reserve / 4;
  const due = stop?.alone || (mainsDown && followersDown) || at >= killAt - reserve;
  if (state.askedAt === undefined && due) {
    state.askedAt = at;
    state.killAt = stopTimeout === undefined ? lastAt : Math.min(lastAt, at + stopTimeout);
    if (!followersDown || !mainsDown) {
      actions.push({
        type: 'say',
        level: stop?.alone ? 'debug' : 'info',
        text: 'the grace period is ending: stopping now',
      });
    }
    actions.push(
      { type: 'probe', on: false },
      { type: 'signal', signal: stop?.signal ?? context.stopSignal },
    );
  }
  // Also where the process was asked by now: a probe's own grace period may leave it less time than the pod's.
  const knownAt = stop && stop.at + aloneLagOf(context.options);
  if (knownAt !== undefined && at < knownAt) wake(state, knownAt);
  if (state.askedAt === undefined) {
    wake(state, killAt - reserve);
    return;
  }
  if (state.killAt === undefined) return;
  // A stop request that comes while it is stopping may leave less time than there was.
  state.killAt = Math.min(state.killAt, lastAt);
  if (at >= state.killAt) {
    delete state.killAt;
    actions.push({ type: 'say', level: 'info', text: 'did not end in time: killing it' }, { type: 'kill' });
  } else wake(state, state.killAt);
}

/** When the kubelet kills a container that had a stop request. After a preStop hook that took it all there is a little left. */
function killedAt(context: Context, { stop, othersStopAt }: SidecarState): number | undefined {
  if (stop === undefined) return undefined;
  if (stop.alone) return earliest(stop.at + aloneGraceOf(context), stop.until);
  const { grace } = context.options;
  // A second stop request says that the first was for this container alone, and the probe's grace period goes on.
  const shortest = Math.min(grace, stop.until === undefined ? grace : aloneGraceOf(context));
  if (othersStopAt === undefined || othersStopAt >= stop.at) return stop.at + shortest;
  return Math.max(othersStopAt + grace, stop.at + LEAST_GRACE);
}

/** Which of several probes failed nobody says: the longest is granted, and the kubelet ends it sooner where that was wrong. */
function aloneGraceOf({ options: { grace, aloneGrace } }: Context): number {
  return aloneGrace?.most ?? grace;
}

/**
 * Whether a stop request was for this container alone (its liveness probe failed) and not the pod's deletion (L13): the
 * others would have had theirs by now. Those with a preStop hook tell nothing: theirs comes when the hook is over (L15).
 */
export function isAlone(context: Context, state: SidecarState, at: number): boolean {
  const { mains, sidecars, name, preStop, probed, aloneGrace } = context.options;
  // Without a probe, or a rule in the pod that restarts all containers one by one, nothing stops one container alone.
  const mayBeAlone = probed || aloneGrace !== undefined;
  if (
    !mayBeAlone ||
    state.stop === undefined ||
    state.doneAt !== undefined ||
    at < state.stop.at + aloneLagOf(context.options)
  )
    return false;
  const others = [...mains, ...sidecars].filter((other) => other !== name && state.peers.get(other)?.alive);
  if (others.some((other) => isStopping(state.peers.get(other)))) return false;
  return others.some((other) => !preStop.includes(other));
}

/** The container's exit code: the pod's phase comes from the mains alone (rule L7). */
export function exitCode(context: Context, state: SidecarState, processCode: number | undefined): number {
  const { restartPolicy, restartRules, mains } = context.options;
  const { doneAt, stop, unheard } = state;
  if (unheard !== undefined && doneAt === undefined) return EXIT_UNUSABLE;
  // Stopped alone, and ended with a code on which a rule of its own starts something again.
  const isRuled = processCode !== undefined && ruleFor(restartRules, processCode) !== undefined;
  if (isRuled && doneAt === undefined && stop?.alone) return processCode;
  // Stopped alone, or with a sandbox that is made anew, under OnFailure: the kubelet starts it again only when it failed.
  const ends = mains.map((name) => isOver(state.peers.get(name), context));
  const isDone = doneAt !== undefined || ends.every((end) => end === 'over' || end === 'stopped');
  if (restartPolicy === 'Never' || isDone) return 0;
  const stopped = 128 + (stop?.signal ?? context.stopSignal);
  return processCode === undefined || processCode === 0 ? stopped : processCode;
}
