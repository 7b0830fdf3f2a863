/**
 * The serving certificate: read from two files, checked, and exchanged while the server runs.
 *
 * The files are compared every few seconds instead of watched: a mounted Secret is a symbolic link that is swapped,
 * and watches on it are lost or never fire. A pair that cannot serve never replaces one that can.
 */
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { readTextFile, TextFileError } from '../shared/text-file.ts';
import type { CertificateEvents, CertificateSource } from './source.ts';

/** A pair that can serve. PEM texts, as they stand in the files. */
export interface Certificate {
  /** The leaf, and the intermediates after it. */
  cert: string;
  key: string;
  notBefore: Date;
  notAfter: Date;
  /** SHA-256 of the leaf, as openssl prints it. */
  fingerprint: string;
  subjectAltName: string;
}

/** A pair that cannot serve; the message names the file and what to do, and quotes nothing of the key. */
export class CertificateError extends Error {
  override name = 'CertificateError';
}

/** A chain of ten certificates is 20 kB: what is longer is not one. */
const MAX_FILE_BYTES = 1024 * 1024;
/** A Secret's two files are swapped together, but read one after the other. */
const READ_ATTEMPTS = 3;

/**
 * Parse and check a certificate and its key.
 * @param now milliseconds, for the check that it has not expired
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
    // Without the cause: whatever OpenSSL says of a key stays out of logs.
    throw new CertificateError(`${name} is not a PEM private key ("-----BEGIN PRIVATE KEY-----")`);
  }
}

/** Names of PEM files, and how often they are compared, in milliseconds. */
export interface CertificateFileSettings {
  certFile: string;
  keyFile: string;
  reloadInterval: number;
}

/**
 * Two files and the pair that was last loaded from them.
 */
export class CertificateFiles implements CertificateSource {
  /** The pair in use. */
  current: Certificate | undefined;
  /** What is wrong with the files now, if anything is. */
  problem: string | undefined = 'the certificate has not been read yet';
  private readonly files: CertificateFileSettings;
  private readonly events: CertificateEvents;
  private readonly now: () => number;
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> | undefined;

  constructor(files: CertificateFileSettings, events: CertificateEvents, now: () => number = Date.now) {
    this.files = files;
    this.events = events;
    this.now = now;
  }

  /**
   * Look at the files now, and load them if they changed. Never rejects for what the files hold.
   */
  check(): Promise<void> {
    this.running ??= this.look().finally(() => {
      this.running = undefined;
    });
    return this.running;
  }

  start(): void {
    this.timer = setInterval(() => void this.check(), this.files.reloadInterval).unref();
  }

  stop(): void {
    clearInterval(this.timer);
  }

  /** Why this pair cannot serve, for the readiness check; undefined when it can. */
  unready(): string | undefined {
    if (this.current === undefined) return this.problem;
    const { notAfter } = this.current;
    return notAfter.getTime() > this.now()
      ? undefined
      : `the certificate expired at ${notAfter.toISOString()}`;
  }

  private async look(): Promise<void> {
    try {
      const { cert, key } = await this.read();
      if (this.current?.cert === cert && this.current.key === key) {
        this.problem = undefined;
        return;
      }
      this.current = parseCertificate(cert, key, this.now(), {
        cert: this.files.certFile,
        key: this.files.keyFile,
      });
      this.problem = undefined;
      this.events.loaded(this.current);
    } catch (error) {
      const wrapped =
        error instanceof CertificateError ? error : new CertificateError(String(error), { cause: error });
      if (wrapped.message === this.problem) return;
      this.problem = wrapped.message;
      this.events.failed(wrapped);
    }
  }

  private async read(): Promise<{ cert: string; key: string }> {
    let cert = await readBounded(this.files.certFile);
    for (let attempt = 1; ; attempt++) {
      const key = await readBounded(this.files.keyFile);
      const again = await readBounded(this.files.certFile);
      if (again === cert || attempt === READ_ATTEMPTS) return { cert: again, key };
      cert = again;
    }
  }
}

/**
 * Read a small text file.
 * @throws {CertificateError} that names the file
 */
async function readBounded(file: string): Promise<string> {
  try {
    return await readTextFile(file, MAX_FILE_BYTES);
  } catch (cause) {
    if (!(cause instanceof TextFileError)) throw cause;
    const way = cause.code === undefined ? ': that is no PEM file' : '';
    throw new CertificateError(`${cause.message}${way}`, { cause });
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string'
    ? error.code
    : 'unknown error';
}
