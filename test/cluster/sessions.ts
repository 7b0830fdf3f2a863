/** The sessions: the settings of each cluster, and the tests that run in it. */
import { join } from 'node:path';
import type { Images } from './preparation.ts';

/** One cluster, from its boot to its end, and the tests that it serves. */
export interface Session {
  /** The subject of its tests. */
  about: string;
  /** Where its tests lie: every `*.cluster.ts` there. */
  folder: string;
  /** Test files that disturb the whole node, or whom others disturb: they run when the others are done, one at a time. */
  last?: readonly string[];
  /** A program in that folder that runs in place of tests. */
  program?: string;
  /** The images that its node loads. */
  images: Images;
  /** Whether it needs a release of this tree and the one before (release/releases.ts). */
  releases?: boolean;
  /** `process`: the webhook runs beside the cluster and is registered by URL; `none`: its tests install it. */
  webhook: 'process' | 'none';
  /** Test files at a time. On two cores they mostly wait for the kubelet. */
  concurrency: number;
  /** The timeout of one test, in milliseconds. */
  timeout: number;
  /** A configuration file whose `images.entrypoints` the webhook has too. */
  entrypoints?: string;
  /** Whether `npm run test:cluster` runs it without `--session`. */
  usual: boolean;
  /** What of it runs where the node is a virtual machine (`--vm`). Left out: nothing, because its tests ask nothing of the node. */
  virtual?: Virtual;
}

/** A session on a node that is a virtual machine, which has a tenth of this one's speed: its test files, all unless some are named, and what runs its containers. */
export type Virtual = { runtime: 'runc' | 'crun'; only?: readonly string[]; why?: string } | { none: string };

/** A virtual node is so much slower: every wait may take that many times as long. */
export const VIRTUAL_SLOWNESS = 6;
/** Test files at a time there. */
export const VIRTUAL_CONCURRENCY = 2;

/** Why a virtual node runs nothing of a session; undefined where it runs something. */
export function notVirtual(name: SessionName): string | undefined {
  const { virtual = { none: 'its tests ask nothing of the node' } } = SESSIONS[name];
  return 'none' in virtual ? `the session ${name} does not run with --vm: ${virtual.none}` : undefined;
}

const HERE = import.meta.dirname;

const TABLE = {
  rules: {
    about: "the contract's rules; the webhook runs as a process beside the cluster",
    folder: HERE,
    // `check` looks at all registrations of the cluster, and other tests make some.
    last: ['looking.cluster.ts', 'power.cluster.ts'],
    images: {
      tests: ['steps', 'quit', 'busybox', 'postgres', 'istio', 'linkerd', 'vault'],
      curfew: ['shim'],
    },
    webhook: 'process',
    concurrency: 3,
    timeout: 300_000,
    usual: true,
    virtual: { runtime: 'crun' },
  },
  lifecycle: {
    about:
      "Kubernetes' own cases of a container's life, under Curfew and, where the cluster has them, as native sidecars",
    folder: join(HERE, 'lifecycle'),
    last: ['kubelet.cluster.ts', 'node-restart.cluster.ts'],
    images: { tests: ['steps', 'quit'], curfew: ['shim'] },
    webhook: 'process',
    concurrency: 4,
    timeout: 300_000,
    usual: true,
    virtual: {
      runtime: 'runc',
      only: ['kubelet.cluster.ts', 'node-restart.cluster.ts'],
      why: 'the others do not depend on the node, and would take hours',
    },
  },
  examples: {
    about: 'the recipes of examples/: as they are, wrapped, and natively where the cluster has it',
    folder: join(HERE, 'examples'),
    images: { tests: ['examples'], curfew: ['shim'] },
    webhook: 'process',
    entrypoints: join(HERE, '..', '..', 'examples', 'images.yaml'),
    concurrency: 2, // two files, each with all its pods at once
    timeout: 600_000,
    usual: true,
  },
  install: {
    about: 'the real images, the chart and the manifest in an empty cluster',
    folder: join(HERE, 'install'),
    images: { tests: ['steps'], curfew: ['curfew', 'shim'] },
    webhook: 'none',
    concurrency: 1, // there is one installation in a cluster
    timeout: 600_000,
    usual: true,
  },
  release: {
    about:
      'a release from a registry: install by helm install oci://, upgrade from the one before, roll back',
    folder: join(HERE, 'release'),
    images: { tests: ['steps'], curfew: [] },
    releases: true,
    webhook: 'none',
    concurrency: 1, // there is one installation in a cluster
    timeout: 600_000,
    usual: false,
  },
  chaos: {
    about: 'pods in a node that misbehaves (npm run test:chaos)',
    folder: join(HERE, 'chaos'),
    images: { tests: ['steps'], curfew: ['shim'] },
    webhook: 'process',
    concurrency: 2, // each test file has many pods of its own
    last: ['node.cluster.ts'],
    timeout: 600_000,
    usual: false,
    virtual: { none: "its tests read and kill this machine's processes" },
  },
  speed: {
    about: "times beside a plain pod's (npm run bench:pods)",
    folder: join(HERE, 'speed'),
    program: 'measure.ts',
    images: { tests: ['steps'], curfew: ['shim'] },
    webhook: 'process',
    concurrency: 1,
    timeout: 1_200_000,
    usual: false,
    virtual: { none: 'emulation has no speed to measure' },
  },
  scale: {
    about: 'pods a second a replica, and a rollout of 5,000 pods on simulated nodes (npm run bench:scale)',
    folder: join(HERE, 'scale'),
    program: 'measure.ts',
    images: { tests: ['steps'], curfew: ['curfew', 'shim'] },
    webhook: 'none', // the real one, by the chart
    concurrency: 1,
    timeout: 3_600_000,
    usual: false,
    virtual: { none: 'emulation has no speed to measure' },
  },
} satisfies Record<string, Session>;

export type SessionName = keyof typeof TABLE;

export const SESSIONS: Record<SessionName, Session> = TABLE;

export function isSession(name: string): name is SessionName {
  return Object.hasOwn(TABLE, name);
}

/** The sessions in the order in which they run. */
export const SESSION_NAMES: readonly SessionName[] = Object.keys(TABLE).filter(isSession);
