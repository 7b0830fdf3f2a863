/** The rules about the end of a process, as invariants: L3, L6, L9, L12 to L15. */
import type { Event } from '../../shim/lifecycle.ts';
import { isWorkDone } from './ends.ts';
import { hasProcess, isUp } from './pod.ts';
import { type DraftView, followers, isQuiet, mainsUp, names, RuleBroken, reserveOf } from './rule.ts';

/** A process is told to end by its shim's own decision, or by a stop request. */
export function checkAsk(draft: DraftView, who: number, event: Event): void {
  const box = draft.get(who);
  const name = draft.scene.names[who] ?? '';
  if (draft.isMain(who)) {
    if (event.type !== 'stop-request')
      throw new RuleBroken('L9', `${name}, a main, is disturbed: nobody asked it to end`);
    return;
  }
  if (box.stopped?.alone || draft.truth.reset === 'going') return;
  checkLeave(draft, who, 'is told to end');
  const behind = followers(draft, who).filter((other) => hasProcess(draft.get(other)));
  if (behind.length > 0 && !isReserve(draft) && !isHidden(draft, who))
    throw new RuleBroken('L6', `${name} is told to end before ${names(draft, behind)} has gone`);
  if (isHookRunning(draft, who))
    throw new RuleBroken('L15', `${name} is told to end while its preStop hook runs`);
}

/** L15: the deletion's stop request is on its way, and a main's last word lets the shim know. */
function isHookRunning(draft: DraftView, who: number): boolean {
  const { stopped, term } = draft.get(who);
  if (
    stopped !== undefined ||
    term?.alone !== false ||
    !draft.scene.pod.preStop.includes(draft.scene.names[who] ?? '')
  )
    return false;
  const told = draft.boxes.some((main, i) => draft.isMain(i) && main.marker?.stopping === true);
  return told && isQuiet(draft) && !draft.truth.irregular;
}

/** Whether the reserve of the grace period has begun. */
function isReserve(draft: DraftView): boolean {
  const { deletedAt, doneAt, irregular } = draft.truth;
  const from = -(draft.scene.pod.grace - reserveOf(draft.scene.pod));
  return irregular || (deletedAt ?? 0) <= from || (doneAt ?? 0) <= from;
}

/**
 * A container whose own preStop hook delays its stop request cannot tell a deletion that began with another's stop from one that
 * began later: it goes by the other's (L12), at worst as early as that began.
 */
function isHidden(draft: DraftView, who: number): boolean {
  return draft.truth.stoppedAlone && draft.scene.pod.preStop.includes(draft.scene.names[who] ?? '');
}

export function checkLeave(draft: DraftView, who: number, what: string): void {
  const { pod } = draft.scene;
  const { deletedAt } = draft.truth;
  const box = draft.get(who);
  const name = draft.scene.names[who] ?? '';
  if (isWorkDone(pod, draft.boxes, deletedAt !== undefined)) return;
  // It is about to be stopped itself, and all come back.
  if (draft.truth.reset === 'going') return;
  if (box.stopped === undefined) {
    const text = `${name} ${what} although a main still works, or will be started again`;
    const stale = draft.boxes.some((main, i) => draft.isMain(i) && main.marker?.epoch === 'before');
    throw new RuleBroken(stale ? 'L11' : 'L6', text);
  }
  const up = mainsUp(draft);
  if (up.length === 0 || isReserve(draft) || isHidden(draft, who)) return;
  const hooked = up.some((other) => pod.preStop.includes(draft.scene.names[other] ?? ''));
  throw new RuleBroken(hooked ? 'L15' : 'L12', `${name} ${what} before ${names(draft, up)} has gone`);
}

export function checkKill(draft: DraftView, who: number): void {
  const box = draft.get(who);
  const name = draft.scene.names[who] ?? '';
  if (box.told) return;
  throw new RuleBroken(
    draft.isMain(who) ? 'L9' : 'L6',
    `${name}'s process is killed and was never told to end`,
  );
}

/** After a stop request was handled: a main's process has it, and who runs nothing is gone (L3, L12, L14). */
export function checkStopped(draft: DraftView, who: number): void {
  const box = draft.get(who);
  const name = draft.scene.names[who] ?? '';
  if (!isUp(box)) return;
  if (!hasProcess(box))
    throw new RuleBroken(
      draft.isMain(who) ? 'L3' : 'L14',
      `${name} got its stop request, runs nothing, and stays`,
    );
  if (draft.isMain(who) && !box.told) throw new RuleBroken('L12', `${name}'s process is kept from its TERM`);
}

/** The container runtime's KILL, at the end of the grace period. */
export function checkRuntimeKill(draft: DraftView, who: number): void {
  const { pod } = draft.scene;
  const name = draft.scene.names[who] ?? '';
  if (draft.isMain(who) || draft.truth.irregular || pod.preStop.includes(name)) return;
  const { stopped, sidecar, process, told } = draft.get(who);
  // Two seconds are not enough for every process.
  if (draft.truth.reset === 'going' && (told || process === 'none')) return;
  const alone = stopped?.alone === true && draft.truth.deletedAt === undefined;
  // As long as it has seen no other up, nothing tells this stop from a deletion: its process keeps the pod's time, and the runtime may end it (L13).
  const seen = [...(sidecar?.peers.values() ?? [])].filter((peer) => peer.alive);
  const hasJustSeen = process === 'dying' || !draft.boxes.some((box, i) => i !== who && box.life === 'begun');
  // Nor does anything where another one was stopped alone just before (docs/limits.md).
  const areTwo =
    pod.aloneGrace !== undefined && pod.aloneGrace < pod.grace && seen.some(({ marker }) => marker?.stopping);
  if (stopped?.alone && pod.aloneGrace !== undefined && (seen.length === 0 || hasJustSeen || areTwo)) return;
  throw new RuleBroken(alone ? 'L13' : 'L12', `${name} is still there when its grace period ends`);
}
