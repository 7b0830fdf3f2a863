import type { Operation } from '../shared/operations.ts';
import { printable } from '../shared/wording.ts';
import type { Mechanism } from './mode.ts';
import type { Reason } from './reasons.ts';

export { REASONS, type Reason } from './reasons.ts';

export interface MutatedContainer {
  name: string;
  role: 'main' | 'sidecar';
  /** The command that the shim runs; where machines differ, the first machine's. In native mode what its spec says, which may be nothing. */
  command: string[];
  /** Where machines differ: the command of each. */
  byMachine?: { machine: string; command: string[] }[];
  /** A sidecar's readiness condition as it stands in the shim's flags (headers are not shown), or what its startup probe asks. */
  ready?: string;
  /** The rule that decided the role. */
  why: string;
}

/** The whole outcome for one pod. */
export interface Mutation {
  /** `converted`: its sidecars became native ones. */
  outcome: 'wrapped' | 'converted' | 'unchanged' | 'refused';
  reason: Reason;
  /** What the pod has, or had to be refused for; undefined where that was not asked. */
  mode?: Mechanism;
  /** Why it is that one: half a sentence; undefined where the mode itself says it. */
  modeWhy?: string;
  /** One sentence for a person; a refusal names the annotation and what to write. */
  message: string;
  /** RFC 6902. Also for `unchanged`, when an earlier wrapping must be undone. */
  operations: Operation[];
  /** Each at most 256 characters, no control characters, no secrets. */
  warnings: string[];
  containers: MutatedContainer[];
}

/** Something that keeps a pod from being wrapped. The message begins in lower case and becomes a {@link sentence}. */
export interface Trouble {
  reason: Reason;
  message: string;
}

/** The answer for a pod that is not wrapped. Each step of a review returns one in place of its result, and the next steps are left out. */
export class NotWrapped {
  readonly outcome: 'refused' | 'unchanged';
  readonly reason: Reason;
  /** One sentence. */
  readonly message: string;
  readonly warning: string | undefined;

  constructor(outcome: 'refused' | 'unchanged', reason: Reason, message: string, warning?: string) {
    this.outcome = outcome;
    this.reason = reason;
    this.message = message;
    this.warning = warning;
  }
}

/** The pod asks for something that cannot be done as it is written. */
export function refuse({ reason, message }: Trouble): NotWrapped {
  return new NotWrapped('refused', reason, sentence(message));
}

/**
 * The pod stays, or becomes again, as its author wrote it.
 * @param message one sentence
 */
export function pass(reason: Reason, message: string, warning?: string): NotWrapped {
  return new NotWrapped('unchanged', reason, message, warning);
}

/**
 * W6: a pod that asks to be wrapped is refused when it cannot be; one that only the catalogue picked passes with a warning.
 * @param asks the pod has the label or an annotation
 */
export function refuseOrPass(asks: boolean, trouble: Trouble): NotWrapped {
  if (asks) return refuse(trouble);
  return pass(trouble.reason, sentence(trouble.message), `not wrapped: ${trouble.message}`);
}

/** A text on one line that begins with a capital letter, unless it begins with a field's path, and ends with a full stop. */
export function sentence(text: string): string {
  const clean = printable(text);
  const first = /^\w+[.[]/.test(clean) ? clean.charAt(0) : clean.charAt(0).toUpperCase();
  return `${first}${clean.slice(1)}${clean.endsWith('.') ? '' : '.'}`;
}
