/** A command's flags, described once: for parsing, the help and completion. */
import type { ParseArgsOptionDescriptor, ParseArgsOptionsConfig } from 'node:util';

/** Node's own description of a flag, and what a person and a shell are told of it. */
export interface Flag extends ParseArgsOptionDescriptor {
  /** What follows it, in capitals: `FILE`. */
  value?: string;
  help?: string;
  /** The only values that it takes. */
  choices?: readonly string[];
  /** What its value is completed with; file names where nothing is said. */
  complete?: 'namespace' | 'context' | 'nothing';
}

export type Flags = Readonly<Record<string, Flag>> & ParseArgsOptionsConfig;

/** Where the flags' texts begin. */
const COLUMN = 27;

/** The flags' part of a help text, a flag each. */
export function flagsHelp(flags: Flags): string {
  return Object.entries(flags)
    .filter(([, { help }]) => help !== undefined)
    .map(([name, { short, value, help = '' }]) => {
      const head = `  ${short === undefined ? '' : `-${short}, `}--${name}${value === undefined ? '' : ` ${value}`}`;
      const lines = help.split('\n').map((line) => `${' '.repeat(COLUMN)}${line}`);
      return head.length < COLUMN - 1
        ? `${head}${lines.join('\n').slice(head.length)}`
        : `${head}\n${lines.join('\n')}`;
    })
    .join('\n');
}

/** The flags of every command that looks at a cluster. */
export const CLUSTER_FLAGS = {
  kubeconfig: {
    type: 'string',
    value: 'FILE',
    help: 'the kubeconfig (default: KUBECONFIG, else ~/.kube/config, else the service account of this pod)',
  },
  context: {
    type: 'string',
    value: 'NAME',
    complete: 'context',
    help: "the kubeconfig's context (default: its current one)",
  },
  namespace: {
    type: 'string',
    short: 'n',
    value: 'NAME',
    complete: 'namespace',
    help: "the namespace (default: the context's)",
  },
  config: {
    type: 'string',
    value: 'FILE',
    help: "the webhook's configuration: its catalogue counts here too",
  },
  output: {
    type: 'string',
    short: 'o',
    default: 'text',
    value: 'FORMAT',
    choices: ['text', 'json'],
    help: 'text (default) or json',
  },
} as const satisfies Flags;
