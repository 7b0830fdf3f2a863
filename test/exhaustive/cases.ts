/** Which pods are searched, and how much trouble each of them gets. */
import type { RestartPolicy } from '../../shim/protocol.ts';
import type { Case, Trouble } from './pod.ts';

/** Of these one on a path is enough to be wrong. */
const ONCE: readonly Trouble[] = ['reboot', 'change-missed', 'look-torn', 'frozen', 'clock-jump', 'idle'];

const MAINS = ['work', 'more'];
const SIDECARS = ['first', 'second'];
const POLICIES: readonly RestartPolicy[] = ['Never', 'OnFailure', 'Always'];

interface Shape {
  mains: number;
  sidecars: number;
  /** Trouble in an ordinary and in a deep search. */
  trouble: readonly [number, number];
}

const SHAPES: readonly Shape[] = [
  { mains: 1, sidecars: 1, trouble: [3, 4] },
  { mains: 2, sidecars: 1, trouble: [2, 3] },
  { mains: 1, sidecars: 2, trouble: [2, 3] },
  { mains: 2, sidecars: 2, trouble: [1, 2] },
];

/** What may differ from a pod whose containers all have probes, whose sidecars all have readiness conditions, and no hooks. */
const KINDS: readonly { name: string; change: (pod: Case) => Partial<Case>; less: number }[] = [
  { name: '', change: () => ({}), less: 0 },
  { name: 'no probes', change: () => ({ probed: false }), less: 1 },
  { name: 'no readiness', change: () => ({ gated: [] }), less: 1 },
  { name: 'never ready, start-timeout', change: () => ({ neverReady: true, startTimeout: 20_000 }), less: 1 },
  { name: 'stop-timeout', change: () => ({ stopTimeout: 1_500 }), less: 1 },
  { name: 'mains with preStop', change: ({ mains }) => ({ preStop: mains }), less: 1 },
  { name: 'a sidecar with preStop', change: ({ sidecars }) => ({ preStop: sidecars.slice(0, 1) }), less: 1 },
];

/** All cases, smallest pods first. */
export function allCases(deep: boolean): Case[] {
  return SHAPES.flatMap((shape) =>
    KINDS.flatMap((kind) =>
      POLICIES.map((policy): Case => {
        const pod: Case = {
          name: [`${shape.mains}+${shape.sidecars}`, policy, kind.name]
            .filter((word) => word !== '')
            .join(' '),
          mains: MAINS.slice(0, shape.mains),
          sidecars: SIDECARS.slice(0, shape.sidecars),
          policy,
          grace: 8_000,
          probed: true,
          preStop: [],
          gated: SIDECARS.slice(0, shape.sidecars),
          neverReady: false,
          trouble: Math.max(1, shape.trouble[deep ? 1 : 0] - kind.less),
          once: ONCE,
        };
        return { ...pod, ...kind.change(pod) };
      }),
    ),
  );
}
