/**
 * Reads pull secrets from the API server, by name: it needs `get` of secrets and service accounts, and no `list`. Import this file
 * lazily, because it loads the API server's client.
 */
import type { ImageFailure } from '../decision/images.ts';
import { KubernetesError, type KubernetesErrorCode } from '../kubernetes/error.ts';
import { connect, type KubernetesRequests } from '../kubernetes/request.ts';
import { RegistryError } from '../registry/error.ts';
import { isRecord, type JsonRecord, member } from '../shared/json.ts';
import type { PullSecret, SecretReader } from './pull-secrets.ts';

/** A pod names few pull secrets, and each of them costs a request. */
const MAX_SECRETS = 16;
/** The limit for one call. The deadline of the look-up is often shorter. */
const CALL_MS = 5_000;

export class ClusterSecretReader implements SecretReader {
  private readonly server: KubernetesRequests;

  constructor(server: KubernetesRequests) {
    this.server = server;
  }

  /** @throws {RegistryError} */
  async pullSecrets(
    namespace: string,
    podSecretNames: readonly string[],
    serviceAccountName: string | undefined,
    signal: AbortSignal,
  ): Promise<readonly PullSecret[]> {
    try {
      const accountSecretNames =
        serviceAccountName === undefined
          ? []
          : await this.serviceAccountSecrets(namespace, serviceAccountName, signal);
      const names = [...new Set([...podSecretNames, ...accountSecretNames])].slice(0, MAX_SECRETS);
      const secrets = await Promise.all(names.map((name) => this.secret(namespace, name, signal)));
      return secrets.flatMap((secret) => secret ?? []);
    } catch (error) {
      throw toRegistryError(error);
    }
  }

  private async serviceAccountSecrets(
    namespace: string,
    name: string,
    signal: AbortSignal,
  ): Promise<string[]> {
    const account = await this.get(namespace, 'serviceaccounts', name, signal);
    const references = account && member(account, 'imagePullSecrets');
    return (Array.isArray(references) ? references : []).flatMap((reference: unknown) => {
      const secret = isRecord(reference) ? member(reference, 'name') : undefined;
      return typeof secret === 'string' && secret !== '' ? [secret] : [];
    });
  }

  private async secret(
    namespace: string,
    name: string,
    signal: AbortSignal,
  ): Promise<PullSecret | undefined> {
    const object = await this.get(namespace, 'secrets', name, signal);
    if (object === undefined) return undefined;
    const type = member(object, 'type');
    const data = member(object, 'data');
    const texts = Object.entries(isRecord(data) ? data : {}).flatMap(([key, value]) =>
      typeof value === 'string' ? [[key, value] as const] : [],
    );
    return { name, type: typeof type === 'string' ? type : '', data: Object.fromEntries(texts) };
  }

  private async get(
    namespace: string,
    kind: 'secrets' | 'serviceaccounts',
    name: string,
    signal: AbortSignal,
  ): Promise<JsonRecord | undefined> {
    signal.throwIfAborted();
    // These are no valid names, and in a URL they would lead to the list or to the namespace.
    if (name === '.' || name === '..') return undefined;
    const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/${kind}/${encodeURIComponent(name)}`;
    const action = `get ${kind}/${name} in namespace ${namespace}`;
    return this.server.json({ action, method: 'GET', path, absent: true, deadline: CALL_MS });
  }
}

/**
 * A reader for the cluster that this process runs in, or that KUBECONFIG names.
 * @param closing ends all calls
 * @throws {RegistryError} where there is no cluster
 */
export function connectSecretReader(env: NodeJS.ProcessEnv, closing?: AbortSignal): SecretReader {
  try {
    return new ClusterSecretReader(connect(env, closing));
  } catch (error) {
    throw toRegistryError(error);
  }
}

/** The transient errors: they do not tell whether the secret exists or may be read. */
const TRANSIENT: Partial<Record<KubernetesErrorCode, ImageFailure>> = {
  timeout: 'image-timeout',
  unreachable: 'image-unreachable',
  busy: 'image-unreachable',
};

/** A KubernetesError's message is kept: it names the verb, the object and what to do, and holds nothing that was read. */
function toRegistryError(error: unknown): unknown {
  if (!(error instanceof KubernetesError)) return error;
  const reason = TRANSIENT[error.code] ?? 'image-unauthorized';
  const chart = error.code === 'forbidden' ? '; in the chart: rbac.pullSecretNamespaces' : '';
  return new RegistryError(reason, `${error.message}${chart}`, { cause: error });
}
