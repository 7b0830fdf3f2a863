/** What is true of a pod's ends: who comes back, whether the work is done, how long that may be doubted. */
import { type Case, DOUBT, isMain, lagOf, restarts, stopDoubt } from './case.ts';
import { type Box, isDeleted, isUp, type World } from './pod.ts';

/** The kubelet's own rule (ShouldContainerBeRestarted), not the shim's. */
export function comesBack(pod: Case, box: Box): boolean {
  if (box.life === 'unborn') return true;
  if (box.life !== 'down') return false;
  return box.forgotten || box.again !== undefined || restarts(pod.policy, box.failed);
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
