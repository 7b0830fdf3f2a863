/**
 * The certificate that the replicas manage themselves: when to reconcile, and what is served meanwhile. The steps themselves are in
 * `reconciler.ts`.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Kubernetes } from '../kubernetes/client.ts';
import { KubernetesError } from '../kubernetes/error.ts';
import type { Watched } from '../kubernetes/objects.ts';
import { BackOff } from '../shared/back-off.ts';
import {
  type Certificate,
  CertificateError,
  type CertificateListener,
  type CertificateSource,
  parseCertificate,
} from './certificate.ts';
import {
  type Clocks,
  type ReconcileResult,
  Reconciler,
  type ReconcilerListener,
  type ReconcilerSettings,
} from './reconciler.ts';

export interface SelfManagedListener extends CertificateListener, Omit<ReconcilerListener, 'leaf'> {
  /** Another leaf is served, and its authority expires then. */
  authority(notAfter: Date): void;
  /** A watch could not be had or ended with an error; it is tried again. Not called for one that only starts anew (410). */
  watchFailed(object: Watched['kind']): void;
  /** A fault of Curfew. The reconciliation is tried again. */
  unexpected(error: unknown): void;
}

/** Both objects are read at least this often, because a watch may have ended unnoticed. */
const RESYNC_MS = 60_000;
/** How often a reconciliation is repeated at once when another replica has written first. */
const MAX_REPEATS = 8;
/** The least time between two reconciliations, so an object that changes without end does not cause one for each change. */
const MIN_INTERVAL_MS = 100;
/** A watch that lasted this long was successful. */
const SUCCESSFUL_WATCH_MS = 5_000;
/** The longest pause between two watches. Both objects are read after each that failed, so a change is noticed within this time. */
const LONGEST_PAUSE_MS = 10_000;

const CLOCKS: Clocks = { now: Date.now, monotonic: () => performance.now() };

export class SelfManagedCertificate implements CertificateSource {
  current: Certificate | undefined;
  private readonly kubernetes: Kubernetes;
  private readonly settings: ReconcilerSettings;
  private readonly listener: SelfManagedListener;
  private readonly clocks: Clocks;
  private readonly reconciler: Reconciler;
  private readonly backOff: BackOff;
  private readonly stopping = new AbortController();
  private wasTrusted = false;
  private running: Promise<void> | undefined;
  private requested = false;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    kubernetes: Kubernetes,
    settings: ReconcilerSettings,
    listener: SelfManagedListener,
    clocks = CLOCKS,
  ) {
    this.kubernetes = kubernetes;
    this.settings = settings;
    this.listener = listener;
    this.clocks = clocks;
    this.reconciler = new Reconciler(
      kubernetes,
      settings,
      { ...listener, leaf: ({ cert, key, issuer }) => this.serve(cert, key, new Date(issuer.notAfter)) },
      clocks,
    );
    // A certificate with a lifetime of seconds, as in a test, must not wait for half a minute.
    this.backOff = new BackOff(250, Math.min(30_000, Math.max(250, settings.spec.lifetime / 10)));
  }

  /** Reconcile now. While a reconciliation is under way, another one follows it. */
  check(): Promise<void> {
    this.requested = true;
    this.running ??= this.reconcileWhileRequested().finally(() => {
      this.running = undefined;
    });
    return this.running;
  }

  start(): void {
    const { namespace, secret, webhookConfiguration } = this.settings;
    void this.keepWatching({ kind: 'secret', namespace, name: secret });
    void this.keepWatching({ kind: 'configuration', name: webhookConfiguration });
  }

  stop(): void {
    this.stopping.abort();
    clearTimeout(this.timer);
  }

  unready(): string | undefined {
    const failure = this.reconciler.failures.message();
    const because = failure === undefined ? '' : `; ${failure}`;
    if (this.current === undefined) return `there is no certificate yet${because}`;
    const { notAfter } = this.current;
    if (notAfter.getTime() <= this.clocks.now()) {
      return `the certificate expired at ${notAfter.toISOString()}${because}`;
    }
    // A replica stays ready when the caBundle is removed later. Otherwise removing it would also take all replicas out of the Service.
    // Without a configuration nobody calls; when it comes back, its caBundle is written at once.
    if (this.wasTrusted || this.reconciler.configuration?.found === false) return undefined;
    const configuration = `mutatingwebhookconfigurations/${this.settings.webhookConfiguration}`;
    return `the caBundle of ${configuration} does not trust the certificate yet${because}`;
  }

  remark(): string | undefined {
    const { configuration } = this.reconciler;
    const name = `mutatingwebhookconfigurations/${this.settings.webhookConfiguration}`;
    if (configuration?.found === false)
      return `${name} does not exist, or has no webhooks: no pod is reviewed`;
    if (configuration?.contested) return `another writer keeps setting the caBundle of ${name} back`;
    return undefined;
  }

  private async reconcileWhileRequested(): Promise<void> {
    clearTimeout(this.timer);
    while (this.requested && !this.isStopped()) {
      this.requested = false;
      const wait = await this.reconcile();
      if (this.requested) await this.pause(MIN_INTERVAL_MS);
      else if (!this.isStopped()) this.timer = setTimeout(() => void this.check(), wait).unref();
    }
  }

  /** @returns milliseconds until the next reconciliation */
  private async reconcile(): Promise<number> {
    for (let times = 0; times < MAX_REPEATS && !this.isStopped(); times++) {
      const { outcome, requeueAfter } = await this.reconcileOnce();
      const { served } = this.reconciler;
      this.wasTrusted ||= served !== undefined && this.reconciler.isTrusted(served.issuer);
      if (outcome === 'failed') return this.backOff.next();
      this.backOff.reset();
      // Rounded up, because a timer that fires early would find nothing to do.
      if (outcome === 'done')
        return Math.ceil(Math.min(requeueAfter, RESYNC_MS * (0.8 + 0.2 * Math.random())));
      await this.pause(20 * Math.random());
    }
    return this.backOff.next();
  }

  /** An unexpected error is reported, and does not end the webhook: it goes on with the certificate that it has. */
  private async reconcileOnce(): Promise<ReconcileResult> {
    try {
      return await this.reconciler.reconcile();
    } catch (error) {
      this.listener.unexpected(error);
      return { outcome: 'failed', requeueAfter: Number.POSITIVE_INFINITY };
    }
  }

  private serve(cert: string, key: string, authorityNotAfter: Date): void {
    try {
      this.current = parseCertificate(cert, key, this.clocks.now());
    } catch (error) {
      if (!(error instanceof CertificateError)) throw error;
      this.listener.failed(error);
      return;
    }
    this.listener.loaded(this.current);
    this.listener.authority(authorityNotAfter);
  }

  private async keepWatching(object: Watched): Promise<void> {
    const what = `watch the ${object.kind}`;
    const backOff = new BackOff(250, LONGEST_PAUSE_MS);
    const seen = (event: 'begun' | 'changed') => {
      // A watch that begins may still be answered with an error.
      if (event === 'changed') this.reconciler.failures.clear(what);
      void this.check();
    };
    let from: 'now' | 'cache' = 'now';
    while (!this.isStopped()) {
      const began = this.clocks.monotonic();
      try {
        await this.kubernetes.watch(object, seen, this.stopping.signal, from);
        this.reconciler.failures.clear(what);
        from = 'now';
      } catch (error) {
        from = this.afterFailedWatch(object.kind, what, error, from);
      }
      if (this.clocks.monotonic() - began > SUCCESSFUL_WATCH_MS) backOff.reset();
      await this.pause(backOff.next());
    }
  }

  /** @returns where the next watch begins */
  private afterFailedWatch(
    kind: Watched['kind'],
    what: string,
    error: unknown,
    from: 'now' | 'cache',
  ): 'now' | 'cache' {
    if (this.isStopped()) return from;
    const expired = error instanceof KubernetesError && error.code === 'expired';
    if (!(error instanceof KubernetesError)) this.listener.unexpected(error);
    else if (!expired || from === 'cache') {
      this.reconciler.failures.report(what, error.message);
      this.listener.watchFailed(kind);
    }
    void this.check();
    return expired ? 'cache' : 'now';
  }

  private isStopped(): boolean {
    return this.stopping.signal.aborted;
  }

  private async pause(ms: number): Promise<void> {
    await delay(ms, undefined, { ref: false, signal: this.stopping.signal }).catch(() => {});
  }
}
