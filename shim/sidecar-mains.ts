/** What a sidecar makes of its mains' ends: whether the work is done, or the pod is being deleted, or neither. Rules L5, L6, L8, L11, L15. */
import { type Action, type Context, DOUBT, EXIT_KILLED, isOver, isStopping, lagOf } from './lifecycle.ts';
import { type SidecarState, wake } from './sidecar-state.ts';

/** Note when mains end that were asked to, and forget it when all are back: their stops were their own. */
export function lookForStops({ options, epoch }: Context, state: SidecarState, at: number): void {
  const { mains, preStop, grace } = options;
  const before = state.stoppedMains;
  state.stoppedMains = mains.flatMap((name) => {
    const { alive, marker } = state.peers.get(name) ?? {};
    // In an earlier life of the sandbox it was stopped with that.
    if (!marker?.stopping || marker.epoch !== epoch) return [];
    return !alive || marker.phase === 'ended' ? [`${name}#${marker.attempt}`] : [];
  });
  if (state.stoppedMains.some((end) => !before.includes(end))) {
    state.stoppedEndAt = at;
    delete state.endedByStop;
  }
  if (state.stoppedMains.length === 0) delete state.stoppedEndAt;
  // What died while it came up again was not stopped by anybody (rendezvous.ts).
  const isTold = mains.some((name) => {
    const { alive, marker } = state.peers.get(name) ?? {};
    return !alive && marker?.stopping && marker.phase !== 'waiting';
  });
  const { stoppedEndAt } = state;
  if (stoppedEndAt === undefined || !isTold || mains.some((name) => state.peers.get(name)?.alive))
    delete state.endedByStop;
  // One that works on long after another's stop would have had its own, if no hook of its delays that.
  else
    state.endedByStop ??= at <= stoppedEndAt + lagOf(grace) || mains.some((name) => preStop.includes(name));
}

/** How often a sidecar says that no main has come (rule L17). */
export const SAY_EVERY = 10_000;

/**
 * A main that ended before this shim came up, on a rendezvous that it could not write, looks as if it had not come yet: nobody can tell, so
 * its user is told what is waited for.
 */
export function lookForMains(context: Context, state: SidecarState, at: number, actions: Action[]): void {
  if (state.sayAt === undefined) return;
  const { mains } = context.options;
  const seen = mains.some((name) => {
    const { alive, lived, marker } = state.peers.get(name) ?? {};
    return alive || lived || marker?.epoch === context.epoch;
  });
  if (seen) {
    delete state.sayAt;
    return;
  }
  // Until it is ready it has other things to say.
  if (state.phase !== 'started') {
    state.sayAt = Math.max(state.sayAt, at + SAY_EVERY);
    return;
  }
  if (at >= state.sayAt) {
    const seconds = Math.round((at - state.since) / 1_000);
    const who = mains.join(', ');
    const text = `no main has come yet: ${who} (not running yet, or ended without a trace in the rendezvous) (${seconds} s)`;
    actions.push({ type: 'say', level: 'info', text });
    while (state.sayAt <= at) state.sayAt += SAY_EVERY;
  }
  wake(state, state.sayAt);
}

/** Whether all mains have ended for good (rules L5, L6, L8, L11). */
export function lookAtMains(context: Context, state: SidecarState, at: number, actions: Action[]): void {
  let over = true;
  let doubtUntil = at;
  const { stoppedEndAt = at } = state;
  for (const name of context.options.mains) {
    const peer = state.peers.get(name);
    const end = isOver(peer, context);
    if (end === 'not-over') over = false;
    if (end === 'remembered') doubtUntil = Math.max(doubtUntil, state.since + DOUBT);
    if (end === 'stopped') doubtUntil = Math.max(doubtUntil, stoppedEndAt + (peer?.marker?.stopDoubt ?? 0));
    const silent =
      peer !== undefined && !peer.alive && peer.marker !== undefined && peer.marker.phase !== 'ended';
    const key = `${name}#${peer?.marker?.attempt}`;
    if (!silent || peer?.marker?.epoch !== context.epoch || state.reported.includes(key)) continue;
    state.reported = [...state.reported, key];
    const text = `${name} ended without a word (killed, out of memory, or unable to write to the rendezvous): its exit counts as ${EXIT_KILLED}`;
    actions.push({ type: 'say', level: 'info', text });
  }
  if (state.doneAt !== undefined || !over) return;
  if (state.stop === undefined && state.endedByStop)
    doubtUntil = Math.max(doubtUntil, stoppedEndAt + hookTime(context, state));
  if (at >= doubtUntil) {
    state.doneAt = at;
    actions.push({ type: 'say', level: 'debug', text: 'the work is done' });
  } else wake(state, doubtUntil);
}

/**
 * How long after a main's stop our own preStop hook may hide that the pod is being deleted: until the kubelet's patience with it is over,
 * unless somebody is there whom nothing hides it from (rule L15).
 */
function hookTime({ options }: Context, state: SidecarState): number {
  const { preStop, name, grace } = options;
  if (!preStop.includes(name)) return 0;
  const known = areOthersStopped(preStop, state) === false;
  return known ? lagOf(grace) : grace + lagOf(grace);
}

/** Whether all others that are up have had stop requests, as far as no hook of theirs hides it; undefined where there is none. */
function areOthersStopped(preStop: readonly string[], { peers }: SidecarState): boolean | undefined {
  const others = [...peers].filter(([other, { alive }]) => alive && !preStop.includes(other));
  return others.length === 0 ? undefined : others.every(([, peer]) => isStopping(peer));
}

/**
 * Whether the pod's deletion seems to have begun although we had no stop request yet: our preStop hook runs, and all others had
 * theirs. Where nobody is left who could tell, the mains' ends do.
 */
export function isStopLate(context: Context, state: SidecarState, at: number): boolean {
  const { preStop, name, grace } = context.options;
  if (state.stop !== undefined || !preStop.includes(name)) return state.othersStopAt !== undefined;
  const stopped = areOthersStopped(preStop, state);
  if (stopped !== undefined) return stopped;
  return state.endedByStop === true && at < (state.stoppedEndAt ?? at) + grace + lagOf(grace);
}

/** When {@link isStopLate} ends by itself; undefined where the others decide. */
export function stopIsLateUntil({ options: { grace } }: Context, state: SidecarState): number | undefined {
  return state.endedByStop ? (state.stoppedEndAt ?? 0) + grace + lagOf(grace) : undefined;
}
