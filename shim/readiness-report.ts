/** Why a sidecar is not ready yet: what its user reads of it, and when (rule P8). Pure: time comes with the calls. */
import { ECONNREFUSED, reason } from './errors.ts';
import type { Readiness } from './protocol.ts';

/** Most sidecars are up by then. */
const FIRST_AFTER = 10_000;
const LAST_PAUSE = 300_000;
/** So much of what a user wrote stands in a line, so that the reason after it is seen. */
const MAX_NAME = 200;

/** What came of one address, or of the command. An `errno` is negative, as the host module's results are. */
export type Outcome =
  | { kind: 'status'; status: number; address: string }
  | { kind: 'no-http'; address: string }
  | { kind: 'closed'; address: string }
  | { kind: 'silent'; address?: string }
  | { kind: 'errno'; errno: number }
  | { kind: 'exited'; code: number }
  /** The command could not be started. */
  | { kind: 'not-started'; why: string };

/** Collects what came of a condition's tries. */
export class ReadinessReport {
  private readonly ready: Readiness;
  private readonly timeout: number;
  private since = 0;
  private sayAt = 0;
  private pause = FIRST_AFTER;
  /** What says most of this try: without a host several addresses are tried side by side. */
  private best: Outcome | undefined;

  /** @param timeout ms that one try may take */
  constructor(ready: Readiness, timeout: number) {
    this.ready = ready;
    this.timeout = timeout;
  }

  /** The process was started at this time (ms). */
  start(at: number): void {
    this.since = at;
    this.pause = FIRST_AFTER;
    this.sayAt = at + FIRST_AFTER;
    this.best = undefined;
  }

  note(outcome: Outcome): void {
    if (this.best === undefined || weight(outcome) > weight(this.best)) this.best = outcome;
  }

  /** Why the try that ends now fails, in words; undefined before anything is known of it. */
  get reason(): string | undefined {
    return this.best && this.describe(this.best);
  }

  /** A try has failed. Returns the line to say, when it is time for one: after 10 s, then after pauses that double up to 5 min. */
  failed(at: number): string | undefined {
    const { best } = this;
    this.best = undefined;
    if (best === undefined || at < this.sayAt) return undefined;
    this.pause = Math.min(this.pause * 2, LAST_PAUSE);
    this.sayAt = at + this.pause;
    return `not ready yet (${Math.round((at - this.since) / 1_000)} s): ${this.describe(best)}`;
  }

  private describe(outcome: Outcome): string {
    const name = nameOf(this.ready, 'address' in outcome ? outcome.address : undefined);
    switch (outcome.kind) {
      case 'status':
        return `${name} answered ${outcome.status}`;
      case 'no-http':
        return `${name} answered something that is no HTTP`;
      case 'closed':
        return `${name}: closed the connection without an answer`;
      case 'silent':
        return `${name}: no answer within ${this.timeout / 1_000} s`;
      case 'errno':
        return `${name}: ${reason(outcome.errno)}`;
      case 'exited':
        return `${name}: exited ${outcome.code}`;
      case 'not-started':
        return `${name}: ${outcome.why}`;
    }
  }
}

/** An answer says more than silence, and that more than an address which this pod may not even have. */
function weight(outcome: Outcome): number {
  if (outcome.kind === 'status') return 4;
  if (outcome.kind === 'silent') return 2;
  if (outcome.kind === 'errno') return outcome.errno === -ECONNREFUSED ? 1 : 0;
  return 3;
}

/** A condition's name, without what may be secret: a command's arguments, a query, headers. */
function nameOf(ready: Readiness, address: string | undefined): string {
  switch (ready.kind) {
    case 'none':
      return 'nothing';
    case 'exec':
      return short(ready.command[0] ?? '');
    case 'tcp':
      return `tcp://${authority(address ?? ready.host, ready.port)}`;
    case 'http':
      return short(`http://${authority(address ?? ready.host, ready.port)}${ready.path.split('?')[0]}`);
    default:
      return ready satisfies never;
  }
}

function authority(host = '', port: number): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

function short(text: string): string {
  return text.length > MAX_NAME ? `${text.slice(0, MAX_NAME)}...` : text;
}
