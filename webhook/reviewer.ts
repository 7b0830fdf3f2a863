/**
 * One review's way: body, request, images (when any is wanted), decision, answer; counted and logged once.
 */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { parseDuration } from '../shim/duration.ts';
import { allow, parseReview, type ReviewRequest, respond, responseMembers } from './admission-review.ts';
import type { ImageAnswer, ImageLookup } from './images.ts';
import { bounded, errorFields, type Log } from './log.ts';
import type { Metrics, Outcome, OutcomeReason, RejectionCode } from './metrics.ts';
import type { Mutation } from './mutate.ts';
import { prepare } from './mutate.ts';
import { parsePod } from './pod.ts';
import type { Policy } from './policy.ts';
import { RecentReviews } from './recent-reviews.ts';

interface ReviewerParts {
  policy: Policy;
  images: ImageLookup;
  log: Log;
  metrics: Metrics;
}

/** What a review is answered with, but for its uid. */
export interface PodAnswer {
  outcome: Mutation['outcome'];
  reason: OutcomeReason;
  operations: number;
  /** The containers that the patch names. */
  names: readonly string[];
  /** The members of the response, as JSON text. */
  members: string;
}

const NO_IMAGES: ReadonlyMap<string, ImageAnswer> = new Map();
const JSON_TYPE = 'application/json; charset=utf-8';

/**
 * The handler of `POST /mutate`. Where no image is looked up it is synchronous from the body to the answer.
 */
export function createReviewer(parts: ReviewerParts) {
  const { policy, metrics, log } = parts;
  const recent = new RecentReviews();
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
      return reply.header('content-type', JSON_TYPE).send(body);
    };
    const settle = (asked: ReviewRequest, { outcome, reason, operations, members }: PodAnswer) =>
      finish(asked, outcome, reason, operations, respond(asked.uid, members));
    const text = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
    const known = recent.find(text);
    if (known !== undefined) return settle(known.asked, known.answer);
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
        errorBody('internal', `review ${asked.uid} failed; the log has more`),
      );
    };
    try {
      const { pod } = asked;
      if (pod === undefined) return finish(asked, 'unchanged', 'not-a-pod-creation', 0, allow(asked.uid));
      const prepared = prepare(pod, policy);
      const decide = (images: ReadonlyMap<string, ImageAnswer>): PodAnswer => {
        const mutation = prepared.mutate(images);
        const { outcome, reason, operations, containers } = mutation;
        const names = containers.map(({ name }) => name);
        return { outcome, reason, operations: operations.length, names, members: responseMembers(mutation) };
      };
      if (prepared.images.length === 0) {
        const decided = decide(NO_IMAGES);
        recent.keep(text, { asked, answer: decided });
        return settle(asked, decided);
      }
      return parts.images
        .lookUp(prepared.images, asked.namespace, parsePod(pod), AbortSignal.timeout(lookUpTime(request)))
        .then((images) => settle(asked, decide(images)))
        .catch(crash);
    } catch (error) {
      return crash(error);
    }
  };
}

/** fastify's own parser decodes chunk by chunk and looks for `__proto__`; one decode of the whole is cheaper. */
function parseJson(text: Buffer): { value: unknown } | undefined {
  try {
    return { value: JSON.parse(text.toString('utf8')) };
  } catch {
    return undefined;
  }
}

/**
 * Answer with an error of the client's, or one that happened before there was a review.
 */
export function reject(
  parts: { log: Log; metrics: Metrics },
  request: FastifyRequest,
  reply: FastifyReply,
  status: number,
  code: RejectionCode | 'internal',
  message: string,
): FastifyReply {
  const outcome = code === 'internal' ? 'failed' : 'rejected';
  parts.metrics.ended(outcome, code);
  parts.log.warn({ outcome, reason: code, status, peer: request.ip, message }, 'request rejected');
  return reply.code(status).header('content-type', JSON_TYPE).send(errorBody(code, message));
}

function errorBody(code: string, message: string): string {
  return JSON.stringify({ error: { code, message } });
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

/** The webhook's default timeout, where the API server does not say one. */
const DEFAULT_TIMEOUT = 10_000;
/** Kept back from the API server's patience, so that our answer still arrives. */
const RESERVE = 500;

/** How long images may be looked up: the API server writes its own timeout into the URL, `?timeout=10s`. */
function lookUpTime(request: FastifyRequest): number {
  const at = request.url.indexOf('timeout=');
  const asked =
    at < 0 ? undefined : parseDuration(request.url.slice(at + 'timeout='.length).split('&', 1)[0] ?? '');
  const timeout = Math.min(asked ?? DEFAULT_TIMEOUT, 3 * DEFAULT_TIMEOUT);
  return Math.max(RESERVE, timeout - RESERVE);
}
