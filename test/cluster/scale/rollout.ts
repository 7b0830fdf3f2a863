/** A Deployment of many pods, and its change to another version of their template. */
import { z } from 'zod';
import { ask, askText } from '../api-server.ts';
import { until } from '../kubectl.ts';
import { ON_SIMULATED } from './simulated-nodes.ts';
import { twoContainers } from './two-containers.ts';

/** So long may it take, in ms. */
const PATIENCE = 1_800_000;
const NAME = 'shop';
const CREATED = 201;

const DEPLOYMENT = z.object({
  metadata: z.object({ generation: z.number() }),
  status: z.object({
    observedGeneration: z.number().default(0),
    replicas: z.number().default(0),
    updatedReplicas: z.number().default(0),
    availableReplicas: z.number().default(0),
  }),
});

/** What the API server has counted of something it times. */
export interface Timed {
  count: number;
  /** Seconds in all of them. */
  seconds: number;
}

/** Create it, and wait until all its pods are available. */
export async function deploy(namespace: string, pods: number): Promise<void> {
  const { metadata, spec } = twoContainers('x');
  const labels = { app: NAME };
  const template = {
    metadata: { labels, annotations: metadata?.annotations ?? {} },
    spec: { ...spec, ...ON_SIMULATED, restartPolicy: 'Always', terminationGracePeriodSeconds: 1 },
  };
  const deployment = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: NAME },
    // The default strategy: a quarter more, a quarter less.
    spec: { replicas: pods, progressDeadlineSeconds: 3_600, selector: { matchLabels: labels }, template },
  };
  const { status, body } = await ask('POST', `/apis/apps/v1/namespaces/${namespace}/deployments`, deployment);
  if (status !== CREATED) throw new Error(`the Deployment is refused: ${JSON.stringify(body)}`);
  await updated(namespace, pods, () => {});
}

/**
 * Change the template, and wait until all pods are of the new one.
 * @param halfway called once, when half of them are
 * @returns seconds
 */
export async function rollOut(namespace: string, pods: number, halfway: () => void): Promise<number> {
  const template = { metadata: { annotations: { version: '2' } } };
  const begin = performance.now();
  await ask('PATCH', path(namespace), { spec: { template } });
  await updated(namespace, pods, halfway);
  return (performance.now() - begin) / 1_000;
}

/** Delete it, and wait until its pods are gone. */
export async function remove(namespace: string): Promise<void> {
  await ask('DELETE', path(namespace), { propagationPolicy: 'Background' });
  const LIST = z.object({ items: z.array(z.unknown()) });
  await until(
    `the pods of ${namespace} to be gone`,
    async () => {
      const { body } = await ask('GET', `/api/v1/namespaces/${namespace}/pods?limit=1`);
      return LIST.parse(body).items.length === 0 ? true : undefined;
    },
    PATIENCE,
  );
}

/** Refusals of pods that the ReplicaSets' controller had to repeat: its Events say how often. */
export async function refusals(namespace: string): Promise<number> {
  const EVENTS = z.object({
    items: z.array(z.object({ reason: z.string(), count: z.number().nullish() })),
  });
  const { body } = await ask('GET', `/api/v1/namespaces/${namespace}/events`);
  return EVENTS.parse(body)
    .items.filter(({ reason }) => reason === 'FailedCreate')
    .reduce((sum, { count }) => sum + (count ?? 1), 0);
}

/** The creations of pods so far, and the calls of our webhook. */
export async function timedSoFar(): Promise<{ creations: Timed; calls: Timed }> {
  const lines = (await askText('GET', '/metrics')).text.split('\n');
  const sumOf = (metric: string, ...labels: string[]) =>
    lines
      .filter((line) => line.startsWith(`${metric}{`) && labels.every((label) => line.includes(label)))
      .reduce((total, line) => total + Number(line.slice(line.lastIndexOf(' '))), 0);
  const timed = (metric: string, ...labels: string[]): Timed => ({
    count: sumOf(`${metric}_count`, ...labels),
    seconds: sumOf(`${metric}_sum`, ...labels),
  });
  return {
    creations: timed(
      'apiserver_request_duration_seconds',
      'verb="POST"',
      'resource="pods"',
      'subresource=""',
      'dry_run=""',
    ),
    calls: timed('apiserver_admission_webhook_admission_duration_seconds', 'curfew.dev"'),
  };
}

/** ms each, between two counts. */
export function meanBetween(before: Timed, after: Timed): number {
  const count = after.count - before.count;
  return count === 0 ? 0 : ((after.seconds - before.seconds) / count) * 1_000;
}

async function updated(namespace: string, pods: number, halfway: () => void): Promise<void> {
  let isHalf = false;
  await until(
    `${pods} pods of the Deployment in ${namespace}`,
    async () => {
      const { metadata, status } = DEPLOYMENT.parse((await ask('GET', path(namespace))).body);
      if (status.observedGeneration < metadata.generation) return undefined;
      if (!isHalf && status.updatedReplicas >= pods / 2) {
        isHalf = true;
        halfway();
      }
      return [status.replicas, status.updatedReplicas, status.availableReplicas].every((n) => n === pods)
        ? true
        : undefined;
    },
    PATIENCE,
  );
}

function path(namespace: string): string {
  return `/apis/apps/v1/namespaces/${namespace}/deployments/${NAME}`;
}
