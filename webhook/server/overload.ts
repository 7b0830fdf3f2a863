/**
 * Load shedding: a request that would be answered too late, or needs memory that is not there, is answered 503 before its body is read.
 *
 * The answer says `Retry-After: 1` at first. The API server's client honours that: it asks again after a second, up to ten times, within
 * the timeout of the webhook (k8s.io/client-go, rest/with_retry.go; so did 1.20's). So a short overload only delays a review. In one that
 * lasts, the retries would go on until the timeout, and its message names no cause: from then on the answer has no `Retry-After`, and
 * reaches the failurePolicy and the user at once. Nothing here touches /livez and /readyz: a restart, or a replica less, would make an
 * overload worse.
 */
import type { IncomingMessage } from 'node:http';
import type { Config } from '../config/schema.ts';
import { apiServerTimeout } from './api-server-timeout.ts';
import { EventLoop } from './event-loop.ts';
import type { Log } from './log.ts';

/** The limit that was exceeded. */
export type Excess = 'reviews' | 'bytes' | 'time' | 'connections';

/** The pause before the next try. The API server's client counts whole seconds, and does not look at its timeout meanwhile. */
const RETRY_AFTER_SECONDS = '1';
/** From this age on an overload counts as lasting, in ms: three tries of the API server's client, well within the usual timeouts. */
const LASTING = 3_000;
/** An overload ends after so many ms without a rejection: longer than a client pauses after `Retry-After`. */
const OVER = 2_000;

/** A body so short is always taken, so that long bodies, sent or only announced, do not keep ordinary reviews out. */
const SHORT_BODY = 64 * 1024;

/** The share of the API server's timeout that may be over before a review is read: the rest is for another try, and for the answer. */
const TIMEOUT_SHARE = 1 / 4;
/**
 * The share of the time that a review may wait which one turn of the event loop may take: what is read in a turn has waited for the
 * turn before too. (Judging by the sum of both would shed all that is read after one long turn.)
 */
const TURN_SHARE = 1 / 2;
/** The longest turn that the shortest timeout of a webhook (1 s) allows: up to here the request's own timeout is not looked up. */
const SHORTEST_TURN = 1000 * TIMEOUT_SHARE * TURN_SHARE;

/** Between two lines of the log, in ms. */
const LOG_INTERVAL = 10_000;

/** One webhook's load. */
export class Overload {
  private readonly limits: Config['limits'];
  private readonly log: Log;
  private readonly loop = new EventLoop();
  /** The requests that are taken and not yet answered, each with the bytes that its body may come to hold. */
  private readonly taken = new Map<IncomingMessage, number>();
  private bytes = 0;
  private unlogged = 0;
  private logging = false;
  private latest: Excess = 'time';
  private readonly now: () => number;
  /** When the present overload, or the last one, began, and when it last was seen. */
  private since = Number.NEGATIVE_INFINITY;
  private seen = Number.NEGATIVE_INFINITY;

  /** @param now a clock in milliseconds, whatever its zero */
  constructor(limits: Config['limits'], log: Log, now = () => performance.now()) {
    this.limits = limits;
    this.log = log;
    this.now = now;
  }

  /**
   * Take a request of which only the head was read, unless a limit is exceeded.
   * @returns the exceeded limit; undefined: it is taken, and {@link leave} must follow
   */
  enter(request: IncomingMessage): Excess | undefined {
    const excess = this.excess(request);
    if (excess === undefined) this.count(request);
    else this.note(excess);
    return excess;
  }

  /** Take a request without a look at the limits: one that is answered at once with an error. {@link leave} must follow. */
  count(request: IncomingMessage): void {
    if (this.taken.has(request)) return;
    const bytes = this.bytesOf(request);
    this.taken.set(request, bytes);
    this.bytes += bytes;
  }

  /** A request is answered. @returns whether it was taken and had no answer before */
  leave(request: IncomingMessage): boolean {
    this.bytes -= this.taken.get(request) ?? 0;
    return this.taken.delete(request);
  }

  /** The `Retry-After` of a request that was just shed; undefined in an overload that lasts. */
  retryAfter(): string | undefined {
    return this.seen - this.since < LASTING ? RETRY_AFTER_SECONDS : undefined;
  }

  /** How many requests are taken and not yet answered. */
  get inWork(): number {
    return this.taken.size;
  }

  /** How long what is read now may have waited to be read, in ms. */
  waited(): number {
    return this.loop.waited();
  }

  private excess(request: IncomingMessage): Excess | undefined {
    const { concurrentReviews, concurrentBytes, queueTime } = this.limits;
    const turn = this.loop.turn();
    if (turn > SHORTEST_TURN || turn > queueTime * TURN_SHARE) {
      const wait = Math.min(queueTime, apiServerTimeout(request.url ?? '') * TIMEOUT_SHARE);
      if (turn > wait * TURN_SHARE) return 'time';
    }
    if (this.taken.size >= concurrentReviews) return 'reviews';
    const bytes = this.bytesOf(request);
    if (bytes > SHORT_BODY && this.bytes + bytes > concurrentBytes) return 'bytes';
    return undefined;
  }

  /** The memory that a request's body may come to hold. */
  private bytesOf({ headers }: IncomingMessage): number {
    const { bodyBytes } = this.limits;
    const length = headers['content-length'];
    if (length === undefined) return headers['transfer-encoding'] === undefined ? 0 : bodyBytes;
    const bytes = Number(length);
    // A longer one is refused unread.
    return bytes <= bodyBytes ? bytes : 0;
  }

  /** Count a rejection; the log has one line for all of ten seconds. */
  note(excess: Excess): void {
    const now = this.now();
    if (now - this.seen > OVER) this.since = now;
    this.seen = now;
    this.unlogged++;
    this.latest = excess;
    if (this.logging) return;
    this.logging = true;
    this.report();
    const timer = setInterval(() => {
      if (this.unlogged > 0) return this.report();
      clearInterval(timer);
      this.logging = false;
    }, LOG_INTERVAL).unref();
  }

  private report(): void {
    const { unlogged: shed, latest: excess, bytes } = this;
    this.unlogged = 0;
    const waitedMs = Math.round(this.loop.waited());
    this.log.warn(
      { outcome: 'rejected', reason: 'overloaded', shed, excess, reviews: this.inWork, bytes, waitedMs },
      'overloaded',
    );
  }
}

/** The message of a rejection: the exceeded limit and the advice to ask again. */
export function describeExcess(excess: Excess): string {
  const cause = {
    reviews: 'too many reviews are in work (limits.concurrentReviews)',
    bytes: 'too many long reviews are in work (limits.concurrentBytes)',
    time: 'reviews wait too long to be read (limits.queueTime)',
    connections: 'too many connections are open (limits.connections)',
  };
  return `overloaded: ${cause[excess]}; ask again`;
}
