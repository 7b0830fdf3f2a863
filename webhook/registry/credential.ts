/** Credentials for a registry, where they come from, and the order in which they are tried. */
import { createHmac, randomBytes } from 'node:crypto';
import { isTransient, RegistryError } from './error.ts';
import type { Deadline } from './transport.ts';

/** What a credential holds, as one entry of docker's `auths` has it. */
export type AuthConfig =
  | { kind: 'anonymous' }
  | { kind: 'basic'; username: string; password: string }
  /** A refresh token (docker's `identitytoken`): it is exchanged for an access token. */
  | { kind: 'identity'; token: string }
  /** An access token (docker's `registrytoken`): it is sent as it is. */
  | { kind: 'bearer'; token: string };

/** One credential to try. */
export interface Credential {
  auth: AuthConfig;
  /** Where it is from, for messages: `secret shop/regcred`. It holds no part of the credential. */
  source: string;
  /** Equal for equal credentials within this process, and different for different ones. It discloses nothing. */
  id: string;
}

/** The repository to read. `registry` is the host that gets the request: the mirror's, where a mirror is asked. */
export interface CredentialTarget {
  registry: string;
  repository: string;
}

/** One source of credentials. */
export interface CredentialProvider {
  /**
   * All credentials of this source for a repository, the most specific first; none where it has none.
   * @throws {RegistryError} where the source cannot be read; the other sources are used all the same
   */
  credentials(target: CredentialTarget, deadline: Deadline): Promise<readonly Credential[]>;
}

/** The key is this process's own, so an id cannot be used to test guessed passwords. */
const ID_KEY = randomBytes(32);

/** @param source where it is from, for messages */
export function createCredential(auth: AuthConfig, source: string): Credential {
  const parts =
    auth.kind === 'anonymous' ? [] : auth.kind === 'basic' ? [auth.username, auth.password] : [auth.token];
  return {
    auth,
    source,
    id: createHmac('sha256', ID_KEY)
      .update(JSON.stringify([auth.kind, ...parts]))
      .digest('base64url'),
  };
}

const ANONYMOUS = createCredential({ kind: 'anonymous' }, 'anonymous');

/** Far more than a pod needs. Each costs a request, and some registries lock out an account after too many failures. */
const MAX_TRIES = 16;

/** The credentials to try for one look-up, in the order of their providers, and last the anonymous one. */
export class CredentialsToTry {
  private readonly providers: readonly CredentialProvider[];
  /** Why some providers gave no credentials, for messages. */
  readonly failures: string[] = [];
  /** A provider failed for now. Its credentials might have been accepted, so a refusal of the others proves nothing. */
  incomplete = false;

  constructor(providers: readonly CredentialProvider[]) {
    this.providers = providers;
  }

  /** Each different credential once. A provider is read only when all credentials before its own have failed. */
  async *inOrder(target: CredentialTarget, deadline: Deadline): AsyncGenerator<Credential, void, undefined> {
    const tried = new Set<string>();
    for (const provider of this.providers) {
      for (const credential of await this.read(provider, target, deadline)) {
        if (tried.has(credential.id) || tried.size >= MAX_TRIES) continue;
        tried.add(credential.id);
        yield credential;
      }
    }
    yield ANONYMOUS;
  }

  private async read(
    provider: CredentialProvider,
    target: CredentialTarget,
    deadline: Deadline,
  ): Promise<readonly Credential[]> {
    try {
      return await provider.credentials(target, deadline);
    } catch (error) {
      if (!(error instanceof RegistryError)) throw error;
      this.incomplete ||= isTransient(error);
      if (!this.failures.includes(error.message)) this.failures.push(error.message);
      return [];
    }
  }
}
