/** What happens to a node from below the API: containers and sandboxes that die, a kubelet that is restarted. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ContainerStatus, Pod } from './cluster.ts';
import { until } from './kubectl.ts';

const STATE = process.env.STATE ?? '';
const CTR = ['-a', join(STATE, 'containerd.sock'), '-n', 'k8s.io'];
/** The kubelet's own default. */
const KUBELET_HEALTH = 'http://127.0.0.1:10248/healthz';

/** Kill every process of a container at once, the shim among them, from outside. */
export function killContainer(id: string): void {
  execFileSync('ctr', [...CTR, 'task', 'kill', '--all', '--signal', 'SIGKILL', id]);
}

/** A container's name at containerd. */
export function idOf(status: ContainerStatus | undefined): string {
  return status?.containerID?.replace('containerd://', '') ?? '';
}

/** The containers that hold a pod's network namespace. */
export function sandboxesOf(pod: Pod): string[] {
  const filter = `labels."io.cri-containerd.kind"==sandbox,labels."io.kubernetes.pod.uid"==${pod.metadata.uid}`;
  const text = execFileSync('ctr', [...CTR, 'containers', 'ls', '-q', filter], { encoding: 'utf8' });
  return text.split('\n').filter((id) => id !== '');
}

/**
 * What a reboot does to a pod: its sandbox and every container die at once, its volumes stay. (Natively too: an init
 * container that has ended has no process to kill.)
 */
export function killPod(pod: Pod): void {
  const { initContainerStatuses, containerStatuses } = pod.status;
  const running = [...initContainerStatuses, ...containerStatuses].filter(({ state }) => state.running);
  for (const id of [...sandboxesOf(pod), ...running.map(idOf)]) killContainer(id);
}

/**
 * Stop the kubelet and start it again, as it was started (rig/cluster-up).
 * @param meanwhile what happens while the node has none
 */
export async function restartKubelet(meanwhile: () => Promise<void> | void = () => {}): Promise<void> {
  const pid = Number(readFileSync(join(STATE, 'pid', 'kubelet.pid'), 'utf8'));
  process.kill(pid, 'SIGTERM');
  await until('the end of the kubelet', () => (isAlive(pid) ? undefined : true));
  try {
    await meanwhile();
  } finally {
    execFileSync(join(STATE, 'bin', 'kubelet'));
  }
  await until('a healthy kubelet', isKubeletHealthy);
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

async function isKubeletHealthy(): Promise<true | undefined> {
  try {
    return (await fetch(KUBELET_HEALTH)).ok || undefined;
  } catch {
    return undefined; // it does not listen yet
  }
}
