/**
 * `curfew audit`: every pod and pod template of a cluster, with or without Curfew in it.
 */
import { Audit } from '../cluster/audit.ts';
import type { Reader, Resource } from '../kubernetes/reader.ts';
import { UsageError } from '../shared/usage-error.ts';
import { auditJson, auditText } from './audit-text.ts';
import {
  clusterPolicy,
  NO_ANSWER,
  objectName,
  outputOf,
  paintOf,
  sayFailure,
  withCluster,
} from './cluster.ts';
import { CLUSTER_FLAGS, flagsHelp } from './flags.ts';
import { parseOptions } from './options.ts';
import { printable, type Terminal } from './terminal.ts';

export const summary = 'say which pods of a cluster hang because of a sidecar, and what a label would change';

export const options = {
  ...CLUSTER_FLAGS,
  'all-namespaces': { type: 'boolean', short: 'A', help: 'all namespaces' },
} as const;

export const usage = () => `curfew audit [-n NAME | -A] [flags]

Look at every running pod and every pod template: which are wrapped, which have native sidecars, which Curfew passes over or would refuse,
and why; which pods hang now because of a sidecar, since when, and what CPU and memory they hold; how many a label on the namespace would
change; and labels and annotations that mean nothing where they stand. Nothing is changed, no registry is asked, and the cluster needs
no Curfew. Where a container sets no command, its image is taken to have one.

${flagsHelp(options)}

Exit code 0; 1 when a pod hangs; 2 when an argument or the kubeconfig cannot be used; 3 when some kind of object cannot be listed, and
nothing hangs in the rest; ${NO_ANSWER} when the cluster cannot be asked or its pods cannot be listed.

JSON: {"namespaces": [{"name", "label", "labelled", "pods", "wrapped", "native", "passed", "waits", "refused", "hanging",
"labelWouldWrap": {"pods", "templates"}}], "hanging": [{"namespace", "pod", "owner", "since", "mains": [{"name", "code"}], "sidecars": [],
"certain", "holds": {"cpu", "memory"}, "because": [], "write": []}], "held": {"cpu", "memory"}, "unclear": [{"namespace", "pod",
"containers": []}], "wrong": [{"where", "what"}], "workloads": [{"namespace", "kind", "name", "pods", "treatment": "wrapped" | "native" |
"passed" | "waits" | "refused", "reason", "message", "warnings": []}]} ("waits": the webhook would wrap it)
`;

/** Audit. */
export async function run(args: string[], terminal: Terminal): Promise<number> {
  const flags = parseOptions('audit', args, options);
  const output = outputOf(flags.output);
  const everywhere = flags['all-namespaces'] === true;
  if (everywhere && flags.namespace !== undefined) throw new UsageError('give either -n or -A');
  return withCluster(flags, terminal, async (cluster) => {
    const policy = await clusterPolicy(cluster, flags.config);
    const namespace = everywhere ? undefined : objectName(flags.namespace ?? cluster.namespace, 'namespace');
    const now = Date.now();
    const audit = new Audit(policy, now);
    const lacking = await look(cluster, namespace, audit);
    for (const why of lacking) terminal.complain(printable(`curfew: warning: ${why}`));
    const report = audit.report();
    terminal.print(
      output === 'json'
        ? `${JSON.stringify(auditJson(report), null, 2)}\n`
        : auditText(report, now, paintOf(terminal)),
    );
    if (report.hanging.length > 0) return 1;
    return lacking.length > 0 ? 3 : 0;
  });
}

/**
 * Read what the audit wants, the pods last.
 * @returns what could not be listed: a sentence each
 */
async function look(cluster: Reader, namespace: string | undefined, audit: Audit): Promise<string[]> {
  const { KubernetesError } = await import('../kubernetes/error.ts');
  const { NAMESPACES, PODS, ...kinds } = await import('../kubernetes/reader.ts');
  const lacking: string[] = [];
  const attempt = async (ask: () => Promise<void>): Promise<string | undefined> => {
    try {
      await ask();
      return undefined;
    } catch (error) {
      if (!(error instanceof KubernetesError)) throw error;
      if (error.code === 'unreachable' || error.code === 'unauthorized') throw error;
      lacking.push(sayFailure(error));
      return error.code;
    }
  };
  await attempt(async () => {
    if (namespace === undefined) for await (const one of cluster.list(NAMESPACES)) audit.namespace(one);
    else {
      const one = await cluster.object(NAMESPACES, namespace, namespace);
      if (one === undefined) throw new UsageError(`there is no namespace ${namespace}`);
      audit.namespace(one);
    }
  });
  const workloads = (resource: Resource, apiVersion: string, kind: string) =>
    attempt(async () => {
      for await (const one of cluster.list(resource, namespace)) audit.workload(apiVersion, kind, one);
    });
  await workloads(kinds.JOBS, 'batch/v1', 'Job');
  if ((await workloads(kinds.CRON_JOBS, 'batch/v1', 'CronJob')) === 'not-found') {
    lacking.pop();
    await workloads(kinds.OLD_CRON_JOBS, 'batch/v1beta1', 'CronJob');
  }
  await workloads(kinds.DEPLOYMENTS, 'apps/v1', 'Deployment');
  await workloads(kinds.STATEFUL_SETS, 'apps/v1', 'StatefulSet');
  await workloads(kinds.DAEMON_SETS, 'apps/v1', 'DaemonSet');
  for await (const pod of cluster.list(PODS, namespace)) audit.pod(pod);
  return lacking;
}
