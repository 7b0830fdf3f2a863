/** The kernel's error numbers that the shim decides by (asm-generic/errno.h), and words for those that users meet. */
export const ENOENT = 2;
export const EINTR = 4;
export const EAGAIN = 11;
export const EACCES = 13;
export const ECHILD = 10;
export const EEXIST = 17;
export const EMFILE = 24;
export const EISDIR = 21;
export const ENOSPC = 28;
export const ECONNREFUSED = 111;
/** Something of another kind stands there (`host.open`). */
export const EMEDIUMTYPE = 124;

/** ENOMEM, ENFILE, EMFILE. */
const SHORTAGES = [12, 23, 24];

const WORDS: Record<number, string> = {
  1: 'operation not permitted',
  2: 'no such file or directory',
  8: 'exec format error',
  11: 'resource temporarily unavailable (a limit of processes or memory)',
  12: 'out of memory',
  13: 'permission denied',
  17: 'file exists',
  20: 'not a directory',
  21: 'is a directory',
  23: 'too many open files in the system',
  24: 'too many open files',
  26: 'text file busy',
  27: 'file too large',
  28: 'no space left on device',
  30: 'read-only file system',
  36: 'file name too long',
  40: 'too many levels of symbolic links',
  97: 'address family not supported',
  99: 'address not available',
  101: 'network is unreachable',
  104: 'connection reset',
  110: 'connection timed out',
  111: 'connection refused',
  113: 'no route to host',
  122: 'disk quota exceeded',
  124: 'something else stands there',
};

/** Whether there were too few descriptors or too little memory to find out: nothing is known then. */
export function isShortage(result: number): boolean {
  return SHORTAGES.includes(-result);
}

/** Words for a host function's negative result. */
export function reason(result: number): string {
  return WORDS[-result] ?? `error ${-result}`;
}

/** A step that failed: what was being done, to what, and why. */
export class HostError extends Error {
  /** A negative errno. */
  readonly result: number;

  /** @param hint what may be behind it, and what to write */
  constructor(doing: string, path: string, result: number, hint?: string) {
    super(`cannot ${doing} ${path}: ${reason(result)}${hint === undefined ? '' : `: ${hint}`}`);
    this.result = result;
  }
}
