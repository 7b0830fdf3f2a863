/** Processes as the kernel shows them from outside: who belongs to which container, whatever has become of its parent. */
import { readdirSync, readFileSync } from 'node:fs';
import { childrenOf, KILL, statusOf } from '../shim/container.ts';

/** In the environment of everything that a container starts. */
const MARK = 'CURFEW_CHAOS';

/** All processes that bear this mark, or one that begins with it, zombies aside. */
export function markedBy(mark: string): number[] {
  const pids: number[] = [];
  for (const name of readdirSync('/proc')) {
    if (name[0] === undefined || name[0] < '0' || name[0] > '9') continue;
    try {
      if (readFileSync(`/proc/${name}/environ`).includes(`${MARK}=${mark}`)) pids.push(Number(name));
    } catch {
      // It has gone.
    }
  }
  return pids.filter((pid) => !/^[ZX]/.test(statusOf(pid, 'State') ?? 'X'));
}

/** The worker among a shim's children: the others are tries of its readiness condition. */
export function workerOf(shim: number): number | undefined {
  return childrenOf(shim).find((pid) => argumentsOf(pid)[1] === 'live');
}

/** The pids of a shim's workers, as their own pid namespace counts them. */
export function innerWorkers(shim: number): number[] {
  return childrenOf(shim)
    .filter((pid) => argumentsOf(pid)[1] === 'live')
    .map(innerPid);
}

/** A process's pid as its own pid namespace counts it. */
export function innerPid(pid: number): number {
  return Number(statusOf(pid, 'NSpid')?.split('\t').at(-1));
}

/** Whether a signal is in a process's mask of that name (SigBlk, SigPnd, ShdPnd). */
export function isIn(pid: number, mask: 'SigBlk' | 'ShdPnd', signal: number): boolean {
  const text = statusOf(pid, mask);
  return text !== undefined && ((BigInt(`0x${text}`) >> BigInt(signal - 1)) & 1n) === 1n;
}

export function isThere(pid: number): boolean {
  const state = statusOf(pid, 'State');
  return state !== undefined && !/^[ZX]/.test(state);
}

/** Signal a process that may have gone. */
export function signalAny(pid: number, signal: number = KILL): boolean {
  try {
    process.kill(pid, signal);
    return true;
  } catch {
    return false;
  }
}

function argumentsOf(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  } catch {
    return [];
  }
}
