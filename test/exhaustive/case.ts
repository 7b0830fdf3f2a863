/** One pod to search, by its spec: what never changes, and the periods that follow from it. Times are milliseconds. */
import type { ContainerOptions, RestartPolicy } from '../../shim/protocol.ts';

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
  'cannot-run',
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
  /** Every container has a rule by which an end with 1 starts the whole pod again (RestartAllContainers). */
  restartsAll?: true;
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

/** All containers' names: mains first, then sidecars in start order. The index is the container's number everywhere. */
export function namesOf(pod: Case): string[] {
  return [...pod.mains, ...pod.sidecars];
}

export function isMain(pod: Case, who: number): boolean {
  return who < pod.mains.length;
}

export function restarts(policy: RestartPolicy, failed: boolean): boolean {
  return policy === 'Always' || (policy === 'OnFailure' && failed);
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

/** What the kubelet leaves each container that it stops to start the whole pod again (kubernetes: minimumGracePeriodInSeconds). */
export const RESET_GRACE = 2_000;

/** Whether a container's end with this code starts the whole pod again. */
export function restartsAll(pod: Case, code: number): boolean {
  return pod.restartsAll === true && code === 1;
}

/** L13: how long a stop request is pondered. */
export function lagOf(pod: Case): number {
  return pod.grace < 8_000 ? pod.grace / 4 : 2_000;
}

/** L13: the same, where a probe's own grace period leaves less. */
export function aloneLagOf(pod: Case): number {
  return Math.min(lagOf(pod), (pod.restartsAll ? RESET_GRACE : (pod.aloneGrace ?? pod.grace)) / 2);
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
    restartRules: pod.restartsAll ? [{ operator: 'In', codes: [1], all: true }] : [],
    grace: pod.grace,
    ...(main && pod.startTimeout !== undefined ? { startTimeout: pod.startTimeout } : {}),
    ...(pod.stopTimeout === undefined ? {} : { stopTimeout: pod.stopTimeout }),
    probed: pod.probed,
    ...(pod.aloneGrace === undefined ? {} : { aloneGrace: { least: pod.aloneGrace, most: pod.aloneGrace } }),
    ...(pod.restartsAll && !main ? { aloneGrace: { least: RESET_GRACE, most: pod.grace } } : {}),
    hostPid: false,
    log: 'info',
    ready: pod.gated.includes(name) ? { kind: 'tcp', port: 5432 } : { kind: 'none' },
    readyTimeout: 1_000,
    command: ['true'],
  };
}
