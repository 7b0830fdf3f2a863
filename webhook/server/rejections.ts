/** Why a request to the webhook was answered with no decision about a pod: the other values of the label `reason`, a closed list. */
export const REJECTIONS = {
  'not-json': { status: '400', means: 'The body is not JSON.' },
  'not-an-admission-review': { status: '400', means: 'The body is no AdmissionReview.' },
  'unsupported-version': {
    status: '400',
    means: 'The AdmissionReview is of another version than `admission.k8s.io/v1`.',
  },
  'malformed-review': { status: '400', means: 'The AdmissionReview lacks what every request has.' },
  'bad-request': { status: '400, 431, other 4xx', means: 'The HTTP request is malformed or was cut off.' },
  'not-found': { status: '404', means: 'The path is another one than `/mutate`.' },
  'method-not-allowed': { status: '405', means: 'The method is another one than POST.' },
  'body-too-large': { status: '413', means: 'The body is longer than `limits.bodyBytes`.' },
  'unsupported-media-type': {
    status: '415',
    means: 'The content type is another one than `application/json`.',
  },
  overloaded: { status: '503', means: 'There is more to do than `limits` allow; the message names which.' },
} as const satisfies Readonly<Record<string, { status: string; means: string }>>;

/** Why a request was rejected, before any pod was looked at. */
export type RejectionCode = keyof typeof REJECTIONS;

/** Each of them. */
export const REJECTION_CODES: readonly RejectionCode[] = Object.keys(REJECTIONS).filter((key) =>
  isRejection(key),
);

function isRejection(key: string): key is RejectionCode {
  return Object.hasOwn(REJECTIONS, key);
}
