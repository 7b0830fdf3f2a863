/**
 * Faults of a node below the API, where they are made: on this machine, or by the agent in a virtual one. It imports nothing but Node's own
 * modules and kubectl.ts, with which it is handed to that machine (rig/vm-up).
 */
import { type ChildProcessByStdio, execFileSync, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { until } from '../kubectl.ts';

const STATE = process.env.STATE ?? '';
/** The first words of every call of containerd's client. */
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

/** Delete a container that has ended from containerd. Its CRI service notices that when containerd is started again. */
export function removeContainer(id: string): void {
  ctr('containers', 'rm', id);
}

/** The containers that hold a pod's network namespace. */
export function sandboxesOf(uid: string): string[] {
  const filter = `labels."io.cri-containerd.kind"==sandbox,labels."io.kubernetes.pod.uid"==${uid}`;
  return ctr('containers', 'ls', '-q', filter)
    .split('\n')
    .filter((id) => id !== '');
}

/** The effect of a reboot on a pod: its sandbox and all containers die at once, and its volumes stay. */
export async function killPod(uid: string): Promise<void> {
  await killAtOnce(processesOf(uid));
}

/** A process of a container. */
export interface Process {
  /** As the node sees it. */
  pid: number;
  /** The id of its container. */
  container: string;
  /** Whether it is process 1 of its own process namespace. */
  first: boolean;
  command: string[];
}

/**
 * The processes of a pod, the sandbox's own among them, or of one of its containers: those whose control group has this
 * id in its path. A process that runc is still preparing is left out: it has not become the container's command.
 */
export function processesOf(id: string): Process[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      const pid = Number(name);
      const group = read(`/proc/${pid}/cgroup`)
        .split('\n')
        .find((line) => id !== '' && line.includes(id));
      const command = read(`/proc/${pid}/cmdline`).split('\0').slice(0, -1);
      if (group === undefined || command.length === 0 || /(^|\/)runc$/.test(command[0] ?? '')) return [];
      const inside = /^NSpid:.*\t(\d+)$/m.exec(read(`/proc/${pid}/status`))?.[1];
      return [{ pid, container: group.slice(group.lastIndexOf('/') + 1), first: inside === '1', command }];
    });
}

/**
 * What runs in one container of a pod under Curfew now: the shim, and what that has started. A shim's command line does not say whose it is (P9);
 * the file that the kubelet mounts at /dev/termination-log stands in a folder with the container's name.
 */
export function shimOf(uid: string, container: string): { shim: Process; others: Process[] } | undefined {
  const all = processesOf(uid);
  const shim = all.find(
    ({ pid, first }) => first && read(`/proc/${pid}/mountinfo`).includes(`/containers/${container}/`),
  );
  if (shim === undefined) return undefined;
  return { shim, others: all.filter((item) => item.container === shim.container && item !== shim) };
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

/** Stop processes, and wait until they are stopped. @returns those that had not ended by then */
export async function standStill(processes: readonly Process[]): Promise<Process[]> {
  signal(processes, 'SIGSTOP');
  return until('processes that stand still', () => {
    const states = processes.map(({ pid }) => /^\d+ \(.*\) (\S)/s.exec(read(`/proc/${pid}/stat`))?.[1]);
    const moving = states.some((state) => state !== undefined && !'TZX'.includes(state));
    return moving ? undefined : processes.filter((_, i) => states[i] === 'T');
  });
}

/** Kill processes so that none of them sees another one dead. */
export async function killAtOnce(processes: readonly Process[]): Promise<void> {
  signal(await standStill(processes), 'SIGKILL');
}

/** The node's folder of a pod's emptyDir. The kubelet removes it when the pod has ended. */
export function emptyDirOf(uid: string, volume: string): string {
  return join(STATE, 'kubelet', 'pods', uid, 'volumes', 'kubernetes.io~empty-dir', volume);
}

/** Programs of the node that a test may stop and start again, as they were started (rig/functions). */
export const PROGRAMS = ['kubelet', 'containerd'] as const;
export type Program = (typeof PROGRAMS)[number];

/** End a program, and wait until it has ended. */
export async function stopProgram(program: Program): Promise<void> {
  const pid = pidOf(program);
  process.kill(pid, 'SIGTERM');
  await until(`the end of ${program}`, () => (isAlive(pid) ? undefined : true));
}

/** Start a program again. */
export function startProgram(program: Program): void {
  execFileSync(join(STATE, 'bin', program));
}

/** Wait until a program answers, which was started. */
export async function awaitProgram(program: Program): Promise<void> {
  if (program === 'containerd') return void (await until('a containerd that answers', isContainerdThere));
  await until('a healthy kubelet', () => {
    // Newer kubelets exit when containerd is not ready, and expect systemd to start them again.
    if (!isAlive(pidOf('kubelet'))) startProgram('kubelet');
    return isKubeletHealthy();
  });
}

/** What containerd reports from now on, as `ctr events` prints it. Killing it ends it. */
export function containerdEvents(): ChildProcessByStdio<null, Readable, null> {
  return spawn('ctr', [...CTR, 'events'], { stdio: ['ignore', 'pipe', 'inherit'] });
}

function pidOf(program: Program): number {
  return Number(readFileSync(join(STATE, 'pid', `${program}.pid`), 'utf8'));
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
