/**
 * Shedding: what would come too late, or take memory that is not there, is answered at once, before its body is read.
 *
 * The answer is 503, at first with `Retry-After: 1`. The API server's client honours that: it asks again after a second, up to ten times,
 * within the timeout of the webhook (k8s.io/client-go, rest/with_retry.go; so did 1.20's). So a review that is shed in a short overload is
 * put off. In one that lasts it would be put off until it times out, and nobody would be told why: from then on the answer asks for
 * nothing, and reaches the failurePolicy and the user at once. Nothing here touches /livez and /readyz: a restart, or a replica less, would make an
 * overload worse.
 */
import type { IncomingMessage } from 'node:http';
import type { Config } from '../config/schema.ts';
import { patienceOf } from './api-server-timeout.ts';
import { EventLoop } from './event-loop.ts';
import type { Log } from './log.ts';

export type Excess = 'reviews' | 'bytes' | 'time' | 'connections';

/** What the API server's client waits before it asks again; it counts whole seconds, and does not look at its timeout meanwhile. */
const RETRY_AFTER_SECONDS = '1';
/** An overload that is older lasts, in ms: three tries of the API server's client, well within the usual timeouts. */
const LASTING = 3_000;
/** After so long without anything shed it is over: longer than who was told to come again stays away. */
const OVER = 2_000;

/** A body so short is always taken: nobody's long bodies, real or only announced, keep ordinary reviews out. */
const SHORT_BODY = 64 * 1024;

/** Of the API server's patience, what may be over before a review is read: the rest is for another try, and for the answer. */
const PATIENCE_SHARE = 1 / 4;
/**
 * Of the time that a review may wait, what one turn of the event loop may take: what is read in a turn has waited for the one before
 * too. (To add up the two, and to judge by that, sheds all that is read after a long turn.)
 */
const TURN_SHARE = 1 / 2;
/** Such a share of the shortest timeout that a webhook can have (1 s): until then nobody is asked for his patience. */
const SHORTEST_TURN = 1000 * PATIENCE_SHARE * TURN_SHARE;

/** Between two lines of the log. */
const LOG_INTERVAL = 10_000;

/** One webhook's load. */
export class Overload {
  private readonly limits: Config['limits'];
  private readonly log: Log;
  private readonly loop = new EventLoop();
  private reviews = 0;
  private bytes = 0;
  private unlogged = 0;
  private logging = false;
  private latest: Excess = 'time';
  private readonly now: () => number;
  /** When the overload began that is now, or was the last, and when it last was seen. */
  private since = Number.NEGATIVE_INFINITY;
  private seen = Number.NEGATIVE_INFINITY;

  /** @param now milliseconds, from whenever */
  constructor(limits: Config['limits'], log: Log, now = () => performance.now()) {
    this.limits = limits;
    this.log = log;
    this.now = now;
  }

  /**
   * Take a request, whose head alone was read, unless that would be too much.
   * @returns what there is too much of; undefined: it is taken, and {@link leave} must follow
   */
  enter(request: IncomingMessage): Excess | undefined {
    const excess = this.excess(request);
    if (excess === undefined) this.count(request);
    else this.note(excess);
    return excess;
  }

  /** Take a request whatever it costs: one that is answered at once with an error. {@link leave} must follow. */
  count(request: IncomingMessage): void {
    this.reviews++;
    this.bytes += this.bytesOf(request);
  }

  /** A request that was taken is answered. */
  leave(request: IncomingMessage): void {
    this.reviews--;
    this.bytes -= this.bytesOf(request);
  }

  /** The `Retry-After` of who was just shed; undefined in an overload that lasts. */
  retryAfter(): string | undefined {
    return this.seen - this.since < LASTING ? RETRY_AFTER_SECONDS : undefined;
  }

  /** How many requests are taken and not yet answered. */
  get inWork(): number {
    return this.reviews;
  }

  /** How long what is read now may have waited to be read, in ms. */
  waited(): number {
    return this.loop.waited();
  }

  private excess(request: IncomingMessage): Excess | undefined {
    const { concurrentReviews, concurrentBytes, queueTime } = this.limits;
    const turn = this.loop.turn();
    if (turn > SHORTEST_TURN || turn > queueTime * TURN_SHARE) {
      const wait = Math.min(queueTime, patienceOf(request.url ?? '') * PATIENCE_SHARE);
      if (turn > wait * TURN_SHARE) return 'time';
    }
    if (this.reviews >= concurrentReviews) return 'reviews';
    const bytes = this.bytesOf(request);
    if (bytes > SHORT_BODY && this.bytes + bytes > concurrentBytes) return 'bytes';
    return undefined;
  }

  /** What a request's body may come to hold in memory. */
  private bytesOf({ headers }: IncomingMessage): number {
    const { bodyBytes } = this.limits;
    const length = headers['content-length'];
    if (length === undefined) return headers['transfer-encoding'] === undefined ? 0 : bodyBytes;
    const bytes = Number(length);
    // A longer one is refused unread.
    return bytes <= bodyBytes ? bytes : 0;
  }

  /** Tell the log, now and then, that something was too much. */
  note(excess: Excess): void {
    const now = this.now();
    if (now - this.seen > OVER) this.since = now;
    this.seen = now;
    this.unlogged++;
    this.latest = excess;
    if (this.logging) return;
    this.logging = true;
    this.tell();
    const timer = setInterval(() => {
      if (this.unlogged > 0) return this.tell();
      clearInterval(timer);
      this.logging = false;
    }, LOG_INTERVAL).unref();
  }

  private tell(): void {
    const { unlogged: shed, latest: excess, reviews, bytes } = this;
    this.unlogged = 0;
    const waitedMs = Math.round(this.loop.waited());
    this.log.warn(
      { outcome: 'rejected', reason: 'overloaded', shed, excess, reviews, bytes, waitedMs },
      'overloaded',
    );
  }
}

/** What there is too much of, for whoever is told to come again. */
export function describeExcess(excess: Excess): string {
  const what = {
    reviews: 'too many reviews are in work (limits.concurrentReviews)',
    bytes: 'too many long reviews are in work (limits.concurrentBytes)',
    time: 'reviews wait too long to be read (limits.queueTime)',
    connections: 'too many connections are open (limits.connections)',
  };
  return `overloaded: ${what[excess]}; ask again`;
}
