/** The shim: `curfew-shim install|main|sidecar|started ...`. See `help.ts` for the flags. */
import * as host from 'host';
import { Driver } from './driver.ts';
import { HostError } from './errors.ts';
import { help } from './help.ts';
import { install } from './install.ts';
import { EXIT_UNUSABLE } from './lifecycle.ts';
import { othersWords } from './machine-words.ts';
import { type ContainerOptions, parseShimArguments, UsageError } from './protocol.ts';
import { Started } from './started.ts';
import { flushWords, say } from './voice.ts';

function main(): never {
  const args = host.args();
  if (args.length === 0 || args[0] === '--help' || args[0] === 'help') {
    host.write(1, help(), -1);
    return host.exit(args.length === 0 ? EXIT_UNUSABLE : 0);
  }
  try {
    const options = parseShimArguments(args);
    if (options.role === 'install') {
      install(options);
      return host.exit(0);
    }
    if (options.role === 'started') return host.exit(new Started(options).wait());
    const commandAt = args.indexOf('--') + 1;
    keepOwnWords(options, commandAt);
    return new Driver(options, commandAt).run();
  } catch (error) {
    if (!(error instanceof UsageError) && !(error instanceof HostError)) throw error;
    say(error.message);
    flushWords();
    return host.exit(EXIT_UNUSABLE);
  }
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
