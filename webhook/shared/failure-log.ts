/** A failure log for a loop that retries by itself: a failure that lasts is reported once in a while, not at each attempt. */

export interface FailureListener {
  /** Something fails. Called when the failure is new or its message has changed, and every ten minutes while it lasts. */
  failure(message: string): void;
  /** It works again. @param what the name that {@link FailureLog.report} was given */
  recovered(what: string): void;
}

const REPEAT_MS = 10 * 60_000;

/** The failures that last, by the name of what fails. */
export class FailureLog {
  private readonly listener: FailureListener;
  private readonly clock: () => number;
  private readonly lasting = new Map<string, { message: string; reportedAt: number }>();

  /** @param clock milliseconds, monotonic */
  constructor(listener: FailureListener, clock = () => performance.now()) {
    this.listener = listener;
    this.clock = clock;
  }

  /** An attempt at `what` has failed. */
  report(what: string, message: string): void {
    const last = this.lasting.get(what);
    const now = this.clock();
    if (last?.message === message && now - last.reportedAt < REPEAT_MS) return;
    this.lasting.set(what, { message, reportedAt: now });
    this.listener.failure(message);
  }

  /** An attempt at `what` has succeeded. */
  clear(what: string): void {
    if (this.lasting.delete(what)) this.listener.recovered(what);
  }

  /** The message of the oldest failure that lasts. */
  message(): string | undefined {
    const [first] = this.lasting.values();
    return first?.message;
  }
}
