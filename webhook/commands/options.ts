/**
 * A command's flags: node's parseArgs, with messages that name the way out.
 */
import { type ParseArgsOptionsConfig, parseArgs } from 'node:util';
import { nearest } from '../shared/spelling.ts';
import { UsageError } from '../shared/usage-error.ts';

/**
 * Parse the flags of a command that takes no positional arguments.
 * @throws {UsageError} which names the flag, and the nearest known one
 */
export function parseOptions<const T extends ParseArgsOptionsConfig>(
  command: string,
  args: string[],
  options: T,
) {
  try {
    return parseArgs({ args, options, strict: true, allowPositionals: false }).values;
  } catch (error) {
    throw new UsageError(explain(command, error, Object.keys(options)));
  }
}

/**
 * Parse the flags and positional arguments of a command.
 * @param most positional arguments
 * @throws {UsageError}
 */
export function parseArguments<const T extends ParseArgsOptionsConfig>(
  command: string,
  args: string[],
  options: T,
  most: number,
) {
  try {
    const { values, positionals } = parseArgs({ args, options, strict: true, allowPositionals: true });
    const extra = positionals[most];
    if (extra === undefined) return { values, positionals };
    throw new Error(`Unexpected argument '${extra}'. This command takes at most ${most}`);
  } catch (error) {
    throw new UsageError(explain(command, error, Object.keys(options)));
  }
}

function explain(command: string, error: unknown, known: string[]): string {
  const seeHelp = `"curfew ${command} --help" lists the flags`;
  if (!(error instanceof Error)) return seeHelp;
  const extra = /^Unexpected argument '(.*)'\. This command/s.exec(error.message)?.[1];
  if (extra !== undefined) {
    const way = known.includes('filename') ? `, a file is given with -f: -f ${extra.slice(0, 64)}` : '';
    return `${JSON.stringify(extra.slice(0, 64))} is no flag${way}; ${seeHelp}`;
  }
  if (/argument is ambiguous/.test(error.message))
    return `${error.message.split(' argument', 1)[0]} is followed by a flag where its argument belongs; ${seeHelp}`;
  // Node's own text goes on with advice about positional arguments, which no command has: its first sentence is enough.
  const sentence = error.message.split(/[.\n] ?/, 1)[0] ?? '';
  const flag = /^Unknown option '(-{1,2})([^']*)'/.exec(error.message);
  if (flag === null) return `${sentence}; ${seeHelp}`;
  const guess = nearest(flag[2] ?? '', known);
  return `unknown flag ${JSON.stringify(`${flag[1]}${flag[2]}`)}${guess === undefined ? '' : `, did you mean --${guess}?`}; ${seeHelp}`;
}
