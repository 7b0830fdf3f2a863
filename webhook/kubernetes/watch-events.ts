/** The events of a watch: JSON objects, one a line. An API server may answer 200 and then send an error as an event. Pure. */
import { isRecord, type JsonRecord, member, parseJsonObject } from '../shared/json.ts';
import { KubernetesError, refusal, THE_WEBHOOK } from './error.ts';

/** More than any object: etcd's limit is 1.5 MiB, and JSON escapes may double it. */
const MAX_LINE_BYTES = 4 * 1024 * 1024;
const NEWLINE = 10;

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
   * @returns how many of the events that it completes tell of a change
   * @throws {KubernetesError} for an event that is an error, is no event, or is too long
   */
  take(piece: Buffer): number {
    let changes = 0;
    let begin = 0;
    for (let end = piece.indexOf(NEWLINE); end >= 0; end = piece.indexOf(NEWLINE, begin)) {
      this.keep(piece.subarray(begin, end));
      if (this.isChange(Buffer.concat(this.pieces).toString('utf8'))) changes++;
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

  private isChange(line: string): boolean {
    if (line.trim() === '') return false;
    const event = parseJsonObject(line);
    const type = event && member(event, 'type');
    if (event === undefined || typeof type !== 'string') {
      throw new KubernetesError('malformed', this.action, 'an event is not a JSON object with a type');
    }
    if (type !== 'ERROR') return type !== 'BOOKMARK';
    const status = member(event, 'object');
    throw errorOf(isRecord(status) ? status : {}, this.action);
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
