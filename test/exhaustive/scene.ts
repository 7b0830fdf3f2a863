/** One case, made ready to be searched. */
import type { Context } from '../../shim/lifecycle.ts';
import { SIGTERM } from '../../shim/signals.ts';
import { type Case, optionsOf } from './case.ts';
import type { Machines } from './machines.ts';

/** What never changes while one case is searched. */
export interface Scene {
  pod: Case;
  names: readonly string[];
  machines: Machines;
  contexts: readonly Context[];
  /** The context of a container's first, second and any later start. */
  contextAt: (who: number, starts: number) => Context | undefined;
  /** Whom each container's shim watches, in the order in which it looks at them (driver.ts). */
  others: readonly (readonly number[])[];
}

export function sceneOf(pod: Case, machines: Machines): Scene {
  const names = [...pod.mains, ...pod.sidecars];
  const contexts = [1, 2, 3].map((attempt) =>
    names.map(
      (_, who): Context => ({ options: optionsOf(pod, who), epoch: 'now', attempt, stopSignal: SIGTERM }),
    ),
  );
  return {
    pod,
    names,
    machines,
    contexts: contexts[0] ?? [],
    contextAt: (who, starts) => contexts[Math.max(starts, 1) - 1]?.[who],
    others: names.map((_, who) => names.map((_, other) => other).filter((other) => other !== who)),
  };
}
