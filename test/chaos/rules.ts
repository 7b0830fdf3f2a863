/**
 * The contract's rules, held against what was seen from outside. Nothing here goes by how long a thing took, but for how long
 * it must have taken at least: a busy machine is late, never early. Where two things happened side by side (what a shim did,
 * and what was seen of it), a rule is broken only if no order of the two keeps it.
 */
import { existsSync, readFileSync } from 'node:fs';
import { type Breach, type Case, endOf, isMain, killsOf, subjectOf } from './case.ts';
import type { Plan } from './plan.ts';
import { checkCodes, checkPhase } from './rules-of-codes.ts';
import { checkEnd } from './rules-of-end.ts';
import type { Attempt, Story } from './story.ts';

export function check(plan: Plan, story: Story, data: string, hung: boolean): Breach[] {
  const breaches: Breach[] = [];
  const pod: Case = { plan, story, data, breach: (rule, text) => breaches.push({ rule, text }) };
  if (hung) {
    const up = story.attempts.filter(({ exit }) => exit === undefined).map(subjectOf);
    const who = up.length > 0 ? `${up.join(' and ')} never ended` : 'a container was never started';
    pod.breach('L8', `the pod hangs: ${who}`);
  }
  for (const attempt of story.attempts) {
    for (const left of attempt.left)
      pod.breach('P4', `process ${left} outlived its shim, ${subjectOf(attempt)}`);
    checkOrder(pod, attempt);
    checkNothingAfterStop(pod, attempt);
    checkData(pod, attempt);
    checkBackoff(pod, attempt);
  }
  checkEnd(pod);
  // What never ended has no code.
  if (!hung) {
    checkCodes(pod);
    checkPhase(pod);
  }
  return breaches;
}

/**
 * L1, L2, L11: a process started, and each sidecar before it had been ready: in some process that was not known to have ended
 * before this container began.
 */
function checkOrder(pod: Case, attempt: Attempt): void {
  const first = attempt.instances[0];
  if (first === undefined) return;
  const { sidecars } = pod.plan;
  const index = sidecars.findIndex(({ name }) => name === attempt.name);
  for (const { name, ready: kind } of index < 0 ? sidecars : sidecars.slice(0, index)) {
    // Without a condition it is ready before its own first line.
    const there = (other: Attempt) => other.start < first.up && !((other.exit ?? first.up) < attempt.start);
    if (kind === 'none' && pod.story.of(name).some(there)) continue;
    const starts = pod.story
      .of(name)
      .flatMap((other) => other.instances.map((instance) => ({ other, instance })));
    const ready = starts.filter(({ instance }) => instance.ready !== undefined && instance.ready < first.up);
    if (ready.some(({ other, instance }) => !((endOf(other, instance) ?? first.up) < attempt.start)))
      continue;
    const stale = ready.length > 0 || pod.plan.leftovers;
    const rule = stale ? 'L11' : index < 0 ? 'L2' : 'L1';
    pod.breach(rule, `${subjectOf(attempt)} started its process although ${name} was not ready`);
  }
}

/** L14: what its shim starts after it took its TERM. */
function checkNothingAfterStop(pod: Case, { term, instances, kills, ...attempt }: Attempt): void {
  // A shim whose KILL is on the way takes nothing any more.
  if (term?.taken === undefined || kills.some(({ victim }) => victim === 'shim' || victim === 'container'))
    return;
  for (const { pid, up } of instances)
    if (up > term.taken && !term.pids.includes(pid))
      pod.breach(
        'L14',
        `${attempt.name}#${attempt.number} took its TERM, and started process ${pid} after it`,
      );
}

/** L6, L12: a sidecar's process is told to end before it is killed, and what it flushes then is whole. */
function checkData(pod: Case, attempt: Attempt): void {
  const plan = pod.plan.sidecars.find(({ name }) => name === attempt.name);
  if (plan === undefined) return;
  for (const instance of attempt.instances) {
    const who = `${subjectOf(attempt)}.${instance.pid}`;
    const { ends, told } = instance;
    if (told !== undefined && ends !== undefined) {
      const path = `${pod.data}/${who}`;
      if (!existsSync(path) || !readFileSync(path, 'utf8').endsWith('whole\n'))
        pod.breach('L6', `${who} flushed on TERM, and its data is not whole`);
    }
    const killed = attempt.killed !== undefined || killsOf(attempt, instance).length > 0;
    if (ends !== undefined || killed || attempt.frozen || attempt.exit === undefined) continue;
    if (told === undefined) pod.breach('L6', `${who} vanished, and was never told to end`);
    else if (!plan.stubborn) pod.breach('L12', `${who} was killed before it had flushed`);
  }
}

/** L9: a sidecar's process that ended is started again at once, then after 10 s, 20 s, ... */
function checkBackoff(pod: Case, attempt: Attempt): void {
  if (isMain(pod, attempt.name)) return;
  const sidecar = pod.plan.sidecars.find(({ name }) => name === attempt.name);
  const isShort = sidecar?.probed === true && pod.plan.policy === 'Never';
  attempt.instances.forEach((instance, i) => {
    const before = attempt.instances[i - 1];
    if (before === undefined || i < 2) return;
    // Its end cannot have been before its beginning.
    const paused = pod.story.timeOf(instance.up) - pod.story.timeOf(before.up);
    if (paused < 10_000 * (isShort ? 1 : 2 ** (i - 2)))
      pod.breach(
        'L9',
        `${subjectOf(attempt)} started its process again after ${paused} ms, which was restart ${i}`,
      );
  });
}
