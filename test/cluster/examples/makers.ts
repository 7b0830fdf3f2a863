/** What the recipes' controllers do to a pod while it runs: none of them is in the test's cluster. */
import { type Namespace, type Pod, statusOf } from '../cluster.ts';
import { kubectl, until } from '../kubectl.ts';
import { TEKTON_NOP } from './stand-in-images.ts';

/** Does its part for one pod. */
type Maker = (ns: Namespace, pod: string) => Promise<void>;

/** By the recipe's name. */
export const MAKERS: Readonly<Record<string, Maker>> = {
  'airflow-xcom': readXcom,
  tekton: runTask,
  'gitlab-runner': runJob,
};

/** Airflow's operator: when `base` has ended it reads the result by exec, and ends the container that keeps it (pod_manager.py, extract_xcom). */
async function readXcom(ns: Namespace, pod: string): Promise<void> {
  await ns.exit(pod, 'base');
  const exec = ['exec', pod, '-c', 'airflow-xcom-sidecar'];
  const result = await ns.kubectl(...exec, '--', '/bin/sh', '-c', 'cat /airflow/xcom/return.json');
  if (JSON.parse(result).orders !== 12) throw new Error(`the result is ${result}`);
  // The shell that does it is among those that it ends, so its code says nothing.
  await kubectl(['-n', ns.name, ...exec, '-i', '--', '/bin/sh'], "kill -2 $(pgrep -u $(id -u) -f 'sh')\n");
}

/** Tekton's controller: it lets the first step begin when all sidecars are ready, and ends those that still run by another image. */
async function runTask(ns: Namespace, pod: string): Promise<void> {
  await until('all but the step are ready', async () => {
    const { status } = await ns.pod(pod);
    const others = status.containerStatuses.filter(({ name }) => !name.startsWith('step-'));
    return status.phase === 'Running' && others.every(({ ready }) => ready) ? status : undefined;
  });
  await ns.kubectl('annotate', '--overwrite', 'pod', pod, 'tekton.dev/ready=READY');
  await ns.exit(pod, 'step-test');
  const { spec, status } = await ns.pod(pod);
  const running = (name: string) =>
    status.containerStatuses.some((one) => one.name === name && one.state.running);
  const patch = spec.containers.flatMap(({ name }, index) =>
    !name.startsWith('step-') && running(name)
      ? [{ op: 'replace', path: `/spec/containers/${index}/image`, value: TEKTON_NOP }]
      : [],
  );
  // It may have ended between the two.
  if (patch.length > 0) await ns.kubectl('patch', 'pod', pod, '--type=json', '-p', JSON.stringify(patch));
}

/** GitLab's runner: it writes the job's commands to the shell's standard input, and deletes the pod when they are done. */
async function runJob(ns: Namespace, pod: string): Promise<void> {
  await until('the shell of build is there', async () => {
    const found: Pod = await ns.pod(pod);
    return statusOf(found, 'build')?.state.running;
  });
  // It ends with the pod.
  const attached = kubectl(['-n', ns.name, 'attach', pod, '-c', 'build', '-i'], 'report --month 2026-10\n');
  attached.catch(() => {});
  await ns.said(pod, 'build', 'done');
}
