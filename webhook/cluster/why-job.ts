/** `curfew why` of a Job or a CronJob: that of the pod that holds it. Pure. */
import type { JsonRecord } from '../shared/json.ts';
import { member } from '../shared/json.ts';
import type { Finding, Trouble } from './finding.ts';
import { part, records, text, timeAt } from './pod-facts.ts';
import { brief, duration, when } from './words.ts';

/** What was found of one pod of a Job. */
export interface PodFinding {
  pod: string;
  finding: Finding;
}

/**
 * @param pods of those that are active, else the newest one; the last is the first that is held up
 * @param active how many are
 * @param troubles Warning Events about the Job itself, the newest last
 */
export function whyJob(
  job: JsonRecord,
  pods: readonly PodFinding[],
  active: number,
  troubles: readonly Trouble[],
  now: number,
): Finding {
  const status = part(job, 'status');
  const conditions = records(status, 'conditions').filter((one) => text(one, 'status') === 'True');
  const end = conditions.find((one) => text(one, 'type') === 'Complete' || text(one, 'type') === 'Failed');
  const held = pods.find(({ finding }) => finding.state === 'held') ?? pods[0];
  if (end !== undefined) {
    const why = [text(end, 'reason'), brief(text(end, 'message'))].filter((one) => one !== '').join(': ');
    const inPod = held === undefined || text(end, 'type') === 'Complete' ? [] : inThePod(held);
    return {
      state: 'ended',
      headline: `${text(end, 'type') === 'Complete' ? 'complete' : 'failed'}${when(timeAt(end, 'lastTransitionTime'), now)}`,
      lines: [...(why === '' ? [] : [why]), ...inPod],
      todo: [],
    };
  }
  if (member(part(job, 'spec'), 'suspend') === true)
    return { state: 'held', headline: 'it is suspended', lines: [], todo: [resume('job', job)] };
  if (held === undefined) return withoutPods(troubles, now);
  return {
    ...held.finding,
    // A pod that ended with an error is tried again.
    state: held.finding.state === 'ended' ? 'works' : held.finding.state,
    headline: `pod ${held.pod}: ${held.finding.headline}`,
    lines: [...held.finding.lines, ...(active > 1 ? [`one of its ${active} active pods`] : [])],
  };
}

function inThePod({ pod, finding }: PodFinding): string[] {
  return [`pod ${pod}: ${finding.headline}`, ...finding.lines];
}

/** Its controller cannot make any, or has not yet. */
function withoutPods(troubles: readonly Trouble[], now: number): Finding {
  const last = troubles.at(-1);
  return {
    state: last === undefined ? 'works' : 'held',
    headline: last === undefined ? 'it has no pod yet' : 'its pods are not created',
    lines: last === undefined ? [] : [`${last.reason}: ${brief(last.message, 600)}${when(last.at, now)}`],
    todo: [],
  };
}

/** The newest of a CronJob's Jobs, or the oldest that is active. */
export interface JobFinding {
  job: string;
  finding: Finding;
}

export function whyCronJob(cronJob: JsonRecord, job: JobFinding | undefined, now: number): Finding {
  const spec = part(cronJob, 'spec');
  const scheduled = timeAt(part(cronJob, 'status'), 'lastScheduleTime');
  const last =
    scheduled === undefined ? 'it has not run yet' : `its last run began ${duration(now - scheduled)} ago`;
  if (member(spec, 'suspend') === true)
    return { state: 'held', headline: 'it is suspended', lines: [last], todo: [resume('cronjob', cronJob)] };
  if (job === undefined)
    return {
      state: 'works',
      headline: 'no run is active',
      lines: [last, `schedule: ${brief(text(spec, 'schedule'), 80)}`],
      todo: [],
    };
  const { finding } = job;
  const policy = text(spec, 'concurrencyPolicy');
  const blocks = finding.state !== 'ended' && policy === 'Forbid';
  return {
    ...finding,
    headline: `Job ${job.job}: ${finding.headline}`,
    lines: [
      ...finding.lines,
      ...(blocks ? ['no other run begins before it ends (concurrencyPolicy Forbid)'] : []),
    ],
  };
}

function resume(kind: string, object: JsonRecord): string {
  const metadata = part(object, 'metadata');
  return `kubectl patch ${kind} -n ${text(metadata, 'namespace')} ${text(metadata, 'name')} -p '{"spec":{"suspend":false}}'`;
}
