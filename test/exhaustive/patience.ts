/** The rules about what must have been done by now, held against the pod whenever time is to pass. */

import { aloneLagOf, type Case } from './case.ts';
import type { Draft } from './draft.ts';
import { beliefTime, isWorkSeenDone, longestWait } from './ends.ts';
import { type Box, hasProcess, isUp, type World } from './pod.ts';
import { followers, isHooked, isStopSeen, isTrulyStarted, mainsUp, RuleBroken, reserveOf } from './rules.ts';

/** Nobody has anything to do at once, and time is to pass: nobody may be waiting for what is there already. */
export function checkPatience(draft: Draft): void {
  if (draft.truth.irregular) return;
  draft.boxes.forEach((box, who) => {
    if (box.life !== 'begun' || box.missedUntil !== undefined) return;
    if (draft.isMain(who)) checkMainPatience(draft, who, box);
    else checkSidecarPatience(draft, who, box);
  });
}

function checkMainPatience(draft: Draft, who: number, box: Box): void {
  const { startTimeout, stopTimeout } = draft.scene.pod;
  const name = draft.scene.names[who] ?? '';
  if (!box.ran && startTimeout !== undefined && box.begunAt <= -startTimeout)
    throw new RuleBroken('L4', `${name} waits on although its start-timeout is over`);
  if (!box.ran && everySidecarStarted(draft))
    throw new RuleBroken('L2', `${name} waits although all its sidecars are started`);
  if (stopTimeout !== undefined && box.process === 'asked' && (box.askedAt ?? 0) <= -stopTimeout)
    throw new RuleBroken('L12', `${name}'s process outlives its stop-timeout`);
}

function everySidecarStarted(draft: Draft): boolean {
  return draft.boxes.every(
    (box, who) => draft.isMain(who) || (box.life === 'begun' && isTrulyStarted(draft.scene.pod, box, who)),
  );
}

function checkSidecarPatience(draft: Draft, who: number, box: Box): void {
  const { pod } = draft.scene;
  const { deletedAt, doneAt } = draft.truth;
  const name = draft.scene.names[who] ?? '';
  const done = doneAt !== undefined && isWorkSeenDone(pod, draft.boxes);
  const silent = draft.boxes.some((main, i) => draft.isMain(i) && main.marker?.phase !== 'ended');
  const lastOfAll = followers(draft, who).every((other) => !isUp(draft.get(other)));
  // Who comes later does not know how long ago a main was stopped.
  const belief = beliefTime(pod, draft.boxes, name);
  const believedAt =
    doneAt === undefined ? 1 : Math.max(doneAt, belief === 0 ? doneAt : box.begunAt) + belief;
  if (deletedAt === undefined && done && believedAt <= 0) {
    if (!hasProcess(box))
      throw new RuleBroken('L10', `${name} stays although the work is done and it runs nothing`);
    if (lastOfAll && !box.told)
      throw new RuleBroken(silent ? 'L8' : 'L6', `${name} is not told that the work is done`);
    if (believedAt <= -pod.grace && box.process !== 'dying')
      throw new RuleBroken('L6', `${name}'s process outlives the grace period after the end of work`);
    if (believedAt <= -(pod.grace - reserveOf(pod)) && !box.told)
      throw new RuleBroken('L6', `${name} is not told to end although the reserve has begun`);
  }
  if (deletedAt !== undefined && box.stopped !== undefined && !box.told) {
    if (mainsUp(draft).length === 0 && lastOfAll)
      throw new RuleBroken('L12', `${name} holds its TERM although everybody before it has gone`);
    if (box.stopped.at <= -(pod.grace - reserveOf(pod)))
      throw new RuleBroken('L12', `${name} holds its TERM although the reserve has begun`);
  }
  if (pod.stopTimeout !== undefined && box.process === 'asked' && (box.askedAt ?? 0) <= -pod.stopTimeout)
    throw new RuleBroken('L6', `${name}'s process outlives its stop-timeout`);
  // A hook of its own may hide that the pod is being deleted: then nothing starts any more.
  const hidden = isHooked(draft, who) && (deletedAt !== undefined || isStopSeen(draft, who));
  if (box.ran && !hasProcess(box) && (box.dueAt ?? 0) <= 0 && !hidden)
    throw box.mustLeave
      ? new RuleBroken('L20', `${name}'s command cannot be started, and its container goes on`)
      : new RuleBroken('L9', `${name}'s process ended while a main works, and is not started again`);
  if (deletedAt === undefined && !done && isLonely(draft, who, box) && !box.told)
    throw new RuleBroken('L13', `${name} was stopped alone, and holds its TERM`);
  const turn = draft.boxes.every((other, i) => i >= who || draft.isMain(i) || isTrulyStarted(pod, other, i));
  if (!box.ran && turn && !draft.boxes.some((other) => !isUp(other) || other.life === 'taken'))
    throw new RuleBroken('L1', `${name} waits although it is its turn`);
}

/** L13: long enough, and among the others there is one without a preStop hook, and none was stopped. */
function isLonely(draft: Draft, who: number, box: Box): boolean {
  const { pod, names: all } = draft.scene;
  if (!(pod.probed || pod.restartsAll) || !box.stopped?.alone || box.stopped.at > -aloneLagOf(pod))
    return false;
  const others = draft.boxes.filter((other, i) => i !== who && other.life === 'begun');
  const hookless = draft.boxes.some(
    (other, i) => i !== who && other.life === 'begun' && !pod.preStop.includes(all[i] ?? ''),
  );
  return hookless && others.every((other) => other.stopped === undefined && other.term === undefined);
}

/** When a rule must have been kept by: what is over then is for {@link checkPatience} to judge. */
export function timesOf(pod: Case, world: World, box: Box): number[] {
  const { doneAt } = world.truth;
  const times: number[] = [];
  if (box.dueAt !== undefined) times.push(box.dueAt);
  if (!hasProcess(box) && box.main !== undefined && pod.startTimeout !== undefined)
    times.push(box.begunAt + pod.startTimeout);
  if (pod.stopTimeout !== undefined && box.askedAt !== undefined) times.push(box.askedAt + pod.stopTimeout);
  if (box.sidecar === undefined || !hasProcess(box)) return times;
  if (doneAt !== undefined) {
    const believedAt = Math.max(doneAt, box.begunAt) + longestWait(pod, world.boxes);
    times.push(believedAt, believedAt + pod.grace - reserveOf(pod), believedAt + pod.grace);
  }
  if (box.stopped !== undefined && !box.told) {
    times.push(box.stopped.at + pod.grace - reserveOf(pod));
    if (box.stopped.alone) times.push(box.stopped.at + aloneLagOf(pod));
  }
  return times;
}
