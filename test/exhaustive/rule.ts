/** What a rule is to the search, and what several of them ask of a pod. */
import { type Case, isMain } from './case.ts';
import { type Box, hasProcess, isUp, type Truth } from './pod.ts';
import type { Scene } from './scene.ts';

/** What the rules read of a pod in the middle of one event. */
export interface DraftView {
  readonly scene: Scene;
  readonly boxes: readonly Box[];
  readonly truth: Truth;
  get(who: number): Box;
  isMain(who: number): boolean;
  /** Whether a look would tell the shim anything new. */
  isBehind(who: number): boolean;
}

export class RuleBroken extends Error {
  readonly rule: string;

  /** @param rule the rule's number in docs/contract.md */
  constructor(rule: string, text: string) {
    super(text);
    this.rule = rule;
  }
}

/** L12: 2 s, a quarter of a grace period shorter than 8 s. */
export function reserveOf(pod: Case): number {
  return pod.grace < 8_000 ? pod.grace / 4 : 2_000;
}

/** L1: running, its readiness condition has held, and it is not being stopped. */
export function isTrulyStarted(pod: Case, box: Box, who: number): boolean {
  if (isMain(pod, who) || !hasProcess(box) || box.stopped !== undefined) return false;
  return box.held || !pod.gated.includes(pod.sidecars[who - pod.mains.length] ?? '');
}

export function isHooked({ scene }: DraftView, who: number): boolean {
  return scene.pod.preStop.includes(scene.names[who] ?? '');
}

/** Whether another container that is up says that it was stopped, or a main said so at its end. (A sidecar that has gone may have been stopped alone.) */
export function isStopSeen(draft: DraftView, who: number): boolean {
  return draft.boxes.some((box, other) => {
    if (other === who || !(isUp(box) || draft.isMain(other))) return false;
    return box.marker?.stopping && box.marker.phase !== 'waiting' && box.marker.epoch === 'now';
  });
}

/** The sidecars that come after this one in the start order. */
export function followers(draft: DraftView, who: number): number[] {
  return draft.boxes.map((_, other) => other).filter((other) => other > who);
}

export function names(draft: DraftView, list: readonly number[]): string {
  return list.map((who) => draft.scene.names[who]).join(' and ');
}

export function mainsUp(draft: DraftView): number[] {
  return draft.scene.pod.mains.map((_, who) => who).filter((who) => isUp(draft.get(who)));
}

/** No container went down by anything but the deletion itself. */
export function isQuiet(draft: DraftView): boolean {
  return draft.truth.troubles === 0;
}
