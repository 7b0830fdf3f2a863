/** L3, L4, L5, L7, L17: what containers exit with, and what the pod's phase is. */
import { type Case, isFinalExit, isMain, killsOf, subjectOf } from './case.ts';
import { type Attempt, comesBack } from './story.ts';

const KILLED = 137;
const TERMINATED = 143;
const START_TIMEOUT = 124;
const UNUSABLE = 125;

export function checkCodes(pod: Case): void {
  for (const attempt of pod.story.attempts) {
    if (attempt.code === undefined) continue;
    if (isMain(pod, attempt.name)) checkMain(pod, attempt, attempt.code);
    else checkSidecar(pod, attempt, attempt.code);
  }
}

/** Whether the whole container may have been killed: then 137 says so. */
function isKilled({ kills, killed }: Attempt): boolean {
  return killed !== undefined || kills.some(({ victim }) => victim === 'shim' || victim === 'container');
}

function checkMain(pod: Case, attempt: Attempt, code: number): void {
  const who = subjectOf(attempt);
  if (code === KILLED && isKilled(attempt)) return;
  const instance = attempt.instances[0];
  if (attempt.instances.length > 1)
    pod.breach('L2', `${who} started its process ${attempt.instances.length} times`);
  if (instance === undefined) {
    checkWaiting(pod, attempt, code);
    return;
  }
  if (isUnusable(pod, attempt) && attempt.readOnly === undefined)
    pod.breach('L17', `${who} ran its process although it could not announce itself`);
  const ended = instance.endsCode;
  const killed = killsOf(attempt, instance).length > 0;
  if (code === ended || (killed && code === KILLED)) return;
  const truth = ended === undefined ? 'was not seen to end' : `ended with ${ended}`;
  pod.breach('L5', `${who} exits ${code}, and its process ${truth}`);
}

/** It ended without its process: L3, L4 and L17 say with what. */
function checkWaiting(pod: Case, attempt: Attempt, code: number): void {
  const who = subjectOf(attempt);
  if (code === TERMINATED && attempt.term !== undefined) return;
  // Killed between its start and its first line.
  if (code === KILLED && attempt.kills.some(({ victim }) => victim === 'child')) return;
  if (code === START_TIMEOUT && pod.plan.startTimeout !== undefined) return;
  const gone = pod.plan.sidecars.some(({ name }) =>
    pod.story
      .of(name)
      .some(
        (sidecar) =>
          isFinalExit(pod, sidecar) || (sidecar.exit !== undefined && pod.story.deleted !== undefined),
      ),
  );
  if (code === UNUSABLE && (isUnusable(pod, attempt) || gone)) return;
  pod.breach(isUnusable(pod, attempt) ? 'L17' : 'L3', `${who} never ran its process, and exits ${code}`);
}

/** Whether this container cannot announce itself before its process. */
function isUnusable(pod: Case, attempt: Attempt): boolean {
  const { rendezvous, mains, sidecars } = pod.plan;
  const own = [...mains, ...sidecars].find(({ name }) => name === attempt.name);
  return (
    rendezvous === 'read-only' ||
    rendezvous === 'missing' ||
    own?.readOnly === true ||
    attempt.readOnly !== undefined
  );
}

function checkSidecar(pod: Case, attempt: Attempt, code: number): void {
  const { plan, story } = pod;
  const who = subjectOf(attempt);
  if (isKilled(attempt) && code === KILLED) return;
  if (isUnusable(pod, attempt)) {
    if (attempt.readOnly === undefined && (code !== UNUSABLE || attempt.instances.length > 0))
      pod.breach('L17', `${who} cannot announce itself, and exits ${code}`);
    if (code === UNUSABLE) return;
  }
  if (isLeft(pod, attempt)) return;
  const deleted = story.deleted !== undefined;
  if (plan.policy === 'Never' || attempt.term === undefined) {
    // In a deletion nobody asks for it, and a sandbox that died alone looks the same.
    if (code !== 0 && !(deleted && plan.policy === 'OnFailure'))
      pod.breach('L7', `${who} was stopped, and exits ${code}`);
    return;
  }
  const done = plan.mains.every(({ name }) => {
    const last = story.last(name);
    return last?.instances.every(({ ends }) => ends !== undefined && ends < (attempt.exit ?? 0)) === true;
  });
  if (plan.policy === 'OnFailure' && code === 0 && attempt.term.alone && !deleted && !done)
    pod.breach('L7', `${who} was stopped alone and exits 0: the kubelet does not start it again`);
}

/**
 * L9: its process ended again soon after a restart in place, and its next start is left to the kubelet, in its first two lives. (One whose
 * process was killed before its first line has no instance here.)
 */
function isLeft({ plan, story }: Case, attempt: Attempt): boolean {
  const starts = attempt.instances.length + attempt.kills.filter(({ victim }) => victim === 'child').length;
  const isEarly = story.of(attempt.name).indexOf(attempt) < 2;
  return plan.policy !== 'Never' && starts > 1 && isEarly && comesBack(plan.policy, attempt);
}

/** The pod's phase, as the kubelet reckons it when nothing runs any more: what its mains deserve. */
export function checkPhase(pod: Case): void {
  const { plan, story } = pod;
  if (story.deleted !== undefined || plan.policy === 'Always') return;
  const lasts = [...plan.mains, ...plan.sidecars].map(({ name }) => story.last(name));
  // The runtime's own KILL of a sidecar under Never, and a rendezvous that it cannot use, are for nobody to mend.
  const lost = lasts.some(
    (last) => last !== undefined && !isMain(pod, last.name) && (isKilled(last) || isUnusable(pod, last)),
  );
  const failed = (list: (Attempt | undefined)[]) => list.some((last) => last?.code !== 0);
  const phase = failed(lasts) ? 'Failed' : 'Succeeded';
  const deserved = failed(plan.mains.map(({ name }) => story.last(name))) ? 'Failed' : 'Succeeded';
  if (phase !== deserved && !lost) pod.breach('L7', `the pod is ${phase}, and its mains deserve ${deserved}`);
  for (const last of lasts)
    if (last?.code !== undefined && comesBack(plan.policy, last))
      pod.breach('L8', `${subjectOf(last)} was to be started again, and was not`);
}
