/**
 * The certificate that the replicas look after themselves: when to look at Secret and configuration, and what is served
 * meanwhile. What to do with them is decided in `agreement.ts`.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Kubernetes, Watched } from '../kubernetes/client.ts';
import { KubernetesError } from '../kubernetes/error.ts';
import { Patience } from '../shared/failure-log.ts';
import {
  Agreement,
  type AgreementEvents,
  type AgreementSettings,
  type Clocks,
  type Round,
} from './agreement.ts';
import { type Certificate, CertificateError, parseCertificate } from './certificate.ts';
import type { CertificateEvents, CertificateSource } from './source.ts';

/** What a {@link SelfManagedCertificate} tells. */
export interface SelfManagedEvents extends CertificateEvents, Omit<AgreementEvents, 'leaf'> {
  /** The leaf that is served is of an authority that ends then. */
  authority(notAfter: Date): void;
  /** A fault of ours. It is tried again. */
  unexpected(error: unknown): void;
}

/** Both objects are read this often though nothing seems to change: a watch may have died without a word. */
const RESYNC = 60_000;
/** A round that lost against other replicas is followed by the next at once, so many times. */
const MAX_ROUNDS = 8;
/** Between two looks, so that somebody who writes without end is not followed at every turn. */
const BREATH = 100;
/** A watch that stood this long had no trouble. */
const STEADY_WATCH = 5_000;

const CLOCKS: Clocks = { now: Date.now, steady: () => performance.now() };

export class SelfManagedCertificate implements CertificateSource {
  current: Certificate | undefined;
  private readonly kubernetes: Kubernetes;
  private readonly settings: AgreementSettings;
  private readonly events: SelfManagedEvents;
  private readonly clocks: Clocks;
  private readonly agreement: Agreement;
  private readonly failures: Patience;
  private readonly stopping = new AbortController();
  private wasTrusted = false;
  private running: Promise<void> | undefined;
  private asked = false;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    kubernetes: Kubernetes,
    settings: AgreementSettings,
    events: SelfManagedEvents,
    clocks = CLOCKS,
  ) {
    this.kubernetes = kubernetes;
    this.settings = settings;
    this.events = events;
    this.clocks = clocks;
    this.agreement = new Agreement(
      kubernetes,
      settings,
      { ...events, leaf: ({ cert, key, issuer }) => this.serve(cert, key, new Date(issuer.notAfter)) },
      clocks,
    );
    // Certificates that live for seconds, in a test, cannot wait for half a minute.
    this.failures = new Patience(250, Math.min(30_000, Math.max(250, settings.terms.lifetime / 10)));
  }

  /** Look now; while a look is under way, once more after it. */
  check(): Promise<void> {
    this.asked = true;
    this.running ??= this.lookWhileAsked().finally(() => {
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
    const trouble = this.agreement.troubles.message();
    const because = trouble === undefined ? '' : `; ${trouble}`;
    if (this.current === undefined) return `there is no certificate yet${because}`;
    const { notAfter } = this.current;
    if (notAfter.getTime() <= this.clocks.now()) {
      return `the certificate expired at ${notAfter.toISOString()}${because}`;
    }
    // Once it was trusted it serves: who takes the caBundle away would else take the webhook away too.
    if (this.wasTrusted) return undefined;
    const configuration = `mutatingwebhookconfigurations/${this.settings.webhookConfiguration}`;
    return `the caBundle of ${configuration} does not trust the certificate yet${because}`;
  }

  private async lookWhileAsked(): Promise<void> {
    clearTimeout(this.timer);
    while (this.asked && !this.isStopped()) {
      this.asked = false;
      const wait = await this.look();
      if (this.asked) await this.pause(BREATH);
      else if (!this.isStopped()) this.timer = setTimeout(() => void this.check(), wait).unref();
    }
  }

  /** @returns milliseconds until the next look */
  private async look(): Promise<number> {
    for (let round = 0; round < MAX_ROUNDS && !this.isStopped(); round++) {
      const { outcome, moment } = await this.round();
      const { served } = this.agreement;
      this.wasTrusted ||= served !== undefined && this.agreement.isTrusted(served.issuer);
      if (outcome === 'failed') return this.failures.next();
      this.failures.reset();
      // Rounded up: a timer that is early finds nothing to do.
      if (outcome === 'done') return Math.ceil(Math.min(moment, RESYNC * (0.8 + 0.2 * Math.random())));
      await this.pause(20 * Math.random());
    }
    return this.failures.next();
  }

  /** What serves must not fall because of what renews. */
  private async round(): Promise<Round> {
    try {
      return await this.agreement.round();
    } catch (error) {
      this.events.unexpected(error);
      return { outcome: 'failed', moment: Number.POSITIVE_INFINITY };
    }
  }

  private serve(cert: string, key: string, authorityEnds: Date): void {
    try {
      this.current = parseCertificate(cert, key, this.clocks.now());
    } catch (error) {
      if (!(error instanceof CertificateError)) throw error;
      this.events.failed(error);
      return;
    }
    this.events.loaded(this.current);
    this.events.authority(authorityEnds);
  }

  private async keepWatching(object: Watched): Promise<void> {
    const what = `watch the ${object.kind}`;
    const patience = new Patience(250, 30_000);
    while (!this.isStopped()) {
      const began = this.clocks.steady();
      try {
        const changed = () => {
          this.agreement.troubles.clear(what);
          void this.check();
        };
        await this.kubernetes.watch(object, changed, this.stopping.signal);
      } catch (error) {
        if (!(error instanceof KubernetesError)) this.events.unexpected(error);
        else if (!this.isStopped()) this.agreement.troubles.note(what, error.message);
      }
      if (this.clocks.steady() - began > STEADY_WATCH) patience.reset();
      await this.pause(patience.next());
    }
  }

  private isStopped(): boolean {
    return this.stopping.signal.aborted;
  }

  private async pause(ms: number): Promise<void> {
    await delay(ms, undefined, { ref: false, signal: this.stopping.signal }).catch(() => {});
  }
}
