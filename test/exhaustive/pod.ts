/**
 * What a pod is to the search: everything that decides what can happen next, and nothing else. Times are milliseconds
 * from now (negative: past), so that two pods which differ only by the clock are one state. All values are immutable.
 */
import type { Peer } from '../../shim/lifecycle.ts';
import type { MainState } from '../../shim/main-lifecycle.ts';
import type { Marker } from '../../shim/marker.ts';
import type { SidecarState } from '../../shim/sidecar-state.ts';
import type { Case } from './case.ts';

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

  /** A sidecar whose command is not there, whatever starts it; the container's file system does not change that. */
  unrunnable: boolean;

  // What the rules need to know, besides.
  /** Bit i: container i, a sidecar, was truly started when this shim looked last; kept until it starts its own process. */
  saw: number;
  /** It came after the end of work, which could be seen. */
  late: boolean;
  /** A process was started in this shim's life. */
  ran: boolean;
  /** A process has run in this shim's life: it was not just tried. */
  worked: boolean;
  /** A sidecar whose command could not be started must leave its container now (L20). */
  mustLeave: boolean;
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
  /**
   * A container's end starts the whole pod again. `due`: the kubelet has not begun; `going`: it stops what is up, one after the other, and starts
   * nothing.
   */
  reset?: 'due' | 'going';
  /** Trouble so far, of all kinds. */
  troubles: number;
  /** Bit i: the kind of that index in `TROUBLES` (case.ts) was had; kept only for those that come but once. */
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
  worked: false,
  mustLeave: false,
  unrunnable: false,
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

export function isUp(box: Box): boolean {
  return box.life === 'taken' || box.life === 'begun';
}

export function hasProcess(box: Box): boolean {
  return box.process !== 'none';
}

/** Its deletion, and not just its sandbox's death. */
export function isDeleted(truth: Truth): boolean {
  return truth.deletedAt !== undefined && !truth.dying;
}
