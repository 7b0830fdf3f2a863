/** Places in a text's lines. */
import { isBreak } from './characters.ts';
import type { Comment } from './tree.ts';

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

/** Where the comments begin that stand right above what begins a line; the offset itself where there are none. */
export function aboveComments(text: string, comments: readonly Comment[], offset: number): number {
  let at = offset;
  let start = lineStart(text, offset);
  if (text.slice(start, offset).trim() !== '') return offset;
  while (start > 0) {
    const before = lineBefore(text, start);
    const comment = comments.find(({ from }) => from >= before && from < start);
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
