/**
 * One review's way: body, request, images (when any is wanted), decision, answer.
 */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { ImageAnswer, ImageLookup } from '../decision/images.ts';
import type { ClusterVersion } from '../decision/mode.ts';
import { prepare } from '../decision/mutate.ts';
import type { Policy } from '../decision/policy.ts';
import { allow, parseReview, type ReviewError, type ReviewRequest, respond } from './admission-review.ts';
import { type AnsweringParts, answer, fail, reject } from './answer.ts';
import { apiServerTimeout } from './api-server-timeout.ts';
import { auditAnswer, auditEvent } from './audit.ts';
import type { Events } from './events.ts';
import { outcomeOf } from './metrics.ts';
import type { SettingsOfNamespaces } from './namespace-settings.ts';
import type { Overload } from './overload.ts';
import { reviewEvent } from './review-event.ts';
import { type Verdict, writeReview } from './review-line.ts';
import type { Route } from './routes.ts';

interface ReviewerParts extends AnsweringParts {
  policy: Policy;
  cluster?: (() => ClusterVersion) | undefined;
  images: ImageLookup;
  settings?: Pick<SettingsOfNamespaces, 'policyOf'> | undefined;
  events?: Events | undefined;
}

const NO_IMAGES: ReadonlyMap<string, ImageAnswer> = new Map();

/**
 * The handler of one path. Where no image is looked up it is synchronous from the body to the answer.
 */
export function createReviewer(parts: ReviewerParts, route: Route) {
  const policy = (namespace: string): Policy => ({
    ...parts.policy,
    ...parts.settings?.policyOf(namespace),
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
      const settle = (verdict: Verdict, body: string) => {
        const seconds = secondsSoFar();
        const { outcome, reason } = verdict;
        const log = () => writeReview(parts.log, asked, verdict, seconds);
        return answer(parts, request, reply, {
          outcome,
          reason,
          body,
          seconds,
          log,
        });
      };
      const { pod } = asked;
      if (pod === undefined)
        return settle({ outcome: 'unchanged', reason: 'not-a-pod-creation' }, allow(asked.uid));
      const prepared = prepare(pod, policy(asked.namespace));
      const decide = (images: ReadonlyMap<string, ImageAnswer>) => {
        const mutation = prepared.mutate(images);
        const event = route.audit
          ? auditEvent(mutation, pod, asked.name)
          : reviewEvent(mutation, pod, asked.name);
        if (route.audit) {
          parts.metrics.audited(mutation.outcome, mutation.reason);
          settle(
            { outcome: 'unchanged', reason: 'audit', mutation },
            respond(asked.uid, auditAnswer(mutation)),
          );
        } else {
          settle(
            { outcome: outcomeOf(mutation), reason: mutation.reason, mutation },
            respond(asked.uid, mutation),
          );
        }
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

/** Kept back from the API server's timeout, so that our answer still arrives; milliseconds. */
const RESERVE = 500;

/** How long images may be looked up, in milliseconds. The API server's timeout also counts what the review waited to be read. */
function lookUpTime(request: FastifyRequest, overload: Overload): number {
  return Math.max(RESERVE, Math.floor(apiServerTimeout(request.url) - overload.waited()) - RESERVE);
}
