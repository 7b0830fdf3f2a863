/** A pod of local processes: shims around one rendezvous on disk, as an installed pod has it. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Workshop } from './bench.ts';

export const MAIN = 'migrate';
export const SIDECAR = 'proxy';

/** Make a rendezvous ready, as the init container does. */
export function installRendezvous(workshop: Workshop, name: string): string {
  const run = join(workshop.scratch, name);
  const to = join(workshop.scratch, 'bin');
  for (const folder of [run, to]) mkdirSync(folder, { recursive: true });
  const flags = ['install', `--to=${to}`, `--run=${run}`, `--containers=${MAIN},${SIDECAR}`];
  execFileSync(workshop.shim, flags, { stdio: 'inherit' });
  return run;
}

/** The shim's words for one container of a pod with one main and one sidecar. */
export function shimCommand(
  workshop: Workshop,
  role: 'main' | 'sidecar',
  run: string,
  command: readonly string[],
  flags: readonly string[] = [],
): string[] {
  const name = role === 'main' ? MAIN : SIDECAR;
  return [
    workshop.shim,
    role,
    `--name=${name}`,
    `--run=${run}`,
    `--mains=${MAIN}`,
    `--sidecars=${SIDECAR}`,
    ...flags,
    '--',
    ...command,
  ];
}

/**
 * Start a command with no input and no output but stderr.
 * @param silent without stderr too, where a shim has to say something
 */
export function start(words: readonly string[], silent = false): ChildProcess {
  const [command = '', ...args] = words;
  return spawn(command, args, { stdio: ['ignore', 'ignore', silent ? 'ignore' : 'inherit'] });
}

/** Wait for its end. */
export async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
}

/** KILL it and wait for its end. */
export async function put(child: ChildProcess): Promise<void> {
  child.kill('SIGKILL');
  await ended(child);
}

/** Poll until a value is there; nothing that is timed stands on it. */
export async function until<T>(what: string, look: () => T | undefined): Promise<T> {
  const deadline = performance.now() + 10_000;
  for (;;) {
    const found = look();
    if (found !== undefined) return found;
    if (performance.now() > deadline) throw new Error(`waited 10 s in vain until ${what}`);
    await pause(5);
  }
}

/** The container's last marker says this phase. */
export function phaseReached(run: string, name: string, phase: string): true | undefined {
  return readText(join(run, `${name}.state`))?.includes(`"phase":"${phase}"`) ? true : undefined;
}

/** The processes that this one has started. */
export function childrenOf(pid: number): number[] {
  const text = readText(`/proc/${pid}/task/${pid}/children`) ?? '';
  return text
    .split(' ')
    .filter((word) => word !== '')
    .map(Number);
}

/** Whether a witness has made its file: from then on nothing escapes it. */
export function witnesses(file: string): boolean {
  return statSync(file, { throwIfNoEntry: false })?.size === 8;
}

/**
 * The time that a witness wrote, in ms of the monotonic clock.
 * @throws {Error} when it wrote none
 */
export function noted(file: string): number {
  const time = witnesses(file) ? readFileSync(file).readBigInt64LE() : 0n;
  if (time === 0n) throw new Error(`${file}: the process ended without noting its time`);
  return Number(time) / 1e6;
}

export function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
