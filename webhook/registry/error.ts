/** The error of a look-up: a named reason, and a message that holds no secret. */
import type { ImageFailure } from '../decision/images.ts';

interface RegistryErrorOptions extends ErrorOptions {
  /** The error concerns one credential. Another one may be accepted. */
  credentialSpecific?: boolean;
}

/**
 * A look-up that failed. The message is a clause that begins with the server's name (`registry ghcr.io answered 500`). It holds no
 * credential, and of a registry's answer only codes that were checked.
 */
export class RegistryError extends Error {
  override name = 'RegistryError';
  readonly reason: ImageFailure;
  readonly credentialSpecific: boolean;

  constructor(reason: ImageFailure, message: string, options: RegistryErrorOptions = {}) {
    super(message, options);
    this.reason = reason;
    this.credentialSpecific = options.credentialSpecific ?? false;
  }
}

/** Whether the error is transient: it tells nothing about the image, or about who may read it. */
export function isTransient({ reason }: RegistryError): boolean {
  return reason === 'image-unreachable' || reason === 'image-timeout';
}

/** Codes of Node's TLS for a certificate that no trusted authority has signed. */
const UNTRUSTED = new Set([
  'CERT_SIGNATURE_FAILURE',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
]);

/** Whose setting it is: not the pod's author's. */
const setting = (key: string) =>
  `in the webhook's configuration, images.registries[].${key} (in the chart's values config.images.registries)`;
const NO_TLS = `does not speak TLS; if it is plain HTTP on purpose, say so ${setting('plainHttp')}`;

/** Messages by the error codes of Node and OpenSSL. */
const MESSAGES: Readonly<Record<string, string>> = {
  ENOTFOUND: 'has a host name that DNS does not know',
  EAI_AGAIN: 'has a host name that DNS does not resolve for now',
  ECONNREFUSED: 'refuses connections',
  ECONNRESET: 'closed the connection',
  EHOSTUNREACH: 'cannot be reached from here',
  ENETUNREACH: 'cannot be reached from here',
  EPROTO: NO_TLS,
  ERR_SSL_WRONG_VERSION_NUMBER: NO_TLS,
  ERR_SSL_PACKET_LENGTH_TOO_LONG: NO_TLS,
  ERR_TLS_CERT_ALTNAME_INVALID: 'has a certificate for another name',
  CERT_HAS_EXPIRED: 'has a certificate that has expired',
  CERT_NOT_YET_VALID: 'has a certificate that is not valid yet',
};

/**
 * The error for a failed request.
 * @param server the server's name for the message: `registry ghcr.io`
 * @param error any error of the request. Its text is left out, because it may quote what was sent
 */
export function requestError(server: string, error: unknown): RegistryError {
  if (error instanceof RegistryError) return error;
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
  const name = error instanceof Error ? error.name : '';
  if (name === 'AbortError' || name === 'TimeoutError' || code === 'ETIMEDOUT')
    return new RegistryError('image-timeout', `${server} did not answer in time`, { cause: error });
  if (UNTRUSTED.has(code))
    return new RegistryError(
      'image-unreachable',
      `${server} has a certificate that no trusted authority has signed; name its authority ${setting('caFile')}`,
      { cause: error },
    );
  if (code.startsWith('HPE_'))
    return new RegistryError('image-unreachable', `${server} sent an answer that is not HTTP (${code})`, {
      cause: error,
    });
  const message = Object.hasOwn(MESSAGES, code) ? MESSAGES[code] : undefined;
  return new RegistryError(
    'image-unreachable',
    `${server} ${message ?? `cannot be asked (${/^[A-Z0-9_]{1,40}$/.test(code) ? code : 'unknown error'})`}`,
    { cause: error },
  );
}
