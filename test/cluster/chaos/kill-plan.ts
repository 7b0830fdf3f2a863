/** What happens to one pod, all of it drawn from a seed. */

/** What is killed: the shim alone (the kernel then kills the rest), its process, all at once, or the pod's sandbox. */
export const PARTS = ['shim', 'child', 'container', 'sandbox'] as const;
export type Part = (typeof PARTS)[number];

/** A main: how long it works, and how that ends. */
interface PlannedMain {
  name: string;
  /** Seconds. */
  work: number;
  code: number;
  /** It fails once before (OnFailure). */
  failsFirst: boolean;
}

interface PlannedSidecar {
  name: string;
  /** Seconds from its start until its port is open, which the next ones wait for; absent: nobody does. */
  readyAfter?: number;
}

export interface KillPlan {
  restartPolicy: 'Never' | 'OnFailure';
  mains: PlannedMain[];
  sidecars: PlannedSidecar[];
  part: Part;
  /** A container's name; of no meaning for the sandbox. */
  victim: string;
  /** Milliseconds from the victim's first appearance. */
  after: number;
}

/** The same plan for the same seed. */
export function planFor(seed: number): KillPlan {
  const random = randomFrom(seed);
  const below = (limit: number) => Math.floor(random() * limit);
  const restartPolicy = below(2) === 0 ? 'Never' : 'OnFailure';
  const mains = ['main-1', 'main-2'].slice(0, 1 + below(2)).map((name) => {
    const work = 0.5 + below(30) / 10;
    const code = restartPolicy === 'Never' && below(4) === 0 ? 3 : 0;
    return { name, work, code, failsFirst: restartPolicy === 'OnFailure' && below(4) === 0 };
  });
  const sidecars = ['proxy-1', 'proxy-2'].slice(0, 1 + below(2)).map((name) => {
    return below(2) === 0 ? { name } : { name, readyAfter: below(15) / 10 };
  });
  // The sandbox is one of four or five things to kill; a container's processes are most of them.
  const part = PARTS[below(10) === 0 ? 3 : below(3)] ?? 'shim';
  const victim = [...mains, ...sidecars][below(mains.length + sidecars.length)]?.name ?? '';
  // Until the work is done, and a little longer: the sidecars' end is a moment too.
  const after = below(1_000 * Math.max(...mains.map((main) => main.work)) + 1_000);
  return { restartPolicy, mains, sidecars, part, victim, after };
}

/** Mulberry32: numbers from 0 to 1, the same ones for the same seed. */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
