/**
 * What a pod is to the search: everything that decides what can happen next, and nothing else. Times are milliseconds
 * from now (negative: past), so that two pods which differ only by the clock are one state. All values are immutable.
 */
import type { Peer } from '../../shim/lifecycle.ts';
import type { MainState } from '../../shim/main-lifecycle.ts';
import type { Marker } from '../../shim/marker.ts';
import type { ContainerOptions, RestartPolicy } from '../../shim/protocol.ts';
import type { SidecarState } from '../../shim/sidecar-state.ts';

/** Adverse things that can happen to a pod; each costs one of {@link Case.trouble}. */
export const TROUBLES = [
  'fails',
  'child-killed',
  'killed',
  'killed-late',
  'stopped-alone',
  'not-again',
  'term-inside',
  'reboot',
  'sandbox-dies',
  'change-missed',
  'look-torn',
  'frozen',
  'clock-jump',
  'idle',
  'unwritable',
] as const;
export type Trouble = (typeof TROUBLES)[number];

/** One pod to search: its spec, and how much trouble it gets. */
export interface Case {
  name: string;
  mains: readonly string[];
  /** In start order. */
  sidecars: readonly string[];
  policy: RestartPolicy;
  /** terminationGracePeriodSeconds, ms. */
  grace: number;
  /** Every container has a liveness probe: the kubelet may stop one alone. */
  probed: boolean;
  /** A grace period of the probes' own, ms. */
  aloneGrace?: number;
  preStop: readonly string[];
  /** Sidecars with a readiness condition. */
  gated: readonly string[];
  /** The condition never holds. */
  neverReady: boolean;
  /** How often the kubelet has started each sidecar before the search begins. */
  startsBefore: number;
  startTimeout?: number;
  stopTimeout?: number;
  /** How many adverse things happen at most, of all kinds together. */
  trouble: number;
  /** Kinds that come once on a path at most. */
  once: readonly Trouble[];
}

/** One container (every field always there, for the engine's sake): the kubelet's record, what stands in the rendezvous, its shim, its process. */
export interface Box {
  /** `taken`: its shim holds the life line and has done nothing else. `begun`: it has looked, and decides. */
  life: 'unborn' | 'taken' | 'begun' | 'down';
  /** Down, and with a code other than 0. */
  failed: boolean;
  /** A main, down because its sidecars did not come (124, 125). */
  gaveUp: boolean;
  /**
   * The kubelet stopped it alone, and means to start it again whatever its code: how long that may take from its end, or, when it is down, by
   * when it is done.
   */
  again: number | undefined;
  /** A main: its last word is true, and the kubelet saw it killed all the same. It will be started again, and has nothing left to do. */
  done: boolean;
  /** A node's restart made the kubelet forget that it ended: it will be started again. */
  forgotten: boolean;
  marker: Marker | undefined;
  /** Its rendezvous has become read-only. Its last word, said through its life line; bit i: this shim has heard container i's. */
  mute: boolean;
  spoken: Marker | undefined;
  heard: number;
  main: MainState | undefined;
  sidecar: SidecarState | undefined;
  /** Bit i: container i has lived since this shim first looked. */
  lived: number;
  /** Bit i: container i has come up since this shim looked last. */
  cameUp: number;
  /** `asked`: it had a stop signal. `dying`: it had KILL. */
  process: 'none' | 'runs' | 'asked' | 'dying';
  /** Its shim has told it to end, and did not just forward a signal. */
  told: boolean;
  /** Its readiness condition is being tried. */
  probing: boolean;
  /** It held since the process was started. */
  held: boolean;
  /** A sidecar that the kubelet starts again when it fails: how often it was started, 3 for more. */
  starts: number;
  /** Since when it is up; kept only where that is its third start or a later one. */
  upAt: number;
  /** Its process ended soon after a restart in place: only the kubelet can give it a fresh file system now, and does so soon. */
  isStale: boolean;
  /** Its own preStop hook has ended the process; the stop request is on its way. */
  byHook: boolean;
  /** Stop requests that are on their way, and when they arrive at the latest. */
  term: { alone: boolean; by: number } | undefined;
  /** A stop request arrived. `alone`: the first was for this container alone. */
  stopped: { alone: boolean; at: number } | undefined;
  /** When the container runtime kills it. */
  killAt: number | undefined;
  /** Stopped by a signal, or not scheduled: it does nothing. */
  frozen: boolean;
  /** A change was not reported to it: when it looks at the latest. */
  missedUntil: number | undefined;
  /** In the middle of a look: what it has read so far. */
  torn: { peers: ReadonlyMap<string, Peer>; saw: number } | undefined;

  // What the rules need to know, besides.
  /** Bit i: container i, a sidecar, was truly started when this shim looked last; kept until it starts its own process. */
  saw: number;
  /** It came after the end of work, which could be seen. */
  late: boolean;
  /** A process was started in this shim's life. */
  ran: boolean;
  /** A sidecar's ends while the work went on, since they were forgotten (L9); when it must start again; since when it runs. */
  ends: number;
  dueAt: number | undefined;
  ranAt: number;
  /** Since when its shim is there: a main's kept only with a start-timeout, a sidecar's from the moment in which a main was stopped. */
  begunAt: number;
  /** When its process had its stop signal; kept only with a stop-timeout. */
  askedAt: number | undefined;
}

/** What belongs to no container. */
export interface Truth {
  deletedAt?: number;
  /** Every main has ended and comes no more, since then. */
  doneAt?: number;
  rebootAt?: number;
  /** What looks like the deletion is only a sandbox that died: the kubelet makes a new one. */
  dying: boolean;
  /** Trouble so far, of all kinds. */
  troubles: number;
  /** Bit i: the kind of that index in {@link TROUBLES} was had; kept only for those that come but once. */
  had: number;
  /** A container was stopped alone; kept only where there are preStop hooks. */
  stoppedAlone: boolean;
  /** A shim was frozen, or all clocks jumped: rules about time do not hold on this path. */
  irregular: boolean;
}

export interface World {
  boxes: readonly Box[];
  truth: Truth;
}

export const UNBORN: Box = {
  life: 'unborn',
  marker: undefined,
  mute: false,
  spoken: undefined,
  heard: 0,
  main: undefined,
  sidecar: undefined,
  term: undefined,
  stopped: undefined,
  killAt: undefined,
  missedUntil: undefined,
  torn: undefined,
  dueAt: undefined,
  askedAt: undefined,
  failed: false,
  gaveUp: false,
  again: undefined,
  done: false,
  forgotten: false,
  lived: 0,
  cameUp: 0,
  process: 'none',
  told: false,
  probing: false,
  held: false,
  starts: 0,
  upAt: 0,
  isStale: false,
  byHook: false,
  frozen: false,
  saw: 0,
  late: false,
  ran: false,
  ends: 0,
  ranAt: 0,
  begunAt: 0,
};

export function firstWorld(pod: Case): World {
  return {
    boxes: [...pod.mains, ...pod.sidecars].map(() => UNBORN),
    truth: { dying: false, troubles: 0, had: 0, stoppedAlone: false, irregular: false },
  };
}

/** All containers' names: mains first, then sidecars in start order. The index is the container's number everywhere. */
export function namesOf(pod: Case): string[] {
  return [...pod.mains, ...pod.sidecars];
}

export function isMain(pod: Case, who: number): boolean {
  return who < pod.mains.length;
}

export function isUp(box: Box): boolean {
  return box.life === 'taken' || box.life === 'begun';
}

export function hasProcess(box: Box): boolean {
  return box.process !== 'none';
}

/** The kubelet's own rule (ShouldContainerBeRestarted), not the shim's. */
export function comesBack(pod: Case, box: Box): boolean {
  if (box.life === 'unborn') return true;
  if (box.life !== 'down') return false;
  return box.forgotten || box.again !== undefined || restarts(pod.policy, box.failed);
}

export function restarts(policy: RestartPolicy, failed: boolean): boolean {
  return policy === 'Always' || (policy === 'OnFailure' && failed);
}

/** Every main has ended, and the kubelet starts none again: in a deletion, no main is there (L5). */
export function isWorkDone(pod: Case, boxes: readonly Box[], deleted: boolean): boolean {
  return boxes.every(
    (box, who) =>
      !isMain(pod, who) || box.done || (deleted ? !isUp(box) : box.life === 'down' && !comesBack(pod, box)),
  );
}

/** Whether what the mains left behind proves to others that the work is done: all in this life of the sandbox, and none is up just to say so again. */
export function isWorkSeenDone(pod: Case, boxes: readonly Box[]): boolean {
  return boxes.every((box, who) => !isMain(pod, who) || (box.marker?.epoch === 'now' && !isUp(box)));
}

/** L11: how long after a node's restart a main may come back whose end the kubelet did not see. */
export const DOUBT = 60_000;
/** L5: how long a container without a probe may take to come back that was stopped for a new image. */
export const LONGEST_DOUBT = 300_000;

/** How long an end after a stop request is doubted (L5): who was stopped alone may come back, but not a probe's victim under Never. */
export function stopDoubt(pod: Case): number {
  if (!pod.probed) return LONGEST_DOUBT;
  return pod.policy === 'Never' ? 0 : DOUBT;
}

/**
 * How long this sidecar may take to believe that the work is done: a main was stopped (L5), or died as it came up again, or the sidecar's own
 * hook may hide why (L15).
 */
export function beliefTime(pod: Case, boxes: readonly Box[], name: string): number {
  const stopped = boxes.filter((box, who) => isMain(pod, who) && box.marker?.stopping === true);
  if (stopped.length === 0) return 0;
  const cameUp = stopped.some((box) => box.marker?.phase === 'waiting');
  const hook = pod.preStop.includes(name) ? pod.grace + lagOf(pod) : 0;
  return Math.max(stopDoubt(pod), cameUp ? DOUBT : 0, hook);
}

/** The longest {@link beliefTime} of any sidecar. */
export function longestWait(pod: Case, boxes: readonly Box[]): number {
  return Math.max(...pod.sidecars.map((name) => beliefTime(pod, boxes, name)));
}

/** L13: how long a stop request is pondered. */
export function lagOf(pod: Case): number {
  return pod.grace < 8_000 ? pod.grace / 4 : 2_000;
}

/** Its deletion, and not just its sandbox's death. */
export function isDeleted(truth: Truth): boolean {
  return truth.deletedAt !== undefined && !truth.dying;
}

/** L13: the same, where a probe's own grace period leaves less. */
export function aloneLagOf(pod: Case): number {
  return Math.min(lagOf(pod), (pod.aloneGrace ?? pod.grace) / 2);
}

/** Nothing can happen any more: everybody is down, and the kubelet starts nobody. */
export function isEnd(pod: Case, world: World): boolean {
  return world.boxes.every((box) => !isUp(box) && (isDeleted(world.truth) || !comesBack(pod, box)));
}

/**
 * Nobody is left to wait: the end, or a main that gave up and said so. (Under OnFailure and Always the kubelet starts that one again and
 * again, until a Job's backoffLimit or a user has seen enough.)
 */
export function isSettled(pod: Case, world: World): boolean {
  return isEnd(pod, world) || world.boxes.some((box) => box.gaveUp);
}

/** The flags of one container's shim, as the webhook would write them. */
export function optionsOf(pod: Case, who: number): ContainerOptions {
  const name = namesOf(pod)[who] ?? '';
  const main = isMain(pod, who);
  return {
    role: main ? 'main' : 'sidecar',
    name,
    run: '/curfew/run',
    mains: [...pod.mains],
    sidecars: [...pod.sidecars],
    preStop: [...pod.preStop],
    restartPolicy: pod.policy,
    restartRules: [],
    grace: pod.grace,
    ...(main && pod.startTimeout !== undefined ? { startTimeout: pod.startTimeout } : {}),
    ...(pod.stopTimeout === undefined ? {} : { stopTimeout: pod.stopTimeout }),
    probed: pod.probed,
    ...(pod.aloneGrace === undefined ? {} : { aloneGrace: { least: pod.aloneGrace, most: pod.aloneGrace } }),
    hostPid: false,
    log: 'info',
    ready: pod.gated.includes(name) ? { kind: 'tcp', port: 5432 } : { kind: 'none' },
    readyTimeout: 1_000,
    command: ['true'],
  };
}
