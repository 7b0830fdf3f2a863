/** The serving certificate with its key: parsed and checked, and the interface of its sources. */
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';

/** A certificate and key that a TLS server can use. PEM texts, as they are in the files. */
export interface Certificate {
  /** The leaf, then its intermediates. */
  cert: string;
  key: string;
  notBefore: Date;
  notAfter: Date;
  /** SHA-256 of the leaf, as openssl prints it. */
  fingerprint: string;
  subjectAltName: string;
}

/** A server cannot use the certificate or its key. The message names the file and what to do, and quotes nothing of the key. */
export class CertificateError extends Error {
  override name = 'CertificateError';
}

/** Where the serving certificate comes from. It may change while the server runs. */
export interface CertificateSource {
  /** The certificate in use. */
  readonly current: Certificate | undefined;
  /** Why the certificate cannot serve, for the readiness check; undefined where it can. */
  unready(): string | undefined;
  /** What is wrong although it can serve, for the readiness check. */
  remark?(): string | undefined;
  /** Check now, and load what has changed. Never rejects for what it finds. */
  check(): Promise<void>;
  /** Check regularly from now on. The timer keeps no process alive. */
  start(): void;
  stop(): void;
}

export interface CertificateListener {
  /** A certificate was loaded, the first or a new one. */
  loaded(certificate: Certificate): void;
  /** No certificate can serve, or a new one cannot. Called once for each different error. */
  failed(error: CertificateError): void;
}

/**
 * Parse and check a certificate and its key.
 * @param now milliseconds since 1970, to check that the certificate has not expired
 * @param names what messages call them
 * @throws {CertificateError}
 */
export function parseCertificate(
  cert: string,
  key: string,
  now: number,
  names = { cert: 'the certificate', key: 'the key' },
): Certificate {
  const leaf = parseLeaf(cert, names.cert);
  const privateKey = parseKey(key, names.key);
  if (!leaf.checkPrivateKey(privateKey)) {
    throw new CertificateError(
      `${names.key} is not the key of ${names.cert}: write both files from the same pair`,
    );
  }
  if (leaf.validToDate.getTime() <= now) {
    throw new CertificateError(
      `${names.cert} expired at ${leaf.validToDate.toISOString()}: renew it, it is read again by itself`,
    );
  }
  try {
    createSecureContext({ cert, key });
  } catch (cause) {
    throw new CertificateError(
      `OpenSSL takes ${names.cert} with ${names.key} not for a server (${codeOf(cause)})`,
      {
        cause,
      },
    );
  }
  return {
    cert,
    key,
    notBefore: leaf.validFromDate,
    notAfter: leaf.validToDate,
    fingerprint: leaf.fingerprint256,
    subjectAltName: leaf.subjectAltName ?? '',
  };
}

function parseLeaf(cert: string, name: string): X509Certificate {
  const first = cert.indexOf('-----BEGIN CERTIFICATE-----');
  if (first < 0)
    throw new CertificateError(`${name} holds no PEM certificate ("-----BEGIN CERTIFICATE-----")`);
  try {
    return new X509Certificate(cert.slice(first));
  } catch (cause) {
    throw new CertificateError(`${name} is not a PEM certificate (${codeOf(cause)})`, { cause });
  }
}

function parseKey(key: string, name: string): KeyObject {
  if (key.includes('ENCRYPTED PRIVATE KEY') || key.includes('Proc-Type: 4,ENCRYPTED')) {
    throw new CertificateError(`${name} is encrypted: give it without a passphrase`);
  }
  try {
    return createPrivateKey(key);
  } catch {
    // Without the cause: OpenSSL's message about a key must not be logged.
    throw new CertificateError(`${name} is not a PEM private key ("-----BEGIN PRIVATE KEY-----")`);
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string'
    ? error.code
    : 'unknown error';
}
