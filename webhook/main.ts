#!/usr/bin/env node
import { printable, processTerminal, type Terminal } from './commands/terminal.ts';
import { nearest } from './shared/spelling.ts';
/**
 * The command line: finds the command, loads it and nothing else, and turns its end into an exit code.
 *
 * 0: done. 1: done, and something was refused. 2: the command line or a file that it names cannot be used.
 */
import { UsageError } from './shared/usage-error.ts';

/** A subcommand's file. */
export interface Command {
  /** One line for `curfew --help`. */
  summary: string;
  usage(): string | Promise<string>;
  run(args: string[], terminal: Terminal): Promise<number>;
}

const COMMANDS: Record<string, () => Promise<Command>> = {
  serve: () => import('./commands/serve.ts'),
  inject: () => import('./commands/inject.ts'),
  explain: () => import('./commands/explain.ts'),
  'webhook-configuration': () => import('./commands/webhook-configuration.ts'),
};

/**
 * Run a command line.
 * @param args without the program's name
 * @returns the exit code
 */
export async function main(args: string[], terminal: Terminal): Promise<number> {
  const [first, ...rest] = args;
  try {
    if (first === undefined) {
      terminal.complain(await overview());
      return 2;
    }
    if (first === '--version' || first === '-V' || first === 'version') {
      const { VERSION } = await import('./decision/policy.ts');
      terminal.print(`curfew ${VERSION}\n`);
      return 0;
    }
    const asksHelp = first === '--help' || first === '-h' || first === 'help';
    const name = asksHelp ? rest[0] : first;
    if (name === undefined) {
      terminal.print(`${await overview()}\n`);
      return 0;
    }
    const command = await load(name);
    const flags = rest.includes('--') ? rest.slice(0, rest.indexOf('--')) : rest;
    if (asksHelp || flags.includes('--help') || flags.includes('-h')) {
      terminal.print(await command.usage());
      return 0;
    }
    return await command.run(rest, terminal);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    for (const line of error.message.split('\n')) terminal.complain(printable(`curfew: ${line}`));
    return 2;
  }
}

function load(name: string): Promise<Command> {
  const loader = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (loader !== undefined) return loader();
  const guess = nearest(name, Object.keys(COMMANDS));
  const kind = name.startsWith('-') ? 'flag' : 'command';
  throw new UsageError(
    `unknown ${kind} ${JSON.stringify(name.slice(0, 64))}${guess === undefined ? '' : `, did you mean ${guess}?`}; "curfew --help" lists the commands`,
  );
}

async function overview(): Promise<string> {
  const lines = await Promise.all(
    Object.entries(COMMANDS).map(async ([name, loader]) => `  ${name.padEnd(23)}${(await loader()).summary}`),
  );
  return `curfew: sidecars that end when the work ends

Usage: curfew COMMAND [flags]

Commands
${lines.join('\n')}

"curfew help COMMAND" tells a command's flags; "curfew --version" the version.`;
}

/** The reader of our output has gone (`curfew inject ... | head`): as if the signal had ended us, without a word. */
const SIGPIPE_CODE = 128 + 13;

if (import.meta.main) {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(SIGPIPE_CODE);
    throw error;
  });
  // What cannot be said on stderr changes no result.
  process.stderr.on('error', () => {});
  process.exitCode = await main(process.argv.slice(2), processTerminal());
}
