/** Where the serving certificate comes from, as the server sees it: a pair that changes under way. */
import type { Certificate, CertificateError } from './certificate.ts';

export interface CertificateSource {
  /** The pair in use. */
  readonly current: Certificate | undefined;
  /** Why this pair cannot serve, for the readiness check; undefined when it can. */
  unready(): string | undefined;
  /** Look now, and take up what changed. Never rejects for what is found. */
  check(): Promise<void>;
  /** Keep looking from now on. Keeps no process alive. */
  start(): void;
  stop(): void;
}

/** What a {@link CertificateSource} tells. */
export interface CertificateEvents {
  /** A pair was loaded, the first or a new one. */
  loaded(certificate: Certificate): void;
  /** There is no pair that can serve, or no new one. Told once for each thing that is wrong. */
  failed(error: CertificateError): void;
}
