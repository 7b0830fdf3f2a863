/** What the commands that look at a cluster ask of the API server: every call reads, and is bounded in size and time. */
import type { Duplex } from 'node:stream';
import { isRecord, type JsonRecord, member } from '../shared/json.ts';
import { type Executed, execute, forward } from './channel.ts';
import { A_PERSON, KubernetesError } from './error.ts';
import { type Choice, personalConfig } from './kubeconfig.ts';
import { ListItems } from './list-items.ts';
import { requestsOver } from './request.ts';

/** A kind of object, with the group's path: `/apis/batch/v1`, `jobs`. */
export interface Resource {
  api: string;
  plural: string;
  /** False for namespaces and the like. */
  namespaced: boolean;
}

export interface Reader {
  /** The chosen context's, `default` where it has none. */
  namespace: string;
  /** GET any path. @returns undefined for 404 @throws {KubernetesError} */
  get(path: string, action: string): Promise<JsonRecord | undefined>;
  /** @returns undefined where it does not exist @throws {KubernetesError} */
  object(resource: Resource, namespace: string, name: string): Promise<JsonRecord | undefined>;
  /**
   * Items of a list, page by page.
   * @param namespace undefined: all
   * @param selector `labelSelector=a%3Db` or `fieldSelector=...`
   * @throws {KubernetesError}
   */
  list(resource: Resource, namespace?: string, selector?: string): AsyncGenerator<JsonRecord>;
  /** POST an object that is not stored: a dry run or an access review. @throws {KubernetesError} */
  ask(path: string, action: string, body: JsonRecord): Promise<JsonRecord>;
  /** The last lines of a container's log. @throws {KubernetesError} */
  log(pod: { namespace: string; name: string }, container: string, lines: number): Promise<string>;
  /** Run a program in a container. @throws {KubernetesError} */
  execute(
    pod: { namespace: string; name: string },
    container: string,
    command: readonly string[],
  ): Promise<Executed>;
  /** Connect to a pod's port. @throws {KubernetesError} */
  forward(pod: { namespace: string; name: string }, port: number): Promise<Duplex>;
}

export const PODS: Resource = { api: '/api/v1', plural: 'pods', namespaced: true };
export const NAMESPACES: Resource = { api: '/api/v1', plural: 'namespaces', namespaced: false };
export const EVENTS: Resource = { api: '/api/v1', plural: 'events', namespaced: true };
export const CONFIG_MAPS: Resource = { api: '/api/v1', plural: 'configmaps', namespaced: true };
export const JOBS: Resource = { api: '/apis/batch/v1', plural: 'jobs', namespaced: true };
export const CRON_JOBS: Resource = { api: '/apis/batch/v1', plural: 'cronjobs', namespaced: true };
/** Before Kubernetes 1.21. */
export const OLD_CRON_JOBS: Resource = { ...CRON_JOBS, api: '/apis/batch/v1beta1' };
export const DEPLOYMENTS: Resource = { api: '/apis/apps/v1', plural: 'deployments', namespaced: true };
export const STATEFUL_SETS: Resource = { ...DEPLOYMENTS, plural: 'statefulsets' };
export const DAEMON_SETS: Resource = { ...DEPLOYMENTS, plural: 'daemonsets' };
export const WEBHOOK_CONFIGURATIONS: Resource = {
  api: '/apis/admissionregistration.k8s.io/v1',
  plural: 'mutatingwebhookconfigurations',
  namespaced: false,
};

/** As kubectl's --chunk-size. */
const PAGE = 500;
const MAX_LOG_BYTES = 256 * 1024;
const MAX_OUTPUT_BYTES = 1024 * 1024;
const CALL_MS = 15_000;
const PAGE_MS = 60_000;
const EXECUTE_MS = 10_000;

/**
 * The cluster that a person means. No request is sent yet.
 * @throws {KubernetesError} `no-cluster`
 */
export function readCluster(choice: Choice, env?: NodeJS.ProcessEnv): Reader {
  const { config, namespace: own } = personalConfig(choice, env);
  const server = requestsOver(config, A_PERSON);
  const pathOf = ({ api, plural, namespaced }: Resource, namespace: string | undefined) =>
    `${api}${namespaced && namespace !== undefined ? `/namespaces/${encodeURIComponent(namespace)}` : ''}/${plural}`;
  const podPath = ({ namespace, name }: { namespace: string; name: string }) =>
    `${pathOf(PODS, namespace)}/${encodeURIComponent(name)}`;
  const get = (path: string, action: string) =>
    server.json({ action, method: 'GET', path, absent: true, deadline: CALL_MS });
  return {
    namespace: own,
    get,
    object: (resource, namespace, name) =>
      get(`${pathOf(resource, namespace)}/${encodeURIComponent(name)}`, `get ${resource.plural}/${name}`),
    list: async function* (resource, namespace, selector) {
      const action = `list ${resource.plural}${namespace === undefined ? '' : ` in namespace ${namespace}`}`;
      let token = '';
      for (;;) {
        const query = [
          `limit=${PAGE}`,
          ...(token === '' ? [] : [`continue=${encodeURIComponent(token)}`]),
          ...(selector === undefined ? [] : [selector]),
        ].join('&');
        const path = `${pathOf(resource, namespace)}?${query}`;
        const items = new ListItems();
        const next = yield* taken(
          server.pieces({ action, method: 'GET', path, deadline: PAGE_MS }),
          items,
          action,
        );
        // A server that gives the same token again would be asked for ever.
        if (next === '' || next === token) return;
        token = next;
      }
    },
    ask: async (path, action, body) => {
      const answer = await server.json({
        ...{ action, method: 'POST', path, contentType: 'application/json', body, deadline: 45_000 },
      });
      if (answer === undefined) throw new KubernetesError('malformed', action, 'there is no answer');
      return answer;
    },
    log: (pod, container, lines) =>
      server.text({
        action: `read the log of ${container} in pods/${pod.name}`,
        method: 'GET',
        path: `${podPath(pod)}/log?container=${encodeURIComponent(container)}&tailLines=${lines}&limitBytes=${MAX_LOG_BYTES}`,
        deadline: CALL_MS,
        most: 2 * MAX_LOG_BYTES,
      }),
    execute: (pod, container, command) => {
      const words = command.map((word) => `&command=${encodeURIComponent(word)}`).join('');
      return execute(
        config,
        {
          action: `exec in ${container} of pods/${pod.name}`,
          path: `${podPath(pod)}/exec?container=${encodeURIComponent(container)}&stdout=true&stderr=true${words}`,
          deadline: EXECUTE_MS,
        },
        MAX_OUTPUT_BYTES,
      );
    },
    forward: (pod, port) =>
      forward(config, {
        action: `connect to port ${port} of pods/${pod.name}`,
        path: `${podPath(pod)}/portforward?ports=${port}`,
        deadline: EXECUTE_MS,
      }),
  };
}

/** @returns the token of the next page; empty where there is none */
async function* taken(
  pieces: AsyncGenerator<Buffer>,
  items: ListItems,
  action: string,
): AsyncGenerator<JsonRecord, string> {
  try {
    for await (const piece of pieces) yield* items.push(piece);
    const metadata = member(items.end(), 'metadata');
    const next = isRecord(metadata) ? member(metadata, 'continue') : undefined;
    return typeof next === 'string' ? next : '';
  } catch (error) {
    if (error instanceof SyntaxError) throw new KubernetesError('malformed', action, 'the answer is no list');
    if (error instanceof RangeError) throw new KubernetesError('too-long', action, error.message);
    throw error;
  }
}
