/** A review's log line. A refusal, and a known sidecar that is passed over, is a warning with all that the user was told. */
import type { Mutation, Reason } from '../decision/mutation.ts';
import type { ReviewRequest } from './admission-review.ts';
import { bounded, type Log } from './log.ts';
import type { Outcome, OutcomeReason } from './metrics.ts';
import { eventType, ownerOf } from './review-event.ts';

/** The decision about a review. */
export interface Verdict {
  outcome: Outcome;
  reason: OutcomeReason;
  /** Undefined where the review is about no pod's creation. With reason `audit`: what would have become of the pod. */
  mutation?: Mutation;
}

/** The API server cuts what the user sees at about this length too (`respond`). */
const MAX_MESSAGE = 2_048;

/** These messages quote values of annotations, which may be commands with a password in them (rule W9). */
const QUOTES_VALUES: ReadonlySet<Reason> = new Set<Reason>(['bad-annotation', 'bad-settings', 'bad-status']);

/** Write the line of a review that was answered. @param seconds from its whole body to its answer */
export function writeReview(log: Log, asked: ReviewRequest, verdict: Verdict, seconds: number): void {
  const { outcome, reason, mutation } = verdict;
  const fields = {
    uid: asked.uid,
    namespace: bounded(asked.namespace),
    ...(asked.name === '' ? { generateName: bounded(asked.generateName) } : { name: bounded(asked.name) }),
    operation: bounded(asked.operation, 16),
    dryRun: asked.dryRun,
    outcome,
    reason,
    ...(mutation?.mode === undefined ? {} : { mode: mutation.mode }),
    ...(mutation?.modeWhy === undefined ? {} : { modeWhy: bounded(mutation.modeWhy) }),
    ...(reason === 'audit' ? { wouldBe: mutation?.outcome, wouldBeReason: mutation?.reason } : {}),
    operations: reason === 'audit' ? 0 : (mutation?.operations.length ?? 0),
    ms: Math.round(seconds * 1_000_000) / 1000,
  };
  // Of most pods there are two reviews, and the second one changes nothing.
  if (reason === 'already-wrapped' || reason === 'already-converted') log.debug(fields, 'review');
  else if (mutation === undefined || eventType(mutation) !== 'Warning') log.info(fields, 'review');
  else log.warn({ ...fields, ...told(mutation), owner: ownerOf(asked.pod) }, 'review');
}

/** A message without the values that it quotes. */
export function withoutValues(text: string): string {
  return text.replace(/"(?:[^"\\]|\\.)*"/g, '"..."');
}

/** What the user was told. Container, annotation key and registry stand in the message. */
function told({ reason, message, warnings }: Mutation): { message: string; warnings?: string[] } {
  const kept = (text: string) => {
    return bounded(QUOTES_VALUES.has(reason) ? withoutValues(text) : text, MAX_MESSAGE);
  };
  return { message: kept(message), ...(warnings.length === 0 ? {} : { warnings: warnings.map(kept) }) };
}
