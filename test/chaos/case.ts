/** What was played, as the rules read it. */
import type { Plan } from './plan.ts';
import { type Attempt, comesBack, type Instance, type Story } from './story.ts';

export interface Breach {
  /** Its number in docs/contract.md. */
  rule: string;
  text: string;
}

/** What was played, for the rules. */
export interface Case {
  plan: Plan;
  story: Story;
  /** The folder of the sidecars' data. */
  data: string;
  breach: (rule: string, text: string) => void;
}

export function subjectOf({ name, number }: Attempt): string {
  return `${name}#${number}`;
}

export function isMain(pod: Case, name: string): boolean {
  return pod.plan.mains.some((main) => main.name === name);
}

/** Where the log first tells that this process had ended, or was about to be killed; undefined while nothing tells it. */
export function endOf(attempt: Attempt, instance: Instance): number | undefined {
  const places = [
    instance.ends,
    ...killsOf(attempt, instance),
    attempt.killed,
    attempt.exit,
    // The next process of the same container: there is one at a time.
    attempt.instances[attempt.instances.indexOf(instance) + 1]?.up,
  ].filter((place) => place !== undefined);
  return places.length === 0 ? undefined : Math.min(...places);
}

/** The chaos's KILLs that it cannot have survived. It may write that it is up while its KILL is on the way. */
export function killsOf(attempt: Attempt, { pid, up }: Instance): number[] {
  const meant = attempt.kills.filter(
    ({ victim, pids }) => victim !== 'grandchild' && (victim !== 'child' || pids.includes(pid)),
  );
  return meant.map(({ at }) => Math.max(at, up));
}

/** Whether the kubelet leaves a container ended. */
export function isFinalExit(pod: Case, attempt: Attempt): boolean {
  return attempt.code !== undefined && !comesBack(pod.plan.policy, attempt);
}
