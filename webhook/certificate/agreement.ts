/**
 * One replica's part in the agreement on authority and leaf: read Secret and configuration, do what `authority.ts` and
 * `ca-bundle.ts` say, choose the leaf to serve.
 *
 * A round reads both objects anew and knows nothing of what led to it, a watch, the time or a failure before; so a lost
 * event costs time and nothing else.
 */

import type { Kubernetes, StoredSecret, Written } from '../kubernetes/client.ts';
import { KubernetesError } from '../kubernetes/error.ts';
import { Insistence, type TroubleEvents, Troubles } from '../shared/failure-log.ts';
import { choose, type Issuer, isAlive, nextMoment, plan, type Step, type Terms } from './authority.ts';
import { type Bundle, parseBundles, trustedIn, wantedBundle } from './ca-bundle.ts';
import {
  type Authority,
  type AuthorityState,
  formatState,
  type Leaf,
  leafOf,
  NOTHING,
  parseState,
  signerOf,
} from './secret-state.ts';
import { createAuthority, createLeaf } from './x509.ts';

/** The objects, and what the certificates should be. */
export interface AgreementSettings {
  namespace: string;
  secret: string;
  webhookConfiguration: string;
  terms: Terms;
}

/** What an {@link Agreement} tells. */
export interface AgreementEvents extends TroubleEvents {
  /** The leaf to serve is another one. */
  leaf(leaf: Leaf): void;
  /** The Secret was written; the fingerprint of the authority that it was about. */
  wrote(step: Step, authority: string): void;
  /** The caBundle of so many webhooks was written. `again`: with what it was given before, so somebody had changed it. */
  trusted(webhooks: number, again: boolean): void;
}

/** What came of a round. */
export interface Round {
  /** `again`: something was written, or another replica was faster. `failed`: try again later. */
  outcome: 'done' | 'again' | 'failed';
  /** In how many milliseconds there will be something to do, if nothing changes but the time; Infinity: never. */
  moment: number;
}

/** Both clocks in milliseconds: since 1970, and one that never steps. */
export interface Clocks {
  now(): number;
  steady(): number;
}

export const ISSUER: Issuer = {
  authority: (validity) => {
    const { cert, key } = createAuthority(validity);
    return signerOf(cert, key);
  },
  leaf: (signer, names, validity) => leafOf(createLeaf(signer, names, validity), signer),
};

export class Agreement {
  readonly troubles: Troubles;
  /** The leaf to serve. */
  served: Leaf | undefined;
  private readonly kubernetes: Kubernetes;
  private readonly settings: AgreementSettings;
  private readonly events: AgreementEvents;
  private readonly clocks: Clocks;
  /** The last whole state, to write again where the Secret is lost. */
  private remembered: AuthorityState | undefined;
  /** When each authority was first seen in every caBundle, as long as it is seen there. */
  private readonly seenSince = new Map<string, number>();
  private readonly insistence: Insistence;

  constructor(kubernetes: Kubernetes, settings: AgreementSettings, events: AgreementEvents, clocks: Clocks) {
    this.kubernetes = kubernetes;
    this.settings = settings;
    this.events = events;
    this.clocks = clocks;
    this.troubles = new Troubles(events, clocks.steady);
    this.insistence = new Insistence(clocks.steady);
  }

  /** Whether the caBundle, as it was last seen, trusts an authority. */
  isTrusted(authority: Authority): boolean {
    return this.seenSince.has(authority.fingerprint);
  }

  /** Read both, write what is wanting, choose the leaf. Never rejects. */
  async round(): Promise<Round> {
    const [secret, bundles] = await Promise.all([this.readSecret(), this.readBundles()]);
    const now = this.clocks.now();
    let stored = secret.done ? this.parse(secret.value) : undefined;
    let failed = !secret.done || bundles === undefined;
    let progress = false;
    const trustedFor = (authority: Authority) => {
      const since = this.seenSince.get(authority.fingerprint);
      return since === undefined || bundles === undefined ? undefined : this.clocks.steady() - since;
    };
    if (secret.done && stored !== undefined) {
      const { terms } = this.settings;
      const next = plan({ stored, remembered: this.remembered, trustedFor, now }, terms, ISSUER);
      if (next !== undefined) {
        const result = await this.writeSecret(secret.value, next.state);
        if (result === 'conflict') return { outcome: 'again', moment: 0 };
        if (result === 'written') {
          progress = true;
          stored = next.state;
          this.events.wrote(next.step, (stored.next ?? stored.current)?.fingerprint ?? '');
        } else failed = true;
      }
      this.remember(stored);
    }
    this.chooseLeaf(stored, now);
    const healed = await this.writeBundles(bundles, stored ?? this.remembered ?? NOTHING, now);
    if (healed === 'conflict') return { outcome: 'again', moment: 0 };
    this.chooseLeaf(stored, now);
    if (failed || healed === 'failed') return { outcome: 'failed', moment: Number.POSITIVE_INFINITY };
    if (progress) return { outcome: 'again', moment: 0 };
    const situation = { stored: stored ?? NOTHING, remembered: this.remembered, trustedFor, now };
    const moment = Math.min(nextMoment(situation, this.settings.terms), healed);
    return { outcome: 'done', moment };
  }

  private async readSecret(): Promise<Attempt<StoredSecret | undefined>> {
    const { namespace, secret: name } = this.settings;
    return this.attempt('read the Secret', () => this.kubernetes.readSecret({ namespace, name }));
  }

  /** @returns undefined where the configuration cannot be read, or has no webhook */
  private async readBundles(): Promise<{ resourceVersion: string; bundles: Bundle[] } | undefined> {
    const { webhookConfiguration: name } = this.settings;
    const read = await this.attempt('read the webhook configuration', () =>
      this.kubernetes.readConfiguration(name),
    );
    if (!read.done) return undefined;
    const bundles = read.value === undefined ? [] : parseBundles(read.value);
    this.see(trustedIn(bundles));
    const what = 'find the webhook configuration';
    if (read.value !== undefined && bundles.length > 0) {
      this.troubles.clear(what);
      return { resourceVersion: read.value.resourceVersion, bundles };
    }
    const lacking = read.value === undefined ? 'does not exist' : 'has no webhooks';
    const way = 'apply it, or name the right one in tls.selfManaged.webhookConfiguration';
    this.troubles.note(what, `mutatingwebhookconfigurations/${name} ${lacking}: ${way}`);
    return undefined;
  }

  private parse(secret: StoredSecret | undefined): AuthorityState {
    const what = 'understand the Secret';
    if (secret === undefined) return NOTHING;
    const { state, problems } = parseState(secret);
    const { namespace, secret: name } = this.settings;
    if (problems.length === 0) this.troubles.clear(what);
    else {
      const list = problems.join('; ');
      this.troubles.note(
        what,
        `secrets/${name} in namespace ${namespace} is damaged and is written anew: ${list}`,
      );
    }
    return state;
  }

  private remember(state: AuthorityState): void {
    if (state.current !== undefined && state.leaf !== undefined) this.remembered = state;
  }

  private see(prints: readonly string[]): void {
    for (const print of [...this.seenSince.keys()]) if (!prints.includes(print)) this.seenSince.delete(print);
    for (const print of prints) {
      if (!this.seenSince.has(print)) this.seenSince.set(print, this.clocks.steady());
    }
  }

  private chooseLeaf(stored: AuthorityState | undefined, now: number): void {
    const leaf = choose(this.served, stored ?? NOTHING, (authority) => this.isTrusted(authority), now);
    if (leaf === undefined || leaf === this.served || !isAlive(leaf, now)) return;
    this.served = leaf;
    this.events.leaf(leaf);
  }

  private async writeSecret(
    secret: StoredSecret | undefined,
    state: AuthorityState,
  ): Promise<Written | 'failed'> {
    const name = { namespace: this.settings.namespace, name: this.settings.secret };
    const data = formatState(state);
    const result = await this.attempt('write the Secret', () =>
      secret === undefined
        ? this.kubernetes.createSecret(name, data)
        : this.kubernetes.patchSecret(name, secret.resourceVersion, data),
    );
    return result.done ? result.value : 'failed';
  }

  /** @returns milliseconds until it may be written again, Infinity where nothing is to be done */
  private async writeBundles(
    read: { resourceVersion: string; bundles: Bundle[] } | undefined,
    state: AuthorityState,
    now: number,
  ): Promise<number | 'conflict' | 'failed'> {
    const wanted = read && wantedBundle(read.bundles, state, this.served, now);
    if (read === undefined || wanted === undefined || wanted.outdated.length === 0) {
      return Number.POSITIVE_INFINITY;
    }
    const pause = this.insistence.pause();
    if (pause > 0) return pause;
    const { webhookConfiguration: name } = this.settings;
    const result = await this.attempt('write the caBundle', () =>
      this.kubernetes.patchCaBundle(name, read.resourceVersion, wanted.outdated, wanted.caBundle),
    );
    if (!result.done) return 'failed';
    if (result.value === 'conflict') return 'conflict';
    this.see([...wanted.prints]);
    this.events.trusted(wanted.outdated.length, this.insistence.wrote(wanted.caBundle) > 0);
    const what = 'keep the caBundle';
    if (!this.insistence.contested) this.troubles.clear(what);
    else {
      const way = 'leave the field out of what you apply, and let no other controller inject it';
      this.troubles.note(
        what,
        `somebody sets the caBundle of mutatingwebhookconfigurations/${name} back again and again: ${way}`,
      );
    }
    return Number.POSITIVE_INFINITY;
  }

  private async attempt<T>(what: string, call: () => Promise<T>): Promise<Attempt<T>> {
    try {
      const value = await call();
      this.troubles.clear(what);
      return { done: true, value };
    } catch (error) {
      if (!(error instanceof KubernetesError)) throw error;
      this.troubles.note(what, error.message);
      return { done: false };
    }
  }
}

type Attempt<T> = { done: true; value: T } | { done: false };
