import type { Reason } from './mutation.ts';

/** The pod asks for something that cannot be had as it is written. The message goes to the user as it is. */
export class Refusal extends Error {
  readonly reason: Reason;

  constructor(reason: Reason, message: string) {
    super(message);
    this.reason = reason;
  }
}
