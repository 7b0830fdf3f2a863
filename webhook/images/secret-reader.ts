/** Pull secrets of the cluster, read by name: `get` of secrets and service accounts, never `list`. Import this file lazily. */

import type { ImageFailure } from '../decision/images.ts';
import { KubernetesError, type KubernetesErrorCode } from '../kubernetes/error.ts';
import { connect, type KubernetesRequests } from '../kubernetes/request.ts';
import { RegistryError } from '../registry/error.ts';
import { isRecord, type JsonRecord, member } from '../shared/json.ts';
import type { PullSecret, SecretReader } from './pull-secrets.ts';

/** A pod names a few; each is a request. */
const MAX_SECRETS = 16;
/** Of one call; the look-up's own deadline mostly comes first. */
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
      const ofAccount =
        serviceAccountName === undefined
          ? []
          : await this.ofServiceAccount(namespace, serviceAccountName, signal);
      const names = [...new Set([...podSecretNames, ...ofAccount])].slice(0, MAX_SECRETS);
      const secrets = await Promise.all(names.map((name) => this.secret(namespace, name, signal)));
      return secrets.flatMap((secret) => secret ?? []);
    } catch (error) {
      throw inWords(error);
    }
  }

  private async ofServiceAccount(namespace: string, name: string, signal: AbortSignal): Promise<string[]> {
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
    // No object is called so, and in a URL they lead to the list, or to what is above it.
    if (name === '.' || name === '..') return undefined;
    const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/${kind}/${encodeURIComponent(name)}`;
    const action = `get ${kind}/${name} in namespace ${namespace}`;
    return this.server.json({ action, method: 'GET', path, absent: true, deadline: CALL_MS });
  }
}

/**
 * A reader of the cluster that this process is in.
 * @param closing ends its calls
 * @throws {RegistryError} where there is none
 */
export function connectSecretReader(env: NodeJS.ProcessEnv, closing?: AbortSignal): SecretReader {
  try {
    return new ClusterSecretReader(connect(env, closing));
  } catch (error) {
    throw inWords(error);
  }
}

/** What says nothing about the secret, nor about who may read it. */
const PASSING: Partial<Record<KubernetesErrorCode, ImageFailure>> = {
  timeout: 'image-timeout',
  unreachable: 'image-unreachable',
  busy: 'image-unreachable',
};

/** A KubernetesError's message names the verb, the object and the way out, and holds nothing that was read. */
function inWords(error: unknown): unknown {
  if (!(error instanceof KubernetesError)) return error;
  const reason = PASSING[error.code] ?? 'image-unauthorized';
  return new RegistryError(reason, error.message, { cause: error });
}
