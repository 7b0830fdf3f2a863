/** The pods whose times are compared: each does the same work, with the same helper beside it, or with none. */
import { join } from 'node:path';
import type { V1Container, V1Pod, V1VolumeMount } from '@kubernetes/client-node';
import { WAYS } from '../lifecycle/way.ts';
import { type PodOptions, pod, sidecars, steps } from '../manifests.ts';

/** A kind of pod. */
export interface Kind {
  about: string;
  /** The value of its namespace's label; undefined: it is not opted in. */
  label: 'enabled' | 'native' | undefined;
  /** @param round all mains wait for its end */
  make(name: string, round: number): V1Pod;
}

/** A folder of the node: a file in it, by the round's number, tells the mains of a round to end. */
export const SIGNALS = join(process.env.STATE ?? '', 'rounds');
/** The main prints a line as its first instruction, and one just before it ends. */
const work = (round: number) => `say working await /rounds/${round} say done`;
const DONE = '/shared/done';
const SHARED = { name: 'shared', mountPath: '/shared' };

/** The container that is measured. */
function main(list: string, mounts: V1VolumeMount[] = []): V1Container {
  return steps('main', list, { volumeMounts: [{ name: 'rounds', mountPath: '/rounds' }, ...mounts] });
}

/** A pod that can see when its round is over. */
function podOf(name: string, containers: V1Container[], options: PodOptions = {}): V1Pod {
  const volumes = [
    { name: 'rounds', hostPath: { path: SIGNALS } },
    { name: 'shared', emptyDir: {} },
  ];
  return pod(name, containers, { ...options, spec: { ...options.spec, volumes } });
}

export const KINDS = {
  plain: {
    about: 'one container',
    label: undefined,
    make: (name, round) => podOf(name, [main(`${work(round)} exit 0`)]),
  },
  init: {
    about: 'one container after an init container that ends at once',
    label: undefined,
    make: (name, round) =>
      podOf(name, [main(`${work(round)} exit 0`)], { spec: { initContainers: [steps('init', 'exit 0')] } }),
  },
  hand: {
    about:
      'two containers; the helper starts first and looks 20 times a second for a file that the main leaves',
    label: undefined,
    make: (name, round) =>
      podOf(name, [
        steps('helper', `await ${DONE} say told exit 0`, { volumeMounts: [SHARED] }),
        main(`${work(round)} touch ${DONE} exit 0`, [SHARED]),
      ]),
  },
  curfew: {
    about: 'two containers under Curfew',
    label: 'enabled',
    make: (name, round) =>
      podOf(name, [steps('helper', 'wait say told exit 0'), main(`${work(round)} exit 0`)], {
        annotations: sidecars('helper'),
      }),
  },
  native: {
    about: 'a native sidecar, written by hand',
    label: undefined,
    make: (name, round) => {
      const helper = { ...steps('helper', 'wait say told exit 0'), restartPolicy: 'Always' };
      return podOf(name, [main(`${work(round)} exit 0`)], { spec: { initContainers: [helper] } });
    },
  },
  converted: {
    about: 'two containers, of which Curfew makes one a native sidecar',
    label: 'native',
    make: (name, round) =>
      podOf(name, [steps('helper', 'wait say told exit 0'), main(`${work(round)} exit 0`)], {
        annotations: sidecars('helper'),
      }),
  },
} satisfies Record<string, Kind>;

export type KindName = keyof typeof KINDS;

const NAMES: readonly KindName[] = ['plain', 'init', 'hand', 'curfew', 'native', 'converted'];

/** The kinds of pods that this cluster supports. */
export const KIND_NAMES = NAMES.filter(
  (name) => (name !== 'native' && name !== 'converted') || WAYS.includes('native'),
);

/** Whether there is a helper beside the main. */
export function hasHelper(name: KindName): boolean {
  return name !== 'plain' && name !== 'init';
}
