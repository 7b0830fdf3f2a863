/** What happens to a node from below the API: containers that die or stand still, a kubelet or containerd that is restarted. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ContainerStatus, Pod } from './cluster.ts';
import { until } from './kubectl.ts';

const STATE = process.env.STATE ?? '';
const CTR = ['-a', join(STATE, 'containerd.sock'), '-n', 'k8s.io'];
/** The kubelet's own default. */
const KUBELET_HEALTH = 'http://127.0.0.1:10248/healthz';

function ctr(...args: string[]): string {
  return execFileSync('ctr', [...CTR, ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

/** Kill every process of a container at once, the shim among them, from outside. */
export function killContainer(id: string): void {
  ctr('task', 'kill', '--all', '--signal', 'SIGKILL', id);
}

/** A container's name at containerd. */
export function idOf(status: ContainerStatus | undefined): string {
  return status?.containerID?.replace('containerd://', '') ?? '';
}

/** The containers that hold a pod's network namespace. */
export function sandboxesOf(pod: Pod): string[] {
  return containerdIds(pod.metadata.uid, 'labels."io.cri-containerd.kind"==sandbox');
}

/** The ids of a pod's container of this name, also of its earlier starts. */
export function idsOf(uid: string, container: string): string[] {
  return containerdIds(uid, `labels."io.kubernetes.container.name"=="${container}"`);
}

function containerdIds(uid: string, filter: string): string[] {
  const text = ctr('containers', 'ls', '-q', `${filter},labels."io.kubernetes.pod.uid"=="${uid}"`);
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

/** A process of a container. */
export interface Process {
  /** As the node sees it. */
  pid: number;
  /** Whether it is process 1 of its own process namespace: the shim. */
  first: boolean;
}

/**
 * The processes whose control group has this in its path: a container's id, or a pod's uid for all that is left of it.
 * One that runc is still making is not among them: it has not become the container's command.
 */
export function processesOf(part: string): Process[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      const pid = Number(name);
      if (part === '' || !read(`/proc/${pid}/cgroup`).includes(part)) return [];
      const command = read(`/proc/${pid}/cmdline`);
      if (command === '' || /^(\S*\/)?runc(:|\0|$)/.test(command)) return [];
      const inside = /^NSpid:.*\t(\d+)$/m.exec(read(`/proc/${pid}/status`))?.[1];
      return [{ pid, first: inside === '1' }];
    });
}

/** Empty where the process has gone meanwhile. */
function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

/** Send a signal to processes, from outside; how many of them were still there. */
export function signal(processes: readonly Process[], name: NodeJS.Signals): number {
  return processes.filter(({ pid }) => {
    try {
      return process.kill(pid, name);
    } catch {
      return false;
    }
  }).length;
}

/** Where the node keeps a pod's emptyDir; it goes when the pod has ended. */
export function emptyDirOf(uid: string, volume: string): string {
  return join(STATE, 'kubelet', 'pods', uid, 'volumes', 'kubernetes.io~empty-dir', volume);
}

/**
 * Stop the kubelet and start it again, as it was started (rig/cluster-up).
 * @param meanwhile what happens while the node has none
 */
export async function restartKubelet(meanwhile: () => Promise<void> | void = () => {}): Promise<void> {
  await restart('kubelet', meanwhile);
  await until('a healthy kubelet', isKubeletHealthy);
}

/** The same for containerd; the containers live on under their own containerd-shim. */
export async function restartContainerd(meanwhile: () => Promise<void> | void = () => {}): Promise<void> {
  await restart('containerd', meanwhile);
  await until('a containerd that answers', isContainerdThere);
}

async function restart(program: string, meanwhile: () => Promise<void> | void): Promise<void> {
  const pid = Number(readFileSync(join(STATE, 'pid', `${program}.pid`), 'utf8'));
  process.kill(pid, 'SIGTERM');
  await until(`the end of ${program}`, () => (isAlive(pid) ? undefined : true));
  try {
    await meanwhile();
  } finally {
    execFileSync(join(STATE, 'bin', program));
  }
}

function isContainerdThere(): true | undefined {
  try {
    return ctr('version') !== '' || undefined;
  } catch {
    return undefined; // it does not listen yet
  }
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
