/** Quotes, escapes and cuts text from outside before it is put into a message. */

/** The longest text of one warning: kubectl's limit for a `Warning` header (KEP-1693). */
const MAX_WARNING = 256;
/** The API server drops warnings after 4096 bytes in all. */
const MAX_WARNINGS = 12;

/**
 * A value in quotes, with control characters, line separators and bidirectional marks escaped.
 * @param most characters kept; a longer text is cut and ends in `...`
 * @example quote('a\nb') // '"a\\nb"'
 */
export function quote(text: string, most = 60): string {
  return text.length > most ? `${escapeText(text.slice(0, most))}..."` : `${escapeText(text)}"`;
}

function escapeText(text: string): string {
  return JSON.stringify(text.toWellFormed())
    .slice(0, -1)
    .replace(UNPRINTABLE, (char) => `\\u{${(char.codePointAt(0) ?? 0).toString(16)}}`);
}

/** Controls, invisible and bidirectional marks, line and paragraph separators. */
export const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** A text from outside (an image look-up's answer) as one line. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, ' ');
}

/** The warnings for a response: without duplicates, each within its limit, and not too many. */
export function boundWarnings(warnings: readonly string[]): string[] {
  const distinct = [...new Set(warnings)]
    .map(printable)
    .map((text) =>
      text.length > MAX_WARNING ? `${text.slice(0, MAX_WARNING - 3).toWellFormed()}...` : text,
    );
  if (distinct.length <= MAX_WARNINGS) return distinct;
  const shown = distinct.slice(0, MAX_WARNINGS - 1);
  return [...shown, `Curfew: and ${distinct.length - shown.length} more warnings; see curfew explain`];
}

/** Names for a sentence: the first eight. @example 'app, worker' */
export function brief(names: readonly string[]): string {
  return names.length > 8 ? `${names.slice(0, 8).join(', ')}, ...` : names.join(', ');
}
