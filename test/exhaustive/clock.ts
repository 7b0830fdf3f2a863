/**
 * Time in the search: now is always 0, and time passes by moving every remembered moment into the past. What a moment
 * cannot decide any more is forgotten (an age beyond the longest period that anybody compares it with is that period), so that
 * the states are finite. Each bound below cites who compares.
 */
import type { Peers } from '../../shim/lifecycle.ts';
import type { MainState } from '../../shim/main-lifecycle.ts';
import type { SidecarState } from '../../shim/sidecar-state.ts';
import { type Case, DOUBT, lagOf, stopDoubt } from './case.ts';
import { longestWait } from './ends.ts';
import type { Box, Truth, World } from './pod.ts';

/** sidecar-lifecycle.ts, BACKOFF_FORGOTTEN. */
export const FORGOTTEN = 600_000;
/** So many starts after an end: the back-off is at its longest, and more change nothing. */
export const MOST_RESTARTS = 6;
/** Who comes back in spite of a last word does so a bit before that one is believed. */
export const BEFORE_BELIEF = 1_000;

const MAIN_FIELDS = new Set([
  'phase',
  'peers',
  'since',
  'sayAt',
  'early',
  'lostAt',
  'stopping',
  'killAt',
  'wakeAt',
]);
const SIDECAR_FIELDS = new Set([
  'phase',
  'peers',
  'since',
  'sayAt',
  'runningSince',
  'restarts',
  'retryAt',
  'ran',
  'lastCode',
  'leaveWith',
  'leaveWhy',
  'unheard',
  'early',
  'stoppedMains',
  'stoppedEndAt',
  'endedByStop',
  'doneAt',
  'stop',
  'othersStopAt',
  'askedAt',
  'killAt',
  'reported',
  'announced',
  'wakeAt',
]);

const NOBODY: Peers = new Map();

/** A field that is not known here might hold a time: better no answer than a wrong one. */
function checkFields(state: object, known: ReadonlySet<string>): void {
  for (const field of Object.keys(state)) {
    if (!known.has(field))
      throw new Error(
        `test/exhaustive/clock.ts does not know the field ${field} of a shim's state: add it there`,
      );
  }
}

/** An age, at most `longest`. */
function aged(at: number, by: number, longest: number): number {
  return Math.max(at - by, -longest);
}

/** A deadline: one that is over is due now. */
function due(at: number, by: number): number {
  return Math.max(at - by, 0);
}

/** As long as a stop may be thought about: whether it was alone, and whether a preStop hook hides that it was not. */
function longestStop(pod: Case): number {
  return Math.max(stopDoubt(pod), DOUBT, pod.grace + lagOf(pod));
}

/** Of the pod's grace period and a probe's own. */
function longestGrace(pod: Case): number {
  return Math.max(pod.grace, pod.aloneGrace ?? 0);
}

/** `key` with its time moved, where there is one. */
function moved<K extends string>(
  key: K,
  at: number | undefined,
  move: (at: number) => number,
): { [P in K]?: number } {
  const result: { [P in K]?: number } = {};
  if (at !== undefined && at !== Number.POSITIVE_INFINITY) result[key] = move(at);
  return result;
}

/**
 * `by` milliseconds later. What a main says every 10 s while it waits is left out (`sayAt` never comes): it only
 * talks, and would multiply the states by the phase of its clock.
 */
export function laterMain(pod: Case, state: MainState, by: number, oldMarkers: boolean): MainState {
  checkFields(state, MAIN_FIELDS);
  const { lostAt, killAt, wakeAt, ...rest } = state;
  return {
    ...rest,
    peers: state.phase === 'running' ? NOBODY : state.peers,
    // Compared only with a start-timeout, or while a sidecar's last word is doubtful.
    since:
      pod.startTimeout === undefined && !oldMarkers
        ? 0
        : aged(state.since, by, Math.max(pod.startTimeout ?? 0, DOUBT)),
    sayAt: Number.POSITIVE_INFINITY,
    ...moved('lostAt', lostAt, (at) => aged(at, by, longestStop(pod))),
    ...moved('killAt', killAt, (at) => due(at, by)),
    ...moved('wakeAt', wakeAt, (at) => due(at, by)),
  };
}

/**
 * `by` milliseconds later. That no main has come it never says here ({@link laterMain}). What it has reported is left out: that only
 * keeps it from saying a thing twice.
 * @param longUp how long it is up may matter
 */
export function laterSidecar(
  pod: Case,
  state: SidecarState,
  by: number,
  oldMarkers: boolean,
  longUp: boolean,
): SidecarState {
  checkFields(state, SIDECAR_FIELDS);
  const { retryAt, stoppedEndAt, doneAt, stop, othersStopAt, askedAt, killAt, wakeAt, ...rest } = state;
  const inGrace = (at: number) => aged(at, by, longestGrace(pod));
  return {
    ...rest,
    // Compared only while a main's last word is doubtful; a marker from before a reboot never comes up later.
    since: longUp ? aged(state.since, by, FORGOTTEN) : oldMarkers ? aged(state.since, by, DOUBT) : 0,
    // Compared only when there are restarts to forget.
    runningSince: state.restarts === 0 ? 0 : aged(state.runningSince, by, FORGOTTEN),
    reported: [],
    restarts: Math.min(state.restarts, MOST_RESTARTS),
    // Others' machines read only whether it is 0 (looks.ts).
    ...(state.lastCode === undefined ? {} : { lastCode: state.lastCode === 0 ? 0 : 1 }),
    ...(state.sayAt === undefined ? {} : { sayAt: Number.POSITIVE_INFINITY }),
    ...moved('retryAt', retryAt, (at) => due(at, by)),
    // Compared with the doubt about a stop, and with how long a preStop hook may take.
    ...moved('stoppedEndAt', stoppedEndAt, (at) => aged(at, by, longestStop(pod) + 1)),
    ...moved('doneAt', doneAt, inGrace),
    ...moved('othersStopAt', othersStopAt, inGrace),
    // Only whether it was asked is ever compared.
    ...moved('askedAt', askedAt, () => 0),
    ...moved('killAt', killAt, (at) => due(at, by)),
    ...moved('wakeAt', wakeAt, (at) => due(at, by)),
    ...(stop === undefined
      ? {}
      : { stop: { ...stop, at: inGrace(stop.at), ...moved('until', stop.until, (at) => due(at, by)) } }),
  };
}

/** Its third start, or a later one: it is not left to the kubelet before it was up for ten minutes (sidecar-layer.ts). */
export function isLongUpKept({ starts }: Box): boolean {
  return starts > 2;
}

/** @param wait how long it may take until the end of work is believed */
export function laterBox(pod: Case, box: Box, by: number, oldMarkers: boolean, wait: number): Box {
  const { main, sidecar, term, stopped } = box;
  const soon = (at: number | undefined) => (at === undefined ? undefined : due(at, by));
  const next = { ...box };
  next.ends = Math.min(box.ends, MOST_RESTARTS);
  next.ranAt = box.ends === 0 ? 0 : aged(box.ranAt, by, FORGOTTEN);
  next.upAt = isLongUpKept(box) ? aged(box.upAt, by, FORGOTTEN) : 0;
  const startTimeout = box.ran ? 0 : (pod.startTimeout ?? 0);
  next.begunAt = aged(box.begunAt, by, sidecar === undefined ? startTimeout : wait);
  next.killAt = soon(box.killAt);
  next.missedUntil = soon(box.missedUntil);
  next.dueAt = soon(box.dueAt);
  if (box.life === 'down') next.again = soon(box.again);
  next.askedAt =
    pod.stopTimeout === undefined || box.askedAt === undefined
      ? undefined
      : aged(box.askedAt, by, pod.stopTimeout);
  if (box.ran) next.saw = 0;
  // A main that runs watches nobody (machine.ts, needsOthers), and what it saw before decides nothing any more.
  if (main?.phase === 'running') {
    next.lived = 0;
    next.heard = 0;
    next.cameUp = 0;
  }
  if (main !== undefined) next.main = laterMain(pod, main, by, oldMarkers);
  if (sidecar !== undefined) next.sidecar = laterSidecar(pod, sidecar, by, oldMarkers, isLongUpKept(box));
  if (term !== undefined) next.term = { alone: term.alone, by: due(term.by, by) };
  if (stopped !== undefined)
    next.stopped = { alone: stopped.alone, at: aged(stopped.at, by, longestGrace(pod)) };
  return next;
}

/** @param wait how long it may take until the end of work is believed */
export function laterTruth(pod: Case, truth: Truth, by: number, wait: number): Truth {
  const { deletedAt, doneAt, rebootAt, ...rest } = truth;
  return {
    ...rest,
    ...moved('deletedAt', deletedAt, (at) => aged(at, by, pod.grace)),
    ...moved('doneAt', doneAt, (at) => aged(at, by, wait + pod.grace)),
    ...moved('rebootAt', rebootAt, (at) => aged(at, by, DOUBT)),
  };
}

export function hasOldMarkers(boxes: readonly Box[]): boolean {
  return boxes.some((box) => box.marker !== undefined && box.marker.epoch !== 'now');
}

/** The world `by` milliseconds from now; with 0 the same world, without what cannot matter any more. */
export function later(pod: Case, world: World, by: number): World {
  const old = hasOldMarkers(world.boxes);
  const wait = longestWait(pod, world.boxes);
  return {
    boxes: world.boxes.map((box) => laterBox(pod, box, by, old, wait)),
    truth: laterTruth(pod, world.truth, by, wait),
  };
}
