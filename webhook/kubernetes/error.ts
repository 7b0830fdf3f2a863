/** Errors of calls to the API server. The message says what was tried, what came of it, and what to do. */

export type KubernetesErrorCode =
  | 'no-cluster'
  | 'unreachable'
  | 'timeout'
  | 'unauthorized'
  | 'forbidden'
  | 'not-found'
  | 'conflict'
  | 'busy'
  | 'refused'
  | 'malformed';

/** A call to the API server that failed. Of what was sent and received the message holds only names and codes. */
export class KubernetesError extends Error {
  override name = 'KubernetesError';
  readonly code: KubernetesErrorCode;
  /** Verb, resource and name: `get secrets/curfew-tls in namespace curfew`. */
  readonly action: string;

  constructor(code: KubernetesErrorCode, action: string, why: string) {
    super(`cannot ${action}: ${why}`);
    this.code = code;
    this.action = action;
  }
}

/**
 * The error for an answer with an HTTP status of 400 or above.
 * @param reason `reason` of the Status object, where it has one
 */
export function refusal(action: string, status: number, reason: string | undefined): KubernetesError {
  const answer = `the API server says ${status}${reason === undefined ? '' : ` ${reason}`}`;
  if (status === 401) {
    return new KubernetesError('unauthorized', action, `${answer}: is the service account's token mounted?`);
  }
  if (status === 403) {
    return new KubernetesError(
      'forbidden',
      action,
      `${answer}: allow it to the webhook's service account (a Role or ClusterRole with this verb, resource and name)`,
    );
  }
  if (status === 404) return new KubernetesError('not-found', action, answer);
  if (status === 409) return new KubernetesError('conflict', action, answer);
  if (status === 429 || status >= 500)
    return new KubernetesError('busy', action, `${answer}: tried again later`);
  return new KubernetesError('refused', action, answer);
}
