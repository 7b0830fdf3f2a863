/**
 * One command for each kind of machine: an image may run something else on each, and which one a pod lands on is known only there.
 * The words of all stand in the container's args, one machine after the other; `--by-machine=amd64:2,arm64:1` says whose they are.
 */

/** The machines that the shim is built for, in Kubernetes' words (`kubernetes.io/arch`). */
export const MACHINES = ['amd64', 'arm64'] as const;
export type Machine = (typeof MACHINES)[number];

/** So many words of a command are of this machine alone. */
export interface MachineWords {
  machine: Machine;
  words: number;
}

/** Parse the value of `--by-machine`; undefined for anything else. */
export function parseByMachine(text: string): MachineWords[] | undefined {
  const all: MachineWords[] = [];
  for (const part of text.split(',')) {
    const [name, count, ...rest] = part.split(':');
    const machine = MACHINES.find((one) => one === name);
    const words = count === undefined || count === '' ? Number.NaN : Number(count);
    if (machine === undefined || rest.length > 0 || !(Number.isInteger(words) && words >= 0))
      return undefined;
    all.push({ machine, words });
  }
  return all;
}

/** How many words of a command are of one machine alone. */
export function machineWords(byMachine: readonly MachineWords[]): number {
  return byMachine.reduce((sum, { words }) => sum + words, 0);
}

/** The words of a command that are of other machines than this: where they begin and how many they are, the last first. */
export function othersWords(
  byMachine: readonly MachineWords[],
  machine: string,
): [at: number, words: number][] {
  const others: [number, number][] = [];
  let at = 0;
  for (const own of byMachine) {
    if (own.machine !== machine) others.unshift([at, own.words]);
    at += own.words;
  }
  return others;
}
