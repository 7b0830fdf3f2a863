/**
 * The serving certificate: read from two files, checked, and exchanged while the server runs.
 *
 * The files are compared every few seconds instead of watched: a mounted Secret is a symbolic link that is swapped,
 * and watches on it are lost or never fire. A pair that cannot serve never replaces one that can.
 */
import { readTextFile, TextFileError } from '../shared/text-file.ts';
import { type Certificate, CertificateError, parseCertificate } from './certificate.ts';
import type { CertificateEvents, CertificateSource } from './source.ts';

/** A chain of ten certificates is 20 kB: what is longer is not one. */
const MAX_FILE_BYTES = 1024 * 1024;
/** A Secret's two files are swapped together, but read one after the other. */
const READ_ATTEMPTS = 3;

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
