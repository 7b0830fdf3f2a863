/**
 * A last word that no disk would take, sent through the life line instead: a pipe holds a few bytes also where the file system is
 * full or read-only. It goes out in many copies, because each listener takes what it reads.
 */

/** Everybody reads this size, so that words stay whole. */
export const SPOKEN_SIZE = 16;
/** All copies fit a pipe's atomic write. */
const SPOKEN_COPIES = 64;

/** What a last word says, marker or not. */
export interface SpokenWord {
  code: number;
  final: boolean;
}

/** The bytes to write: all copies. */
export function formatSpoken({ code, final }: SpokenWord): string {
  return `curfew ${code} ${final ? 'final' : 'again'}`.padEnd(SPOKEN_SIZE).repeat(SPOKEN_COPIES);
}

/** Parse one copy; undefined for anything else. */
export function parseSpoken(text: string): SpokenWord | undefined {
  const [magic, code, word] = text.trimEnd().split(' ');
  const number = Number(code);
  if (magic !== 'curfew' || !(number >= 0 && number <= 255) || (word !== 'final' && word !== 'again'))
    return undefined;
  return { code: number, final: word === 'final' };
}
