/** What the API server refused or did not answer, in words for the log: what was tried, what came of it, the way out. */

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

/** A call to the API server that came to nothing. The message holds nothing that was sent or received but names and codes. */
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
 * The error for an answer of HTTP status 400 or above.
 * @param reason `reason` of the Status object, if there is one
 */
export function refusal(action: string, status: number, reason: string | undefined): KubernetesError {
  const said = `the API server says ${status}${reason === undefined ? '' : ` ${reason}`}`;
  if (status === 401) {
    return new KubernetesError('unauthorized', action, `${said}: is the service account's token mounted?`);
  }
  if (status === 403) {
    return new KubernetesError(
      'forbidden',
      action,
      `${said}: allow it to the webhook's service account (a Role or ClusterRole with this verb, resource and name)`,
    );
  }
  if (status === 404) return new KubernetesError('not-found', action, said);
  if (status === 409) return new KubernetesError('conflict', action, said);
  if (status === 429 || status >= 500)
    return new KubernetesError('busy', action, `${said}: tried again later`);
  return new KubernetesError('refused', action, said);
}
