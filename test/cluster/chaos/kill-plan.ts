/** The plan of one pod and its kill, drawn from a seed. */
import { Random } from '../../chaos/random.ts';

/** The target of a kill: the shim alone (the kernel then kills the rest), its process, all at once, or the pod's sandbox. */
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
  /** Seconds from its start until its port is open, for which the next ones wait; absent: it has no readiness condition. */
  readyAfter?: number;
}

export interface KillPlan {
  restartPolicy: 'Never' | 'OnFailure';
  mains: PlannedMain[];
  sidecars: PlannedSidecar[];
  part: Part;
  /** A container's name; not used for the sandbox. */
  victim: string;
  /** The mains work until the victim serves again. It is a sidecar whose process is killed. */
  held: boolean;
  /** Milliseconds from the victim's first appearance. */
  after: number;
}

/** Draw a plan. The same seed gives the same plan. */
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
  // One of four or five kills is of the sandbox; most are of a container's processes.
  const part = random.chance(10)
    ? 'sandbox'
    : random.of('shim' as const, 'child' as const, 'container' as const);
  const victim = random.from([...mains, ...sidecars])?.name ?? '';
  // The time reaches a little beyond the work, so that sidecars are killed at their end too.
  const after = random.whole(0, 1_000 * Math.max(...mains.map((main) => main.work)) + 999);
  // In the other half of such pods the work may end at the moment of the kill.
  const held = part === 'child' && sidecars.some((item) => item.name === victim) && random.chance(50);
  return { restartPolicy, mains, sidecars, part, victim, held, after };
}
