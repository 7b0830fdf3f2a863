/**
 * The AdmissionReview, admission.k8s.io/v1: its request is read from a parsed body, and its response is written from a decision. HTTP
 * is not known here.
 * https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#request
 */
import type { Mutation } from '../decision/mutate.ts';

/** The request of a review. */
export interface ReviewRequest {
  uid: string;
  /** CREATE, UPDATE, DELETE or CONNECT. */
  operation: string;
  namespace: string;
  /** Empty where the API server has not made the name yet. */
  name: string;
  generateName: string;
  dryRun: boolean;
  /** The pod that is to be created; absent where the review is about another operation or resource (rule W1). */
  pod?: object;
}

/** Why a body is no review that can be answered. All are errors of the client (HTTP 400). */
export type ReviewErrorCode = 'not-an-admission-review' | 'unsupported-version' | 'malformed-review';

export interface ReviewError {
  code: ReviewErrorCode;
  message: string;
}

const API_VERSION = 'admission.k8s.io/v1';

/**
 * Find the request in a body that was parsed as JSON.
 * @returns the request, or what is wrong with the body
 */
export function parseReview(body: unknown): { request: ReviewRequest } | { error: ReviewError } {
  if (!isObject(body) || body.kind !== 'AdmissionReview') {
    return fail('not-an-admission-review', `the body is no AdmissionReview: ${describeKind(body)}`);
  }
  if (body.apiVersion !== API_VERSION) {
    return fail(
      'unsupported-version',
      `the AdmissionReview is of ${quote(body.apiVersion)}, and only ${API_VERSION} is served: set admissionReviewVersions: [v1] in the MutatingWebhookConfiguration`,
    );
  }
  const { request } = body;
  if (!isObject(request)) return fail('malformed-review', 'the AdmissionReview has no request');
  const { uid, operation, resource } = request;
  // A uid is echoed and logged: a UUID has 36 characters.
  if (typeof uid !== 'string' || uid === '' || uid.length > 128) {
    return fail('malformed-review', 'request.uid is no text of 1 to 128 characters');
  }
  if (typeof operation !== 'string') return fail('malformed-review', 'request.operation is no text');
  if (!isObject(resource)) return fail('malformed-review', 'request.resource is no object');
  const asked: ReviewRequest = {
    uid,
    operation,
    namespace: text(request.namespace),
    name: text(request.name),
    generateName: '',
    dryRun: request.dryRun === true,
  };
  if (!isPodCreation(operation, resource, request)) return { request: asked };
  const { object } = request;
  if (!isObject(object)) {
    return fail(
      'malformed-review',
      `request.object is ${quote(object)}, where the CREATE of a pod has the pod`,
    );
  }
  asked.pod = object;
  if (isObject(object.metadata)) {
    asked.generateName = text(object.metadata.generateName);
    if (asked.name === '') asked.name = text(object.metadata.name);
  }
  return { request: asked };
}

/** Subresources of a pod (binding, eviction, ephemeralcontainers, exec) are CREATEd too, and are no pods. */
function isPodCreation(operation: string, resource: JsonObject, request: JsonObject): boolean {
  return (
    operation === 'CREATE' &&
    resource.group === '' &&
    resource.version === 'v1' &&
    resource.resource === 'pods' &&
    (request.subResource ?? '') === ''
  );
}

/** The API server cuts a warning at 256 characters, and drops those beyond 4096 characters in all. */
const MAX_WARNING = 256;
const MAX_WARNINGS = 16;
const MAX_MESSAGE = 2048;

/** The answer to a review that is about no pod's creation: allowed, untouched. */
export function allow(uid: string): string {
  return envelope(uid, '"allowed":true');
}

/**
 * The answer to the CREATE of a pod.
 *
 * A refusal has code 403, which controllers try again; 422 ("Invalid") is final for some of them.
 */
export function respond(uid: string, mutation: Mutation): string {
  const warnings =
    mutation.warnings.length === 0
      ? ''
      : `,"warnings":${asciiJson(mutation.warnings.slice(0, MAX_WARNINGS).map(oneLine))}`;
  if (mutation.outcome === 'refused') {
    const status = { code: 403, reason: 'Forbidden', message: mutation.message.slice(0, MAX_MESSAGE) };
    return envelope(uid, `"allowed":false,"status":${asciiJson(status)}${warnings}`);
  }
  if (mutation.operations.length === 0) return envelope(uid, `"allowed":true${warnings}`);
  const patch = Buffer.from(JSON.stringify(mutation.operations)).toString('base64');
  return envelope(uid, `"allowed":true,"patchType":"JSONPatch","patch":"${patch}"${warnings}`);
}

/** JSON in ASCII alone, so that a character is a byte: an answer that is mostly base64 is then written without encoding it. */
export function asciiJson(value: unknown): string {
  return JSON.stringify(value).replace(
    /[^\0-\x7f]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** The whole answer. The patch is put in as it is: base64 needs no escaping. */
function envelope(uid: string, members: string): string {
  return `{"apiVersion":"${API_VERSION}","kind":"AdmissionReview","response":{"uid":${asciiJson(uid)},${members}}}`;
}

/** A Warning header holds one line: the API server answers an error when it holds control characters. */
function oneLine(warning: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is replaced
  return warning.slice(0, MAX_WARNING).replace(/[\u0000-\u001f\u007f]/g, ' ');
}

type JsonObject = Record<string, unknown>;

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function fail(code: ReviewErrorCode, message: string): { error: ReviewError } {
  return { error: { code, message } };
}

function describeKind(body: unknown): string {
  if (!isObject(body)) return `it is ${Array.isArray(body) ? 'an array' : quote(body)}`;
  return body.kind === undefined ? 'it has no kind' : `its kind is ${quote(body.kind)}`;
}

/** A value from outside, for a message: scalars only, and short. */
function quote(value: unknown): string {
  if (value === undefined) return 'missing';
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'an array' : 'an object';
  return JSON.stringify(typeof value === 'string' ? value.slice(0, 64) : value);
}
