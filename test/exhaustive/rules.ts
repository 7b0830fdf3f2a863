/**
 * The rules of docs/contract.md as invariants, against what is true in the pod, and not against what a shim believes. A shim
 * is allowed what it could not know: it is judged by what was true when it looked last.
 */
import { type DraftView, RuleBroken } from './rule.ts';

export {
  followers,
  isHooked,
  isStopSeen,
  isTrulyStarted,
  mainsUp,
  RuleBroken,
  reserveOf,
} from './rule.ts';
export { checkExit } from './rules-exit.ts';
export { checkSpawn, restartDelay, retryDelay } from './rules-start.ts';
export { checkAsk, checkKill, checkRuntimeKill, checkStopped } from './rules-stop.ts';

/** L16: who asks to be woken in the past never sleeps. */
export function checkWake(draft: DraftView, who: number, wakeAt: number): void {
  if (wakeAt <= 0)
    throw new RuleBroken('L16', `${draft.scene.names[who]} asks to be woken at once, for ever`);
}
