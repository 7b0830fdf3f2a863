/** What is played in one pod, from its containers to what is done to it and when. A seed determines all of it (`draw.ts`). */
import type { RestartPolicy } from '../../shim/protocol.ts';

/**
 * Where the shims meet. `full-*`: a tmpfs without a block or an inode left, from before the first start. `tmpfs`: one that
 * may be filled under way. `read-only` and `missing`: for all containers. `used-up`: all inotify instances of the containers'
 * user are taken. `deaf`: inotify works and tells nothing.
 */
export type RendezvousKind =
  | 'plain'
  | 'tmpfs'
  | 'full-blocks'
  | 'full-inodes'
  | 'read-only'
  | 'missing'
  | 'used-up'
  | 'deaf';

/** Times are milliseconds. */
export interface ContainerPlan {
  name: string;
  /** From the pod's begin to the container's. */
  startAfter: number;
  /** What its process does with TERM: after `flush` it ends with `term`, or nothing at all. */
  term: number;
  flush: number;
  stubborn: boolean;
  /** How long its shim lets a stubborn process be, if that is said. */
  stopTimeout?: number;
  /** It leaves a child behind that no signal ends. */
  helper: boolean;
  /** How long its preStop hook keeps TERM from it, if it has one. */
  preStop?: number;
  /** The kubelet may stop it alone. */
  probed: boolean;
  /** Its own mount of the rendezvous is read-only. */
  readOnly: boolean;
}

export interface MainPlan extends ContainerPlan {
  /** How long each start works. */
  work: number;
  /** What its starts end with; after the last, with 0. */
  codes: number[];
}

export interface SidecarPlan extends ContainerPlan {
  ready: 'none' | 'exec' | 'tcp' | 'http';
  /** From its process's start until it is ready; below 0: never. */
  delay: number;
  /** Its process ends by itself, once. */
  crash?: { after: number; code: number };
}

/** Something that happens to a container: what its process does, what its shim announces, what the kubelet sees. */
export interface Moment {
  what:
    | 'start'
    | 'up'
    | 'ready'
    | 'got 15'
    | 'ends'
    | 'exit'
    | 'waiting'
    | 'running'
    | 'starting'
    | 'started'
    | 'ended';
  who: string;
}

/** What a KILL or a STOP is sent to. `container`: everybody in it at once, as when memory runs out. */
export type Victim = 'shim' | 'child' | 'grandchild' | 'container';

export type Deed =
  | { kind: 'kill'; who: string; victim: Victim }
  | { kind: 'freeze'; who: string; victim: Victim; ms: number }
  /** The kubelet stops one container, because its liveness probe failed. */
  | { kind: 'stop'; who: string }
  | { kind: 'delete' }
  /** A kubelet that forgets starts containers again that had ended for good. */
  | { kind: 'reboot'; forgets: boolean }
  | { kind: 'fill' }
  /** One container's mount of the rendezvous becomes read-only. */
  | { kind: 'read-only'; who: string };

export interface Happening {
  after: Moment;
  delay: number;
  deed: Deed;
}

export interface Plan {
  /** How it is called, and how it is played again. */
  title: string;
  policy: RestartPolicy;
  mains: MainPlan[];
  sidecars: SidecarPlan[];
  grace: number;
  startTimeout?: number;
  rendezvous: RendezvousKind;
  /** The pod shares the host's process namespace: shims are not process 1. */
  hostPid: boolean;
  /** Markers of an earlier life of the sandbox lie there. */
  leftovers: boolean;
  /** How far each container's monotonic clock is ahead, in seconds, in the containers' order. */
  clocks: number[];
  /** Each container starts when the one before has announced that it is started. */
  inOrder: boolean;
  happenings: Happening[];
  /** From the last happening until everything must have ended. */
  bound: number;
}

export function containersOf(plan: Plan): ContainerPlan[] {
  return [...plan.sidecars, ...plan.mains];
}

/** L12: 2 s, a quarter of a grace period shorter than 8 s. */
export function reserveOf(plan: Plan): number {
  return plan.grace < 8_000 ? plan.grace / 4 : 2_000;
}

/** The plan in words, one a line. */
export function describePlan(plan: Plan): string[] {
  const { policy, grace, rendezvous, hostPid, leftovers, clocks, startTimeout } = plan;
  const pod = [`restartPolicy ${policy}`, `grace ${grace} ms`, `rendezvous ${rendezvous}`];
  if (startTimeout !== undefined) pod.push(`start-timeout ${startTimeout} ms`);
  if (hostPid) pod.push('hostPID');
  if (leftovers) pod.push('stale markers');
  if (clocks.some((ahead) => ahead !== 0)) pod.push(`clocks ahead by ${clocks.join(', ')} s`);
  return [
    pod.join(', '),
    ...containersOf(plan).map((container) => JSON.stringify(container)),
    ...plan.happenings.map(
      ({ after, delay, deed }) => `${delay} ms after ${after.who} ${after.what}: ${JSON.stringify(deed)}`,
    ),
  ];
}
