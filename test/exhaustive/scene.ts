/** One case, made ready to be searched. */
import type { Context } from '../../shim/lifecycle.ts';
import { SIGTERM } from '../../shim/signals.ts';
import type { Machines } from './machines.ts';
import { type Case, optionsOf } from './pod.ts';

/** What never changes while one case is searched. */
export interface Scene {
  pod: Case;
  names: readonly string[];
  machines: Machines;
  contexts: readonly Context[];
  /** Whom each container's shim watches, in the order in which it looks at them (driver.ts). */
  others: readonly (readonly number[])[];
}

export function sceneOf(pod: Case, machines: Machines): Scene {
  const names = [...pod.mains, ...pod.sidecars];
  return {
    pod,
    names,
    machines,
    contexts: names.map((_, who) => ({ options: optionsOf(pod, who), epoch: 'now', stopSignal: SIGTERM })),
    others: names.map((_, who) => names.map((_, other) => other).filter((other) => other !== who)),
  };
}
