/**
 * The webhook's metrics. The labels' values are closed sets: no pod, namespace or message ever becomes a label (rule W9), and nothing
 * from outside adds a series.
 */
import { Counter, Gauge, Histogram, Registry } from '@prometheus-io/client';
import type { Mechanism } from '../decision/mode.ts';
import type { Mutation } from '../decision/mutate.ts';
import { REASON_MEANINGS, REASONS } from '../decision/reasons.ts';
import type { ImageObserver } from '../images/lookup.ts';
import { type SelfManagedMetrics, selfManagedMetrics } from './certificate-metrics.ts';
import type { EventFate } from './events.ts';
import { imageMetrics } from './image-metrics.ts';
import { REJECTION_CODES, type RejectionCode } from './rejections.ts';
import { type SettingsMetrics, settingsMetrics } from './settings-metrics.ts';

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
  ended(outcome: Outcome, reason: OutcomeReason, seconds?: number): void;
  /** A pod of a namespace that is only audited: what would have become of it. */
  audited(outcome: Mutation['outcome'], reason: Mutation['reason']): void;
  /** One Kubernetes Event was written, has failed, or was left out. */
  eventEnded(fate: EventFate): void;
  /** Count image look-ups; called once, where there are any. @param registries those that always have a label value of their own */
  imageLookups(registries: readonly string[]): ImageObserver;
  certificateLoaded(notAfter: Date): void;
  certificateFailed(): void;
  /** Count the settings of namespaces; called once, where they are read. */
  namespaceSettings(): SettingsMetrics;
  /** Count what becomes of a self-managed certificate; called once, where there is one. */
  selfManaged(): SelfManagedMetrics;
}

const AGAIN: ReadonlySet<Mutation['reason']> = new Set<Mutation['reason']>([
  'wrapped-again',
  'already-wrapped',
  'converted-again',
  'already-converted',
]);

/** The outcome to count. So each pod is wrapped once there, although most are reviewed twice (reinvocationPolicy IfNeeded). */
export function outcomeOf({ outcome, reason }: Pick<Mutation, 'outcome' | 'reason'>): Outcome {
  return AGAIN.has(reason) ? 'again' : outcome;
}

/** Seconds. A review takes a fraction of a millisecond, one that waits for a registry seconds. */
const BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5, 10];

const FATES: Readonly<Record<EventFate, true>> = {
  written: true,
  failed: true,
  repeated: true,
  dropped: true,
};

/** Each decision about a pod. */
function* verdicts(): Generator<Pick<Mutation, 'outcome' | 'reason'>> {
  for (const reason of REASONS) {
    const { becomes } = REASON_MEANINGS[reason];
    if (becomes === 'refused if it asks') yield { outcome: 'refused', reason };
    yield { outcome: becomes === 'refused if it asks' ? 'unchanged' : becomes, reason };
  }
}

/**
 * What a review can become, and why. Every series is there with 0 from the start: `increase()` takes the first value that it sees for
 * what was there before, so it would not see a first event.
 */
function* reviewSeries(): Generator<{ outcome: Outcome; reason: OutcomeReason }> {
  for (const { outcome, reason } of verdicts()) yield { outcome: outcomeOf({ outcome, reason }), reason };
  for (const reason of REJECTION_CODES) yield { outcome: 'rejected', reason };
  yield { outcome: 'unchanged', reason: 'not-a-pod-creation' };
  yield { outcome: 'unchanged', reason: 'audit' };
  yield { outcome: 'failed', reason: 'internal' };
}

/** The mechanism of a pod that has one (label `mode`). */
const MODES: Partial<Record<OutcomeReason, Mechanism>> = {
  wrapped: 'shim',
  'wrapped-again': 'shim',
  'already-wrapped': 'shim',
  converted: 'native',
  'converted-again': 'native',
  'already-converted': 'native',
};

function labels<O extends Outcome, R extends OutcomeReason>(outcome: O, reason: R) {
  const mode = MODES[reason];
  return mode === undefined ? { outcome, reason } : { outcome, reason, mode };
}

/** Metrics in a registry of their own. */
export function createMetrics(version: string): Metrics {
  const registers = [new Registry()];
  const [registry = new Registry()] = registers;
  const reviews = new Counter({
    name: 'curfew_reviews_total',
    help: 'Requests to /mutate, by what became of them, why, and by which mechanism the pod has (shim, native; no label where it has none).',
    labelNames: ['outcome', 'reason', 'mode'],
    registers,
  });
  for (const { outcome, reason } of reviewSeries()) reviews.inc(labels(outcome, reason), 0);
  const duration = new Histogram({
    name: 'curfew_review_duration_seconds',
    help: 'From a review, read whole, to its answer.',
    buckets: BUCKETS,
    registers,
  });
  const audits = new Counter({
    name: 'curfew_audits_total',
    help: 'Reviews in namespaces that are only audited, by what would have become of the pod, why, and by which mechanism. A pod that another webhook changes afterwards is reviewed twice: nothing marks it.',
    labelNames: ['outcome', 'reason', 'mode'],
    registers,
  });
  for (const { outcome, reason } of verdicts()) audits.inc(labels(outcome, reason), 0);
  let watches: Counter<'object'> | undefined;
  // Where nothing is watched there is none: other webhooks do not show zeros.
  const watchFailures = () => {
    watches ??= new Counter({
      name: 'curfew_watch_failures_total',
      help: 'Watches at the API server that could not be had or ended with an error, by what was watched; they are tried again.',
      labelNames: ['object'],
      registers,
    });
    return watches;
  };
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
  for (const result of Object.keys(FATES)) events.inc({ result }, 0);
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
    audited: (outcome, reason) => audits.inc(labels(outcome, reason)),
    ended: (outcome, reason, seconds) => {
      waiting--;
      reviews.inc(labels(outcome, reason));
      if (seconds !== undefined) duration.observe(seconds);
    },
    eventEnded: (result) => events.inc({ result }),
    imageLookups: (registries) => imageMetrics(registers, registries),
    certificateLoaded: (notAfter) => expiry.set(Math.floor(notAfter.getTime() / 1000)),
    certificateFailed: () => certificateFailures.inc(),
    namespaceSettings: () => settingsMetrics(registers, watchFailures()),
    selfManaged: () => selfManagedMetrics(registers, watchFailures()),
  };
}
