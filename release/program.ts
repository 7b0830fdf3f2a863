/** Runs the programs that a release is made with. Each of them must succeed. */
import { spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';

/** What a user can act upon. The release ends with its message and without a stack. */
export class ReleaseError extends Error {}

/** The command line is not what the program takes: exit code 2. */
export class UsageError extends ReleaseError {}

/** How a program is run. */
export interface ProgramOptions {
  cwd?: string;
  /** More environment. */
  env?: Readonly<Record<string, string>>;
  /** Its standard input; nothing where left out. */
  input?: string;
}

/** The most that a program may print, in bytes. */
const MOST_OUTPUT = 2 ** 28;
/** How much of a failed program's output is shown. */
const SHOWN = 4_000;

/** How a network, its certificates and its credentials are reached, and where things are kept: none of it changes a byte. */
const KEPT =
  /^(?:PATH|HOME|(?:https?|no|all)_proxy|NODE_EXTRA_CA_CERTS|SSL_CERT_(?:FILE|DIR)|npm_config_(?:registry|cafile|cache|userconfig)|DOCKER_CONFIG|CURFEW_CACHE|CURFEW_DEBIAN_MIRROR)$/i;

/**
 * The environment of every program: nothing of the user's that could change a byte.
 * @param more wins over the rest
 */
export function plainEnvironment(more: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => KEPT.test(name));
  return { ...Object.fromEntries(kept), TMPDIR: tmpdir(), LC_ALL: 'C', TZ: 'UTC', ...more };
}

/**
 * All of the user's environment, for what asks a registry or a key service: a cloud's credential helper needs its cloud's variables.
 * COSIGN_REPOSITORY would put signatures elsewhere, or look for them there.
 */
export function ownEnvironment(): Record<string, string> {
  const set = Object.entries(process.env).filter(
    (entry): entry is [string, string] => entry[1] !== undefined,
  );
  return Object.fromEntries(set.filter(([name]) => name !== 'COSIGN_REPOSITORY'));
}

/**
 * Run a program to its end.
 * @returns its standard output
 * @throws {ReleaseError} with what it said, where it fails
 */
export function run(program: string, args: readonly string[], options: ProgramOptions = {}): string {
  const { status, signal, stdout, stderr, error } = attempt(program, args, options);
  if (error !== undefined) throw new ReleaseError(`${program} cannot be run: ${error.message}`);
  if (status === 0) return stdout;
  const said = `${stderr}${stdout}`.trim().slice(-SHOWN);
  throw new ReleaseError(`${program} ${args.join(' ')}: ${signal ?? `exit ${status}`}\n${said}`);
}

/** Whether somebody has asked the release to stop. */
let interrupted = false;

/** The same for a program that may fail. @throws {ReleaseError} where somebody has asked the release to stop */
export function attempt(program: string, args: readonly string[], options: ProgramOptions = {}) {
  if (interrupted) throw new ReleaseError('interrupted');
  return spawnSync(program, args, {
    encoding: 'utf8',
    maxBuffer: MOST_OUTPUT,
    env: plainEnvironment(options.env),
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.input === undefined
      ? { stdio: ['ignore', 'pipe', 'pipe'] }
      : { input: options.input, stdio: ['pipe', 'pipe', 'pipe'] }),
  });
}

/** Signals that came meanwhile are heard. @throws {ReleaseError} where one of them asks the release to stop */
export async function hearSignals(): Promise<void> {
  // The first may be of a turn that has looked for signals already.
  for (let turn = 0; turn < 2; turn++) await new Promise((resolve) => setImmediate(resolve));
  if (interrupted) throw new ReleaseError('interrupted');
}

/** Say what is being done, with the seconds since the start. */
export function say(text: string): void {
  console.error(`${process.uptime().toFixed(0).padStart(4)}s  ${text}`);
}

/**
 * End a program's main function: the exit code, and for a {@link ReleaseError} its message alone. Control-C ends the program that runs, or
 * keeps the next one from being started, so that what `main` has begun is taken away by its own `finally`.
 */
export async function toEnd(name: string, main: () => number | Promise<number>): Promise<void> {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => {
      interrupted = true;
    });
  try {
    process.exitCode = await main();
  } catch (error) {
    const isUsage =
      error instanceof UsageError ||
      (error instanceof TypeError && 'code' in error && /^ERR_PARSE_ARGS/.test(String(error.code)));
    if (!(error instanceof ReleaseError) && !isUsage) throw error;
    console.error(`${name}: ${error.message}${isUsage ? ' ("--help" lists the options)' : ''}`);
    process.exitCode = isUsage ? 2 : 1;
  }
}
