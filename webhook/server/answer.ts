/**
 * The answers to requests that were taken. Each request is counted once and answered once, also where a fault comes after its answer.
 */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { asciiJson } from './admission-review.ts';
import { errorFields, type Log } from './log.ts';
import type { Metrics, Outcome, OutcomeReason, RejectionCode } from './metrics.ts';
import type { Overload } from './overload.ts';

/** The parts that every answer needs. */
export interface AnsweringParts {
  log: Log;
  metrics: Metrics;
  overload: Overload;
  /** Whether the service is about to end: each answer then tells the client that its connection ends with it. */
  draining(): boolean;
}

/** One request's end. */
export interface Ending {
  outcome: Outcome;
  reason: OutcomeReason;
  /** From its whole body to its answer, where it was a review. */
  seconds?: number | undefined;
  /** ASCII, of which a character is a byte. */
  body: string;
  /** Write the log line; called once. */
  log(): void;
}

export const JSON_TYPE = 'application/json; charset=utf-8';

/** End a request. Of two calls for the same one the second counts and logs nothing, and sends only what is not yet sent. */
export function answer(
  { overload, metrics, draining }: AnsweringParts,
  request: FastifyRequest,
  reply: FastifyReply,
  { outcome, reason, seconds, body, log }: Ending,
): FastifyReply {
  if (overload.leave(request.raw)) {
    metrics.ended(outcome, reason, seconds);
    log();
  }
  if (reply.sent) return reply;
  if (draining()) reply.header('connection', 'close');
  return reply.header('content-type', JSON_TYPE).send(Buffer.from(body, 'latin1'));
}

/** End a request with an error of the client's. */
export function reject(
  parts: AnsweringParts,
  request: FastifyRequest,
  reply: FastifyReply,
  status: number,
  code: RejectionCode,
  message: string,
): FastifyReply {
  const ending: Ending = {
    outcome: 'rejected',
    reason: code,
    body: errorBody(status, code, message),
    log: () =>
      parts.log.warn(
        { outcome: 'rejected', reason: code, status, peer: request.ip, message },
        'request rejected',
      ),
  };
  if (!reply.sent) reply.code(status);
  return answer(parts, request, reply, ending);
}

/**
 * End a request after a fault of ours. Any status but 200 leaves the pod to the failurePolicy, which is better than a guess.
 * @param review its uid and how long it took so far, where it was read
 */
export function fail(
  parts: AnsweringParts,
  request: FastifyRequest,
  reply: FastifyReply,
  error: unknown,
  review?: { uid: string; seconds: number },
): FastifyReply {
  const when = reply.sent ? 'review failed after its answer' : 'review failed';
  const status = 500;
  parts.log.error(
    { outcome: 'failed', reason: 'internal', status, uid: review?.uid, ...errorFields(error) },
    when,
  );
  if (!reply.sent) reply.code(status);
  const what = review === undefined ? 'internal error' : `review ${review.uid} failed`;
  const body = errorBody(status, 'internal', `${what}; the log has the frames of the error`);
  return answer(parts, request, reply, {
    outcome: 'failed',
    reason: 'internal',
    seconds: review?.seconds,
    body,
    log: () => {},
  });
}

/**
 * The body of every answer but a decision. It is a Status too: of any other body the API server shows nothing to the pod's
 * author (k8s.io/client-go, rest/request.go, Result.Error).
 */
export function errorBody(status: number, code: string, message: string): string {
  return asciiJson({
    ...{ kind: 'Status', apiVersion: 'v1', status: 'Failure', message: `curfew: ${message}`, code: status },
    error: { code, message },
  });
}
