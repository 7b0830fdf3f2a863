/** A benchmark: its parameters and its result. */
import type { Measured } from './figure.ts';

export interface Workshop {
  /** The project's root. */
  root: string;
  /** A scratch folder on disk, removed afterwards. */
  scratch: string;
  /** The shim of this machine's architecture. */
  shim: string;
  tini: string;
  execTimer: string;
  witness: string;
  /** Tell how far it is, on stderr. */
  progress(text: string): void;
}

/** One group of rows, measured together. */
export interface Bench {
  name: string;
  about: string;
  /** It only waits, so it runs while the others do. */
  aside?: boolean;
  measure(workshop: Workshop): Promise<Measured[]>;
}
