/** Which pods are searched, and how much trouble each of them gets. */
import type { RestartPolicy } from '../../shim/protocol.ts';
import type { Case, Trouble } from './case.ts';

/** Of these one on a path is enough to be wrong. */
const ONCE: readonly Trouble[] = [
  'killed-late',
  'reboot',
  'sandbox-dies',
  'not-again',
  'change-missed',
  'look-torn',
  'frozen',
  'clock-jump',
  'idle',
  'unwritable',
  'cannot-run',
];

const MAINS = ['work', 'more'];
const SIDECARS = ['first', 'second'];
const POLICIES: readonly RestartPolicy[] = ['Never', 'OnFailure', 'Always'];

/** How long a search may take: two minutes (for each change), half an hour, or as long as it wants. */
export type Depth = 'quick' | 'usual' | 'deep';

interface Shape {
  mains: number;
  sidecars: number;
  /** How much trouble a plain pod of this shape gets, and one of each other kind; absent: those are left out. */
  trouble: Record<Depth, readonly [plain: number, other?: number]>;
}

const SHAPES: readonly Shape[] = [
  { mains: 1, sidecars: 1, trouble: { quick: [2, 1], usual: [3, 2], deep: [4, 3] } },
  { mains: 2, sidecars: 1, trouble: { quick: [0, 0], usual: [2, 1], deep: [2, 2] } },
  { mains: 1, sidecars: 2, trouble: { quick: [0, 0], usual: [1, 1], deep: [2, 2] } },
  { mains: 2, sidecars: 2, trouble: { quick: [0], usual: [0, 0], deep: [1, 1] } },
];

/** What differs from a pod whose containers all have probes, whose sidecars all have readiness conditions, and no hooks. */
interface Kind {
  name: string;
  change: (pod: Case) => Partial<Case>;
}

const KINDS: readonly Kind[] = [
  { name: '', change: () => ({}) },
  { name: 'no probes', change: () => ({ probed: false }) },
  { name: 'no readiness', change: () => ({ gated: [] }) },
  { name: 'never ready, start-timeout', change: () => ({ neverReady: true, startTimeout: 20_000 }) },
  { name: 'stop-timeout', change: () => ({ stopTimeout: 1_500 }) },
  { name: 'a short probe grace', change: () => ({ aloneGrace: 1_000 }) },
  { name: 'a long probe grace', change: () => ({ aloneGrace: 20_000 }) },
  { name: 'mains with preStop', change: ({ mains }) => ({ preStop: mains }) },
  { name: 'an end restarts all', change: () => ({ restartsAll: true }) },
  { name: 'an end restarts all, no probes', change: () => ({ restartsAll: true, probed: false }) },
  { name: 'sidecars started twice before', change: () => ({ startsBefore: 2 }) },
  { name: 'a sidecar with preStop', change: ({ sidecars }) => ({ preStop: sidecars.slice(0, 1) }) },
];

/** All cases, smallest pods first. */
export function allCases(depth: Depth): Case[] {
  return SHAPES.flatMap((shape) =>
    KINDS.flatMap((kind) => {
      const [plain, other] = shape.trouble[depth];
      const trouble = kind.name === '' ? plain : other;
      return trouble === undefined ? [] : POLICIES.map((policy) => caseOf(shape, kind, policy, trouble));
    }),
  );
}

function caseOf(shape: Shape, kind: Kind, policy: RestartPolicy, trouble: number): Case {
  const words = [`${shape.mains}+${shape.sidecars}`, policy, kind.name];
  const pod: Case = {
    name: words.filter((word) => word !== '').join(' '),
    mains: MAINS.slice(0, shape.mains),
    sidecars: SIDECARS.slice(0, shape.sidecars),
    policy,
    grace: 8_000,
    probed: true,
    preStop: [],
    gated: SIDECARS.slice(0, shape.sidecars),
    neverReady: false,
    startsBefore: 0,
    trouble,
    once: ONCE,
  };
  return { ...pod, ...kind.change(pod) };
}
