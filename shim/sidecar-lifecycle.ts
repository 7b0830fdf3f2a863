/**
 * A sidecar: it starts in its turn, is kept running while a main still works, and leaves in reverse order when the
 * work is done or the pod is deleted. Rules L1, L6 to L15.
 */
import {
  type Action,
  announcement,
  type Context,
  DOUBT,
  type Event,
  EXIT_KILLED,
  EXIT_UNUSABLE,
  earliest,
  isOver,
  isStarted,
  lagOf,
  lastWord,
  type Peers,
  reserveOf,
  type Step,
} from './lifecycle.ts';
import type { Phase } from './marker.ts';

/** The kubelet's own restart back-off (pkg/kubelet: 10 s, doubled up to 5 min, forgotten after 10 min of running). */
const BACKOFF_FIRST = 10_000;
const BACKOFF_LAST = 300_000;
const BACKOFF_FORGOTTEN = 600_000;

/** What the kubelet leaves a container after a preStop hook that took the whole grace period (minimumGracePeriodInSeconds). */
const LEAST_GRACE = 2_000;

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
  /** Signals that came before the process was there (rule P6). */
  early: readonly number[];
  /** The mains that have ended after a stop request and are not back, as `name#attempt`, and when the last of them was seen. */
  stoppedMains: readonly string[];
  stoppedEndAt?: number;
  /** With no main up: whether those stops may have been the pod's deletion. */
  endedByStop?: boolean;
  /** When the work was seen to be done. */
  doneAt?: number;
  stop?: { at: number; signal: number; alone: boolean };
  /** That it is started could not be announced. */
  unheard?: true;
  /** Since when other containers have had stop requests: with a preStop hook ours comes late, and the time runs. */
  othersStopAt?: number;
  /** When the process was asked to end. */
  askedAt?: number;
  killAt?: number;
  /** Deaths without a word that were reported, as `name#attempt`. */
  reported: readonly string[];
  /** What was last announced. */
  announced: string;
  wakeAt?: number;
}

export function startSidecar(context: Context, event: Extract<Event, { type: 'start' }>): Step<SidecarState> {
  const state: SidecarState = {
    phase: 'queued',
    peers: event.peers,
    since: event.at,
    runningSince: event.at,
    restarts: 0,
    early: [],
    stoppedMains: [],
    reported: [],
    announced: '',
  };
  return settle(context, state, event.at);
}

export function stepSidecar(context: Context, before: SidecarState, event: Event): Step<SidecarState> {
  if (before.phase === 'ended') return { state: before, actions: [] };
  const state = { ...before };
  switch (event.type) {
    case 'start':
    case 'peers':
      state.peers = event.peers;
      break;
    case 'tick':
      break;
    case 'ready':
      if (state.phase === 'starting') state.phase = 'started';
      break;
    case 'signal':
      if (hasProcess(state)) return { state, actions: [{ type: 'signal', signal: event.signal }] };
      state.early = [...state.early, event.signal];
      break;
    case 'stop-request':
      // Those whose stop seemed to begin the pod's deletion may have come back since: it was theirs alone.
      if (!isStopLate(context, state, event.at)) delete state.othersStopAt;
      state.stop ??= { at: event.at, signal: event.signal, alone: false };
      break;
    case 'exit':
    case 'not-started':
      return afterProcess(context, state, event);
    case 'unusable':
      // Between two starts the others go by its life line, and it is needed again soon.
      if (state.phase === 'resting')
        return { state, actions: [{ type: 'say', level: 'info', text: event.reason }] };
      if (event.running) {
        state.unheard = true;
        return settle(context, state, event.at, [{ type: 'say', level: 'info', text: event.reason }]);
      }
      return end(context, state, EXIT_UNUSABLE, [{ type: 'say', level: 'info', text: event.reason }]);
  }
  return settle(context, state, event.at);
}

/** The process ended by itself, or because it was asked to. */
function afterProcess(
  context: Context,
  state: SidecarState,
  event: Extract<Event, { type: 'exit' | 'not-started' }>,
): Step<SidecarState> {
  const actions: Action[] = [{ type: 'probe', on: false }];
  if (event.type === 'not-started') actions.push({ type: 'say', level: 'info', text: event.reason });
  state.phase = 'resting';
  if (state.doneAt !== undefined || state.stop !== undefined) {
    const expected = event.code === 0 || event.code === 128 + (state.stop?.signal ?? context.stopSignal);
    const text = `ended with code ${event.code} when it was stopped`;
    actions.push({ type: 'say', level: expected ? 'debug' : 'info', text });
    return settle(context, state, event.at, actions, event.code);
  }
  if (event.at - state.runningSince >= BACKOFF_FORGOTTEN) state.restarts = 0;
  const { probed, restartPolicy } = context.options;
  // A probe that failed meanwhile would stop the container for good there.
  const longest = probed && restartPolicy === 'Never' ? BACKOFF_FIRST : BACKOFF_LAST;
  const delay = state.restarts === 0 ? 0 : Math.min(BACKOFF_FIRST * 2 ** (state.restarts - 1), longest);
  state.restarts++;
  state.retryAt = event.at + delay;
  const when = delay === 0 ? 'now' : `in ${delay / 1_000} s`;
  const text = `ended with code ${event.code} while the work goes on: starting it again ${when}`;
  return settle(context, state, event.at, actions.concat({ type: 'say', level: 'info', text }));
}

/** Do what the time and the others' states ask for. */
function settle(
  context: Context,
  before: SidecarState,
  at: number,
  actions: Action[] = [],
  processCode?: number,
): Step<SidecarState> {
  const state = { ...before };
  delete state.wakeAt;
  lookForStops(context, state, at);
  lookAtMains(context, state, at, actions);
  if (isStopLate(context, state, at)) state.othersStopAt ??= at;
  else if (state.stop === undefined) delete state.othersStopAt;
  // Those who were there before go on with it; who waits for it would wait for ever (rule L17).
  if (state.unheard && state.stop === undefined && isAwaited(context, state))
    state.stop = { at, signal: context.stopSignal, alone: true };
  if (state.stop !== undefined && !state.stop.alone && isAlone(context, state, at)) {
    state.stop = { ...state.stop, alone: true };
    actions.push({ type: 'say', level: 'debug', text: 'the stop request is for this container alone' });
  }
  if (state.doneAt !== undefined || state.stop !== undefined) {
    if (!hasProcess(state)) return end(context, state, exitCode(context, state, processCode), actions);
    leave(context, state, at, actions);
    return { state, actions };
  }
  start(context, state, at, actions);
  return { state, actions };
}

/** Note when mains end that were asked to, and forget it when all are back: their stops were their own. */
function lookForStops({ options, epoch }: Context, state: SidecarState, at: number): void {
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
  if (state.stoppedEndAt === undefined || mains.some((name) => state.peers.get(name)?.alive))
    delete state.endedByStop;
  // One that works on long after another's stop would have had its own, if no hook of its delays that.
  else
    state.endedByStop ??=
      at <= state.stoppedEndAt + lagOf(grace) || mains.some((name) => preStop.includes(name));
}

/** Whether all mains have ended for good (rules L5, L6, L8, L11). */
function lookAtMains(context: Context, state: SidecarState, at: number, actions: Action[]): void {
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
    const text = `${name} died without a word (killed, or out of memory): its exit counts as ${EXIT_KILLED}`;
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
  const others = [...state.peers].filter(([other, { alive }]) => alive && !preStop.includes(other));
  const known = others.length > 0 && !others.every(([, { marker }]) => marker?.stopping === true);
  return known ? lagOf(grace) : grace + lagOf(grace);
}

/** Start in turn, or again (rules L1, L9). */
function start(context: Context, state: SidecarState, at: number, actions: Action[]): void {
  const { sidecars, name } = context.options;
  const turn = sidecars
    .slice(0, sidecars.indexOf(name))
    .every((before) => isStarted(state.peers.get(before)));
  const due = state.phase === 'resting' && state.retryAt !== undefined && at >= state.retryAt;
  if (state.phase === 'resting' && !due) wake(state, state.retryAt);
  if ((state.phase === 'queued' && turn) || due) {
    delete state.retryAt;
    state.phase = 'starting';
    state.runningSince = at;
    // Before the process: who cannot be heard must not run (rule L17).
    announce(context, state, actions);
    actions.push({ type: 'spawn' }, ...state.early.map((signal): Action => ({ type: 'signal', signal })));
    state.early = [];
    if (context.options.ready.kind === 'none') state.phase = 'started';
    else actions.push({ type: 'probe', on: true });
  }
  announce(context, state, actions);
}

/** Whether somebody who starts after this one is there, and waits. */
function isAwaited({ options: { mains, sidecars, name } }: Context, state: SidecarState): boolean {
  return [...mains, ...sidecars.slice(sidecars.indexOf(name) + 1)].some((other) => {
    const { alive, marker } = state.peers.get(other) ?? {};
    return alive && marker?.phase === 'waiting';
  });
}

/** Ask the process to end when it is time to, and kill it when its time is over (rules L6, L12, L13, L15). */
function leave(context: Context, state: SidecarState, at: number, actions: Action[]): void {
  announce(context, state, actions);
  const { grace, stopTimeout, mains, sidecars, name } = context.options;
  const reserve = reserveOf(grace);
  const { doneAt, stop } = state;
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
  if (state.askedAt === undefined) {
    wake(state, killAt - reserve);
    if (stop !== undefined && at < stop.at + lagOf(grace)) wake(state, stop.at + lagOf(grace));
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
function killedAt({ options: { grace } }: Context, { stop, othersStopAt }: SidecarState): number | undefined {
  if (stop === undefined) return undefined;
  if (stop.alone || othersStopAt === undefined || othersStopAt >= stop.at) return stop.at + grace;
  return Math.max(othersStopAt + grace, stop.at + LEAST_GRACE);
}

/**
 * Whether a stop request was for this container alone (its liveness probe failed) and not the pod's deletion (L13): the
 * others would have had theirs by now. Those with a preStop hook tell nothing: theirs comes when the hook is over (L15).
 */
function isAlone(context: Context, state: SidecarState, at: number): boolean {
  const { mains, sidecars, name, preStop, grace, probed } = context.options;
  // Without a probe nothing stops one container alone.
  if (!probed || state.stop === undefined || state.doneAt !== undefined || at < state.stop.at + lagOf(grace))
    return false;
  const others = [...mains, ...sidecars].filter((other) => other !== name && state.peers.get(other)?.alive);
  if (others.some((other) => state.peers.get(other)?.marker?.stopping)) return false;
  return others.some((other) => !preStop.includes(other));
}

/**
 * Whether the pod's deletion seems to have begun although we had no stop request yet: our preStop hook runs, and all others had
 * theirs. Where nobody is left who could tell, the mains' ends do.
 */
function isStopLate(context: Context, state: SidecarState, at: number): boolean {
  const { preStop, name, grace } = context.options;
  if (state.stop !== undefined || !preStop.includes(name)) return state.othersStopAt !== undefined;
  const others = [...state.peers].filter(([other, { alive }]) => alive && !preStop.includes(other));
  if (others.length > 0) return others.every(([, { marker }]) => marker?.stopping === true);
  return state.endedByStop === true && at <= (state.stoppedEndAt ?? at) + grace + lagOf(grace);
}

/** The container's exit code: the pod's phase comes from the mains alone (rule L7). */
function exitCode(context: Context, state: SidecarState, processCode: number | undefined): number {
  const { restartPolicy, mains } = context.options;
  const { doneAt, stop, unheard } = state;
  if (unheard && doneAt === undefined) return EXIT_UNUSABLE;
  // Stopped alone, or with a sandbox that is made anew, under OnFailure: the kubelet starts it again only when it failed.
  const ends = mains.map((name) => isOver(state.peers.get(name), context));
  const isDone = doneAt !== undefined || ends.every((end) => end === 'over' || end === 'stopped');
  if (restartPolicy === 'Never' || isDone) return 0;
  const stopped = 128 + (stop?.signal ?? context.stopSignal);
  return processCode === undefined || processCode === 0 ? stopped : processCode;
}

function end(context: Context, state: SidecarState, code: number, actions: Action[]): Step<SidecarState> {
  // One that stopped itself, for nobody hears it, is not started again because of that.
  const stopping = state.stop !== undefined && !state.unheard;
  actions.push({ type: 'announce', marker: lastWord(context, code, stopping) }, { type: 'exit', code });
  const ended: SidecarState = { ...state, phase: 'ended' };
  delete ended.wakeAt;
  return { state: ended, actions };
}

function announce(context: Context, state: SidecarState, actions: Action[]): void {
  const phase: Phase = state.phase === 'queued' ? 'waiting' : state.phase;
  const stopping = state.stop !== undefined;
  const text = `${phase} ${stopping}`;
  if (text === state.announced) return;
  state.announced = text;
  actions.push({ type: 'announce', marker: announcement(context, phase, stopping) });
}

function hasProcess(state: SidecarState): boolean {
  return state.phase === 'starting' || state.phase === 'started';
}

function wake(state: SidecarState, at: number | undefined): void {
  const wakeAt = earliest(state.wakeAt, at);
  if (wakeAt !== undefined) state.wakeAt = wakeAt;
}
