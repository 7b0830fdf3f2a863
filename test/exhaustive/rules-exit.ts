/** The rules about a container's exit and its last word, as invariants: L2 to L7, L9, L11, L20, P4. */
import type { Event } from '../../shim/lifecycle.ts';
import { restarts, restartsAll } from './case.ts';
import { comesBack, isWorkDone, isWorkSeenDone } from './ends.ts';
import { hasProcess } from './pod.ts';
import { type DraftView, isQuiet, RuleBroken } from './rule.ts';
import { isBackOffShort } from './rules-start.ts';
import { checkLeave } from './rules-stop.ts';

const TERM_CODE = 143;

export function checkExit(
  draft: DraftView,
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
  else checkSidecarExit(draft, who, code, event);
  checkFinal(draft, who, code, word.final);
}

function checkMainExit(draft: DraftView, who: number, code: number, event: Event): void {
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
  // Who is next to be stopped may believe that it waits in vain.
  if (code === 125 && draft.truth.reset === 'going') return;
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

function checkSidecarExit(draft: DraftView, who: number, code: number, event: Event): void {
  const box = draft.get(who);
  const { pod } = draft.scene;
  const deleted = draft.truth.deletedAt !== undefined;
  const name = draft.scene.names[who] ?? '';
  const done = isWorkDone(pod, draft.boxes, deleted);
  if (box.stopped === undefined) {
    if (restartsAll(pod, code) && box.isStale) return;
    if (box.mustLeave && code === 127) return;
    if (box.ends > 1 && !(done && code === 0)) {
      checkLeft(draft, who, code);
      return;
    }
    checkLeave(draft, who, 'leaves');
    if (code !== 0) throw new RuleBroken('L7', `${name} leaves because the work is done and exits ${code}`);
    return;
  }
  // Who does not hear of the others takes the deletion for a stop of its own.
  const isRuled = (box.stopped.alone || draft.truth.irregular) && restartsAll(pod, code);
  const isKnown = box.sidecar?.stop?.alone === true && !done && !deleted;
  if (isKnown && event.type === 'exit' && restartsAll(pod, event.code) && code !== event.code)
    throw new RuleBroken(
      'L7',
      `${name} was stopped alone, and an end that starts the whole pod again is lost`,
    );
  if (pod.policy === 'Never' && code !== 0 && !isRuled)
    throw new RuleBroken('L7', `${name} was stopped and exits ${code}, which fails the pod`);
  const { reset } = draft.truth;
  if (pod.policy === 'OnFailure' && code === 0 && !done && !deleted && box.again === undefined && !reset)
    throw new RuleBroken('L7', `${name} was stopped alone and exits 0: nobody starts it again`);
  const more = draft.boxes.some((main, i) => draft.isMain(i) && comesBack(pod, main));
  if (pod.policy === 'OnFailure' && code === 0 && draft.truth.dying && more)
    throw new RuleBroken('L7', `${name} exits 0 with its sandbox: nobody starts it again in the next`);
  if (code !== 0 && done && !deleted && isWorkSeenDone(pod, draft.boxes) && !draft.isBehind(who))
    throw new RuleBroken('L7', `${name} leaves when the work is done and exits ${code}`);
}

/** L9: a sidecar that leaves its next start to the kubelet is started again, and soon. */
function checkLeft(draft: DraftView, who: number, code: number): void {
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
function checkFinal(draft: DraftView, who: number, code: number, final: boolean): void {
  const { pod } = draft.scene;
  const name = draft.scene.names[who] ?? '';
  const byPolicy = !restarts(pod.policy, code !== 0) && !restartsAll(pod, code);
  if (byPolicy && !final)
    throw new RuleBroken('L5', `${name}'s exit ${code} is final and its last word denies it`);
  if (!byPolicy && final)
    throw new RuleBroken('L5', `${name}'s exit ${code} is not final and its last word says so`);
}
