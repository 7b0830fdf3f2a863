/**
 * Signal names and numbers. Linux numbers, the same on amd64 and arm64 (asm-generic/signal.h); real-time signals are
 * counted as in glibc (RTMIN is 34), which is what images' STOPSIGNAL means (systemd's RTMIN+3 is 37).
 */

const NUMBERS: Record<string, number> = {
  HUP: 1, INT: 2, QUIT: 3, ILL: 4, TRAP: 5, ABRT: 6, BUS: 7, FPE: 8, KILL: 9, USR1: 10, SEGV: 11, USR2: 12,
  PIPE: 13, ALRM: 14, TERM: 15, STKFLT: 16, CHLD: 17, CONT: 18, STOP: 19, TSTP: 20, TTIN: 21, TTOU: 22, URG: 23,
  XCPU: 24, XFSZ: 25, VTALRM: 26, PROF: 27, WINCH: 28, IO: 29, PWR: 30, SYS: 31,
}; // biome-ignore format: a table

const RTMIN = 34;
const RTMAX = 64;

/** What sigqueue(3) puts beside a signal: who sent it (pid and user), and 64 bits in hexadecimal. */
export interface Queued {
  sender: number;
  user: number;
  value: string;
}

export const SIGKILL = 9;
export const SIGTERM = 15;
export const SIGCHLD = 17;
export const SIGURG = 23;

/**
 * Parse a signal as users and images write it: `TERM`, `SIGTERM`, `15`, `RTMIN+3`, `SIGRTMAX-2`; upper or lower case.
 * @returns 1 to 64; undefined when there is no such signal
 */
export function parseSignal(text: string): number | undefined {
  let name = text.toUpperCase();
  if (name.startsWith('SIG')) name = name.slice(3);
  if (Object.hasOwn(NUMBERS, name)) return NUMBERS[name];
  if (name === 'RTMIN') return RTMIN;
  if (name === 'RTMAX') return RTMAX;
  let number: number | undefined;
  if (name.startsWith('RTMIN+')) number = RTMIN + count(name.slice(6));
  else if (name.startsWith('RTMAX-')) number = RTMAX - count(name.slice(6));
  else number = count(text);
  return number >= 1 && number <= RTMAX && (name === text || number >= RTMIN || number < 32)
    ? number
    : undefined;
}

/** The name without SIG (`TERM`, `RTMIN+3`). */
export function signalName(number: number): string {
  for (const name of Object.keys(NUMBERS)) if (NUMBERS[name] === number) return name;
  return number >= RTMIN && number <= RTMAX ? `RTMIN+${number - RTMIN}` : `${number}`;
}

function count(digits: string): number {
  if (digits.length === 0 || digits.length > 2) return Number.NaN;
  for (const digit of digits) if (digit < '0' || digit > '9') return Number.NaN;
  return Number(digits);
}
