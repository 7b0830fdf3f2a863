/** Why a registry gave no image: a named reason, and a clause for a person that holds no secret. */
import type { ImageFailure } from '../decision/images.ts';

export interface RegistryErrorOptions extends ErrorOptions {
  /** It was answered to one credential, or kept one from being tried: another may fare better. */
  ofCredential?: boolean;
}

/**
 * A look-up that failed. The message is a clause that begins with who failed (`registry ghcr.io answered 500`); it never
 * holds what a registry sent, but for codes that were checked, and never a credential.
 */
export class RegistryError extends Error {
  override name = 'RegistryError';
  readonly reason: ImageFailure;
  readonly ofCredential: boolean;

  constructor(reason: ImageFailure, message: string, options: RegistryErrorOptions = {}) {
    super(message, options);
    this.reason = reason;
    this.ofCredential = options.ofCredential ?? false;
  }
}

/** Whether an error says nothing about the image, nor about who may read it. */
export function isPassing({ reason }: RegistryError): boolean {
  return reason === 'image-unreachable' || reason === 'image-timeout';
}

/** Codes of Node's TLS that mean: not signed by anybody whom we trust. */
const UNTRUSTED = new Set([
  'CERT_SIGNATURE_FAILURE',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
]);

/** Codes of what is not worth another try at the same registry. */
const WORDS: Readonly<Record<string, string>> = {
  ENOTFOUND: 'has a name that no DNS knows',
  EAI_AGAIN: 'has a name that DNS does not answer for now',
  ECONNREFUSED: 'refuses connections',
  ECONNRESET: 'hung up',
  EHOSTUNREACH: 'cannot be reached from here',
  ENETUNREACH: 'cannot be reached from here',
  EPROTO: 'speaks no TLS; if it is plain HTTP on purpose, say so: images.registries[].plainHttp',
  ERR_SSL_WRONG_VERSION_NUMBER:
    'speaks no TLS; if it is plain HTTP on purpose, say so: images.registries[].plainHttp',
  ERR_SSL_PACKET_LENGTH_TOO_LONG:
    'speaks no TLS; if it is plain HTTP on purpose, say so: images.registries[].plainHttp',
  ERR_TLS_CERT_ALTNAME_INVALID: 'has a certificate for another name',
  CERT_HAS_EXPIRED: 'has a certificate that has expired',
  CERT_NOT_YET_VALID: 'has a certificate that is not valid yet',
};

/**
 * What a failed request means.
 * @param who `registry ghcr.io`
 * @param error whatever the request threw; its text is not shown, since it may quote what was sent
 */
export function requestError(who: string, error: unknown): RegistryError {
  if (error instanceof RegistryError) return error;
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
  const name = error instanceof Error ? error.name : '';
  if (name === 'AbortError' || name === 'TimeoutError' || code === 'ETIMEDOUT')
    return new RegistryError('image-timeout', `${who} did not answer in time`, { cause: error });
  if (UNTRUSTED.has(code))
    return new RegistryError(
      'image-unreachable',
      `${who} has a certificate that nobody trusted here has signed; name its authority: images.registries[].caFile`,
      { cause: error },
    );
  if (code.startsWith('HPE_'))
    return new RegistryError('image-unreachable', `${who} answered with what is no HTTP (${code})`, {
      cause: error,
    });
  const words = Object.hasOwn(WORDS, code) ? WORDS[code] : undefined;
  return new RegistryError(
    'image-unreachable',
    `${who} ${words ?? `cannot be asked (${/^[A-Z0-9_]{1,40}$/.test(code) ? code : 'unknown error'})`}`,
    { cause: error },
  );
}
