/** What `curfew-shim --help` prints, and docs/reference/shim.md shows. */

/** A flag of `main` and `sidecar`, or of `install`, besides the names that each needs. */
export interface Flag {
  /** Without the dashes. */
  name: string;
  /** What stands after `=`; none for a flag that is there or not. */
  value?: string;
  meaning: string;
}

/** Every flag. A function, so that a shim that runs a container does not make the list. */
export const flags = (): readonly Flag[] => [
  { name: 'containers', value: 'NAMES', meaning: 'install: every wrapped container' },
  { name: 'to', value: 'DIR', meaning: 'install: folder for this program (/curfew/bin)' },
  { name: 'output', value: 'text|json', meaning: 'status: how it is printed (text)' },
  { name: 'run', value: 'DIR', meaning: 'the rendezvous (/curfew/run)' },
  { name: 'name', value: 'NAME', meaning: 'this container' },
  { name: 'mains', value: 'NAMES', meaning: "the pod's mains" },
  { name: 'sidecars', value: 'NAMES', meaning: "the pod's sidecars, in start order" },
  { name: 'pre-stop', value: 'NAMES', meaning: 'those of them that have a preStop hook' },
  { name: 'restart-policy', value: 'Always|OnFailure|Never', meaning: "this container's (Never)" },
  {
    name: 'restart-rule',
    value: 'In:CODES',
    meaning:
      'exit codes that restart it whatever the policy says; or NotIn:; all: before either restarts the whole pod',
  },
  { name: 'grace', value: '30s', meaning: 'terminationGracePeriodSeconds' },
  { name: 'start-timeout', value: '5m', meaning: 'how long a main waits for its sidecars (for ever)' },
  { name: 'stop-signal', value: 'TERM', meaning: 'the stop signal, where it is known' },
  { name: 'stop-timeout', value: '20s', meaning: 'from the stop signal to KILL' },
  { name: 'probed', meaning: 'the kubelet may stop this container alone' },
  {
    name: 'alone-grace',
    value: '1s,60s',
    meaning: 'the shortest and the longest grace period of such a stop (those of the pod)',
  },
  { name: 'for', value: '10s', meaning: 'started: how long the command must have run' },
  { name: 'host-pid', meaning: "the pod shares the host's process namespace" },
  {
    name: 'ready',
    value: 'CONDITION',
    meaning: 'when a sidecar is started: http://:PORT/PATH, tcp://:PORT, exec:COMMAND or none',
  },
  { name: 'ready-header', value: "'Name: value'", meaning: 'a header of an http condition' },
  { name: 'ready-timeout', value: '1s', meaning: 'how long one try of it may take' },
  {
    name: 'termination-message',
    value: 'PATH|none',
    meaning: "where the shim's last words go (/dev/termination-log)",
  },
  { name: 'log', value: 'info|debug', meaning: 'debug: tell every step' },
  { name: 'by-machine', value: 'amd64:WORDS,arm64:WORDS', meaning: "whose the command's first words are" },
];

/** @example written({ name: 'grace', value: '30s', meaning: '' }) // '--grace=30s' */
export function written({ name, value }: Flag): string {
  return value === undefined ? `--${name}` : `--${name}=${value}`;
}

export const help = (): string => `curfew-shim: runs one container of a pod for Curfew

  curfew-shim install --containers=NAMES [--to=DIR] [--run=DIR]
  curfew-shim main    --name=NAME --mains=NAMES --sidecars=NAMES [flags] -- COMMAND [ARG...]
  curfew-shim sidecar --name=NAME --mains=NAMES --sidecars=NAMES [flags] -- COMMAND [ARG...]
  curfew-shim started --name=NAME [--for=10s] [--ready=CONDITION] [--run=DIR]
  curfew-shim status  [--output=text|json] [--run=DIR]

install copies this program to DIR (/curfew/bin) and makes the rendezvous (/curfew/run) ready.
main waits until the sidecars are started, then runs its command.
sidecar runs its command until every main has ended for good.
started is a startup probe: it ends when the container's command has run for that time and its condition was tried once.
status prints, in any of the pod's containers, what each container does, whom it waits for, and why. It changes nothing.

${flags()
  .map((flag) => `  ${written(flag).padEnd(40)} ${flag.meaning}`)
  .join('\n')}

exit codes: the command's own; 128+n: it died of signal n; 124: start-timeout; 125: Curfew cannot work here;
            126: the command cannot be executed; 127: the command is not there. Sidecars end with 0.
`;
