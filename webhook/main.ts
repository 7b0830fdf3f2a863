#!/usr/bin/env node
import type { Completed } from './commands/completion-words.ts';
import { printable, processTerminal, type Terminal } from './commands/terminal.ts';
import { nearest } from './shared/spelling.ts';
/**
 * The command line: finds the command, loads it and nothing else, and turns its end into an exit code.
 *
 * 0: done. 1: done, and something was refused. 2: the command line or a file that it names cannot be used. 3: done, but for a document that
 * cannot be read. 4: the output cannot be written. 5: a cluster cannot be asked. 70: a fault of Curfew's own. 141: nobody reads it any more, as
 * if SIGPIPE had ended us.
 */
import { UsageError } from './shared/usage-error.ts';

/** A subcommand's file. */
export interface Command extends Completed {
  usage(): string | Promise<string>;
  run(args: string[], terminal: Terminal): Promise<number>;
}

export const COMMANDS: Record<string, () => Promise<Command>> = {
  serve: () => import('./commands/serve.ts'),
  inject: () => import('./commands/inject.ts'),
  explain: () => import('./commands/explain.ts'),
  'webhook-configuration': () => import('./commands/webhook-configuration.ts'),
  why: () => import('./commands/why.ts'),
  audit: () => import('./commands/audit.ts'),
  check: () => import('./commands/check.ts'),
  completion: () => import('./commands/completion.ts'),
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
    // What the shells' own functions call.
    if (first === '__complete') {
      const loaded = Object.entries(COMMANDS).map(async ([name, loader]) => [name, await loader()] as const);
      const { complete } = await import('./commands/complete.ts');
      return await complete(rest, new Map(await Promise.all(loaded)), terminal);
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

const NOT_WRITTEN = 4;
/** A fault of Curfew's own. */
const BROKEN = 70;
const SIGPIPE_CODE = 128 + 13;

/** Say in one line that the output is lost, and end. */
function endUnwritten({ code = 'unknown error' }: NodeJS.ErrnoException): never {
  const ways: Readonly<Record<string, string>> = {
    EPIPE: 'it was closed before all was written',
    ENOSPC: 'the disk is full',
  };
  const way = Object.hasOwn(ways, code) ? `: ${ways[code]}` : '';
  process.stderr.write(`curfew: standard output cannot be written (${code})${way}\n`);
  process.exit(code === 'EPIPE' ? SIGPIPE_CODE : NOT_WRITTEN);
}

if (import.meta.main) {
  process.stdout.on('error', endUnwritten);
  // What cannot be said on stderr changes no result.
  process.stderr.on('error', () => {});
  // No top-level await: the bundle is a script that an older Node parses too.
  main(process.argv.slice(2), processTerminal()).then(
    (code) => {
      process.exitCode = code;
    },
    (error: unknown) => {
      console.error(error);
      process.exitCode = BROKEN;
    },
  );
}
