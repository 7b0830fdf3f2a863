/**
 * One review's way: body, request, images (when any is wanted), decision, answer.
 */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { ImageAnswer, ImageLookup } from '../decision/images.ts';
import type { ClusterVersion, Mechanism } from '../decision/mode.ts';
import { type Mutation, prepare } from '../decision/mutate.ts';
import type { Policy } from '../decision/policy.ts';
import { allow, parseReview, type ReviewError, type ReviewRequest, respond } from './admission-review.ts';
import { type AnsweringParts, answer, fail, reject } from './answer.ts';
import { apiServerTimeout } from './api-server-timeout.ts';
import { auditEvent, auditWarnings } from './audit.ts';
import type { Events } from './events.ts';
import { bounded } from './log.ts';
import type { Outcome, OutcomeReason } from './metrics.ts';
import type { Overload } from './overload.ts';
import { reviewEvent } from './review-event.ts';
import type { Route } from './routes.ts';

interface ReviewerParts extends AnsweringParts {
  policy: Policy;
  cluster?: (() => ClusterVersion) | undefined;
  images: ImageLookup;
  events?: Events | undefined;
}

/** The decision about a review. */
interface Verdict {
  outcome: Outcome;
  reason: OutcomeReason;
  operations: number;
  mode?: Mechanism | undefined;
  /** Why it is that mechanism, where the mode itself does not say it. */
  modeWhy?: string | undefined;
  /** Nothing was changed: what would have become of the pod. */
  audit?: Pick<Mutation, 'outcome' | 'reason'>;
  body: string;
}

const NO_IMAGES: ReadonlyMap<string, ImageAnswer> = new Map();

/**
 * The handler of one path. Where no image is looked up it is synchronous from the body to the answer.
 */
export function createReviewer(parts: ReviewerParts, route: Route) {
  const policy = (): Policy => ({
    ...parts.policy,
    mode: route.mode ?? parts.policy.mode,
    cluster: parts.cluster?.() ?? parts.policy.cluster,
  });
  return (request: FastifyRequest, reply: FastifyReply): FastifyReply | Promise<FastifyReply> => {
    const began = performance.now();
    const secondsSoFar = () => (performance.now() - began) / 1000;
    let uid: string | undefined;
    const crash = (error: unknown) =>
      fail(parts, request, reply, error, uid === undefined ? undefined : { uid, seconds: secondsSoFar() });
    try {
      const read = readReview(request.body);
      if ('error' in read) return reject(parts, request, reply, 400, read.error.code, read.error.message);
      const asked = read.request;
      uid = asked.uid;
      const settle = (verdict: Verdict) => {
        const seconds = secondsSoFar();
        const log = () => parts.log.info(reviewFields(asked, verdict, seconds), 'review');
        return answer(parts, request, reply, { ...verdict, seconds, log });
      };
      const { pod } = asked;
      if (pod === undefined)
        return settle({
          outcome: 'unchanged',
          reason: 'not-a-pod-creation',
          operations: 0,
          body: allow(asked.uid),
        });
      const prepared = prepare(pod, policy());
      const decide = (images: ReadonlyMap<string, ImageAnswer>) => {
        const mutation = prepared.mutate(images);
        const event = route.audit
          ? auditEvent(mutation, pod, asked.name)
          : reviewEvent(mutation, pod, asked.name);
        settle(route.audit ? auditVerdict(parts, asked.uid, mutation) : verdictOf(asked.uid, mutation));
        if (event !== undefined) parts.events?.note(asked, event);
        return reply;
      };
      if (prepared.pod === undefined || prepared.images.length === 0) return decide(NO_IMAGES);
      const signal = AbortSignal.timeout(lookUpTime(request, parts.overload));
      return parts.images
        .lookUp(prepared.images, asked.namespace, prepared.pod, signal)
        .then(decide)
        .catch(crash);
    } catch (error) {
      return crash(error);
    }
  };
}

function verdictOf(uid: string, mutation: Mutation): Verdict {
  const { outcome, reason, operations, mode, modeWhy } = mutation;
  return { outcome, reason, operations: operations.length, mode, modeWhy, body: respond(uid, mutation) };
}

/** The answer in a namespace that is only audited: nothing is changed and nothing refused, and a warning says what would be. */
function auditVerdict({ metrics }: ReviewerParts, uid: string, mutation: Mutation): Verdict {
  const { outcome, reason, mode, modeWhy } = mutation;
  metrics.audited(outcome, reason, mode);
  const body = respond(uid, {
    ...mutation,
    outcome: 'unchanged',
    operations: [],
    warnings: auditWarnings(mutation),
  });
  const audit = { outcome, reason };
  return { outcome: 'unchanged', reason: 'audit', operations: 0, mode, modeWhy, audit, body };
}

/**
 * @param body the text, undefined where it was empty. JSON.parse makes `__proto__` a plain own key, which pollutes nothing, so
 *   it needs no check
 */
function readReview(
  body: unknown,
): { request: ReviewRequest } | { error: ReviewError | { code: 'not-json'; message: string } } {
  let parsed: unknown;
  try {
    parsed = JSON.parse(typeof body === 'string' ? body : '');
  } catch {
    return { error: { code: 'not-json', message: 'the body is not JSON' } };
  }
  return parseReview(parsed);
}

/** A review's log line. */
function reviewFields(
  asked: ReviewRequest,
  { outcome, reason, operations, mode, modeWhy, audit }: Verdict,
  seconds: number,
): Record<string, string | number | boolean> {
  return {
    uid: asked.uid,
    namespace: bounded(asked.namespace),
    ...(asked.name === '' ? { generateName: bounded(asked.generateName) } : { name: bounded(asked.name) }),
    operation: bounded(asked.operation, 16),
    dryRun: asked.dryRun,
    outcome,
    reason,
    ...(mode === undefined ? {} : { mode }),
    ...(modeWhy === undefined ? {} : { modeWhy: bounded(modeWhy) }),
    ...(audit === undefined ? {} : { wouldBe: audit.outcome, wouldBeReason: audit.reason }),
    operations,
    ms: Math.round(seconds * 1_000_000) / 1000,
  };
}

/** Kept back from the API server's timeout, so that our answer still arrives; milliseconds. */
const RESERVE = 500;

/** How long images may be looked up, in milliseconds. The API server's timeout also counts what the review waited to be read. */
function lookUpTime(request: FastifyRequest, overload: Overload): number {
  return Math.max(RESERVE, Math.floor(apiServerTimeout(request.url) - overload.waited()) - RESERVE);
}
