/** The shim's program for one container: `curfew-shim main|sidecar|started ...`. `pod-roles.ts` is the other. See `help.ts` for the flags. */
import host from 'host';
import { parseContainer, parseIdentity, parseMessagePath, parseStarted } from './container-arguments.ts';
import { Driver } from './driver.ts';
import { failed } from './failed.ts';
import { UsageError } from './flags.ts';
import { othersWords } from './machine-words.ts';
import type { ContainerOptions } from './options.ts';
import { Rendezvous } from './rendezvous.ts';
import { Started } from './started.ts';
import { announceUnusable } from './unusable.ts';

function main(): never {
  const args = host.args();
  return args[0] === 'started' ? runProbe(args) : runContainer(args[0] === 'main' ? 'main' : 'sidecar', args);
}

/** It takes no place in the rendezvous. */
function runProbe(args: readonly string[]): never {
  try {
    return host.exit(new Started(parseStarted(args)).wait());
  } catch (error) {
    return failed(error, parseMessagePath(args));
  }
}

/** The container's place in the rendezvous is taken before anything can fail: an end that nobody hears of is waited for (rule L17). */
function runContainer(role: ContainerOptions['role'], args: readonly string[]): never {
  let rendezvous: Rendezvous | undefined;
  try {
    const options = parseContainer(role, args);
    rendezvous = new Rendezvous(options);
    const commandAt = args.indexOf('--') + 1;
    keepOwnWords(options, commandAt);
    return new Driver(options, commandAt, rendezvous).run();
  } catch (error) {
    const identity = parseIdentity(args);
    if (identity !== undefined) announceUnusable(identity, rendezvous);
    return failed(error, parseMessagePath(args));
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
