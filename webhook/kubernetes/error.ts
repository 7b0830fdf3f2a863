/** Errors of calls to the API server. The message says what was tried, what came of it, and what to do. */

export type KubernetesErrorCode =
  | 'no-cluster'
  | 'unreachable'
  | 'timeout'
  | 'unauthorized'
  | 'forbidden'
  | 'not-found'
  | 'conflict'
  | 'expired'
  | 'busy'
  | 'refused'
  | 'malformed'
  | 'too-long';

/** A call to the API server that failed. Of what was sent and received the message holds only names and codes. */
export class KubernetesError extends Error {
  override name = 'KubernetesError';
  readonly code: KubernetesErrorCode;
  /** Verb, resource and name: `get secrets/curfew-tls in namespace curfew`. */
  readonly action: string;
  /** What the API server itself says, not escaped; only where a person asks, because it may quote what was sent. */
  said: string | undefined;

  constructor(code: KubernetesErrorCode, action: string, why: string) {
    super(`cannot ${action}: ${why}`);
    this.code = code;
    this.action = action;
  }
}

/** Whose requests fail, and so who can mend it. */
export interface Caller {
  /** Who may hear what the API server says. */
  hears: boolean;
  unauthorized: string;
  forbidden: string;
  noFiles: string;
}

export const THE_WEBHOOK: Caller = {
  hears: false,
  unauthorized: "is the service account's token mounted?",
  forbidden:
    "allow it to the webhook's service account (a Role or ClusterRole with this verb, resource and name)",
  noFiles: "is the service account's token mounted (automountServiceAccountToken)?",
};

/** Somebody who runs a command with a kubeconfig. */
export const A_PERSON: Caller = {
  hears: true,
  unauthorized: 'the credentials of this context are not accepted; has the log-in run out?',
  forbidden: 'your user lacks this right; somebody who administers the cluster can give it',
  noFiles: 'the kubeconfig names them',
};

/**
 * The error for an answer with an HTTP status of 400 or above.
 * @param reason `reason` of the Status object, where it has one
 * @param said its message, where the caller may hear it
 */
export function refusal(
  action: string,
  status: number,
  reason: string | undefined,
  caller: Caller,
  said?: string,
): KubernetesError {
  const answer = `the API server says ${status}${reason === undefined ? '' : ` ${reason}`}`;
  const error = (code: KubernetesErrorCode, hint = '') => {
    const made = new KubernetesError(code, action, `${answer}${hint}`);
    made.said = said;
    return made;
  };
  if (status === 401) return error('unauthorized', `: ${caller.unauthorized}`);
  if (status === 403) return error('forbidden', `: ${caller.forbidden}`);
  if (status === 404) return error('not-found');
  if (status === 409) return error('conflict');
  if (status === 410) return error('expired');
  if (status === 429 || status >= 500) return error('busy', ': tried again later');
  return error('refused');
}
