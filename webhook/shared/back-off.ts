/** Back-off between attempts. Times are milliseconds. */

/** Exponential back-off with jitter: each wait is up to twice as long as the last, and random, so replicas do not retry together. */
export class BackOff {
  private readonly least: number;
  private readonly most: number;
  private attempts = 0;

  /** @param least the first wait at most @param most the longest wait */
  constructor(least: number, most: number) {
    this.least = least;
    this.most = most;
  }

  /** @returns how long to wait before the next attempt */
  next(): number {
    const full = Math.min(this.most, this.least * 2 ** Math.min(this.attempts++, 30));
    return full * (0.5 + 0.5 * Math.random());
  }

  /** An attempt has succeeded. */
  reset(): void {
    this.attempts = 0;
  }
}

/** A write of the same text within this time means that something has undone the last one. */
const UNDONE_WITHIN_MS = 60_000;
/** How often the text is written again without a wait. */
const IMMEDIATE_REWRITES = 5;

/** Back-off for a field that another writer sets back again and again: a few rewrites at once, then with growing waits. */
export class RewriteBackOff {
  private readonly clock: () => number;
  private readonly backOff = new BackOff(250, 30_000);
  private last = { text: '', at: 0, rewrites: 0, until: 0 };

  /** @param clock milliseconds, monotonic */
  constructor(clock: () => number) {
    this.clock = clock;
  }

  /** @returns how long to wait before the next write; 0 or less: none */
  wait(): number {
    return this.last.until - this.clock();
  }

  /** The text was written. @returns how many times in a row the same text was rewritten; 0: the text is new */
  written(text: string): number {
    const at = this.clock();
    const { last } = this;
    const rewrites = last.text === text && at - last.at < UNDONE_WITHIN_MS ? last.rewrites + 1 : 0;
    if (rewrites === 0) this.backOff.reset();
    this.last = { text, at, rewrites, until: rewrites > IMMEDIATE_REWRITES ? at + this.backOff.next() : at };
    return rewrites;
  }

  /** Whether another writer keeps setting the field back. Over when none has for a while. */
  get contested(): boolean {
    return this.last.rewrites > IMMEDIATE_REWRITES && this.clock() - this.last.at < UNDONE_WITHIN_MS;
  }
}
