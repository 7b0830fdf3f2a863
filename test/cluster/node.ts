/**
 * Faults of the node below the API: containers that are killed, restarts of the kubelet and of containerd, a power cut. The node is this machine, or a
 * virtual one in which an agent does the same (node/agent.ts); tests need not know which.
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { z } from 'zod';
import type { ContainerStatus, Pod } from './cluster.ts';
import { until } from './kubectl.ts';
import * as local from './node/local.ts';

const STATE = process.env.STATE ?? '';
/** URL of the agent in the virtual machine; empty where this machine is the node. */
const AGENT = process.env.CURFEW_NODE_AGENT ?? '';

/** Whether the node is a virtual machine. */
export const VIRTUAL = AGENT !== '';

/** Whether the node's kernel has cgroup v2. */
export const UNIFIED_CGROUPS = VIRTUAL || existsSync('/sys/fs/cgroup/cgroup.controllers');

/** What is done on the node itself. */
type Below = {
  killContainer(id: string): Promise<void> | void;
  removeContainer(id: string): Promise<void> | void;
  sandboxesOf(uid: string): Promise<string[]> | string[];
  killPod(uid: string): Promise<void>;
  stopProgram(program: local.Program): Promise<void>;
  startProgram(program: local.Program): Promise<void> | void;
  awaitProgram(program: local.Program): Promise<void>;
};

/** Ask the agent to call a function. @throws with its error */
async function call(name: keyof Below, argument: string): Promise<unknown> {
  const response = await fetch(`${AGENT}/${name}`, { method: 'POST', body: argument });
  const text = await response.text();
  if (!response.ok) throw new Error(`the node's agent, ${name}: ${text}`);
  return JSON.parse(text);
}

const remote: Below = {
  killContainer: async (id) => void (await call('killContainer', id)),
  removeContainer: async (id) => void (await call('removeContainer', id)),
  sandboxesOf: async (uid) => z.array(z.string()).parse(await call('sandboxesOf', uid)),
  killPod: async (uid) => void (await call('killPod', uid)),
  stopProgram: async (program) => void (await call('stopProgram', program)),
  startProgram: async (program) => void (await call('startProgram', program)),
  awaitProgram: async (program) => void (await call('awaitProgram', program)),
};

const below: Below = VIRTUAL ? remote : local;

/** Kill every process of a container at once, the shim among them, from outside. */
export async function killContainer(id: string): Promise<void> {
  await below.killContainer(id);
}

/** Delete a container that has ended from containerd. Its CRI service notices that when containerd is started again. */
export async function removeContainer(id: string): Promise<void> {
  await below.removeContainer(id);
}

/** A container's name at containerd. */
export function idOf(status: ContainerStatus | undefined): string {
  return status?.containerID?.replace('containerd://', '') ?? '';
}

/** The containers that hold a pod's network namespace. */
export async function sandboxesOf(pod: Pod): Promise<string[]> {
  return below.sandboxesOf(pod.metadata.uid);
}

/** The effect of a reboot on a pod: its sandbox and all containers die at once, and its volumes stay. */
export async function killPod(pod: Pod): Promise<void> {
  await below.killPod(pod.metadata.uid);
}

/**
 * Stop the kubelet and start it again, as it was started.
 * @param meanwhile called while the node has no kubelet
 */
export async function restartKubelet(meanwhile: () => Promise<void> | void = () => {}): Promise<void> {
  await restart('kubelet', meanwhile);
}

/** The same for containerd. The containers go on under their own containerd-shim. */
export async function restartContainerd(meanwhile: () => Promise<void> | void = () => {}): Promise<void> {
  await restart('containerd', meanwhile);
}

async function restart(program: local.Program, meanwhile: () => Promise<void> | void): Promise<void> {
  await below.stopProgram(program);
  try {
    await meanwhile();
  } finally {
    await below.startProgram(program);
  }
  await below.awaitProgram(program);
}

/** Cut the power of a node that is a virtual machine, and boot it again: what it had not written to its disk is lost. */
export async function cutPower(): Promise<void> {
  const pid = readFileSync(join(STATE, 'pid', 'vm.pid'), 'utf8').trim();
  process.kill(Number(pid), 'SIGKILL');
  await until('the end of the virtual machine', () => (existsSync(`/proc/${pid}`) ? undefined : true));
  execFileSync(join(STATE, 'bin', 'vm'));
  await until('a machine that answers', async () => {
    try {
      return (await fetch(AGENT)).ok || undefined;
    } catch {
      return undefined; // it still boots
    }
  });
}

/** What containerd reports from now on, as `ctr events` prints it, until the signal. */
export async function containerdEvents(signal: AbortSignal): Promise<Readable> {
  if (!VIRTUAL) {
    const events = local.containerdEvents();
    signal.addEventListener('abort', () => events.kill());
    return events.stdout;
  }
  const response = await fetch(`${AGENT}/events`, { signal });
  if (response.body === null) throw new Error("the node's agent answers without events");
  return Readable.fromWeb(response.body).on('error', () => {}); // from the signal
}

/** Fetch the logs of a node that is a virtual machine into a folder. */
export async function fetchLogs(folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const { body } = await fetch(`${AGENT}/logs`);
  if (body === null) throw new Error("the node's agent answers without logs");
  // To the end of the stream: tar would stop at the archive's own end, and the rest would have no reader.
  const tar = spawn('tar', ['-x', '--ignore-zeros', '-C', folder], { stdio: ['pipe', 'inherit', 'inherit'] });
  const ended = once(tar, 'close');
  await pipeline(Readable.fromWeb(body), tar.stdin);
  await ended;
}
