/** What is in the way of a loop that tries again by itself: told, but not each time; waited for, longer each time. */

/** Who hears of it. */
export interface TroubleEvents {
  /** Something is in the way. Told when it is new, and every ten minutes as long as it lasts. */
  trouble(message: string): void;
  /** It is no longer in the way. */
  recovered(what: string): void;
}

const REPEAT = 10 * 60_000;

/** The troubles that there are, by what they keep from being done. */
export class Troubles {
  private readonly events: TroubleEvents;
  private readonly clock: () => number;
  private readonly open = new Map<string, { message: string; toldAt: number }>();

  constructor(events: TroubleEvents, clock = () => performance.now()) {
    this.events = events;
    this.clock = clock;
  }

  note(what: string, message: string): void {
    const known = this.open.get(what);
    const now = this.clock();
    if (known?.message === message && now - known.toldAt < REPEAT) return;
    this.open.set(what, { message, toldAt: now });
    this.events.trouble(message);
  }

  clear(what: string): void {
    if (this.open.delete(what)) this.events.recovered(what);
  }

  /** The first that is still there. */
  message(): string | undefined {
    const [first] = this.open.values();
    return first?.message;
  }
}

/** How long to wait before the next attempt: twice as long each time, never all replicas at once. */
export class Patience {
  private readonly least: number;
  private readonly most: number;
  private attempts = 0;

  /** Milliseconds. */
  constructor(least: number, most: number) {
    this.least = least;
    this.most = most;
  }

  /** @returns milliseconds */
  next(): number {
    const full = Math.min(this.most, this.least * 2 ** Math.min(this.attempts++, 30));
    return full * (0.5 + 0.5 * Math.random());
  }

  reset(): void {
    this.attempts = 0;
  }
}

/** After how much quiet somebody who undoes what is written counts as gone, and how often it is written again at once. */
const QUIET = 60_000;
const AT_ONCE = 5;

/** Writing the same again and again because somebody else undoes it: at once at first, then more and more slowly. */
export class Insistence {
  private readonly clock: () => number;
  private readonly patience = new Patience(250, 30_000);
  private last = { text: '', at: 0, times: 0, until: 0 };

  constructor(clock: () => number) {
    this.clock = clock;
  }

  /** @returns milliseconds until it may be written; 0 or less: now */
  pause(): number {
    return this.last.until - this.clock();
  }

  /** It was written. @returns how often the same was written just before */
  wrote(text: string): number {
    const at = this.clock();
    const { last } = this;
    const times = last.text === text && at - last.at < QUIET ? last.times + 1 : 0;
    if (times === 0) this.patience.reset();
    this.last = { text, at, times, until: times > AT_ONCE ? at + this.patience.next() : at };
    return times;
  }

  /** Whether somebody is at it. */
  get contested(): boolean {
    return this.last.times > AT_ONCE;
  }
}
