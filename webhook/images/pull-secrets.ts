/** Pull secrets: who reads them, and which of their entries fit. They are read when a look-up needs them, and not kept. */
import type { Credential, CredentialProvider, CredentialTarget } from '../registry/credential.ts';
import { matching, pullSecretEntries } from '../registry/docker-auths.ts';
import { RegistryError } from '../registry/error.ts';
import type { Deadline } from '../registry/transport.ts';

/** A secret as the API server has it: values are base64. */
export interface PullSecret {
  name: string;
  type: string;
  data: Readonly<Record<string, string>>;
}

export interface SecretReader {
  /**
   * The pull secrets that a pod may use, in order: those it names, then its service account's.
   * @param podSecretNames spec.imagePullSecrets
   * @param serviceAccountName undefined where no service account is to be read
   * @returns those that are there: the kubelet too goes on without one that is missing
   * @throws {RegistryError} where they cannot be read
   */
  pullSecrets(
    namespace: string,
    podSecretNames: readonly string[],
    serviceAccountName: string | undefined,
    signal: AbortSignal,
  ): Promise<readonly PullSecret[]>;
}

/** Whose secrets: the pod's namespace, and what it says. */
export interface SecretNames {
  namespace: string;
  podSecretNames: readonly string[];
  serviceAccountName: string | undefined;
}

/** The credentials of a pod's secrets, read once, when the first is wanted. */
export class PullSecretCredentials implements CredentialProvider {
  private readonly reader: SecretReader;
  private readonly names: SecretNames;
  private read: Promise<readonly PullSecret[]> | undefined;

  constructor(reader: SecretReader, names: SecretNames) {
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
      matching(pullSecretEntries(type, data), target, `secret ${namespace}/${name}`),
    );
  }
}
