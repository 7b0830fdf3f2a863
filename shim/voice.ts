/** The shim's own words: one line each on standard error, `curfew: ` first (rule P8). */
import * as host from 'host';

const STDERR = 2;
const MAX_LINE = 1_000;

/** Say one line. Control characters are escaped: what stands in it may come from outside. */
export function say(text: string): void {
  let line = 'curfew: ';
  for (const char of text.length > MAX_LINE ? `${text.slice(0, MAX_LINE)}...` : text) {
    line += char < ' ' || char === '\u007f' ? JSON.stringify(char).slice(1, -1) : char;
  }
  host.write(STDERR, `${line}\n`, -1);
}
