/** What is said of a pod in a namespace that is only audited: the webhook decides as everywhere, and changes nothing. */
import type { Mutation } from '../decision/mutation.ts';
import { eventMessage, type ReviewEvent, reviewEvent, subjectOf } from './review-event.ts';

/** The answer: nothing is changed and nothing refused, and a warning says what would be. */
export function auditAnswer(mutation: Mutation): Mutation {
  return { ...mutation, outcome: 'unchanged', operations: [], warnings: auditWarnings(mutation) };
}

/** None where nothing would be done and nobody would be told anything. */
function auditWarnings(mutation: Mutation): string[] {
  const told = mutation.warnings.map((text) => text.replace(/^Curfew: /, AUDIT));
  return isUntouched(mutation) ? told : [`${AUDIT}${wouldBe(mutation)}`, ...told];
}

/**
 * The Event: of a pod that would be changed or refused, and of one that would be passed over with an Event.
 * @param pod the pod of the review, any JSON value
 * @param name the pod's name; empty where the API server is still to make one
 */
export function auditEvent(mutation: Mutation, pod: unknown, name: string): ReviewEvent | undefined {
  const event = reviewEvent(mutation, pod, name);
  const about = subjectOf(pod, name);
  if ((isUntouched(mutation) && event === undefined) || about === undefined) return undefined;
  const { reason: cause } = mutation;
  const message = eventMessage(`Audit only: ${wouldBe(mutation)}`);
  return { type: event?.type ?? 'Normal', reason: 'CurfewAudit', cause, message, about };
}

const AUDIT = 'Curfew (audit only): ';

function isUntouched({ outcome, operations }: Mutation): boolean {
  return outcome === 'unchanged' && operations.length === 0;
}

function wouldBe({ outcome, message }: Mutation): string {
  switch (outcome) {
    case 'wrapped':
      return `the pod would be wrapped. ${message}`;
    case 'converted':
      return `its sidecars would become native ones. ${message}`;
    case 'refused':
      return `the pod would be refused. ${message}`;
    case 'unchanged':
      return `the pod would stay as it is. ${message}`;
    default:
      return outcome satisfies never;
  }
}
