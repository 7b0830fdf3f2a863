/**
 * The webhook's metrics. The labels' values are closed sets: no pod, namespace or message ever becomes a label (rule W9), and nothing
 * from outside adds a series.
 */
import { Counter, Gauge, Histogram, Registry } from '@prometheus-io/client';
import type { Mechanism } from '../decision/mode.ts';
import type { Mutation } from '../decision/mutate.ts';
import type { ImageObserver } from '../images/lookup.ts';
import { type SelfManagedMetrics, selfManagedMetrics } from './certificate-metrics.ts';
import type { EventFate } from './events.ts';
import { imageMetrics } from './image-metrics.ts';
import type { RejectionCode } from './rejections.ts';

export type { RejectionCode } from './rejections.ts';

/**
 * A request's outcome. `again`: the pod was wrapped by an earlier review, and the API server asks once more because somebody has changed it
 * since; `rejected`: it was no review, or one too many; `failed`: a fault of ours.
 */
export type Outcome = Mutation['outcome'] | 'again' | 'rejected' | 'failed';

export type OutcomeReason = Mutation['reason'] | RejectionCode | 'not-a-pod-creation' | 'audit' | 'internal';

export interface Metrics {
  /** The metrics in Prometheus' text format. */
  text(): Promise<string>;
  contentType: string;
  /** One request came. */
  began(): void;
  /** One request was answered; `seconds` from its whole body to its answer, where it was a review. */
  ended(outcome: Outcome, reason: OutcomeReason, seconds?: number, mode?: Mechanism): void;
  /** A pod of a namespace that is only audited: what would have become of it. */
  audited(outcome: Mutation['outcome'], reason: Mutation['reason'], mode: Mechanism | undefined): void;
  /** One Kubernetes Event was written, has failed, or was left out. */
  eventEnded(fate: EventFate): void;
  /** Count image look-ups; called once, where there are any. @param registries those that always have a label value of their own */
  imageLookups(registries: readonly string[]): ImageObserver;
  certificateLoaded(notAfter: Date): void;
  certificateFailed(): void;
  /** Count what becomes of a self-managed certificate; called once, where there is one. */
  selfManaged(): SelfManagedMetrics;
}

const AGAIN: ReadonlySet<Mutation['reason']> = new Set<Mutation['reason']>([
  'already-wrapped',
  'wrapped-again',
  'already-converted',
  'converted-again',
]);

/** The outcome to count. So each pod is wrapped once there, although most are reviewed twice (reinvocationPolicy IfNeeded). */
export function outcomeOf({ outcome, reason }: Mutation): Outcome {
  return AGAIN.has(reason) ? 'again' : outcome;
}

/** Seconds. A review takes a fraction of a millisecond, one that waits for a registry seconds. */
const BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5, 10];

function labels<O extends Outcome, R extends OutcomeReason>(
  outcome: O,
  reason: R,
  mode: Mechanism | undefined,
) {
  return mode === undefined ? { outcome, reason } : { outcome, reason, mode };
}

/** Metrics in a registry of their own. */
export function createMetrics(version: string): Metrics {
  const registers = [new Registry()];
  const [registry = new Registry()] = registers;
  const reviews = new Counter({
    name: 'curfew_reviews_total',
    help: 'Requests to /mutate, by what became of them, why, and by which mechanism (shim, native; no label where that was not asked).',
    labelNames: ['outcome', 'reason', 'mode'],
    registers,
  });
  const duration = new Histogram({
    name: 'curfew_review_duration_seconds',
    help: 'From a review, read whole, to its answer.',
    buckets: BUCKETS,
    registers,
  });
  const audits = new Counter({
    name: 'curfew_audits_total',
    help: 'Pods of namespaces that are only audited, by what would have become of them, why, and by which mechanism.',
    labelNames: ['outcome', 'reason', 'mode'],
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
    help: 'Kubernetes Events, by what became of them; repeated: in the count of the next one.',
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
    audited: (outcome, reason, mode) => audits.inc(labels(outcome, reason, mode)),
    ended: (outcome, reason, seconds, mode) => {
      waiting--;
      reviews.inc(labels(outcome, reason, mode));
      if (seconds !== undefined) duration.observe(seconds);
    },
    eventEnded: (result) => events.inc({ result }),
    imageLookups: (registries) => imageMetrics(registers, registries),
    certificateLoaded: (notAfter) => expiry.set(Math.floor(notAfter.getTime() / 1000)),
    certificateFailed: () => certificateFailures.inc(),
    selfManaged: () => selfManagedMetrics(registers),
  };
}
