/** Pull secrets of the cluster as a source of credentials. They are read when a look-up needs them, and are not kept. */
import type { Credential, CredentialProvider, CredentialTarget } from '../registry/credential.ts';
import { matchingCredentials, parsePullSecret } from '../registry/docker-auths.ts';
import { RegistryError } from '../registry/error.ts';
import type { Deadline } from '../registry/transport.ts';

/** A pull secret as the API server has it: values are base64. */
export interface PullSecret {
  name: string;
  type: string;
  data: Readonly<Record<string, string>>;
}

export interface SecretReader {
  /**
   * The pull secrets that a pod may use, in order: first those that it names, then its service account's.
   * @param podSecretNames spec.imagePullSecrets
   * @param serviceAccountName undefined where no service account is to be read
   * @returns those that exist: the kubelet goes on without a missing one too
   * @throws {RegistryError} where they cannot be read
   */
  pullSecrets(
    namespace: string,
    podSecretNames: readonly string[],
    serviceAccountName: string | undefined,
    signal: AbortSignal,
  ): Promise<readonly PullSecret[]>;
}

/** Which pull secrets: the pod's namespace, the names in its spec, and its service account. */
interface PullSecretNames {
  namespace: string;
  podSecretNames: readonly string[];
  serviceAccountName: string | undefined;
}

/** The credentials in a pod's pull secrets, which are read once, when the first credential is needed. */
export class PullSecretCredentials implements CredentialProvider {
  private readonly reader: SecretReader;
  private readonly names: PullSecretNames;
  private read: Promise<readonly PullSecret[]> | undefined;

  constructor(reader: SecretReader, names: PullSecretNames) {
    this.reader = reader;
    this.names = names;
  }

  /** @throws {RegistryError} */
  async credentials(target: CredentialTarget, deadline: Deadline): Promise<readonly Credential[]> {
    const { namespace, podSecretNames, serviceAccountName } = this.names;
    if (podSecretNames.length === 0 && serviceAccountName === undefined) return [];
    this.read ??= this.reader.pullSecrets(namespace, podSecretNames, serviceAccountName, deadline.signal);
    let secrets: readonly PullSecret[];
    try {
      secrets = await this.read;
    } catch (cause) {
      this.read = undefined;
      if (cause instanceof RegistryError) throw cause;
      throw new RegistryError(
        'image-unauthorized',
        `the pull secrets of namespace ${namespace} cannot be read`,
        { cause },
      );
    }
    return secrets.flatMap(({ name, type, data }) =>
      matchingCredentials(parsePullSecret(type, data), target, `secret ${namespace}/${name}`),
    );
  }
}
