/** Objects as an API server gives them, for the commands that look at a cluster. */
import type { JsonRecord } from '../../../webhook/shared/json.ts';

export const NOW = Date.parse('2026-11-29T12:00:00Z');
/** So many minutes ago, by {@link NOW} or by the clock. */
export const ago = (minutes: number, now = NOW) => new Date(now - minutes * 60_000).toISOString();

export const running = (since = ago(60)): JsonRecord => ({ running: { startedAt: since } });
export const exited = (
  exitCode: number,
  at = ago(30),
  reason = exitCode === 0 ? 'Completed' : 'Error',
): JsonRecord => ({
  terminated: { exitCode, reason, finishedAt: at },
});
export const waiting = (reason: string, message = ''): JsonRecord => ({ waiting: { reason, message } });

/** A container with its state. */
export interface Part {
  name: string;
  image?: string;
  spec?: JsonRecord;
  state?: JsonRecord;
  lastState?: JsonRecord;
  restartCount?: number;
  started?: boolean;
  ready?: boolean;
}

export interface PodParts {
  name?: string;
  namespace?: string;
  containers: readonly Part[];
  initContainers?: readonly Part[];
  phase?: string;
  restartPolicy?: string;
  annotations?: JsonRecord;
  labels?: JsonRecord;
  /** Of `metadata`, `spec` and `status`, beside what is made here. */
  metadata?: JsonRecord;
  spec?: JsonRecord;
  status?: JsonRecord;
  /** The Job that made it. */
  job?: string;
}

export const MAIN: Part = { name: 'migrate', image: 'shop/migrate:1', spec: { command: ['/migrate'] } };
export const PROXY: Part = {
  name: 'cloud-sql-proxy',
  image: 'gcr.io/cloud-sql-connectors/cloud-sql-proxy:2',
  spec: { command: ['/cloud-sql-proxy'] },
};

/** A pod. */
export function aPod(parts: PodParts): JsonRecord {
  const { name = 'migrate-x7k2p', namespace = 'shop', containers, initContainers = [], job } = parts;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      ...{ name, namespace, uid: `uid-${name}`, creationTimestamp: ago(120) },
      ...(parts.annotations === undefined ? {} : { annotations: parts.annotations }),
      labels: { ...parts.labels, ...(job === undefined ? {} : { 'job-name': job }) },
      ...(job === undefined
        ? {}
        : { ownerReferences: [{ kind: 'Job', name: job, uid: `uid-${job}`, controller: true }] }),
      ...parts.metadata,
    },
    spec: {
      restartPolicy: parts.restartPolicy ?? 'Never',
      containers: containers.map(specOf),
      ...(initContainers.length === 0 ? {} : { initContainers: initContainers.map(specOf) }),
      ...parts.spec,
    },
    status: {
      phase: parts.phase ?? 'Running',
      containerStatuses: containers.map(statusOf),
      initContainerStatuses: initContainers.map(statusOf),
      ...parts.status,
    },
  };
}

const specOf = ({ name, image = 'shop/app:1', spec }: Part): JsonRecord => ({ name, image, ...spec });

const statusOf = ({
  name,
  state = running(),
  lastState = {},
  restartCount = 0,
  started,
  ready = true,
}: Part): JsonRecord => ({
  ...{ name, state, lastState, restartCount, ready },
  ...(started === undefined ? {} : { started }),
});

/** Make a container one that runs under the shim. */
export function wrapped(part: Part, role: 'main' | 'sidecar'): Part {
  const words = [
    '/curfew/bin/curfew-shim',
    role,
    `--name=${part.name}`,
    '--mains=migrate',
    '--sidecars=cloud-sql-proxy',
  ];
  return { ...part, spec: { command: [...words, '--restart-policy=Never', '--'], args: ['/program'] } };
}

/** A Job. */
export function aJob(
  name: string,
  more: { status?: JsonRecord; spec?: JsonRecord; metadata?: JsonRecord } = {},
): JsonRecord {
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name, namespace: 'shop', uid: `uid-${name}`, creationTimestamp: ago(120), ...more.metadata },
    spec: { template: { spec: { restartPolicy: 'Never', containers: [specOf(MAIN)] } }, ...more.spec },
    status: { active: 1, ...more.status },
  };
}

export function aNamespace(name: string, labels: JsonRecord = {}): JsonRecord {
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } };
}

export function aWarning(uid: string, reason: string, message: string, at = ago(5)): JsonRecord {
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name: `${uid}.${reason}`, namespace: 'shop' },
    ...{ type: 'Warning', reason, message, lastTimestamp: at, involvedObject: { uid } },
  };
}
