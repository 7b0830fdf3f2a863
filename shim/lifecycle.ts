/**
 * The words that both state machines (`main-lifecycle.ts`, `sidecar-lifecycle.ts`) are written in: what can happen to a
 * shim, what it can do about it, and what it knows of the others. Pure: time comes with the events.
 */
import { LONGEST_DOUBT, type Marker, type Phase } from './marker.ts';
import type { ContainerOptions, RestartPolicy, RestartRule } from './protocol.ts';
import type { Queued } from './signals.ts';

/** What this shim knows of another container of the pod. */
export interface Peer {
  /** Its shim holds its life line now. */
  alive: boolean;
  /** Its shim has held its life line at some time that we saw. */
  lived: boolean;
  /** Its newest whole marker. */
  marker?: Marker;
}

/** A signal for the process. `queued`: what sigqueue(3) put beside it, which goes on with it. */
export interface Signal {
  signal: number;
  queued?: Queued;
}

/** Signals that came before the process was there (rule P6): the last one, and those before it. A list that grows in constant time. */
export interface Early {
  last: Signal;
  before: Early | undefined;
  count: number;
}

/** As many wait for a process at most, as the kernel lets only so many wait (RLIMIT_SIGPENDING). */
const MOST_EARLY = 32_768;

/** Keep a signal for the process. */
export function keepEarly(early: Early | undefined, { signal, queued }: Signal): Early {
  const count = (early?.count ?? 0) + 1;
  if (early !== undefined && count > MOST_EARLY) return early;
  return { last: queued === undefined ? { signal } : { signal, queued }, before: early, count };
}

/** The action that hands a signal to the process. */
export function passOn({ signal, queued }: Signal): Action {
  return queued === undefined ? { type: 'signal', signal } : { type: 'signal', signal, queued };
}

/** Start the process, and send it what came before, in order. */
export function spawnWith(early: Early | undefined): Action[] {
  const signals: Action[] = [];
  for (let at = early; at !== undefined; at = at.before) signals.push({ type: 'signal', ...at.last });
  signals.push({ type: 'spawn' });
  return signals.reverse();
}

/** Every other container of the pod, by name. */
export type Peers = ReadonlyMap<string, Peer>;

/** What can happen. `at` is monotonic milliseconds. */
export type Event =
  /** `done`: the code in which this main's work ended in an attempt before ({@link doneBefore}). */
  | { type: 'start'; at: number; peers: Peers; done: number | undefined }
  | { type: 'peers'; at: number; peers: Peers }
  /** The container runtime asks the container to end (rule P7). */
  | { type: 'stop-request'; at: number; signal: number }
  /** Any other signal. */
  | ({ type: 'signal'; at: number } & Signal)
  /** The readiness condition held. */
  | { type: 'ready'; at: number }
  /** The process ended; 128+n for signal n. */
  | { type: 'exit'; at: number; code: number }
  /** The process could not be started: 126 or 127. */
  | { type: 'not-started'; at: number; code: number; reason: string }
  /** What should be announced could not be; while a process runs, only that it is started. */
  | { type: 'unusable'; at: number; reason: string; running?: boolean }
  | { type: 'tick'; at: number };

/** What a shim writes of itself; the driver adds attempt and epoch. */
export type Announcement = Omit<Marker, 'attempt' | 'epoch'>;

/** What a shim can do. */
export type Action =
  | { type: 'announce'; marker: Announcement }
  | { type: 'spawn' }
  /** Begin to try the readiness condition, or stop trying it. */
  | { type: 'probe'; on: boolean }
  | ({ type: 'signal' } & Signal)
  /** KILL the process and everything that it left. */
  | { type: 'kill' }
  | { type: 'say'; level: 'info' | 'debug'; text: string }
  /** `why`: the last words, where the end is the shim's own doing: they go into the termination message. */
  | { type: 'exit'; code: number; why?: string };

/** Whether an action begins something, which must not happen after one that failed. */
export function isBeginning(action: Action): boolean {
  if (action.type === 'announce') return action.marker.phase !== 'ended';
  return action.type === 'spawn' || (action.type === 'probe' && action.on);
}

/** What never changes in a shim's life. */
export interface Context {
  options: ContainerOptions;
  /** The pod sandbox's life that this shim was started in. */
  epoch: string;
  /** The how manieth start of this container this is, in all lives of the sandbox: from 1. */
  attempt: number;
  /** The known stop signal's number, else TERM's. */
  stopSignal: number;
}

/** A state, what to do, and when to be woken by a tick at the latest. */
export interface Step<State> {
  state: State;
  actions: Action[];
}

export const EXIT_START_TIMEOUT = 124;
export const EXIT_UNUSABLE = 125;
/** What a death without a word counts as (rule L8): 128 + KILL. */
export const EXIT_KILLED = 137;

/** The rule that decides about an exit with this code: the kubelet goes by the first that matches (FindMatchingContainerRestartRule). */
export function ruleFor(rules: readonly RestartRule[], code: number): RestartRule | undefined {
  return rules.find((rule) => rule.codes.includes(code) === (rule.operator === 'In'));
}

/** Whether the kubelet leaves a container ended that exits with this code (rule L5). */
export function isFinal(policy: RestartPolicy, rules: readonly RestartRule[], code: number): boolean {
  if (ruleFor(rules, code) !== undefined) return false;
  return policy === 'Never' || (policy === 'OnFailure' && code === 0);
}

/** What a container's announcements need to know of it. */
export interface Announcer {
  options: Pick<ContainerOptions, 'restartPolicy' | 'restartRules' | 'probed'>;
}

/** The announcement of a container in some phase before its end. */
export function announcement(context: Announcer, phase: Phase, stopping: boolean): Announcement {
  const { restartPolicy, restartRules } = context.options;
  const killedIsFinal = isFinal(restartPolicy, restartRules, EXIT_KILLED);
  return { phase, code: 0, final: false, killedIsFinal, stopping, stopDoubt: stopDoubtOf(context.options) };
}

/** The actions of a shim's end: its last word, then its exit. */
export function endWith(word: Announcement, why: string | undefined): Action[] {
  const exit: Action = { type: 'exit', code: word.code };
  return [{ type: 'announce', marker: word }, why === undefined ? exit : { ...exit, why }];
}

/** A container's last word. */
export function lastWord(context: Announcer, code: number, stopping: boolean): Announcement {
  const { restartPolicy, restartRules } = context.options;
  const final = isFinal(restartPolicy, restartRules, code);
  return { ...announcement(context, 'ended', stopping), code, final };
}

/**
 * The code of a main's work that is done, and may not be done twice: its last word was final and on nobody's demand, but its shim was killed
 * before the kubelet saw it exit, or the runtime lost the code (rule L11). Where it has a preStop hook that end may be the hook's doing,
 * before a stop of this container alone.
 */
export function doneBefore(
  { role, name, preStop }: Pick<ContainerOptions, 'role' | 'name' | 'preStop'>,
  epoch: string,
  last: Marker | undefined,
): number | undefined {
  if (role !== 'main' || preStop.includes(name) || last?.phase !== 'ended') return undefined;
  return last.final && !last.stopping && epoch !== '' && last.epoch === epoch ? last.code : undefined;
}

/** The kubelet's restart back-off is forgotten when a container has run for so long (pkg/kubelet, client-go's flowcontrol.Backoff: twice its longest). */
export const BACKOFF_FORGOTTEN = 600_000;

/** How long after a node's restart a container whose end the kubelet may have missed can take to come back (rule L11). */
export const DOUBT = 60_000;

/**
 * The kubelet stops one container alone when a probe fails, and when its image is changed in the pod's spec, and means to start
 * it again in the same breath, whatever its code (kuberuntime, computePodActions); but for a probe under Never. Only where that start
 * fails it goes by the code after all. A new image may have to be pulled first.
 */
function stopDoubtOf({ probed, restartPolicy }: Announcer['options']): number {
  if (!probed) return LONGEST_DOUBT;
  return restartPolicy === 'Never' ? 0 : DOUBT;
}

/**
 * Whether a container that is down will never be started again. `remembered`: so it says, but in an earlier life of the
 * sandbox (the node was restarted); the kubelet may not have seen that end, and start it again (rule L11). `stopped`: its code
 * says so, but it was stopped, and may have been stopped alone ({@link Marker.stopDoubt}).
 */
export function isOver(
  peer: Peer | undefined,
  context: Context,
): 'over' | 'remembered' | 'stopped' | 'not-over' {
  if (peer === undefined || peer.alive) return 'not-over';
  const marker = peer.marker;
  if (marker === undefined) {
    // It came up and died before its first marker. Its own policy is not known here: ours stands in for it.
    const { restartPolicy, restartRules } = context.options;
    return peer.lived && isFinal(restartPolicy, restartRules, EXIT_KILLED) ? 'over' : 'not-over';
  }
  const over = marker.phase === 'ended' ? marker.final : marker.killedIsFinal;
  if (!over) return 'not-over';
  if (marker.epoch !== context.epoch) return 'remembered';
  return marker.stopping && marker.stopDoubt > 0 ? 'stopped' : 'over';
}

/** Whether a sidecar is up, its readiness condition held, and it is there to stay. */
export function isStarted(peer: Peer | undefined): boolean {
  return peer?.alive === true && peer.marker?.phase === 'started' && !peer.marker.stopping;
}

/**
 * Whether a container that is up has had a stop request. Who is still waiting and has one ends at once; one that says both is just coming up
 * (`rendezvous.ts`).
 */
export function isStopping(peer: Peer | undefined): boolean {
  return peer?.alive === true && peer.marker?.stopping === true && peer.marker.phase !== 'waiting';
}

/** The earlier of two times, either of which may be absent. */
export function earliest(...times: (number | undefined)[]): number | undefined {
  let first: number | undefined;
  for (const time of times) if (time !== undefined && (first === undefined || time < first)) first = time;
  return first;
}

/** How much of a grace period is kept for the survivors (rule L12): 2 s, a quarter of it if it is shorter than 8 s. */
export function reserveOf(grace: number): number {
  return grace < 8_000 ? grace / 4 : 2_000;
}

/** How long one container's stop request may lag behind another's; the kubelet sends them side by side. */
const STOP_LAG = 2_000;

/** {@link STOP_LAG}, less where the grace period is short. */
export function lagOf(grace: number): number {
  return Math.min(STOP_LAG, grace / 4);
}

/**
 * How long it is left open whether a stop request is for this container alone (rule L13). Where a probe has a short grace period of its
 * own, half of that is for the process.
 */
export function aloneLagOf({ grace, aloneGrace }: ContainerOptions): number {
  return Math.min(lagOf(grace), (aloneGrace?.least ?? grace) / 2);
}
