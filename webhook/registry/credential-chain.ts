/** All credentials that may be tried for one look-up, in order and as late as possible; nobody in particular comes last. */
import { ANONYMOUS, type Credential, type CredentialProvider, type CredentialTarget } from './credential.ts';
import { isPassing, RegistryError } from './error.ts';
import type { Deadline } from './transport.ts';

/** More than anybody means; each costs a request, and some registries lock out who fails often. */
const MAX_TRIES = 16;

export class CredentialChain {
  private readonly providers: readonly CredentialProvider[];
  /** Why some of the providers had nothing to say, for messages. */
  readonly troubles: string[] = [];
  /** One of them could not say for now: whoever was refused may have lacked just its credential. */
  lacking = false;

  constructor(providers: readonly CredentialProvider[]) {
    this.providers = providers;
  }

  /** A provider is asked when all credentials of those before it have failed. */
  async *candidates(
    target: CredentialTarget,
    deadline: Deadline,
  ): AsyncGenerator<Credential, void, undefined> {
    const tried = new Set<string>();
    for (const provider of this.providers) {
      for (const credential of await this.ask(provider, target, deadline)) {
        if (tried.has(credential.id) || tried.size >= MAX_TRIES) continue;
        tried.add(credential.id);
        yield credential;
      }
    }
    yield ANONYMOUS;
  }

  private async ask(
    provider: CredentialProvider,
    target: CredentialTarget,
    deadline: Deadline,
  ): Promise<readonly Credential[]> {
    try {
      return await provider.credentials(target, deadline);
    } catch (error) {
      if (!(error instanceof RegistryError)) throw error;
      this.lacking ||= isPassing(error);
      if (!this.troubles.includes(error.message)) this.troubles.push(error.message);
      return [];
    }
  }
}
