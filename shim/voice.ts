/**
 * The shim's own words: one line each on standard error, `curfew: ` first (rule P8). They never wait for a reader and never come before
 * deeds: a line is kept until the shim has done what it has to do, and longer where nobody takes it.
 */
import host from 'host';
import { EAGAIN } from './errors.ts';

const MAX_LINE = 1_000;
/** With what is escaped: as UTF-8 a line is less than a pipe takes in one piece (4,096 bytes). */
const MAX_ESCAPED = 1_300;
/** Of the lines that nobody takes the last ones are kept. */
const MOST_LINES = 100;

const lines: string[] = [];

/** A line as it is said, of at most 1,300 characters. Control characters are escaped: what stands in it may come from outside. */
export function lineOf(text: string): string {
  let line = 'curfew: ';
  for (const char of text.length > MAX_LINE ? `${text.slice(0, MAX_LINE)}...` : text) {
    if (line.length < MAX_ESCAPED)
      line += char < ' ' || char === '\u007f' ? JSON.stringify(char).slice(1, -1) : char;
  }
  return `${line}\n`;
}

/** Say one line. */
export function say(text: string): void {
  lines.push(lineOf(text));
  if (lines.length > MOST_LINES) lines.shift();
}

/** Write what was said, as far as it is taken at once. */
export function flushWords(): void {
  for (let line = lines[0]; line !== undefined; line = lines[0]) {
    if (host.say(line) === -EAGAIN) return;
    lines.shift();
  }
}

/** Whether something was said that nobody has taken yet. */
export function hasWords(): boolean {
  return lines.length > 0;
}
