/** L6, L10, L12, L13, L15: when sidecars are told to end. */

import { type Case, endOf, isFinalExit, isMain, subjectOf } from './case.ts';
import { containersOf, reserveOf, type SidecarPlan } from './plan.ts';
import type { Attempt, Instance } from './story.ts';

/** The clock of the log counts in milliseconds, that of the shims finer. */
const ROUNDING = 5;

export function checkEnd(pod: Case): void {
  for (const attempt of pod.story.attempts) {
    checkKubeletsKill(pod, attempt);
    if (isMain(pod, attempt.name)) continue;
    checkLate(pod, attempt);
    for (const instance of attempt.instances) {
      if (instance.told === undefined) continue;
      checkTold(pod, attempt, instance.told);
      checkFollowers(pod, attempt, instance.told);
      checkAlone(pod, attempt, instance.told);
      checkHook(pod, attempt, instance.told);
    }
  }
}

/** L12, L13: whose process obeys must be gone when the grace period is over. */
function checkKubeletsKill(pod: Case, attempt: Attempt): void {
  const { plan, story } = pod;
  if (attempt.killed === undefined) return;
  const main = plan.mains.find(({ name }) => name === attempt.name);
  if (main?.stubborn === true || attempt.frozen || attempt.kills.length > 0) return;
  // A frozen one may hold those up who wait for it; so may a start that the machine was slow with.
  if (story.attempts.some(({ frozen }) => frozen)) return;
  if (attempt.term === undefined) return;
  const rule = attempt.term.alone && main === undefined ? 'L13' : attempt.instances.length > 0 ? 'L12' : 'L3';
  pod.breach(rule, `${subjectOf(attempt)} obeys, and had to be killed at the end of its grace period`);
}

/** L10: who comes after the end of work runs nothing. */
function checkLate(pod: Case, attempt: Attempt): void {
  const { plan, story } = pod;
  if (attempt.instances.length === 0 || story.reboots.length > 0) return;
  const over = plan.mains.every(({ name }) => {
    const last = story.last(name);
    return (
      last?.exit !== undefined && last.exit < attempt.start && isFinalExit(pod, last) && isHeard(pod, last)
    );
  });
  if (over) pod.breach('L10', `${subjectOf(attempt)} came after the end of work, and started its process`);
}

/** A main that can write nothing is heard only by those who are there. */
function isHeard(pod: Case, main: Attempt): boolean {
  return (
    main.readOnly === undefined &&
    !pod.plan.mains.some(({ name, readOnly }) => readOnly && name === main.name)
  );
}

/** L6, L12, L15: a sidecar's process is told to end only when nobody needs it any more. */
function checkTold(pod: Case, attempt: Attempt, told: number): void {
  const { plan, story } = pod;
  if (attempt.term?.alone === true && attempt.term.at < told) return;
  // It cannot announce itself, and ends by itself (L17).
  if (attempt.readOnly !== undefined) return;
  const deleted = story.deleted !== undefined && story.deleted < told;
  if (deleted && isReserve(pod, told)) return;
  for (const { name, preStop } of plan.mains) {
    const last = deleted ? before(pod, name, told) : lastWanted(pod, name, told);
    // One that is just coming up, or waits, needs nobody.
    if (deleted && !last?.instances.some(({ up }) => up < told)) continue;
    if (last !== undefined && last.start < told && isDownBy(last, told)) continue;
    const rule = !deleted
      ? story.reboots.length > 0 || plan.leftovers
        ? 'L11'
        : 'L6'
      : preStop === undefined
        ? 'L12'
        : 'L15';
    if (deleted && (isBlind(pod, attempt) || last === undefined)) continue;
    pod.breach(
      rule,
      `${subjectOf(attempt)} was told to end although ${name} ${last === undefined ? 'was still to start' : 'had work to do'}`,
    );
  }
}

/** The last start of a container before a place in the log. */
function before(pod: Case, name: string, place: number): Attempt | undefined {
  return pod.story.of(name).findLast(({ start }) => start < place);
}

/** Its last start of all, but for those that a kubelet made who had forgotten that it had ended for good. */
function lastWanted(pod: Case, name: string, place: number): Attempt | undefined {
  const last = pod.story.last(name);
  const earlier = before(pod, name, place);
  if (last === undefined || earlier === undefined || last === earlier) return last;
  const forgotten = pod.story.reboots.some((reboot) => reboot > place && reboot < last.start);
  return forgotten && isFinalExit(pod, earlier) ? earlier : last;
}

/** It had no process any more by then, as far as the log can tell. */
function isDownBy(attempt: Attempt, place: number): boolean {
  if (attempt.instances.length > 0)
    return attempt.instances.every((instance) => (endOf(attempt, instance) ?? place) < place);
  const places = [attempt.exit, attempt.term?.at, attempt.killed, ...attempt.kills.map(({ at }) => at)];
  // 124 and 125 it decides for itself, and it is seen only afterwards.
  return (
    attempt.code === 124 || attempt.code === 125 || places.some((item) => item !== undefined && item < place)
  );
}

/** A shim that is stopped, or cannot write, lets the others take the deletion for a stop of one container (L13). */
function isBlind(pod: Case, attempt: Attempt): boolean {
  const plan = pod.plan.sidecars.find(({ name }) => name === attempt.name);
  return (
    plan?.probed === true &&
    pod.story.attempts.some(({ frozen, readOnly }) => frozen || readOnly !== undefined)
  );
}

/** L6, L12: a sidecar goes after those that started after it. */
function checkFollowers(pod: Case, attempt: Attempt, told: number): void {
  const { plan, story } = pod;
  if (attempt.term?.alone === true && attempt.term.at < told) return;
  if (isReserve(pod, told)) return;
  if (isBlind(pod, attempt)) return;
  const index = plan.sidecars.findIndex(({ name }) => name === attempt.name);
  for (const follower of plan.sidecars.slice(index + 1)) {
    for (const other of story.of(follower.name)) {
      const there = other.instances.find(
        (instance) => instance.up < told && !isGone(follower, other, instance, told),
      );
      if (there !== undefined)
        pod.breach(
          'L6',
          `${subjectOf(attempt)} was told to end before ${subjectOf(other)}.${there.pid} had gone`,
        );
    }
  }
}

/** L13: who is stopped alone is not held until the reserve, if another without a preStop hook was there all the time. */
function checkAlone(pod: Case, attempt: Attempt, told: number): void {
  const { plan, story } = pod;
  const { term } = attempt;
  if (term?.alone !== true || term.at > told || (story.deleted !== undefined && story.deleted < told)) return;
  const held = story.timeOf(told) - story.timeOf(term.at);
  if (held < plan.grace - reserveOf(plan) - ROUNDING) return;
  if (story.attempts.some(({ frozen, readOnly }) => frozen || readOnly !== undefined)) return;
  const tells = story.attempts.some(({ name, start, exit }) => {
    const hooked = containersOf(plan).some((item) => item.name === name && item.preStop !== undefined);
    return name !== attempt.name && !hooked && start < term.at && (exit ?? told) >= told;
  });
  if (tells) pod.breach('L13', `${subjectOf(attempt)} was stopped alone, and told to end ${held} ms later`);
}

/**
 * L15: mains that were stopped do not cut off a sidecar's own hook in a deletion: its process is told when the kubelet's TERM comes.
 * A main that ends by itself does.
 */
function checkHook(pod: Case, { hook, term, ...attempt }: Attempt, told: number): void {
  const { plan, story } = pod;
  const { deleted } = story;
  if (hook === undefined || hook.alone || told < hook.at || (term !== undefined && term.at < told)) return;
  // What cannot be heard, or does not look, tells nobody of its stop.
  if (story.attempts.some(({ frozen, readOnly }) => frozen || readOnly !== undefined)) return;
  const stopped = plan.mains.some(({ name }) => {
    const last = before(pod, name, told);
    const wasTold = last?.instances.at(-1)?.told;
    return last?.term?.alone === false && last.kills.length === 0 && wasTold !== undefined && wasTold < told;
  });
  if (!stopped || deleted === undefined) return;
  const held = story.timeOf(told) - story.timeOf(hook.at);
  if (held < plan.grace - ROUNDING)
    pod.breach(
      'L15',
      `${attempt.name}#${attempt.number} was told to end ${held} ms after its preStop hook began`,
    );
}

function isGone(plan: SidecarPlan, attempt: Attempt, instance: Instance, place: number): boolean {
  if ((endOf(attempt, instance) ?? place) < place) return true;
  // Its shim killed it when its time was over, of which nobody writes.
  const told = instance.told !== undefined && instance.told < place;
  return plan.stopTimeout !== undefined && (told || attempt.frozen);
}

/** Whether the reserve of the grace period can have begun: all survivors are told then. */
function isReserve(pod: Case, place: number): boolean {
  const { plan, story } = pod;
  const ends = plan.mains.map(({ name }) => {
    const last = story.last(name);
    const instance = last?.instances.at(-1);
    if (last === undefined) return undefined;
    return instance === undefined ? last.start : endOf(last, instance);
  });
  const times = [story.deleted].filter((item) => item !== undefined).map((item) => story.timeOf(item));
  if (ends.every((end) => end !== undefined)) times.push(Math.max(...ends.map((end) => story.timeOf(end))));
  const first = Math.min(...times);
  return story.timeOf(place) >= first + plan.grace - reserveOf(plan) - ROUNDING;
}
