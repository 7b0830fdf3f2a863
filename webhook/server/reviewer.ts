/**
 * One review's way: body, request, images (when any is wanted), decision, answer; counted and logged once.
 */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { ImageAnswer, ImageLookup } from '../decision/images.ts';
import { prepare } from '../decision/mutate.ts';
import type { Policy } from '../decision/policy.ts';
import { allow, asciiJson, parseReview, type ReviewRequest, respond } from './admission-review.ts';
import { patienceOf } from './api-server-timeout.ts';
import type { Events } from './events.ts';
import { bounded, errorFields, type Log } from './log.ts';
import type { Metrics, Outcome, OutcomeReason, RejectionCode } from './metrics.ts';
import type { Overload } from './overload.ts';
import { reviewEvent } from './review-event.ts';

/** What every answer needs. */
interface AnsweringParts {
  log: Log;
  metrics: Metrics;
  overload: Overload;
  /** Whether the service is about to end: then each answer tells the client that its connection ends with it. */
  draining(): boolean;
}

interface ReviewerParts extends AnsweringParts {
  policy: Policy;
  images: ImageLookup;
  events?: Events | undefined;
}

const NO_IMAGES: ReadonlyMap<string, ImageAnswer> = new Map();
export const JSON_TYPE = 'application/json; charset=utf-8';

/**
 * The handler of `POST /mutate`. Where no image is looked up it is synchronous from the body to the answer.
 */
export function createReviewer(parts: ReviewerParts) {
  const { policy, metrics, log } = parts;
  return (request: FastifyRequest, reply: FastifyReply): FastifyReply | Promise<FastifyReply> => {
    const began = performance.now();
    const finish = (
      asked: ReviewRequest,
      outcome: Outcome,
      reason: OutcomeReason,
      operations: number,
      body: string,
    ) => {
      const ms = performance.now() - began;
      metrics.ended(outcome, reason, ms / 1000);
      logReview(log, asked, outcome, reason, operations, ms);
      return answer(parts, request, reply, body);
    };
    const text = typeof request.body === 'string' ? request.body : '';
    const body = parseJson(text);
    if (body === undefined) return reject(parts, request, reply, 400, 'not-json', 'the body is not JSON');
    const parsed = parseReview(body.value);
    if ('error' in parsed) {
      const { code, message } = parsed.error;
      return reject(parts, request, reply, 400, code, message);
    }
    const asked = parsed.request;
    // The pod's fate is the failurePolicy's then, and not a guess of ours: any status but 200 means that.
    const crash = (error: unknown) => {
      log.error({ uid: asked.uid, ...errorFields(error) }, 'review failed');
      reply.code(500);
      return finish(
        asked,
        'failed',
        'internal',
        0,
        errorBody(500, 'internal', `review ${asked.uid} failed; the log has more`),
      );
    };
    try {
      const { pod } = asked;
      if (pod === undefined) return finish(asked, 'unchanged', 'not-a-pod-creation', 0, allow(asked.uid));
      const prepared = prepare(pod, policy);
      const decide = (images: ReadonlyMap<string, ImageAnswer>) => {
        const mutation = prepared.mutate(images);
        const { outcome, reason, operations } = mutation;
        const event = reviewEvent(mutation, pod, asked.name);
        const answered = finish(asked, outcome, reason, operations.length, respond(asked.uid, mutation));
        if (event !== undefined) parts.events?.note(asked, event);
        return answered;
      };
      if (prepared.pod === undefined || prepared.images.length === 0) return decide(NO_IMAGES);
      return parts.images
        .lookUp(
          prepared.images,
          asked.namespace,
          prepared.pod,
          AbortSignal.timeout(lookUpTime(request, parts.overload)),
        )
        .then(decide)
        .catch(crash);
    } catch (error) {
      return crash(error);
    }
  };
}

function parseJson(text: string): { value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) };
  } catch {
    return undefined;
  }
}

/**
 * Answer with an error of the client's, or one that happened before there was a review.
 */
export function reject(
  parts: AnsweringParts,
  request: FastifyRequest,
  reply: FastifyReply,
  status: number,
  code: RejectionCode | 'internal',
  message: string,
): FastifyReply {
  const outcome = code === 'internal' ? 'failed' : 'rejected';
  parts.metrics.ended(outcome, code);
  parts.log.warn({ outcome, reason: code, status, peer: request.ip, message }, 'request rejected');
  return answer(parts, request, reply.code(status), errorBody(status, code, message));
}

/** Every answer to a request that was taken. @param body ASCII, of which a character is a byte */
function answer(
  { overload, draining }: AnsweringParts,
  request: FastifyRequest,
  reply: FastifyReply,
  body: string,
): FastifyReply {
  overload.leave(request.raw);
  if (draining()) reply.header('connection', 'close');
  return reply.header('content-type', JSON_TYPE).send(Buffer.from(body, 'latin1'));
}

/**
 * The body of every answer but a decision. It is a Status, too: the API server shows whoever made the pod its message, and of any other body
 * nothing (k8s.io/client-go, rest/request.go, Result.Error).
 */
export function errorBody(status: number, code: string, message: string): string {
  return asciiJson({
    ...{ kind: 'Status', apiVersion: 'v1', status: 'Failure', message: `curfew: ${message}`, code: status },
    error: { code, message },
  });
}

function logReview(
  log: Log,
  asked: ReviewRequest,
  outcome: Outcome,
  reason: OutcomeReason,
  operations: number,
  ms: number,
): void {
  log.info(
    {
      uid: asked.uid,
      namespace: bounded(asked.namespace),
      ...(asked.name === '' ? { generateName: bounded(asked.generateName) } : { name: bounded(asked.name) }),
      operation: bounded(asked.operation, 16),
      dryRun: asked.dryRun,
      outcome,
      reason,
      operations,
      ms: Math.round(ms * 1000) / 1000,
    },
    'review',
  );
}

/** Kept back from the API server's patience, so that our answer still arrives. */
const RESERVE = 500;

/** How long images may be looked up, of the API server's patience: it also counts what the review waited. */
function lookUpTime(request: FastifyRequest, overload: Overload): number {
  return Math.max(RESERVE, Math.floor(patienceOf(request.url) - overload.waited()) - RESERVE);
}
