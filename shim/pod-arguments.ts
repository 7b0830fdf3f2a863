/** The arguments of the roles that concern the whole pod: `install`, `status`. `command-line.ts` writes them. */
import { Flags } from './flags.ts';
import type { InstallOptions, StatusOptions } from './options.ts';
import { BIN_DIR, RUN_DIR } from './paths.ts';

/**
 * Parse the arguments of `install`, the role first.
 * @throws {UsageError}
 */
export function parseInstall(argv: readonly string[]): InstallOptions {
  const flags = new Flags(argv.slice(1));
  const options: InstallOptions = {
    role: 'install',
    to: flags.one('to') ?? BIN_DIR,
    run: flags.one('run') ?? RUN_DIR,
    containers: flags.names('containers'),
  };
  flags.finish();
  return options;
}

/**
 * Parse the arguments of `status`, the role first. People write them: `--output json`, as kubectl's, means `--output=json`.
 * @throws {UsageError}
 */
export function parseStatus(argv: readonly string[]): StatusOptions {
  const words = argv.slice(1);
  const at = words.indexOf('--output');
  const value = at < 0 ? undefined : words[at + 1];
  if (value !== undefined) words.splice(at, 2, `--output=${value}`);
  const flags = new Flags(words);
  const options: StatusOptions = {
    role: 'status',
    run: flags.one('run') ?? RUN_DIR,
    output: flags.choice('output', ['text', 'json']) ?? 'text',
  };
  flags.finish();
  return options;
}
