/**
 * Writing Kubernetes Events: after the review's answer, which never waits for them; one at a time; and a repeated one as a count.
 */
import { createHash } from 'node:crypto';
import { hostname } from 'node:os';
import type { JsonRecord } from '../shared/json.ts';
import type { ReviewRequest } from './admission-review.ts';
import { bounded, kubernetesErrorFields, type Log } from './log.ts';
import { controllerUid, eventObject, type ReviewEvent } from './review-event.ts';

/** Where Events are written to. */
export interface EventSink {
  create(namespace: string, event: JsonRecord): Promise<void>;
}

/** An Event's fate. `repeated`: it is in the count of the next one. `dropped`: the rate or the queue is at its limit. */
export type EventFate = 'written' | 'failed' | 'repeated' | 'dropped';

export interface EventParts {
  sink: EventSink;
  log: Log;
  /** Counts each. */
  ended(fate: EventFate): void;
  /** Milliseconds. */
  now?: () => number;
  /** Milliseconds that one may take. */
  deadline?: number;
}

/** An Event of the same subject and reason is written once in this time: a Job's controller tries again after 10 s, 20 s, ... up to 6 min. */
const REPEAT_MS = 5 * 60_000;
/** Of all together, so many at once, and so many a second. 25 is the burst of client-go's own correlator (tools/record). */
const BURST = 25;
const PER_SECOND = 1;
/** Subjects that are remembered, and Events that wait to be written. */
const MAX_SUBJECTS = 1_000;
const MAX_WAITING = 100;
const DEADLINE_MS = 5_000;

/** The reports about one subject and reason. Times are in milliseconds. */
interface Reported {
  /** When its last Event was queued. */
  at: number;
  /** How many reviews came since that no Event reports, and when the first of them came. */
  unreported: number;
  since: number;
}

/** The queue of Events, and what was reported of each subject. */
export class Events {
  private readonly parts: EventParts;
  private readonly now: () => number;
  /** By subject and reason; the one whose last review is the oldest comes first. */
  private readonly reported = new Map<string, Reported>();
  private readonly bucket = { tokens: BURST, at: 0 };
  private readonly waiting: {
    key: string;
    count: number;
    since: number;
    namespace: string;
    event: JsonRecord;
  }[] = [];
  private writing: Promise<void> | undefined;
  private failing = false;

  constructor(parts: EventParts) {
    this.parts = parts;
    this.now = parts.now ?? Date.now;
    this.bucket.at = this.now();
  }

  /** Report a review that was answered. Never waits; an Event that cannot be written is counted and logged. */
  note(asked: ReviewRequest, event: ReviewEvent): void {
    if (asked.dryRun || asked.namespace === '') return;
    this.tell(asked.namespace, event, event.about.kind === 'Pod' ? undefined : controllerUid(asked.pod));
  }

  /** Report about any object, as {@link note} does. @param uid the object's, where it is known */
  tell(namespace: string, event: ReviewEvent, uid: string | undefined): void {
    const now = this.now();
    const key = JSON.stringify([namespace, event.about, event.cause]);
    const before = this.reported.get(key);
    const unreported = (before?.unreported ?? 0) + 1;
    const since = before === undefined || before.unreported === 0 ? now : before.since;
    const repeated = before !== undefined && now - before.at < REPEAT_MS;
    if (repeated || !this.takeToken(now) || this.waiting.length >= MAX_WAITING) {
      this.remember(key, { at: before?.at ?? Number.NEGATIVE_INFINITY, unreported, since });
      this.parts.ended(repeated ? 'repeated' : 'dropped');
      return;
    }
    this.remember(key, { at: now, unreported: 0, since: now });
    const [first, last] = [new Date(since), new Date(now)];
    const own = { nonce: nonceOf(key, uid, now), instance: hostname() };
    this.waiting.push({
      ...{ key, count: unreported, since },
      namespace,
      event: eventObject(event, { namespace, uid, count: unreported, first, last, ...own }),
    });
    this.writing ??= this.writeAll();
  }

  /** Resolves when each Event in the queue is written or has failed. */
  async settled(): Promise<void> {
    await this.writing;
  }

  private async writeAll(): Promise<void> {
    for (let next = this.waiting.shift(); next !== undefined; next = this.waiting.shift()) {
      const { namespace, event } = next;
      try {
        await inTime(this.parts.deadline ?? DEADLINE_MS, this.parts.sink.create(namespace, event));
        this.parts.ended('written');
        this.failing = false;
      } catch (error) {
        if (isConflict(error)) {
          this.putBack(next);
          continue;
        }
        this.parts.ended('failed');
        if (!this.failing)
          this.parts.log.warn(
            { namespace: bounded(namespace), ...kubernetesErrorFields(error) },
            'event not written',
          );
        this.failing = true;
      }
    }
    this.writing = undefined;
  }

  /** Another replica has written the same Event: what this one has seen is counted by its next one. */
  private putBack({ key, count, since }: { key: string; count: number; since: number }): void {
    this.parts.ended('repeated');
    this.failing = false;
    const reported = this.reported.get(key);
    if (reported === undefined) return;
    reported.unreported += count;
    reported.since = since;
  }

  private takeToken(now: number): boolean {
    const { bucket } = this;
    bucket.tokens = Math.min(BURST, bucket.tokens + Math.max(0, ((now - bucket.at) / 1000) * PER_SECOND));
    bucket.at = now;
    if (bucket.tokens < 1) return false;
    bucket.tokens--;
    return true;
  }

  private remember(key: string, reported: Reported): void {
    this.reported.delete(key);
    this.reported.set(key, reported);
    if (this.reported.size <= MAX_SUBJECTS) return;
    for (const oldest of this.reported.keys()) {
      this.reported.delete(oldest);
      return;
    }
  }
}

/**
 * The end of an Event's name. It is the same for all replicas within five minutes, and an API server creates a name once: so an Event that
 * each replica has a reason for is written by one of them.
 */
function nonceOf(key: string, uid: string | undefined, now: number): string {
  const period = Math.floor(now / REPEAT_MS);
  return createHash('sha256')
    .update(JSON.stringify([key, uid ?? '', period]))
    .digest('hex')
    .slice(0, 16);
}

function isConflict(error: unknown): boolean {
  return (
    error instanceof Error && error.name === 'KubernetesError' && 'code' in error && error.code === 'conflict'
  );
}

async function inTime(ms: number, work: Promise<void>): Promise<void> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new DOMException('too late', 'TimeoutError')), ms);
  try {
    await Promise.race([work, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
