/**
 * The rules of docs/contract.md as invariants, against what is true in the pod, and not against what a shim believes. A shim
 * is allowed what it could not know: it is judged by what was true when it looked last.
 */
import type { Event } from '../../shim/lifecycle.ts';
import { type Case, isMain, lagOf, restarts } from './case.ts';
import { comesBack, isWorkDone, isWorkSeenDone } from './ends.ts';
import { type Box, hasProcess, isUp, type Truth } from './pod.ts';
import type { Scene } from './scene.ts';

/** What the rules read of a pod in the middle of one event. */
interface Draft {
  readonly scene: Scene;
  readonly boxes: readonly Box[];
  readonly truth: Truth;
  get(who: number): Box;
  isMain(who: number): boolean;
  /** Whether a look would tell the shim anything new. */
  isBehind(who: number): boolean;
}

/** What the kubelet's clock and the shims' may differ by is no issue here: all times are one clock's. */
const BACKOFF_FIRST = 10_000;
const BACKOFF_LAST = 300_000;
const BACKOFF_FORGOTTEN = 600_000;
/** L9: what ends sooner after a restart in place may have failed on what was left. */
const SOON = 60_000;
const TERM_CODE = 143;

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

/** L9: when a sidecar's process that ends now is due to start again, and whether it is the kubelet who must do that. */
export function restartDelay(
  draft: Draft,
  who: number,
  box: Box,
  code: number,
): { ends: number; dueAt: number; isStale: boolean } {
  const { pod } = draft.scene;
  const pause = isHooked(draft, who) ? lagOf(pod) : 0;
  const ends = -box.ranAt >= BACKOFF_FORGOTTEN ? 0 : box.ends;
  const longest = pod.probed && pod.policy === 'Never' ? BACKOFF_FIRST : BACKOFF_LAST;
  const backOff = ends === 0 ? 0 : Math.min(BACKOFF_FIRST * 2 ** (ends - 1), longest);
  const soon = box.ranAt > -SOON || !isTrulyStarted(pod, box, who);
  const isStale = code !== 0 && ends > 0 && soon && pod.policy !== 'Never' && isBackOffShort(box);
  return { ends: ends + 1, dueAt: isStale ? pause : Math.max(backOff, pause), isStale };
}

/** L9: the kubelet starts a container that ends now again after 10 s at most. */
function isBackOffShort({ starts, upAt }: Box): boolean {
  return starts <= 2 || upAt <= -BACKOFF_FORGOTTEN;
}

export function isHooked({ scene }: Draft, who: number): boolean {
  return scene.pod.preStop.includes(scene.names[who] ?? '');
}

/** Whether another container that is up says that it was stopped, or a main said so at its end. (A sidecar that has gone may have been stopped alone.) */
export function isStopSeen(draft: Draft, who: number): boolean {
  return draft.boxes.some((box, other) => {
    if (other === who || !(isUp(box) || draft.isMain(other))) return false;
    return box.marker?.stopping && box.marker.phase !== 'waiting' && box.marker.epoch === 'now';
  });
}

/** The sidecars that come after this one in the start order. */
export function followers(draft: Draft, who: number): number[] {
  return draft.boxes.map((_, other) => other).filter((other) => other > who);
}

function names(draft: Draft, list: readonly number[]): string {
  return list.map((who) => draft.scene.names[who]).join(' and ');
}

export function mainsUp(draft: Draft): number[] {
  return draft.scene.pod.mains.map((_, who) => who).filter((who) => isUp(draft.get(who)));
}

export function checkSpawn(draft: Draft, who: number): void {
  const box = draft.get(who);
  const { pod } = draft.scene;
  const name = draft.scene.names[who] ?? '';
  if (box.stopped !== undefined)
    throw new RuleBroken('L14', `${name} starts its process after its stop request`);
  if (box.done) throw new RuleBroken('L11', `${name} had ended with 0, and works again`);
  const first = pod.mains.length;
  if (!draft.isMain(who) && box.ran) {
    if (hasProcess(box)) throw new RuleBroken('L9', `${name} starts a second process beside the first`);
    if (box.isStale && !draft.truth.irregular)
      throw new RuleBroken('L9', `${name} is started again in place, and found there what made it fail`);
    if (box.dueAt === undefined || box.dueAt > 0)
      throw new RuleBroken('L9', `${name} is started again ${box.dueAt ?? 0} ms before its back-off is over`);
    if (box.byHook && (box.term?.alone || isStopSeen(draft, who)) && !draft.truth.irregular)
      throw new RuleBroken(
        'L9',
        `${name} is started again while its preStop hook waits for its process to be gone`,
      );
    return;
  }
  if (box.ran) throw new RuleBroken('L2', `${name} starts its process twice`);
  if (box.late) throw new RuleBroken('L10', `${name} came after the end of work and starts its process`);
  const last = draft.isMain(who) ? first + pod.sidecars.length : who;
  for (let other = first; other < last; other++) {
    if ((box.saw & (1 << other)) !== 0) continue;
    const text = `${name} starts its process, and ${draft.scene.names[other]} was not started when it looked`;
    const peer = (box.main ?? box.sidecar)?.peers.get(draft.scene.names[other] ?? '');
    const stale = peer?.alive === false && peer.marker !== undefined;
    throw new RuleBroken(stale ? 'L11' : draft.isMain(who) ? 'L2' : 'L1', text);
  }
}

/** A process is told to end by its shim's own decision, or by a stop request. */
export function checkAsk(draft: Draft, who: number, event: Event): void {
  const box = draft.get(who);
  const name = draft.scene.names[who] ?? '';
  if (draft.isMain(who)) {
    if (event.type !== 'stop-request')
      throw new RuleBroken('L9', `${name}, a main, is disturbed: nobody asked it to end`);
    return;
  }
  if (box.stopped?.alone) return;
  checkLeave(draft, who, 'is told to end');
  const behind = followers(draft, who).filter((other) => hasProcess(draft.get(other)));
  if (behind.length > 0 && !isReserve(draft) && !isHidden(draft, who))
    throw new RuleBroken('L6', `${name} is told to end before ${names(draft, behind)} has gone`);
  if (isHookRunning(draft, who))
    throw new RuleBroken('L15', `${name} is told to end while its preStop hook runs`);
}

/** L15: the deletion's stop request is on its way, and a main's last word lets the shim know. */
function isHookRunning(draft: Draft, who: number): boolean {
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
function isReserve(draft: Draft): boolean {
  const { deletedAt, doneAt, irregular } = draft.truth;
  const from = -(draft.scene.pod.grace - reserveOf(draft.scene.pod));
  return irregular || (deletedAt ?? 0) <= from || (doneAt ?? 0) <= from;
}

/**
 * A container whose own preStop hook delays its stop request cannot tell a deletion that began with another's stop from one that
 * began later: it goes by the other's (L12), at worst as early as that began.
 */
function isHidden(draft: Draft, who: number): boolean {
  return draft.truth.stoppedAlone && draft.scene.pod.preStop.includes(draft.scene.names[who] ?? '');
}

function checkLeave(draft: Draft, who: number, what: string): void {
  const { pod } = draft.scene;
  const { deletedAt } = draft.truth;
  const box = draft.get(who);
  const name = draft.scene.names[who] ?? '';
  if (isWorkDone(pod, draft.boxes, deletedAt !== undefined)) return;
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

export function checkKill(draft: Draft, who: number): void {
  const box = draft.get(who);
  const name = draft.scene.names[who] ?? '';
  if (box.told) return;
  throw new RuleBroken(
    draft.isMain(who) ? 'L9' : 'L6',
    `${name}'s process is killed and was never told to end`,
  );
}

export function checkExit(
  draft: Draft,
  who: number,
  code: number,
  event: Event,
  word: { code: number; final: boolean } | undefined,
): void {
  const box = draft.get(who);
  const name = draft.scene.names[who] ?? '';
  if (hasProcess(box)) throw new RuleBroken('P4', `${name}'s shim exits while its process runs`);
  if (word === undefined || word.code !== code)
    throw new RuleBroken('L5', `${name} exits ${code} and its last word is ${word?.code ?? 'missing'}`);
  if (draft.isMain(who)) checkMainExit(draft, who, code, event);
  else checkSidecarExit(draft, who, code);
  checkFinal(draft, who, code, word.final);
}

function checkMainExit(draft: Draft, who: number, code: number, event: Event): void {
  const box = draft.get(who);
  const { pod } = draft.scene;
  const name = draft.scene.names[who] ?? '';
  if (box.done) {
    if (code !== 0 || event.type !== 'start')
      throw new RuleBroken('L11', `${name} had ended with 0, is started again, and exits ${code}`);
    return;
  }
  if (event.type === 'exit') {
    if (code !== event.code)
      throw new RuleBroken('L5', `${name} exits ${code}, and its process said ${event.code}`);
    return;
  }
  if (event.type === 'stop-request' || event.type === 'signal') {
    if (code !== TERM_CODE) throw new RuleBroken('L3', `${name} waits, gets TERM and exits ${code}`);
    return;
  }
  const missing = pod.sidecars.filter((_, i) => (box.saw & (1 << (i + pod.mains.length))) === 0);
  if (code === 124) {
    if (missing.length > 0 && pod.startTimeout !== undefined && box.begunAt <= -pod.startTimeout) return;
    throw new RuleBroken('L4', `${name} exits 124 before its start-timeout is over`);
  }
  const deleted = draft.truth.deletedAt !== undefined;
  const gone = draft.boxes.some(
    (other, i) => !draft.isMain(i) && other.life === 'down' && (deleted || !comesBack(pod, other)),
  );
  if (code !== 125 || missing.length === 0 || !gone)
    throw new RuleBroken('L2', `${name} exits ${code} instead of waiting for its sidecars`);
  // Its own stop request is on its way.
  if (box.term?.alone === false && !pod.preStop.includes(name) && isQuiet(draft))
    throw new RuleBroken('L3', `${name} exits 125 in the pod's deletion instead of 143`);
}

/** No container went down by anything but the deletion itself. */
function isQuiet(draft: Draft): boolean {
  return draft.truth.troubles === 0;
}

function checkSidecarExit(draft: Draft, who: number, code: number): void {
  const box = draft.get(who);
  const { pod } = draft.scene;
  const deleted = draft.truth.deletedAt !== undefined;
  const name = draft.scene.names[who] ?? '';
  const done = isWorkDone(pod, draft.boxes, deleted);
  if (box.stopped === undefined) {
    if (box.ends > 1 && !(done && code === 0)) {
      checkLeft(draft, who, code);
      return;
    }
    checkLeave(draft, who, 'leaves');
    if (code !== 0) throw new RuleBroken('L7', `${name} leaves because the work is done and exits ${code}`);
    return;
  }
  if (pod.policy === 'Never' && code !== 0)
    throw new RuleBroken('L7', `${name} was stopped and exits ${code}, which fails the pod`);
  if (pod.policy === 'OnFailure' && code === 0 && !done && !deleted && box.again === undefined)
    throw new RuleBroken('L7', `${name} was stopped alone and exits 0: nobody starts it again`);
  const more = draft.boxes.some((main, i) => draft.isMain(i) && comesBack(pod, main));
  if (pod.policy === 'OnFailure' && code === 0 && draft.truth.dying && more)
    throw new RuleBroken('L7', `${name} exits 0 with its sandbox: nobody starts it again in the next`);
  if (code !== 0 && done && !deleted && isWorkSeenDone(pod, draft.boxes) && !draft.isBehind(who))
    throw new RuleBroken('L7', `${name} leaves when the work is done and exits ${code}`);
}

/** L9: a sidecar that leaves its next start to the kubelet is started again, and soon. */
function checkLeft(draft: Draft, who: number, code: number): void {
  const box = draft.get(who);
  const name = draft.scene.names[who] ?? '';
  if (!restarts(draft.scene.pod.policy, code !== 0))
    throw new RuleBroken(
      'L9',
      `${name} leaves its next start to the kubelet and exits ${code}: nobody starts it again`,
    );
  if (!isBackOffShort(box) && !draft.truth.irregular)
    throw new RuleBroken(
      'L9',
      `${name} is left to the kubelet again, whose back-off would hide the end of work`,
    );
}

/** L5: what a last word says of the kubelet is true. */
function checkFinal(draft: Draft, who: number, code: number, final: boolean): void {
  const { pod } = draft.scene;
  const name = draft.scene.names[who] ?? '';
  const byPolicy = !restarts(pod.policy, code !== 0);
  if (byPolicy && !final)
    throw new RuleBroken('L5', `${name}'s exit ${code} is final and its last word denies it`);
  if (!byPolicy && final)
    throw new RuleBroken('L5', `${name}'s exit ${code} is not final and its last word says so`);
}

/** After a stop request was handled: a main's process has it, and who runs nothing is gone (L3, L12, L14). */
export function checkStopped(draft: Draft, who: number): void {
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

/** L16: who asks to be woken in the past never sleeps. */
export function checkWake(draft: Draft, who: number, wakeAt: number): void {
  if (wakeAt <= 0)
    throw new RuleBroken('L16', `${draft.scene.names[who]} asks to be woken at once, for ever`);
}

/** The container runtime's KILL, at the end of the grace period. */
export function checkRuntimeKill(draft: Draft, who: number): void {
  const { pod } = draft.scene;
  const name = draft.scene.names[who] ?? '';
  if (draft.isMain(who) || draft.truth.irregular || pod.preStop.includes(name)) return;
  const alone = draft.get(who).stopped?.alone === true && draft.truth.deletedAt === undefined;
  throw new RuleBroken(alone ? 'L13' : 'L12', `${name} is still there when its grace period ends`);
}
