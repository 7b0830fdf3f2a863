/**
 * `curfew why`: who holds a pod, a Job or a CronJob, and what to do.
 */
import type { Finding } from '../cluster/finding.ts';
import { type PodFacts, part, podFacts, records, text, timeAt } from '../cluster/pod-facts.ts';
import { why } from '../cluster/why.ts';
import { type PodFinding, whyCronJob, whyJob } from '../cluster/why-job.ts';
import type { Policy } from '../decision/policy.ts';
import type { Reader } from '../kubernetes/reader.ts';
import type { JsonRecord } from '../shared/json.ts';
import { UsageError } from '../shared/usage-error.ts';
import {
  clusterPolicy,
  NO_ANSWER,
  objectName,
  outputOf,
  type Paint,
  paintOf,
  withCluster,
} from './cluster.ts';
import { CLUSTER_FLAGS, flagsHelp } from './flags.ts';
import { parseArguments } from './options.ts';
import { printable, type Terminal } from './terminal.ts';
import { labelOf, sceneOf, troublesOf } from './why-scene.ts';

export const summary = 'say who holds a pod, a Job or a CronJob of a cluster, and what to do';

export const options = CLUSTER_FLAGS;

/** For completion. */
export const positionals = 'object';

export const usage = () => `curfew why [pod/|job/|cronjob/]NAME [flags]

Say in at most ten lines who holds a pod, and what to do: for pods that Curfew has wrapped, for native sidecars and for any other.
A NAME without its kind is looked for as a pod, then as a Job, then as a CronJob. Nothing is changed. A wrapped pod's own shim is asked
through exec (curfew-shim status); where that is not allowed, its logs are read.

${flagsHelp(options)}

Exit code 0 when nothing holds it, or it has ended; 1 when something does; 2 when an argument or the kubeconfig cannot be used, or
there is no such object; ${NO_ANSWER} when the cluster cannot be asked.

JSON: {"kind", "namespace", "name", "state": "ended" | "works" | "held", "pod", "holder", "headline", "lines": [], "todo": []}
`;

/** A whole answer, with its head. */
const MOST_LINES = 10;
/** Of a Job with many pods, so many are judged. */
const MOST_PODS = 20;

type Kind = 'Pod' | 'Job' | 'CronJob';

const KINDS: Readonly<Record<string, Kind>> = {
  ...{ pod: 'Pod', pods: 'Pod', po: 'Pod', job: 'Job', jobs: 'Job' },
  ...{ cronjob: 'CronJob', cronjobs: 'CronJob', cj: 'CronJob' },
};

interface Answer {
  kind: Kind;
  name: string;
  /** The pod that the finding is about. */
  pod?: string | undefined;
  finding: Finding;
}

/** Say why. */
export async function run(args: string[], terminal: Terminal): Promise<number> {
  const { values: flags, positionals } = parseArguments('why', args, options, 1);
  const output = outputOf(flags.output);
  const [asked] = positionals;
  if (asked === undefined) throw new UsageError('name a pod, a Job or a CronJob: curfew why job/migrate');
  const { kind, name } = referenceOf(asked);
  return withCluster(flags, terminal, async (cluster) => {
    const policy = await clusterPolicy(cluster, flags.config);
    const namespace =
      flags.namespace === undefined ? cluster.namespace : objectName(flags.namespace, 'namespace');
    const answer = await answerTo(cluster, namespace, kind, name, policy);
    if (answer === undefined)
      throw new UsageError(
        `there is no ${kind ?? 'pod, Job or CronJob'} ${name} in namespace ${namespace}; another one is chosen with -n`,
      );
    terminal.print(
      output === 'json'
        ? `${JSON.stringify(jsonOf(answer, namespace), null, 2)}\n`
        : textOf(answer, namespace, paintOf(terminal)),
    );
    return answer.finding.state === 'held' ? 1 : 0;
  });
}

function referenceOf(asked: string): { kind: Kind | undefined; name: string } {
  const slash = asked.indexOf('/');
  if (slash < 0) return { kind: undefined, name: objectName(asked, 'pod, Job or CronJob') };
  const word = asked.slice(0, slash).toLowerCase();
  const kind = Object.hasOwn(KINDS, word) ? KINDS[word] : undefined;
  if (kind === undefined)
    throw new UsageError(
      `${JSON.stringify(word.slice(0, 64))} is no kind that it knows; it is pod, job or cronjob`,
    );
  return { kind, name: objectName(asked.slice(slash + 1), kind) };
}

async function answerTo(
  cluster: Reader,
  namespace: string,
  kind: Kind | undefined,
  name: string,
  policy: Policy,
): Promise<Answer | undefined> {
  const { PODS, JOBS, CRON_JOBS, OLD_CRON_JOBS } = await import('../kubernetes/reader.ts');
  if (kind === undefined || kind === 'Pod') {
    const pod = await cluster.object(PODS, namespace, name);
    if (pod !== undefined) {
      const facts = podFacts(pod);
      return { kind: 'Pod', name, pod: name, finding: await whyPod(cluster, facts, policy) };
    }
  }
  if (kind === undefined || kind === 'Job') {
    const job = await cluster.object(JOBS, namespace, name);
    if (job !== undefined) return { kind: 'Job', name, ...(await ofJob(cluster, job, policy)) };
  }
  if (kind === undefined || kind === 'CronJob') {
    const cronJob =
      (await cluster.object(CRON_JOBS, namespace, name)) ??
      (await cluster.object(OLD_CRON_JOBS, namespace, name));
    if (cronJob !== undefined)
      return { kind: 'CronJob', name, ...(await ofCronJob(cluster, cronJob, policy)) };
  }
  return undefined;
}

async function whyPod(cluster: Reader, pod: PodFacts, policy: Policy): Promise<Finding> {
  return why(await sceneOf(cluster, pod, await labelOf(cluster, pod.namespace), policy));
}

async function ofJob(
  cluster: Reader,
  job: JsonRecord,
  policy: Policy,
): Promise<{ pod: string | undefined; finding: Finding }> {
  const { PODS } = await import('../kubernetes/reader.ts');
  const metadata = part(job, 'metadata');
  const [namespace, name, uid] = [text(metadata, 'namespace'), text(metadata, 'name'), text(metadata, 'uid')];
  const pods: PodFacts[] = [];
  for await (const item of cluster.list(
    PODS,
    namespace,
    `labelSelector=${encodeURIComponent(`job-name=${name}`)}`,
  )) {
    // A Job of the same name may have left pods behind.
    const owners = records(part(item, 'metadata'), 'ownerReferences');
    if (owners.some((owner) => text(owner, 'uid') === uid)) pods.push(podFacts(item));
  }
  pods.sort((one, other) => (other.createdAt ?? 0) - (one.createdAt ?? 0));
  const active = pods.filter(({ phase }) => phase !== 'Succeeded' && phase !== 'Failed');
  const label = await labelOf(cluster, namespace);
  const judged: PodFinding[] = [];
  for (const pod of active.length > 0 ? active.slice(0, MOST_PODS) : pods.slice(0, 1)) {
    const finding = why(await sceneOf(cluster, pod, label, policy));
    judged.push({ pod: pod.name, finding });
    if (finding.state === 'held') break;
  }
  const troubles = pods.length === 0 ? await troublesOf(cluster, namespace, uid) : [];
  const chosen = judged.find(({ finding }) => finding.state === 'held') ?? judged[0];
  return { pod: chosen?.pod, finding: whyJob(job, judged, active.length, troubles, Date.now()) };
}

async function ofCronJob(
  cluster: Reader,
  cronJob: JsonRecord,
  policy: Policy,
): Promise<{ pod: string | undefined; finding: Finding }> {
  const { JOBS } = await import('../kubernetes/reader.ts');
  const metadata = part(cronJob, 'metadata');
  const uid = text(metadata, 'uid');
  const jobs: JsonRecord[] = [];
  for await (const job of cluster.list(JOBS, text(metadata, 'namespace')))
    if (records(part(job, 'metadata'), 'ownerReferences').some((owner) => text(owner, 'uid') === uid))
      jobs.push(job);
  const age = (job: JsonRecord) => timeAt(part(job, 'metadata'), 'creationTimestamp') ?? 0;
  jobs.sort((one, other) => age(one) - age(other));
  const chosen = jobs.find((job) => !hasEnded(job)) ?? jobs.at(-1);
  const found = chosen && (await ofJob(cluster, chosen, policy));
  const run = chosen && found && { job: text(part(chosen, 'metadata'), 'name'), finding: found.finding };
  return { pod: found?.pod, finding: whyCronJob(cronJob, run, Date.now()) };
}

function hasEnded(job: JsonRecord): boolean {
  return records(part(job, 'status'), 'conditions').some(
    (one) => text(one, 'status') === 'True' && /^(?:Complete|Failed)$/.test(text(one, 'type')),
  );
}

function textOf({ kind, name, finding }: Answer, namespace: string, paint: Paint): string {
  const styles = { held: 'red', works: 'green', ended: 'dim' } as const;
  const todo = finding.todo.slice(0, 4);
  const lines = finding.lines.slice(0, MOST_LINES - 1 - todo.length);
  return [
    `${paint('bold', `${kind} ${namespace}/${name}`)}: ${paint(styles[finding.state], printable(finding.headline))}`,
    ...lines.map((line) => `  ${printable(line)}`),
    ...todo.map((line) => `  ${paint('cyan', 'do:')} ${printable(line)}`),
    '',
  ].join('\n');
}

function jsonOf({ kind, name, pod, finding }: Answer, namespace: string): object {
  const { state, holder, headline, lines, todo } = finding;
  return { kind, namespace, name, state, pod: pod ?? null, holder: holder ?? null, headline, lines, todo };
}
