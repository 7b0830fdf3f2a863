/**
 * The calls to the API server that Curfew needs: one Secret, the caBundle of one MutatingWebhookConfiguration, and Events. Every
 * answer is parsed, with bounds on its size and time.
 *
 * Import this file lazily (`await import`): it loads `@kubernetes/client-node`, which only a webhook that manages its certificate or
 * writes Events needs.
 */
import { type JsonRecord, member } from '../shared/json.ts';
import { KubernetesError } from './error.ts';
import {
  encodeData,
  type ObjectName,
  parseConfiguration,
  parseSecret,
  type StoredConfiguration,
  type StoredSecret,
  toBase64,
  type Watched,
  type Written,
} from './objects.ts';
import { connect, type KubernetesRequests } from './request.ts';
import { WatchEvents } from './watch-events.ts';

/** Every call rejects only with a {@link KubernetesError}, and within its deadline. */
export interface Kubernetes {
  /** @returns undefined where it does not exist */
  readSecret(secret: ObjectName): Promise<StoredSecret | undefined>;
  /** Set these keys of an existing Secret, and remove those with undefined. Other keys stay. */
  patchSecret(
    secret: ObjectName,
    resourceVersion: string,
    data: ReadonlyMap<string, string | undefined>,
  ): Promise<Written>;
  /** Create a Secret. `conflict`: it exists already, with other values. */
  createSecret(secret: ObjectName, data: ReadonlyMap<string, string | undefined>): Promise<Written>;
  /** @returns undefined where it does not exist */
  readConfiguration(name: string): Promise<StoredConfiguration | undefined>;
  /** Set the caBundle (PEM) of these webhooks of a configuration. */
  patchCaBundle(
    name: string,
    resourceVersion: string,
    webhooks: readonly string[],
    caBundle: string,
  ): Promise<Written>;
  /**
   * Watch one object until the connection ends. `seen` is called when the watch begins, and after each change.
   * @param from `cache`: from what the API server has in memory (resourceVersion 0), which it always has. `now`: from the newest
   * @returns when the server ends the watch, as it does every few minutes
   * @throws {KubernetesError} also for an error that the server sends as an event; `expired`: watch again, from the cache
   */
  watch(
    object: Watched,
    seen: (what: 'begun' | 'changed') => void,
    signal: AbortSignal,
    from?: 'now' | 'cache',
  ): Promise<void>;
  /** The API server's version as its `/version` has it, `v1.32.4`; empty where it says none. */
  readVersion(): Promise<string>;
  /** Create a core/v1 Event. `event` is the object without apiVersion and kind. */
  createEvent(namespace: string, event: JsonRecord): Promise<void>;
}

/** Curfew's name in metadata.managedFields. */
const FIELD_MANAGER = 'curfew';
/** After this time the API server ends a watch. The client does so 30 s later, in case the connection was lost unnoticed. */
const WATCH_SECONDS = 300;

/**
 * The API server of the pod's own cluster or, outside of a pod, of the kubeconfig that `KUBECONFIG` names.
 * @param env the process's environment
 * @param stop ends every call
 * @param deadline milliseconds that a call may take
 * @throws {KubernetesError} `no-cluster`
 */
export async function connectKubernetes(
  env: NodeJS.ProcessEnv,
  stop?: AbortSignal,
  deadline = 10_000,
): Promise<Kubernetes> {
  return kubernetesOver(connect(env, stop), deadline);
}

function kubernetesOver(server: KubernetesRequests, deadline: number): Kubernetes {
  return {
    readSecret: async (secret) => {
      const action = `get ${nameOf(secret)}`;
      const object = await server.json({
        action,
        method: 'GET',
        path: pathOf(secret),
        absent: true,
        deadline,
      });
      return object === undefined ? undefined : parseSecret(object, action);
    },
    patchSecret: (secret, resourceVersion, data) =>
      written(server, {
        action: `patch ${nameOf(secret)}`,
        method: 'PATCH',
        path: `${pathOf(secret)}?fieldManager=${FIELD_MANAGER}`,
        absent: true,
        contentType: 'application/merge-patch+json',
        body: { metadata: { resourceVersion }, data: encodeData(data) },
        deadline,
      }),
    // Server-side apply, and not POST: its creation is authorized by name, so that RBAC can be narrowed to the one Secret
    // (apiserver pkg/endpoints/handlers/patch.go, createAuthorizerAttributes). Each call has a field manager of its own,
    // so that of two replicas one gets a conflict.
    createSecret: (secret, data) =>
      written(server, {
        action: `create ${nameOf(secret)}`,
        method: 'PATCH',
        path: `${pathOf(secret)}?fieldManager=${FIELD_MANAGER}-${crypto.randomUUID()}`,
        contentType: 'application/apply-patch+yaml',
        body: {
          apiVersion: 'v1',
          kind: 'Secret',
          metadata: { namespace: secret.namespace, name: secret.name },
          type: 'Opaque',
          data: encodeData(new Map([...data].filter(([, text]) => text !== undefined))),
        },
        deadline,
      }),
    readConfiguration: async (name) => {
      const action = `get ${configurationName(name)}`;
      const path = `${CONFIGURATIONS}/${encodeURIComponent(name)}`;
      const object = await server.json({ action, method: 'GET', path, absent: true, deadline });
      return object === undefined ? undefined : parseConfiguration(object, action);
    },
    // A strategic merge patch finds a webhook by its name, and changes nothing else of it.
    patchCaBundle: (name, resourceVersion, webhooks, caBundle) =>
      written(server, {
        action: `patch ${configurationName(name)}`,
        method: 'PATCH',
        path: `${CONFIGURATIONS}/${encodeURIComponent(name)}?fieldManager=${FIELD_MANAGER}`,
        absent: true,
        contentType: 'application/strategic-merge-patch+json',
        body: {
          metadata: { resourceVersion },
          webhooks: webhooks.map((webhook) => ({
            name: webhook,
            clientConfig: { caBundle: toBase64(caBundle) },
          })),
        },
        deadline,
      }),
    watch: (object, seen, signal, from = 'now') => {
      const [what, list] =
        object.kind === 'secret'
          ? [nameOf(object), secretsOf(object.namespace)]
          : [configurationName(object.name), CONFIGURATIONS];
      // By name, because a Role with resourceNames allows no other watch. Without a resourceVersion the watch begins with the
      // current object, so no change is missed between two watches.
      const selector = encodeURIComponent(`metadata.name=${object.name}`);
      const version = from === 'cache' ? '&resourceVersion=0' : '';
      const action = `watch ${what}`;
      const events = new WatchEvents(action);
      return server.stream(
        {
          action,
          method: 'GET',
          path: `${list}?watch=true&timeoutSeconds=${WATCH_SECONDS}&fieldSelector=${selector}${version}`,
          deadline: (WATCH_SECONDS + 30) * 1000,
        },
        {
          begun: () => seen('begun'),
          received: (piece) => {
            if (events.take(piece).length > 0) seen('changed');
          },
        },
        signal,
      );
    },
    readVersion: async () => {
      const answer = await server.json({ action: 'get /version', method: 'GET', path: '/version', deadline });
      const version = answer && member(answer, 'gitVersion');
      return typeof version === 'string' ? version : '';
    },
    createEvent: async (namespace, event) => {
      const action = `create events in ${namespace}`;
      const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/events?fieldManager=${FIELD_MANAGER}`;
      const body = { apiVersion: 'v1', kind: 'Event', ...event };
      await server.json({ action, method: 'POST', path, contentType: 'application/json', body, deadline });
    },
  };
}

const CONFIGURATIONS = '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations';

const secretsOf = (namespace: string) => `/api/v1/namespaces/${encodeURIComponent(namespace)}/secrets`;
const pathOf = ({ namespace, name }: ObjectName) => `${secretsOf(namespace)}/${encodeURIComponent(name)}`;
const nameOf = ({ namespace, name }: ObjectName) => `secrets/${name} in namespace ${namespace}`;
const configurationName = (name: string) => `mutatingwebhookconfigurations/${name}`;
async function written(
  server: KubernetesRequests,
  request: Parameters<KubernetesRequests['json']>[0],
): Promise<Written> {
  try {
    // An object that was deleted has changed since it was read.
    return (await server.json(request)) === undefined ? 'conflict' : 'written';
  } catch (error) {
    if (error instanceof KubernetesError && error.code === 'conflict') return 'conflict';
    throw error;
  }
}
