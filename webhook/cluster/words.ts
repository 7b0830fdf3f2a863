/** Times and names as people read them. Pure. */

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** @example duration(150_000) // '2 min' */
export function duration(ms: number): string {
  if (ms < 2 * MINUTE) return `${Math.max(Math.floor(ms / SECOND), 0)} s`;
  if (ms < 2 * HOUR) return `${Math.floor(ms / MINUTE)} min`;
  if (ms < 2 * DAY) return `${Math.floor(ms / HOUR)} h`;
  return `${Math.floor(ms / DAY)} days`;
}

/** ` at 10:31 UTC, 12 min ago`, with the date where that was yesterday or before; nothing where the time is not known. */
export function when(at: number | undefined, now: number): string {
  if (at === undefined) return '';
  const iso = new Date(at).toISOString();
  const day = now - at < DAY ? '' : `${iso.slice(0, 10)} `;
  return ` at ${day}${iso.slice(11, 16)} UTC, ${duration(now - at)} ago`;
}

/** `, since 12 min`. */
export function since(at: number | undefined, now: number): string {
  return at === undefined ? '' : `, since ${duration(now - at)}`;
}

/** `a`, `a and b`, `a, b and c`; many are cut. */
export function both(names: readonly string[], most = 6): string {
  const shown = names.length > most ? [...names.slice(0, most), `${names.length - most} more`] : names;
  return shown.length < 2 ? (shown[0] ?? '') : `${shown.slice(0, -1).join(', ')} and ${shown.at(-1)}`;
}

/** `a`, `a or b`, `a, b or c`. */
export function either(names: readonly string[]): string {
  return names.length < 2 ? (names[0] ?? '') : `${names.slice(0, -1).join(', ')} or ${names.at(-1)}`;
}

/** `5 times`, `once`. */
export function times(count: number): string {
  return count === 1 ? 'once' : `${count} times`;
}

/** A text from a cluster as one line of at most so many characters. */
export function brief(text: string, most = 300): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length > most ? `${line.slice(0, most - 3).toWellFormed()}...` : line;
}
