/** What a sidecar's shim keeps in mind. */
import { type Action, announcement, type Context, type Early, earliest, type Peers } from './lifecycle.ts';
import type { Phase } from './marker.ts';

export interface SidecarState {
  /** `queued`: before its turn. `resting`: its process ended, the next start is at `retryAt`. */
  phase: 'queued' | 'starting' | 'started' | 'resting' | 'ended';
  peers: Peers;
  since: number;
  /** When the process was started last. */
  runningSince: number;
  /** Starts after an end, since the last time they were forgotten. */
  restarts: number;
  retryAt?: number;
  /** Its process has run in this start of the container. */
  ran?: true;
  /** What its process ended with, or why it could not be started (126, 127): until the next start. */
  lastCode?: number;
  /** At that time it is left to the kubelet, with this code, and not started again in place (sidecar-layer.ts, or a rule that starts the whole pod again). */
  leaveWith?: number;
  /** Why, where the command could not be started. */
  leaveWhy?: string;
  /** Signals that came before the process was there (rule P6). */
  early?: Early;
  /** The mains that have ended after a stop request and are not back, as `name#attempt`, and when the last of them was seen. */
  stoppedMains: readonly string[];
  stoppedEndAt?: number;
  /** With no main up: whether those stops may have been the pod's deletion. */
  endedByStop?: boolean;
  /** When the work was seen to be done. */
  doneAt?: number;
  /** `until`: when the kubelet kills it after a second stop request: the pod's deletion, which came while it was being stopped alone. */
  stop?: { at: number; signal: number; alone: boolean; until?: number };
  /** That it is started could not be announced, and why. */
  unheard?: string;
  /** Since when other containers have had stop requests: with a preStop hook ours comes late, and the time runs. */
  othersStopAt?: number;
  /** When the process was asked to end. */
  askedAt?: number;
  killAt?: number;
  /** Deaths without a word that were reported, as `name#attempt`. */
  reported: readonly string[];
  /** When to say that no main has come yet; absent once one was seen. */
  sayAt?: number;
  /** What was last announced. */
  announced: string;
  wakeAt?: number;
}

export function hasProcess(state: SidecarState): boolean {
  return state.phase === 'starting' || state.phase === 'started';
}

export function wake(state: SidecarState, at: number | undefined): void {
  const wakeAt = earliest(state.wakeAt, at);
  if (wakeAt !== undefined) state.wakeAt = wakeAt;
}

/** Tell the others where this sidecar is, if that is news. */
export function announce(context: Context, state: SidecarState, actions: Action[]): void {
  const phase: Phase = state.phase === 'queued' ? 'waiting' : state.phase;
  const stopping = state.stop !== undefined;
  const text = `${phase} ${stopping}`;
  if (text === state.announced) return;
  state.announced = text;
  const marker = announcement(context, phase, stopping);
  if (phase === 'resting') marker.code = state.lastCode ?? 0;
  actions.push({ type: 'announce', marker });
}
