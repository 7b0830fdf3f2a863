/**
 * A sidecar: it starts in its turn, is kept running while a main still works, and leaves in reverse order when the
 * work is done or the pod is deleted. Rules L1, L6 to L15.
 */
import {
  type Action,
  BACKOFF_FORGOTTEN,
  type Context,
  type Event,
  EXIT_UNUSABLE,
  endWith,
  isFinal,
  isStarted,
  keepEarly,
  lagOf,
  lastWord,
  passOn,
  ruleFor,
  type Step,
  spawnWith,
} from './lifecycle.ts';
import { isLeft } from './sidecar-layer.ts';
import { exitCode, isAlone, leave } from './sidecar-leave.ts';
import {
  isStopLate,
  lookAtMains,
  lookForMains,
  lookForStops,
  SAY_EVERY,
  stopIsLateUntil,
} from './sidecar-mains.ts';
import { announce, hasProcess, type SidecarState, wake } from './sidecar-state.ts';

/** The kubelet's own restart back-off (pkg/kubelet: 10 s, doubled up to 5 min, forgotten after {@link BACKOFF_FORGOTTEN}). */
const BACKOFF_FIRST = 10_000;
const BACKOFF_LAST = 300_000;

export function startSidecar(context: Context, event: Extract<Event, { type: 'start' }>): Step<SidecarState> {
  const state: SidecarState = {
    phase: 'queued',
    peers: event.peers,
    since: event.at,
    sayAt: event.at + SAY_EVERY,
    runningSince: event.at,
    restarts: 0,
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
      if (hasProcess(state)) return { state, actions: [passOn(event)] };
      state.early = keepEarly(state.early, event);
      return { state, actions: [] };
    case 'stop-request':
      // Those whose stop seemed to begin the pod's deletion may have come back since: it was theirs alone.
      if (!isStopLate(context, state, event.at)) delete state.othersStopAt;
      if (state.stop !== undefined && state.stop.until === undefined)
        state.stop = { ...state.stop, until: event.at + context.options.grace };
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
        state.unheard = event.reason;
        return settle(context, state, event.at, [{ type: 'say', level: 'info', text: event.reason }]);
      }
      return end(
        context,
        state,
        EXIT_UNUSABLE,
        [{ type: 'say', level: 'info', text: event.reason }],
        event.reason,
      );
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
  if (event.at - state.runningSince >= BACKOFF_FORGOTTEN) state.restarts = 0;
  const startsAll = ruleFor(context.options.restartRules, event.code)?.all === true;
  const left = startsAll || isLeft(context, state, event);
  state.phase = 'resting';
  state.lastCode = event.code;
  if (event.type === 'exit') state.ran = true;
  if (state.doneAt !== undefined || state.stop !== undefined) {
    const expected = event.code === 0 || event.code === 128 + (state.stop?.signal ?? context.stopSignal);
    const text = `ended with code ${event.code} when it was stopped`;
    actions.push({ type: 'say', level: expected ? 'debug' : 'info', text });
    return settle(context, state, event.at, actions, event.code);
  }
  const pause = hookPause(context);
  if (left) {
    state.leaveWith = event.code;
    state.retryAt = event.at + pause;
    if (event.type === 'not-started' && !state.ran) state.leaveWhy = event.reason;
    const text = startsAll
      ? `ended with code ${event.code}, on which all containers are started again: leaving that to the kubelet`
      : whyLeft(context, state, event.code);
    return settle(context, state, event.at, actions.concat({ type: 'say', level: 'info', text }));
  }
  const { probed, restartPolicy } = context.options;
  // A probe that failed meanwhile would stop the container for good there.
  const longest = probed && restartPolicy === 'Never' ? BACKOFF_FIRST : BACKOFF_LAST;
  const backOff = state.restarts === 0 ? 0 : Math.min(BACKOFF_FIRST * 2 ** (state.restarts - 1), longest);
  const delay = Math.max(backOff, pause);
  state.restarts++;
  state.retryAt = event.at + delay;
  const when = delay === 0 ? 'now' : `in ${delay / 1_000} s`;
  const text = `ended with code ${event.code} while the work goes on: starting it again ${when}`;
  return settle(context, state, event.at, actions.concat({ type: 'say', level: 'info', text }));
}

/** What is said when its next start is left to the kubelet, or when there is none. */
function whyLeft({ options }: Context, { ran, restarts }: SidecarState, code: number): string {
  if (ran)
    return `ended with code ${code} soon after a restart in place: leaving the next to the kubelet, for a fresh file system`;
  return isFinal(options.restartPolicy, options.restartRules, code)
    ? `the command could not be started ${restarts + 1} times: ending with code ${code} for good`
    : `the command cannot be started: ending with code ${code}, for the kubelet to start the container again`;
}

/**
 * A preStop hook may have ended the process, and wait for that: its stop request follows when the hook is over. (Where the shim is process 1
 * the hook ends with the process, as it does when a bare container's process ends.) Nothing is started in between.
 */
function hookPause({ options: { preStop, name, grace } }: Context): number {
  return preStop.includes(name) ? lagOf(grace) : 0;
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
  if (state.unheard !== undefined && state.stop === undefined && isAwaited(context, state))
    state.stop = { at, signal: context.stopSignal, alone: true };
  if (state.stop !== undefined && !state.stop.alone && isAlone(context, state, at)) {
    state.stop = { ...state.stop, alone: true };
    actions.push({ type: 'say', level: 'debug', text: 'the stop request is for this container alone' });
  }
  if (state.doneAt !== undefined || state.stop !== undefined) {
    if (!hasProcess(state)) {
      const code = exitCode(context, state, processCode);
      return end(context, state, code, actions, code === EXIT_UNUSABLE ? state.unheard : undefined);
    }
    leave(context, state, at, actions);
    return { state, actions };
  }
  if (state.leaveWith !== undefined && isDue(state, at) && state.othersStopAt === undefined)
    return end(context, state, state.leaveWith, actions, state.leaveWhy);
  start(context, state, at, actions);
  lookForMains(context, state, at, actions);
  return { state, actions };
}

/** Whether it is time for the next start. */
function isDue({ phase, retryAt }: SidecarState, at: number): boolean {
  return phase === 'resting' && retryAt !== undefined && at >= retryAt;
}

/** Start in turn, or again (rules L1, L9). */
function start(context: Context, state: SidecarState, at: number, actions: Action[]): void {
  const { sidecars, name } = context.options;
  const turn = sidecars
    .slice(0, sidecars.indexOf(name))
    .every((before) => isStarted(state.peers.get(before)));
  const due = isDue(state, at);
  if (state.phase === 'resting' && !due) wake(state, state.retryAt);
  // The pod is being deleted, and our own hook hides that: the stop request will come, or the others come back.
  if (due && state.othersStopAt !== undefined) {
    wake(state, stopIsLateUntil(context, state));
    return;
  }
  if ((state.phase === 'queued' && turn) || due) {
    delete state.retryAt;
    delete state.lastCode;
    state.phase = 'starting';
    state.runningSince = at;
    // Before the process: who cannot be heard must not run (rule L17).
    announce(context, state, actions);
    for (const action of spawnWith(state.early)) actions.push(action);
    delete state.early;
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

function end(
  context: Context,
  state: SidecarState,
  code: number,
  actions: Action[],
  why?: string,
): Step<SidecarState> {
  // One that stopped itself, for nobody hears it, is not started again because of that.
  const stopping = state.stop !== undefined && state.unheard === undefined;
  actions.push(...endWith(lastWord(context, code, stopping), why));
  const ended: SidecarState = { ...state, phase: 'ended' };
  delete ended.wakeAt;
  return { state: ended, actions };
}
