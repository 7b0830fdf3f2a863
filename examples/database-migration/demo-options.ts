/** The command line of the demo. */
import { parseArgs } from 'node:util';
import { ArgumentError } from '../../test/arguments.ts';

/** Where `--html` writes when no file is named. */
const PAGE = 'dist/demo.html';

export const USAGE = `usage: npm run demo [-- OPTION...]

Shows a migration Job with a database proxy on this machine: what the real webhook makes of its pod, and how both pods
run, with Curfew's real shim and without. Exits 0 only if the first ended by itself and the second did not.

  --html [FILE]   also write the timeline of both as a page that needs nothing else (default ${PAGE})
  --record FILE   also write what was seen, as JSON; docs/timeline.json is such a recording
  --help          this text
`;

export interface DemoOptions {
  help: boolean;
  /** Where the page goes; undefined: none is wanted. */
  html: string | undefined;
  /** Where the recording goes. */
  record: string | undefined;
}

/** @throws {ArgumentError} or Node's own error where it cannot be used; each names what */
export function parseOptions(args: string[]): DemoOptions {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      html: { type: 'boolean' },
      record: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  const [file, extra] = positionals;
  const surplus = values.html === true ? extra : file;
  if (surplus !== undefined)
    throw new ArgumentError(`${surplus} is no option: npm run demo -- --help lists them`);
  return {
    help: values.help ?? false,
    html: values.html === true ? (file ?? PAGE) : undefined,
    record: values.record,
  };
}
