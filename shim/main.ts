/** The shim: `curfew-shim install|main|sidecar|started ...`. See `help.ts` for the flags. */
import * as host from 'host';
import { Driver } from './driver.ts';
import { HostError } from './errors.ts';
import { help } from './help.ts';
import { install } from './install.ts';
import { EXIT_UNUSABLE } from './lifecycle.ts';
import { othersWords } from './machine-words.ts';
import {
  type ContainerOptions,
  parseIdentity,
  parseMessagePath,
  parseShimArguments,
  UsageError,
} from './protocol.ts';
import { Rendezvous } from './rendezvous.ts';
import { Started } from './started.ts';
import { leaveMessage } from './termination-message.ts';
import { announceUnusable } from './unusable.ts';
import { flushWords, say } from './voice.ts';

function main(): never {
  const args = host.args();
  if (args.length === 0 || args[0] === '--help' || args[0] === 'help') {
    host.write(1, help(), -1);
    return host.exit(args.length === 0 ? EXIT_UNUSABLE : 0);
  }
  return args[0] === 'install' || args[0] === 'started' ? runBeside(args) : runContainer(args);
}

/** The roles that take no place in the rendezvous. */
function runBeside(args: string[]): never {
  try {
    const options = parseShimArguments(args);
    if (options.role === 'install') install(options);
    return host.exit(options.role === 'started' ? new Started(options).wait() : 0);
  } catch (error) {
    return failed(error, args);
  }
}

/** The container's place in the rendezvous is taken before anything can fail: an end that nobody hears of is waited for (rule L17). */
function runContainer(args: string[]): never {
  let rendezvous: Rendezvous | undefined;
  try {
    const options = parseShimArguments(args);
    if (options.role === 'install' || options.role === 'started') throw new UsageError('no container to run');
    rendezvous = new Rendezvous(options);
    const commandAt = args.indexOf('--') + 1;
    keepOwnWords(options, commandAt);
    return new Driver(options, commandAt, rendezvous).run();
  } catch (error) {
    const identity = parseIdentity(args);
    if (identity !== undefined) announceUnusable(identity, rendezvous);
    return failed(error, args);
  }
}

/** Say why, and end. A bug is the engine's to tell of, with its stack. */
function failed(error: unknown, args: readonly string[]): never {
  if (!(error instanceof UsageError) && !(error instanceof HostError)) throw error;
  say(error.message);
  flushWords();
  leaveMessage(error.message, parseMessagePath(args));
  return host.exit(EXIT_UNUSABLE);
}

/** Leave out of the command, here and in the program's own arguments, what other machines than this one run. */
function keepOwnWords({ byMachine, command }: ContainerOptions, commandAt: number): void {
  if (byMachine === undefined) return;
  const machine = host.machine();
  if (!byMachine.some((own) => own.machine === machine))
    throw new UsageError(`the image has no command for this machine, which is ${machine}`);
  for (const [at, words] of othersWords(byMachine, machine)) {
    command.splice(at, words);
    host.dropArgs(commandAt + at, words);
  }
  if (command.length === 0)
    throw new UsageError(`the image has no command for this machine, which is ${machine}`);
}

main();
