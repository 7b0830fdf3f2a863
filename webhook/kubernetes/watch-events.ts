/** The events of a watch: JSON objects, one a line. An API server may answer 200 and then send an error as an event. Pure. */
import { isRecord, type JsonRecord, member, parseJsonObject } from '../shared/json.ts';
import { KubernetesError, refusal, THE_WEBHOOK } from './error.ts';

/** More than any object: etcd's limit is 1.5 MiB, and JSON escapes may double it. */
const MAX_LINE_BYTES = 4 * 1024 * 1024;
const NEWLINE = 10;

/** An event that is no error. A BOOKMARK tells of no change. */
export interface WatchEvent {
  /** ADDED, MODIFIED, DELETED or BOOKMARK. */
  type: string;
  object: JsonRecord;
}

/** Finds the events in the parts of an answer, which may end anywhere. */
export class WatchEvents {
  private readonly action: string;
  private pieces: Buffer[] = [];
  private length = 0;

  /** @param action for messages: `watch secrets/curfew-tls in namespace curfew` */
  constructor(action: string) {
    this.action = action;
  }

  /**
   * Take the next part of the answer.
   * @returns the changes that it completes
   * @throws {KubernetesError} for an event that is an error, is no event, or is too long
   */
  take(piece: Buffer): WatchEvent[] {
    const changes: WatchEvent[] = [];
    let begin = 0;
    for (let end = piece.indexOf(NEWLINE); end >= 0; end = piece.indexOf(NEWLINE, begin)) {
      this.keep(piece.subarray(begin, end));
      changes.push(...this.parse(Buffer.concat(this.pieces).toString('utf8')));
      this.pieces = [];
      this.length = 0;
      begin = end + 1;
    }
    this.keep(piece.subarray(begin));
    return changes;
  }

  private keep(part: Buffer): void {
    this.length += part.length;
    if (this.length > MAX_LINE_BYTES) {
      throw new KubernetesError('malformed', this.action, `an event is longer than ${MAX_LINE_BYTES} bytes`);
    }
    if (part.length > 0) this.pieces.push(part);
  }

  /** @returns the change; none for a bookmark and an empty line */
  private parse(line: string): WatchEvent[] {
    if (line.trim() === '') return [];
    const event = parseJsonObject(line);
    const type = event && member(event, 'type');
    if (event === undefined || typeof type !== 'string') {
      throw new KubernetesError('malformed', this.action, 'an event is not a JSON object with a type');
    }
    const value = member(event, 'object');
    const object = isRecord(value) ? value : {};
    if (type === 'ERROR') throw errorOf(object, this.action);
    return type === 'BOOKMARK' ? [] : [{ type, object }];
  }
}

/** The error for the Status object of an event. Its message is not used, because it may quote what was sent. */
function errorOf(status: JsonRecord, action: string): KubernetesError {
  const [code, reason] = [member(status, 'code'), member(status, 'reason')];
  const word = typeof reason === 'string' && /^[A-Za-z]{1,64}$/.test(reason) ? reason : undefined;
  // A server whose cache is behind says 504 to a version that it has not seen yet (apiserver pkg/storage/errors.go,
  // NewTooLargeResourceVersionError).
  if (word === 'Expired' || causesOf(status).includes('ResourceVersionTooLarge')) {
    return refusal(action, 410, word, THE_WEBHOOK);
  }
  return refusal(action, typeof code === 'number' && code >= 400 ? code : 500, word, THE_WEBHOOK);
}

function causesOf(status: JsonRecord): unknown[] {
  const details = member(status, 'details');
  const causes = isRecord(details) ? member(details, 'causes') : undefined;
  return (Array.isArray(causes) ? causes : []).filter(isRecord).map((cause) => member(cause, 'reason'));
}
