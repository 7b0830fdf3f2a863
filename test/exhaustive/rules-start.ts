/** The rules about the start of a process, as invariants: L1, L2, L9, L10, L11, L14. */
import { lagOf, restartsAll } from './case.ts';
import { type Box, hasProcess } from './pod.ts';
import { type DraftView, isHooked, isStopSeen, isTrulyStarted, RuleBroken } from './rule.ts';

/** What the kubelet's clock and the shims' may differ by is no issue here: all times are one clock's. */
const BACKOFF_FIRST = 10_000;
const BACKOFF_LAST = 300_000;
const BACKOFF_FORGOTTEN = 600_000;
/** L9: what ends sooner after a restart in place may have failed on what was left. */
const SOON = 60_000;
const CODE_NOT_FOUND = 127;

/** L9: when a sidecar's process that ends now is due to start again, and whether it is the kubelet who must do that. */
export function restartDelay(
  draft: DraftView,
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
  if (restartsAll(pod, code)) return { ends: ends + 1, dueAt: 0, isStale: true };
  const isStale = code !== 0 && ends > 0 && soon && pod.policy !== 'Never' && isBackOffShort(box);
  return { ends: ends + 1, dueAt: isStale ? pause : Math.max(backOff, pause), isStale };
}

/**
 * L20: when a sidecar whose command could not be started is due to start again, and whether it must leave that to the kubelet: where it never
 * ran in this start of the container, and no main runs. Under Never it tries three times. With a main that runs it is as one that failed (L9).
 */
export function retryDelay(
  draft: DraftView,
  who: number,
  box: Box,
): { ends: number; dueAt: number; isStale: boolean; mustLeave: boolean } {
  const { pod } = draft.scene;
  const usual = restartDelay(draft, who, box, CODE_NOT_FOUND);
  const works = draft.boxes.some(({ main }, i) => draft.isMain(i) && main?.phase === 'running');
  if (box.worked || works) return { ...usual, mustLeave: false };
  const pause = isHooked(draft, who) ? lagOf(pod) : 0;
  const mustLeave = pod.policy !== 'Never' || usual.ends >= 3;
  return { ...usual, isStale: false, mustLeave, dueAt: mustLeave ? pause : usual.dueAt };
}

/** L9: the kubelet starts a container that ends now again after 10 s at most. */
export function isBackOffShort({ starts, upAt }: Box): boolean {
  return starts <= 2 || upAt <= -BACKOFF_FORGOTTEN;
}

export function checkSpawn(draft: DraftView, who: number): void {
  const box = draft.get(who);
  const { pod } = draft.scene;
  const name = draft.scene.names[who] ?? '';
  if (box.stopped !== undefined)
    throw new RuleBroken('L14', `${name} starts its process after its stop request`);
  if (box.done) throw new RuleBroken('L11', `${name} had ended with 0, and works again`);
  const first = pod.mains.length;
  if (!draft.isMain(who) && box.ran) {
    if (hasProcess(box)) throw new RuleBroken('L9', `${name} starts a second process beside the first`);
    if (box.isStale && pod.restartsAll)
      throw new RuleBroken('L9', `${name} is started again in place, and the whole pod should have been`);
    if (box.mustLeave && !draft.truth.irregular)
      throw new RuleBroken('L20', `${name} tries again in place what cannot be started`);
    if (box.isStale && !draft.truth.irregular)
      throw new RuleBroken('L9', `${name} is started again in place, and found there what made it fail`);
    if (box.dueAt === undefined || box.dueAt > 0)
      throw new RuleBroken('L9', `${name} is started again ${box.dueAt ?? 0} ms before its back-off is over`);
    // Who was stopped alone before may look as if the deletion had begun, and that is not believed for ever (docs/limits.md).
    const isStopKnown = isStopSeen(draft, who) && !draft.truth.stoppedAlone;
    if (box.byHook && (box.term?.alone || isStopKnown) && !draft.truth.irregular)
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
