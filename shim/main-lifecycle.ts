/**
 * A main: it waits until every sidecar is started, runs its command, and says how that ended.
 * Rules L2 to L5, L10 to L12, L14, L17.
 */

import {
  type Action,
  announcement,
  type Context,
  DOUBT,
  type Early,
  type Event,
  EXIT_START_TIMEOUT,
  EXIT_UNUSABLE,
  earliest,
  endWith,
  isOver,
  isStarted,
  isStopping,
  keepEarly,
  lagOf,
  lastWord,
  type Peers,
  passOn,
  type Step,
  spawnWith,
} from './lifecycle.ts';
import type { Marker } from './marker.ts';
import { SIGTERM } from './signals.ts';

/** How often a waiting main says for what (rule L2). */
const SAY_EVERY = 10_000;

export interface MainState {
  phase: 'waiting' | 'running' | 'ended';
  peers: Peers;
  /** When the shim started. */
  since: number;
  /** When to say again what is waited for. */
  sayAt: number;
  /** Signals that came before the process was there (rule P6). */
  early?: Early;
  /** When a sidecar was seen to be gone, perhaps for good. */
  lostAt?: number;
  /** A stop request came. */
  stopping: boolean;
  /** When KILL follows a stop request. */
  killAt?: number;
  /** When the driver must send a tick at the latest. */
  wakeAt?: number;
}

export function startMain(context: Context, event: Extract<Event, { type: 'start' }>): Step<MainState> {
  const state: MainState = {
    phase: 'waiting',
    peers: event.peers,
    since: event.at,
    sayAt: event.at + SAY_EVERY,
    stopping: false,
  };
  if (event.done !== undefined) {
    const text = `ended with ${event.done} before, and that end went unseen: not running it again`;
    return end(context, state, event.done, text);
  }
  const step = settle(context, state, event.at, []);
  if (step.state.phase === 'waiting') {
    step.actions.unshift({ type: 'announce', marker: announcement(context, 'waiting', false) });
  }
  return step;
}

export function stepMain(context: Context, state: MainState, event: Event): Step<MainState> {
  if (state.phase === 'ended') return { state, actions: [] };
  switch (event.type) {
    case 'start':
    case 'peers':
      return settle(context, { ...state, peers: event.peers }, event.at, []);
    case 'tick':
    case 'ready':
      return settle(context, state, event.at, []);
    case 'signal':
      if (state.phase === 'running') return { state, actions: [passOn(event)] };
      // Before there is a process, a TERM from inside can only mean this wait.
      if (event.signal === SIGTERM || event.signal === context.stopSignal)
        return end(context, state, 128 + event.signal);
      return { state: { ...state, early: keepEarly(state.early, event) }, actions: [] };
    case 'stop-request':
      return stop(context, state, event.at, event.signal);
    case 'exit':
      return end(context, state, event.code);
    case 'not-started':
      return end(context, state, event.code, event.reason);
    case 'unusable':
      return end(context, state, EXIT_UNUSABLE, event.reason);
  }
}

function stop(context: Context, state: MainState, at: number, signal: number): Step<MainState> {
  const stopping: MainState = { ...state, stopping: true };
  if (state.phase === 'waiting') return end(context, stopping, 128 + signal);
  const { stopTimeout } = context.options;
  const killAt = state.killAt ?? (stopTimeout === undefined ? undefined : at + stopTimeout);
  const actions: Action[] = [{ type: 'signal', signal }];
  if (!state.stopping) actions.push({ type: 'announce', marker: announcement(context, 'running', true) });
  return settle(context, killAt === undefined ? stopping : { ...stopping, killAt }, at, actions);
}

/** Do what the time and the others' states ask for. */
function settle(context: Context, before: MainState, at: number, actions: Action[]): Step<MainState> {
  const state = { ...before };
  if (state.phase === 'running') {
    if (state.killAt !== undefined && at >= state.killAt) {
      delete state.killAt;
      actions.push(
        { type: 'say', level: 'info', text: 'did not end in its stop-timeout: killing it' },
        { type: 'kill' },
      );
    }
    return { state: withWake(state, state.killAt), actions };
  }
  const { sidecars, startTimeout } = context.options;
  const missing = sidecars.filter((name) => !isStarted(state.peers.get(name)));
  if (missing.length === 0) {
    actions.push({ type: 'announce', marker: announcement(context, 'running', false) });
    const { early, ...rest } = state;
    const running: MainState = { ...rest, phase: 'running' };
    return { state: withWake(running, undefined), actions: actions.concat(spawnWith(early)) };
  }
  const lost = firstLost(context, state, missing, at);
  if (lost !== undefined && at >= lost.at) {
    const text = `sidecar ${lost.name} ${lost.how} and will not be started again (see its log): cannot start`;
    return end(context, state, EXIT_UNUSABLE, text, actions);
  }
  const timeoutAt = startTimeout === undefined ? undefined : state.since + startTimeout;
  if (timeoutAt !== undefined && at >= timeoutAt) {
    const text = `start-timeout: gave up waiting for ${describe(context, missing, state.peers)}`;
    return end(context, state, EXIT_START_TIMEOUT, text, actions);
  }
  if (at >= state.sayAt) {
    const seconds = Math.round((at - state.since) / 1_000);
    const text = `waiting for ${describe(context, missing, state.peers)} (${seconds} s)`;
    actions.push({ type: 'say', level: 'info', text });
    while (state.sayAt <= at) state.sayAt += SAY_EVERY;
  }
  return { state: withWake(state, earliest(state.sayAt, timeoutAt, lost?.at)), actions };
}

/** The first sidecar that counts as gone for good, and when it does. */
function firstLost(
  context: Context,
  state: MainState,
  missing: readonly string[],
  at: number,
): { name: string; at: number; how: string } | undefined {
  const ends = missing.flatMap((name) => {
    const peer = state.peers.get(name);
    const end = isOver(peer, context);
    return end === 'not-over' ? [] : [{ name, end, marker: peer?.marker }];
  });
  if (ends.every(({ end }) => end === 'remembered')) delete state.lostAt;
  else state.lostAt ??= at;
  const { lostAt = at } = state;
  let first: { name: string; at: number; how: string } | undefined;
  for (const { name, end, marker } of ends) {
    let goneAt = state.since + DOUBT;
    // One that was stopped may be the first to go in the pod's deletion: then our own stop request is on its way (L3).
    if (end === 'over') goneAt = lostAt + (marker?.stopping ? lagOf(context.options.grace) : 0);
    if (end === 'stopped') goneAt = lostAt + (marker?.stopDoubt ?? 0);
    if (first === undefined || goneAt < first.at) first = { name, at: goneAt, how: howEnded(marker) };
  }
  return first;
}

function end(
  context: Context,
  state: MainState,
  code: number,
  why?: string,
  before: Action[] = [],
): Step<MainState> {
  const actions: Action[] = [...before];
  if (why !== undefined) actions.push({ type: 'say', level: 'info', text: why });
  actions.push(...endWith(lastWord(context, code, state.stopping), why));
  return { state: withWake({ ...state, phase: 'ended' }, undefined), actions };
}

/** How a container that is down went, as far as its marker tells. */
function howEnded(marker: Marker | undefined): string {
  return marker?.phase === 'ended' ? `ended with code ${marker.code}` : 'was killed';
}

function describe({ epoch }: Context, missing: readonly string[], peers: Peers): string {
  const words = missing.map((name) => {
    const peer = peers.get(name);
    if (!peer?.alive) {
      const { marker } = peer ?? {};
      return marker?.phase === 'ended' && marker.epoch === epoch
        ? `sidecar ${name} (${howEnded(marker)}, to be started again by the kubelet: see its log)`
        : `sidecar ${name} (not running yet)`;
    }
    if (isStopping(peer)) return `sidecar ${name} (stopping)`;
    if (peer.marker?.phase === 'resting')
      return `sidecar ${name} (ended with code ${peer.marker.code}, to be started again: see its log)`;
    if (peer.marker?.phase === 'starting') return `sidecar ${name} (running, not ready yet)`;
    return `sidecar ${name} (waiting for its turn)`;
  });
  return words.join(', ');
}

function withWake(state: MainState, wakeAt: number | undefined): MainState {
  const next = { ...state };
  delete next.wakeAt;
  return wakeAt === undefined ? next : { ...next, wakeAt };
}
