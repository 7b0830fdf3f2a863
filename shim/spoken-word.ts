/**
 * A last word that no disk would take, sent through the life line instead: a pipe holds a few bytes also where the file system is
 * full or read-only. It goes out in many copies, of which each listener takes one: enough for all containers of a pod (128 at most, which
 * the webhook sees to) and for those of them that are started again meanwhile.
 */
import { LONGEST_DOUBT, type Marker } from './marker.ts';

/** Everybody reads this size, so that words stay whole. */
export const SPOKEN_SIZE = 16;
/** All together are as long as the longest write that a pipe takes whole (PIPE_BUF, 4,096 bytes), and as the smallest pipe there is. */
export const SPOKEN_COPIES = 256;

/** What a last word says, marker or not. */
export type SpokenWord = Pick<Marker, 'code' | 'final' | 'stopping' | 'stopDoubt'>;

/** A spoken word is laid over this marker where none was ever written. */
const UNWRITTEN = { attempt: 0, killedIsFinal: false } as const;

/** A container's marker as its spoken last word makes it: it lived while its listener does, so it was of the same sandbox (an empty epoch). */
export function spokenMarker(written: Marker | undefined, word: SpokenWord): Marker {
  const { code, final, stopping, stopDoubt } = word;
  return { ...(written ?? UNWRITTEN), epoch: '', phase: 'ended', code, final, stopping, stopDoubt };
}

/**
 * The bytes to write: all copies.
 * @example formatSpoken({ code: 143, final: true, stopping: true, stopDoubt: 60_000 }) // 'cf 143 fs60     cf 143 fs60     ...'
 */
export function formatSpoken({ code, final, stopping, stopDoubt }: SpokenWord): string {
  const doubt = Math.round(stopDoubt / 1_000);
  const word = `cf ${code} ${final ? 'f' : 'a'}${stopping ? 's' : '-'}${doubt}`;
  return word.padEnd(SPOKEN_SIZE).repeat(SPOKEN_COPIES);
}

/** Parse one copy; undefined for anything else. */
export function parseSpoken(text: string): SpokenWord | undefined {
  const [magic, digits = '', letters = '', ...rest] = text.trimEnd().split(' ');
  const code = Number(digits);
  const doubt = Number(letters.slice(2)) * 1_000;
  if (magic !== 'cf' || rest.length > 0 || digits === '' || letters.length < 3) return undefined;
  if (!Number.isInteger(code) || code < 0 || code > 255) return undefined;
  if (!(doubt >= 0 && doubt <= LONGEST_DOUBT)) return undefined;
  return { code, final: letters.startsWith('f'), stopping: letters.charAt(1) === 's', stopDoubt: doubt };
}
