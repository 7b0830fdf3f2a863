/** The shim: `curfew-shim install|main|sidecar|started ...`. See `protocol.ts` for the flags. */
import * as host from 'host';
import { Driver } from './driver.ts';
import { HostError } from './errors.ts';
import { install } from './install.ts';
import { EXIT_UNUSABLE } from './lifecycle.ts';
import { othersWords } from './machine-words.ts';
import { type ContainerOptions, parseShimArguments, UsageError } from './protocol.ts';
import { Started } from './started.ts';
import { say } from './voice.ts';

const HELP = `curfew-shim: runs one container of a pod for Curfew

  curfew-shim install --containers=NAMES [--to=DIR] [--run=DIR]
  curfew-shim main    --name=NAME --mains=NAMES --sidecars=NAMES [flags] -- COMMAND [ARG...]
  curfew-shim sidecar --name=NAME --mains=NAMES --sidecars=NAMES [flags] -- COMMAND [ARG...]
  curfew-shim started --name=NAME [--for=10s] [--ready=...] [--run=DIR]

install copies this program to DIR (/curfew/bin) and makes the rendezvous (/curfew/run) ready.
main waits until the sidecars are started, then runs its command.
sidecar runs its command until every main has ended for good.
started is a startup probe: it ends when the container's command has run for that time, and its condition was tried once.

flags: --run=DIR  --pre-stop=NAMES  --restart-policy=Always|OnFailure|Never  --restart-rule=In:CODES
       --grace=30s  --start-timeout=5m  --stop-signal=TERM  --stop-timeout=20s  --probed  --alone-grace=1s  --host-pid
       --ready=http://:PORT/PATH|tcp://:PORT|exec:COMMAND|none  --ready-header='Name: value'  --ready-timeout=1s
       --log=info|debug  --by-machine=amd64:WORDS,arm64:WORDS

exit codes: the command's own; 128+n: it died of signal n; 124: start-timeout; 125: Curfew cannot work here;
            126: the command cannot be executed; 127: the command is not there. Sidecars end with 0.
`;

function main(): never {
  const args = host.args();
  if (args.length === 0 || args[0] === '--help' || args[0] === 'help') {
    host.write(1, HELP, -1);
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
