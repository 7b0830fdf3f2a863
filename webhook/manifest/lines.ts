/** Places in a text's lines. */
import { isBreak } from './characters.ts';
import { UneditableError } from './edits.ts';
import type { Collection, Comment } from './tree.ts';

/** Where the line of an offset begins. */
export function lineStart(text: string, offset: number): number {
  let at = offset;
  while (at > 0 && !isBreak(text.charCodeAt(at - 1))) at--;
  return at;
}

/** Where the line of an offset ends, before its line break. */
export function lineEnd(text: string, offset: number): number {
  let at = offset;
  while (at < text.length && !isBreak(text.charCodeAt(at))) at++;
  return at;
}

/** Where the next line begins; the text's end after the last one. */
export function nextLine(text: string, offset: number): number {
  const end = lineEnd(text, offset);
  return Math.min(text.length, end + (text.startsWith('\r\n', end) ? 2 : 1));
}

/** The comments between two offsets. @param comments in their order: a List has thousands */
export function commentsIn(comments: readonly Comment[], from: number, to: number): Comment[] {
  let [low, high] = [0, comments.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((comments[middle]?.from ?? 0) < from) low = middle + 1;
    else high = middle;
  }
  let end = low;
  while ((comments[end]?.to ?? Number.POSITIVE_INFINITY) <= to) end++;
  return comments.slice(low, end);
}

/** Where the comments begin that stand right above what begins a line; the offset itself where there are none. */
export function aboveComments(text: string, comments: readonly Comment[], offset: number): number {
  let at = offset;
  let start = lineStart(text, offset);
  if (text.slice(start, offset).trim() !== '') return offset;
  while (start > 0) {
    const before = lineBefore(text, start);
    const [comment] = commentsIn(comments, before, start);
    if (comment === undefined || text.slice(before, comment.from).trim() !== '') break;
    at = comment.from;
    start = before;
  }
  return at;
}

function lineBefore(text: string, start: number): number {
  return lineStart(text, endBefore(text, start));
}

/** Where the line before one that begins at `start` ends, before its line break. */
export function endBefore(text: string, start: number): number {
  return start - (text.startsWith('\r\n', start - 2) ? 2 : 1);
}

/** The blanks with which a line begins. */
export function indentOf(text: string, offset: number): string {
  return /^[ \t]*/.exec(text.slice(lineStart(text, offset), offset))?.[0] ?? '';
}

/**
 * An item of one list for another one: its further lines move as far as its dash does.
 * @throws {UneditableError}
 */
export function shifted(text: string, list: Collection, host: Collection): string {
  const by = host.column - list.column;
  return text.replace(
    /(\r\n|[\n\r])([ \t]*)(?=(\S?))/g,
    (_all, end: string, indent: string, first: string) => {
      const isEmpty = first === '';
      if (list.flow) return isEmpty ? end + indent : `${end}${' '.repeat(host.column + 4)}`;
      if (by < 0 && indent.length < -by && !isEmpty)
        throw new UneditableError('a line that cannot be moved to the left');
      // Blanks of an empty line may be a block scalar's.
      if (isEmpty && indent === '') return end;
      return end + (by < 0 ? indent.slice(-by) : ' '.repeat(by) + indent);
    },
  );
}
