/**
 * The serving certificate from two files, which is loaded again when they change.
 *
 * The files are read every few seconds and not watched: a mounted Secret is a symbolic link that is swapped, and a watch on it gets
 * lost or never fires. A certificate that cannot serve does not replace one that can.
 */
import { readTextFile, TextFileError } from '../shared/text-file.ts';
import {
  type Certificate,
  CertificateError,
  type CertificateListener,
  type CertificateSource,
  parseCertificate,
} from './certificate.ts';

/** A chain of ten certificates takes 20 kB. */
const MAX_FILE_BYTES = 1024 * 1024;
/** A Secret's files are swapped together, but are read one after the other, so a read may be repeated. */
const READ_ATTEMPTS = 3;

/** The names of the PEM files, and how often they are read, in milliseconds. */
interface CertificateFileSettings {
  certFile: string;
  keyFile: string;
  reloadInterval: number;
}

/** Two files, and the certificate that was last loaded from them. */
export class CertificateFiles implements CertificateSource {
  current: Certificate | undefined;
  /** What is wrong with the files now. */
  private problem: string | undefined = 'the certificate has not been read yet';
  private readonly files: CertificateFileSettings;
  private readonly listener: CertificateListener;
  private readonly now: () => number;
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> | undefined;

  constructor(files: CertificateFileSettings, listener: CertificateListener, now: () => number = Date.now) {
    this.files = files;
    this.listener = listener;
    this.now = now;
  }

  check(): Promise<void> {
    this.running ??= this.load().finally(() => {
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

  unready(): string | undefined {
    if (this.current === undefined) return this.problem;
    const { notAfter } = this.current;
    return notAfter.getTime() > this.now()
      ? undefined
      : `the certificate expired at ${notAfter.toISOString()}`;
  }

  private async load(): Promise<void> {
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
      this.listener.loaded(this.current);
    } catch (error) {
      const wrapped =
        error instanceof CertificateError ? error : new CertificateError(String(error), { cause: error });
      if (wrapped.message === this.problem) return;
      this.problem = wrapped.message;
      this.listener.failed(wrapped);
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
 * @throws {CertificateError} which names the file
 */
async function readBounded(file: string): Promise<string> {
  try {
    return await readTextFile(file, MAX_FILE_BYTES);
  } catch (cause) {
    if (!(cause instanceof TextFileError)) throw cause;
    const hint = cause.code === undefined ? ': that is not a PEM file' : '';
    throw new CertificateError(`${cause.message}${hint}`, { cause });
  }
}
