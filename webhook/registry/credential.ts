/** Who asks a registry: credentials, and where they come from. */
import { createHmac, randomBytes } from 'node:crypto';
import type { Deadline } from './transport.ts';

/** What one credential holds. */
export type Secret =
  | { kind: 'anonymous' }
  | { kind: 'basic'; username: string; password: string }
  /** A refresh token (docker's `identitytoken`): it is traded for an access token. */
  | { kind: 'identity'; token: string }
  /** An access token (docker's `registrytoken`): it is sent as it is. */
  | { kind: 'bearer'; token: string };

/** One credential to try. */
export interface Credential {
  secret: Secret;
  /** Where it is from, for messages: `secret shop/regcred`. Never a part of it. */
  from: string;
  /** The same for the same secret and for no other, in this process; tells nothing of it. */
  id: string;
}

/** The repository that is asked for; `registry` is the host that is really asked, a mirror's where it is one. */
export interface CredentialTarget {
  registry: string;
  repository: string;
}

/** One place that credentials come from. */
export interface CredentialProvider {
  /**
   * All credentials of this place for a repository, the most fitting first; none where it has none.
   * @throws {RegistryError} where it cannot say; the others are asked all the same
   */
  credentials(target: CredentialTarget, deadline: Deadline): Promise<readonly Credential[]>;
}

/** A key of this process alone: an id means nothing elsewhere, and gives nobody a password to guess at. */
const ID_KEY = randomBytes(32);

/** Make a credential. */
export function credentialFrom(secret: Secret, from: string): Credential {
  const parts =
    secret.kind === 'anonymous'
      ? []
      : secret.kind === 'basic'
        ? [secret.username, secret.password]
        : [secret.token];
  return {
    secret,
    from,
    id: createHmac('sha256', ID_KEY)
      .update(JSON.stringify([secret.kind, ...parts]))
      .digest('base64url'),
  };
}

/** Nobody in particular. */
export const ANONYMOUS = credentialFrom({ kind: 'anonymous' }, 'anonymous');
