/**
 * What the webhook counts. The labels' values are closed sets: no pod, namespace or message ever becomes a label
 * (rule W9), and nobody outside can grow the number of series.
 */
import { Counter, Gauge, Histogram, Registry } from '@prometheus-io/client';
import type { Step } from '../certificate/authority.ts';
import type { Mutation } from '../decision/mutate.ts';
import type { ImageObserver } from '../images/lookup.ts';
import type { EventFate } from './events.ts';
import { imageMetrics } from './image-metrics.ts';
import type { RejectionCode } from './rejections.ts';

export type { RejectionCode } from './rejections.ts';

/** What became of a request. `rejected`: it was no review; `failed`: our own fault. */
export type Outcome = Mutation['outcome'] | 'rejected' | 'failed';

export type OutcomeReason = Mutation['reason'] | RejectionCode | 'not-a-pod-creation' | 'internal';

export interface Metrics {
  /** All of it, as Prometheus reads it. */
  text(): Promise<string>;
  contentType: string;
  /** One request came. */
  began(): void;
  /** One request was answered; `seconds` from its whole body to its answer, where it was a review. */
  ended(outcome: Outcome, reason: OutcomeReason, seconds?: number): void;
  /** One Kubernetes Event was written, or not. */
  eventEnded(fate: EventFate): void;
  /** Count image look-ups; called once, where there are any. @param registries that always have a name of their own */
  imageLookups(registries: readonly string[]): ImageObserver;
  certificateLoaded(notAfter: Date): void;
  certificateFailed(): void;
  /** The authority of the self-managed certificate ends then. */
  authorityLoaded(notAfter: Date): void;
  /** This replica wrote the Secret of the self-managed certificate. */
  certificateWritten(step: Step): void;
  /** This replica wrote the webhook configuration's caBundle. */
  caBundleWritten(): void;
}

/** A review takes a fraction of a millisecond; one that waits for a registry, seconds. */
const BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5, 10];

/**
 * A set of metrics of its own registry.
 */
export function createMetrics(version: string): Metrics {
  const registers = [new Registry()];
  const [registry = new Registry()] = registers;
  const reviews = new Counter({
    name: 'curfew_reviews_total',
    help: 'Requests to /mutate, by what became of them and why.',
    labelNames: ['outcome', 'reason'],
    registers,
  });
  const duration = new Histogram({
    name: 'curfew_review_duration_seconds',
    help: 'From a review, read whole, to its answer.',
    buckets: BUCKETS,
    registers,
  });
  let waiting = 0;
  new Gauge({
    name: 'curfew_reviews_in_flight',
    help: 'Requests to /mutate that wait for their answer.',
    registers,
    collect() {
      this.set(waiting);
    },
  });
  const events = new Counter({
    name: 'curfew_events_total',
    help: 'Kubernetes Events, by what became of them; repeated: told by the count of the next one.',
    labelNames: ['result'],
    registers,
  });
  const expiry = new Gauge({
    name: 'curfew_certificate_expiry_timestamp_seconds',
    help: 'When the serving certificate ends, in Unix time.',
    registers,
  });
  const certificateFailures = new Counter({
    name: 'curfew_certificate_load_failures_total',
    help: 'Times that the certificate files were found to hold no pair that can serve; the former pair stays.',
    registers,
  });
  new Gauge({
    name: 'curfew_build_info',
    help: 'Always 1; the labels tell the versions.',
    labelNames: ['version', 'node'],
    registers,
  }).set({ version, node: process.version }, 1);
  return {
    text: () => registry.metrics(),
    contentType: registry.contentType,
    began: () => {
      waiting++;
    },
    ended: (outcome, reason, seconds) => {
      waiting--;
      reviews.inc({ outcome, reason });
      if (seconds !== undefined) duration.observe(seconds);
    },
    eventEnded: (result) => events.inc({ result }),
    imageLookups: (registries) => imageMetrics(registers, registries),
    certificateLoaded: (notAfter) => expiry.set(Math.floor(notAfter.getTime() / 1000)),
    certificateFailed: () => certificateFailures.inc(),
    ...selfManagedMetrics(registers),
  };
}

/** What only a webhook that manages its certificate counts; made when it first does, so that no other shows zeros. */
function selfManagedMetrics(
  registers: Registry[],
): Pick<Metrics, 'authorityLoaded' | 'certificateWritten' | 'caBundleWritten'> {
  let expiry: Gauge | undefined;
  let secretWrites: Counter<'step'> | undefined;
  let bundleWrites: Counter | undefined;
  return {
    authorityLoaded: (notAfter) => {
      expiry ??= new Gauge({
        name: 'curfew_certificate_authority_expiry_timestamp_seconds',
        help: 'When the authority of the self-managed certificate ends, in Unix time.',
        registers,
      });
      expiry.set(Math.floor(notAfter.getTime() / 1000));
    },
    certificateWritten: (step) => {
      secretWrites ??= new Counter({
        name: 'curfew_certificate_secret_writes_total',
        help: 'Times that this replica wrote the Secret of the self-managed certificate, by why.',
        labelNames: ['step'],
        registers,
      });
      secretWrites.inc({ step });
    },
    caBundleWritten: () => {
      bundleWrites ??= new Counter({
        name: 'curfew_ca_bundle_writes_total',
        help: "Times that this replica wrote the webhook configuration's caBundle.",
        registers,
      });
      bundleWrites.inc();
    },
  };
}
