/** Which pods have done their work and do not end. Pure. */
import type { Role } from './judgement.ts';
import type { ContainerFacts, Ended, PodFacts } from './pod-facts.ts';

/** A pod whose work is done and which does not end, because a sidecar runs on. */
export interface Hang {
  /** When the last main ended; undefined where the kubelet does not say. */
  since: number | undefined;
  mains: readonly { name: string; code: number }[];
  /** Those that still run, or that the kubelet starts again and again. */
  sidecars: readonly string[];
  /** `likely`: only the name or only the image of a sidecar is known. */
  certain: boolean;
}

/** Beyond a grace period: the shim doubts a main's end for at most five minutes (L5), and the kubelet looks once a second. */
const DOUBT_MS = 6 * 60_000;

/** @param now milliseconds since 1970 */
export function hangOf(pod: PodFacts, roles: ReadonlyMap<string, Role>, now: number): Hang | undefined {
  if (pod.phase !== 'Running' || pod.deletingUntil !== undefined || pod.restartPolicy === 'Always')
    return undefined;
  const regular = pod.containers.filter(({ place }) => place === 'regular');
  const mains = regular.filter(({ name }) => roles.get(name)?.role !== 'sidecar');
  const sidecars = regular.filter(({ name }) => roles.get(name)?.role === 'sidecar');
  const ends = mains.map((main) => ({ name: main.name, end: endOf(main, pod.restartPolicy) }));
  const left = sidecars.filter((sidecar) => endOf(sidecar, pod.restartPolicy) === undefined);
  if (ends.length === 0 || left.length === 0) return undefined;
  let since: number | undefined;
  for (const { end } of ends) {
    if (end === undefined) return undefined;
    if (end.at !== undefined) since = Math.max(since ?? 0, end.at);
  }
  // Under the shim the sidecars are about to be stopped; natively the kubelet's own are not among these.
  if (pod.wrapped && (since === undefined || now - since < graceOf(pod) + DOUBT_MS)) return undefined;
  return {
    since,
    mains: ends.map(({ name, end }) => ({ name, code: end?.code ?? 0 })),
    sidecars: left.map(({ name }) => name),
    certain: left.some(({ name }) => roles.get(name)?.sureness !== 'likely'),
  };
}

/** A container's end, where the kubelet will not start it again. */
export function endOf({ state }: ContainerFacts, restartPolicy: string): Ended | undefined {
  if (state.kind !== 'ended') return undefined;
  if (restartPolicy === 'Never' || (restartPolicy === 'OnFailure' && state.code === 0)) return state;
  return undefined;
}

/** The pod's grace period in milliseconds. */
export function graceOf({ raw }: PodFacts): number {
  const spec: unknown = raw.spec;
  const seconds =
    typeof spec === 'object' && spec !== null && 'terminationGracePeriodSeconds' in spec
      ? spec.terminationGracePeriodSeconds
      : undefined;
  return (typeof seconds === 'number' ? seconds : 30) * 1_000;
}

/**
 * Containers that ended with 0 beside others that run and of which nobody knows what they are: perhaps they are sidecars.
 * @returns those that run; undefined where that is not so
 */
export function unclearSidecars(
  pod: PodFacts,
  roles: ReadonlyMap<string, Role>,
): readonly string[] | undefined {
  if (
    pod.phase !== 'Running' ||
    pod.deletingUntil !== undefined ||
    pod.wrapped ||
    pod.restartPolicy === 'Always'
  )
    return undefined;
  const mains = pod.containers.filter(
    ({ name, place }) => place === 'regular' && roles.get(name)?.role !== 'sidecar',
  );
  const running = mains.filter((main) => endOf(main, pod.restartPolicy) === undefined);
  const hasDone = mains.some((main) => endOf(main, pod.restartPolicy)?.code === 0);
  return hasDone && running.length > 0 ? running.map(({ name }) => name) : undefined;
}
