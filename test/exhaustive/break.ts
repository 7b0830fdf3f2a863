/** What a bug put in on purpose is, and the files of shim/ that most of them are put into. */

/** A change of a copy of the shim's sources. */
export interface Break {
  /** What the search must say. */
  rule: string;
  what: string;
  file: string;
  /** Stands there once. */
  from: string;
  to: string;
  /** The case that it is looked for in. */
  pod: string;
}

export const MAIN = 'main-lifecycle.ts';
export const SIDECAR = 'sidecar-lifecycle.ts';
export const LEAVE = 'sidecar-leave.ts';
export const MAINS = 'sidecar-mains.ts';
