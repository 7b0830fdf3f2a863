/**
 * The API server, as narrow as Curfew needs it: one Secret, the caBundle of one MutatingWebhookConfiguration, Events.
 *
 * The one interface behind which `@kubernetes/client-node` stands; import this file lazily (`await import`), because only a
 * webhook that manages its certificate or writes Events needs it. Whatever the server says is parsed here, bounded in
 * size and time.
 */
import { isRecord, type JsonRecord, member } from '../shared/json.ts';
import { KubernetesError } from './error.ts';
import { connect, type KubernetesRequests } from './request.ts';

/** An object's name; the namespace is empty for one of the cluster. */
export interface ObjectName {
  namespace: string;
  name: string;
}

/** A Secret as it was read. */
export interface StoredSecret {
  /** Opaque: a write that names it fails when the object has changed since. */
  resourceVersion: string;
  /** Decoded texts by key. */
  data: ReadonlyMap<string, string>;
}

/** A MutatingWebhookConfiguration as it was read. */
export interface StoredConfiguration {
  resourceVersion: string;
  webhooks: readonly { name: string /** PEM, decoded; empty where none is set. */; caBundle: string }[];
}

/** `conflict`: the object is no longer what was read; read it again. */
export type Written = 'written' | 'conflict';

/** An object that is watched. */
export type Watched =
  | { kind: 'secret'; namespace: string; name: string }
  | { kind: 'configuration'; name: string };

/** Every call rejects with a {@link KubernetesError}, within its deadline, and with nothing else. */
export interface Kubernetes {
  /** @returns undefined where there is none */
  readSecret(secret: ObjectName): Promise<StoredSecret | undefined>;
  /** Set these keys of an existing Secret, and remove those that are undefined; others stay. */
  patchSecret(
    secret: ObjectName,
    resourceVersion: string,
    data: ReadonlyMap<string, string | undefined>,
  ): Promise<Written>;
  /** Create a Secret that is not there. `conflict`: it is there, with other values. */
  createSecret(secret: ObjectName, data: ReadonlyMap<string, string | undefined>): Promise<Written>;
  /** @returns undefined where there is none */
  readConfiguration(name: string): Promise<StoredConfiguration | undefined>;
  /** Give these webhooks of a configuration one caBundle (PEM). */
  patchCaBundle(
    name: string,
    resourceVersion: string,
    webhooks: readonly string[],
    caBundle: string,
  ): Promise<Written>;
  /**
   * Watch one object until the connection ends: `changed` is called when the watch stands, and after each change.
   * @returns when the server ends it, as it does every few minutes
   */
  watch(object: Watched, changed: () => void, signal: AbortSignal): Promise<void>;
  /** Create a core/v1 Event. `event` is the object without apiVersion and kind. */
  createEvent(namespace: string, event: JsonRecord): Promise<void>;
}

/** Where a change is written down as ours (metadata.managedFields). */
const FIELD_MANAGER = 'curfew';
/** Beyond the API server's own end of a watch: a connection that died unseen is given up. */
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
        body: { metadata: { resourceVersion }, data: encode(data) },
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
          data: encode(new Map([...data].filter(([, text]) => text !== undefined))),
        },
        deadline,
      }),
    readConfiguration: async (name) => {
      const action = `get ${configurationName(name)}`;
      const path = `${CONFIGURATIONS}/${encodeURIComponent(name)}`;
      const object = await server.json({ action, method: 'GET', path, absent: true, deadline });
      return object === undefined ? undefined : parseConfiguration(object, action);
    },
    // A strategic merge: webhooks are found by their name, and nothing else of theirs is touched.
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
            clientConfig: { caBundle: base64(caBundle) },
          })),
        },
        deadline,
      }),
    watch: (object, changed, signal) => {
      const [what, list] =
        object.kind === 'secret'
          ? [nameOf(object), secretsOf(object.namespace)]
          : [configurationName(object.name), CONFIGURATIONS];
      // By name, because a Role that names its resources allows no other watch. Without a resourceVersion it begins with the
      // object as it is, so that nothing is missed between two watches.
      const selector = encodeURIComponent(`metadata.name=${object.name}`);
      return server.stream(
        {
          action: `watch ${what}`,
          method: 'GET',
          path: `${list}?watch=true&timeoutSeconds=${WATCH_SECONDS}&fieldSelector=${selector}`,
          deadline: (WATCH_SECONDS + 30) * 1000,
        },
        changed,
        signal,
      );
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
const base64 = (text: string) => Buffer.from(text).toString('base64');

function encode(data: ReadonlyMap<string, string | undefined>): Record<string, string | null> {
  return Object.fromEntries([...data].map(([key, text]) => [key, text === undefined ? null : base64(text)]));
}

async function written(
  server: KubernetesRequests,
  request: Parameters<KubernetesRequests['json']>[0],
): Promise<Written> {
  try {
    // An object that is gone is another one than was read.
    return (await server.json(request)) === undefined ? 'conflict' : 'written';
  } catch (error) {
    if (error instanceof KubernetesError && error.code === 'conflict') return 'conflict';
    throw error;
  }
}

function parseSecret(object: JsonRecord, action: string): StoredSecret {
  const data = member(object, 'data') ?? {};
  if (!isRecord(data)) throw new KubernetesError('malformed', action, 'data is not an object');
  const texts = new Map<string, string>();
  for (const [key, value] of Object.entries(data)) {
    if (typeof value === 'string') texts.set(key, Buffer.from(value, 'base64').toString('utf8'));
  }
  return { resourceVersion: versionOf(object, action), data: texts };
}

function parseConfiguration(object: JsonRecord, action: string): StoredConfiguration {
  const webhooks = member(object, 'webhooks') ?? [];
  if (!Array.isArray(webhooks)) throw new KubernetesError('malformed', action, 'webhooks is not a list');
  return {
    resourceVersion: versionOf(object, action),
    webhooks: webhooks.map((webhook: unknown) => {
      const config = isRecord(webhook) ? (member(webhook, 'clientConfig') ?? {}) : undefined;
      const name = isRecord(webhook) ? member(webhook, 'name') : undefined;
      if (!isRecord(config) || typeof name !== 'string') {
        throw new KubernetesError('malformed', action, 'a webhook has no name or no clientConfig');
      }
      const bundle = member(config, 'caBundle');
      const caBundle = typeof bundle === 'string' ? Buffer.from(bundle, 'base64').toString('utf8') : '';
      return { name, caBundle };
    }),
  };
}

function versionOf(object: JsonRecord, action: string): string {
  const metadata = member(object, 'metadata');
  const version = isRecord(metadata) ? member(metadata, 'resourceVersion') : undefined;
  if (typeof version !== 'string' || version === '') {
    throw new KubernetesError('malformed', action, 'the object has no resourceVersion');
  }
  return version;
}
