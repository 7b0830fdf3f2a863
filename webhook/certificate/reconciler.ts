/**
 * Reconciles the Secret and the caBundle with what this replica's settings ask for, and chooses the leaf to serve. The steps are
 * decided in `authority.ts` and `ca-bundle.ts`.
 *
 * Each reconciliation reads both objects anew, and does not depend on the event that started it. So a lost event delays a step, and
 * does no other harm.
 */

import type { Kubernetes } from '../kubernetes/client.ts';
import type { StoredSecret, Written } from '../kubernetes/objects.ts';
import { RewriteBackOff } from '../shared/back-off.ts';
import { type FailureListener, FailureLog } from '../shared/failure-log.ts';
import { type CertificateSpec, chooseLeaf, type Issuer, plan, requeueAfter, type Step } from './authority.ts';
import { trustedIn, wantedBundle } from './ca-bundle.ts';
import { type Authority, type AuthorityState, type Leaf, leafOf, NOTHING, signerOf } from './secret-state.ts';
import { type ObjectNames, type ReadBundles, SharedObjects } from './shared-objects.ts';
import { isAlive } from './validity.ts';
import { createAuthority, createLeaf } from './x509.ts';

/** The objects' names, and the certificates to create. */
export interface ReconcilerSettings extends ObjectNames {
  spec: CertificateSpec;
}

export interface ReconcilerListener extends FailureListener {
  /** Another leaf is to be served. */
  leaf(leaf: Leaf): void;
  /** The Secret was written. @param authority the fingerprint of the authority that the step concerns */
  secretWritten(step: Step, authority: string): void;
  /** The caBundle of so many webhooks was written. @param again the same text as before, so another writer had changed it */
  caBundleWritten(webhooks: number, again: boolean): void;
  /** The webhook configuration was read. */
  configurationRead(state: ConfigurationState): void;
}

/** The webhook configuration, as this replica has last read it. */
export interface ConfigurationState {
  /** Whether it exists and has webhooks. */
  found: boolean;
  /** Whether another writer keeps setting its caBundle back. */
  contested: boolean;
}

export interface ReconcileResult {
  /** `again`: something was written, or another replica has written first. `failed`: try again later. */
  outcome: 'done' | 'again' | 'failed';
  /** When to reconcile again if nothing but the time changes, in milliseconds; Infinity: never. */
  requeueAfter: number;
}

/** Milliseconds. */
export interface Clocks {
  /** Since 1970. */
  now(): number;
  /** A clock that is never set back. */
  monotonic(): number;
}

export const ISSUER: Issuer = {
  authority: (validity) => {
    const { cert, key } = createAuthority(validity);
    return signerOf(cert, key);
  },
  leaf: (signer, names, validity) => leafOf(createLeaf(signer, names, validity), signer),
};

const AGAIN: ReconcileResult = { outcome: 'again', requeueAfter: 0 };
const FAILED: ReconcileResult = { outcome: 'failed', requeueAfter: Number.POSITIVE_INFINITY };

export class Reconciler {
  readonly failures: FailureLog;
  /** The leaf to serve. */
  served: Leaf | undefined;
  /** Undefined: it could not be read yet. */
  configuration: ConfigurationState | undefined;
  private readonly objects: SharedObjects;
  private readonly spec: CertificateSpec;
  private readonly listener: ReconcilerListener;
  private readonly clocks: Clocks;
  /** The last complete state. It is written again when the Secret is lost. */
  private lastComplete: AuthorityState | undefined;
  /** When each authority that every caBundle holds was first seen there, by fingerprint. */
  private readonly trustedSince = new Map<string, number>();
  private readonly rewrites: RewriteBackOff;

  constructor(
    kubernetes: Kubernetes,
    settings: ReconcilerSettings,
    listener: ReconcilerListener,
    clocks: Clocks,
  ) {
    this.spec = settings.spec;
    this.listener = listener;
    this.clocks = clocks;
    this.failures = new FailureLog(listener, clocks.monotonic);
    this.objects = new SharedObjects(kubernetes, settings, this.failures);
    this.rewrites = new RewriteBackOff(clocks.monotonic);
  }

  /** Whether every caBundle, as it was last read, holds an authority. */
  isTrusted(authority: Authority): boolean {
    return this.trustedSince.has(authority.fingerprint);
  }

  /** Read both objects, write what differs, and choose the leaf. Never rejects for an error of the API server. */
  async reconcile(): Promise<ReconcileResult> {
    const [secret, bundles] = await Promise.all([this.objects.readSecret(), this.readBundles()]);
    const now = this.clocks.now();
    let stored = secret.done ? this.objects.parseSecret(secret.value) : undefined;
    let failed = !secret.done || bundles === 'unreadable';
    let progress = false;
    const trustedFor = (authority: Authority) => {
      const since = this.trustedSince.get(authority.fingerprint);
      return since === undefined || typeof bundles === 'string' ? undefined : this.clocks.monotonic() - since;
    };
    if (secret.done && stored !== undefined) {
      const situation = { stored, lastComplete: this.lastComplete, trustedFor, now };
      const next = plan(situation, this.spec, ISSUER);
      if (next !== undefined) {
        const result = await this.writeSecret(secret.value, next);
        if (result === 'conflict') return AGAIN;
        progress = result === 'written';
        failed ||= result === 'failed';
        if (progress) stored = next.state;
      }
      if (stored.current !== undefined && stored.leaf !== undefined) this.lastComplete = stored;
    }
    this.serve(stored, now);
    const readable = typeof bundles === 'string' ? undefined : bundles;
    const written = await this.writeBundles(readable, stored ?? this.lastComplete ?? NOTHING, now);
    if (written === 'conflict') return AGAIN;
    this.serve(stored, now);
    if (failed || written === 'failed') return FAILED;
    if (progress) return AGAIN;
    const situation = { stored: stored ?? NOTHING, lastComplete: this.lastComplete, trustedFor, now };
    return { outcome: 'done', requeueAfter: Math.min(requeueAfter(situation, this.spec), written) };
  }

  private async readBundles(): Promise<ReadBundles | 'missing' | 'unreadable'> {
    const read = await this.objects.readBundles();
    if (read === undefined) return 'unreadable';
    this.noteTrusted(read === 'missing' ? [] : trustedIn(read.bundles));
    this.noteConfiguration(read !== 'missing');
    return read;
  }

  private noteConfiguration(found: boolean): void {
    const contested = found && this.rewrites.contested;
    this.objects.reportContested(contested);
    this.configuration = { found, contested };
    this.listener.configurationRead(this.configuration);
  }

  private noteTrusted(fingerprints: readonly string[]): void {
    for (const fingerprint of [...this.trustedSince.keys()])
      if (!fingerprints.includes(fingerprint)) this.trustedSince.delete(fingerprint);
    for (const fingerprint of fingerprints)
      if (!this.trustedSince.has(fingerprint)) this.trustedSince.set(fingerprint, this.clocks.monotonic());
  }

  private async writeSecret(
    secret: StoredSecret | undefined,
    { step, state }: { step: Step; state: AuthorityState },
  ): Promise<Written | 'failed'> {
    const result = await this.objects.writeSecret(secret, state);
    if (result === 'written')
      this.listener.secretWritten(step, (state.next ?? state.current)?.fingerprint ?? '');
    return result;
  }

  private serve(stored: AuthorityState | undefined, now: number): void {
    const leaf = chooseLeaf(this.served, stored ?? NOTHING, (authority) => this.isTrusted(authority), now);
    if (leaf === undefined || leaf === this.served || !isAlive(leaf, now)) return;
    this.served = leaf;
    this.listener.leaf(leaf);
  }

  /** @returns milliseconds until the caBundle may be written again; Infinity where it need not be */
  private async writeBundles(
    read: ReadBundles | undefined,
    state: AuthorityState,
    now: number,
  ): Promise<number | 'conflict' | 'failed'> {
    const wanted = read && wantedBundle(read.bundles, state, this.served, now);
    if (read === undefined || wanted === undefined || wanted.outdated.length === 0) {
      return Number.POSITIVE_INFINITY;
    }
    const wait = this.rewrites.wait();
    if (wait > 0) return wait;
    const { outdated, caBundle, fingerprints } = wanted;
    const result = await this.objects.writeBundle(read.resourceVersion, outdated, caBundle);
    if (result !== 'written') return result;
    this.noteTrusted([...fingerprints]);
    this.listener.caBundleWritten(outdated.length, this.rewrites.written(caBundle) > 0);
    this.noteConfiguration(true);
    return Number.POSITIVE_INFINITY;
  }
}
