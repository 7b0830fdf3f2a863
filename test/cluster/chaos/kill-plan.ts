/** What happens to one pod, all of it drawn from a seed. */
import { Random } from '../../chaos/random.ts';

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
  /** The mains work on until the victim, a sidecar whose process is killed, serves again. */
  held: boolean;
  /** Milliseconds from the victim's first appearance. */
  after: number;
}

/** The same plan for the same seed. */
export function planFor(seed: number): KillPlan {
  const random = new Random(seed);
  const restartPolicy = random.of('Never' as const, 'OnFailure' as const);
  const mains = ['main-1', 'main-2'].slice(0, random.whole(1, 2)).map((name) => {
    const work = 0.5 + random.whole(0, 29) / 10;
    const code = restartPolicy === 'Never' && random.chance(25) ? 3 : 0;
    return { name, work, code, failsFirst: restartPolicy === 'OnFailure' && random.chance(25) };
  });
  const sidecars = ['proxy-1', 'proxy-2'].slice(0, random.whole(1, 2)).map((name) => {
    return random.chance(50) ? { name } : { name, readyAfter: random.whole(0, 14) / 10 };
  });
  // The sandbox is one of four or five things to kill; a container's processes are most of them.
  const part = random.chance(10)
    ? 'sandbox'
    : random.of('shim' as const, 'child' as const, 'container' as const);
  const victim = random.from([...mains, ...sidecars])?.name ?? '';
  // Until the work is done, and a little longer: the sidecars' end is a moment too.
  const after = random.whole(0, 1_000 * Math.max(...mains.map((main) => main.work)) + 999);
  // In the other half of such pods the work may end just then.
  const held = part === 'child' && sidecars.some((item) => item.name === victim) && random.chance(50);
  return { restartPolicy, mains, sidecars, part, victim, held, after };
}
