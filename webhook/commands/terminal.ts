/**
 * What a command of the command line talks to: the process's streams, or a test's.
 */
import { UNPRINTABLE } from '../shared/wording.ts';

/** Where a command reads and writes. */
export interface Terminal {
  /** Standard input, in chunks. */
  input: AsyncIterable<Uint8Array>;
  /** Write to standard output. */
  print(text: string): void;
  /** Write to standard error; a line end is added. */
  complain(line: string): void;
  /** Whether standard output may be coloured. */
  colours: boolean;
}

/**
 * The terminal of this process. Colours only where a person looks and has not asked for none (https://no-color.org).
 */
export function processTerminal(): Terminal {
  const { NO_COLOR, TERM } = process.env;
  // A List has thousands of pods, and a line each: what is said in one go is written in one go.
  let said = '';
  const say = () => {
    if (said !== '') process.stderr.write(said);
    said = '';
  };
  return {
    input: process.stdin,
    print: (text) => {
      say();
      process.stdout.write(text);
    },
    complain: (line) => {
      if (said === '') process.nextTick(say);
      said += `${line}\n`;
    },
    colours: process.stdout.isTTY === true && (NO_COLOR ?? '') === '' && TERM !== 'dumb',
  };
}

/**
 * A text from outside, for a terminal: what a manifest says must neither command the terminal that shows it nor turn its
 * lines around.
 */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, (char) => {
    const code = (char.codePointAt(0) ?? 0).toString(16);
    return code.length > 4 ? `\\u{${code}}` : `\\u${code.padStart(4, '0')}`;
  });
}
