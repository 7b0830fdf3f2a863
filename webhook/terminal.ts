/**
 * What a command of the command line talks to: the process's streams, or a test's.
 */

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
  return {
    input: process.stdin,
    print: (text) => void process.stdout.write(text),
    complain: (line) => void process.stderr.write(`${line}\n`),
    colours: process.stdout.isTTY === true && (NO_COLOR ?? '') === '' && TERM !== 'dumb',
  };
}

/**
 * A text from a file, for a terminal: what a manifest says must not command the terminal that shows it.
 */
export function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: it is they that must go
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, (char) => {
    return `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}
