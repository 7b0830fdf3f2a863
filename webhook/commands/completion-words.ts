/** What may stand at a place of the command line: from the descriptions of the commands' flags. Pure. */
import type { Flag, Flags } from './flags.ts';

/** A command, as completion knows it. */
export interface Completed {
  /** One line for `curfew --help`. */
  summary: string;
  options: Flags;
  /** What its positional arguments are. */
  positionals?: 'object' | readonly string[];
}

/** What a shell offers. `files`: its own file names too. */
export interface Candidates {
  words: readonly { word: string; help: string }[];
  /** Names that only the kubeconfig or the cluster knows. */
  names?: 'namespace' | 'context' | 'object';
  files: boolean;
}

const NOTHING: Candidates = { words: [], files: false };

/**
 * @param words the command line without the program's name; the last one is the word at the cursor, which may be empty
 */
export function candidates(words: readonly string[], commands: ReadonlyMap<string, Completed>): Candidates {
  const current = words.at(-1) ?? '';
  const before = words.slice(0, -1);
  const [name] = before;
  if (name === undefined || name === 'help')
    return before.length > 1 ? NOTHING : matching(current, commandWords(commands, name));
  const command = commands.get(name);
  if (command === undefined) return NOTHING;
  const last = before.at(-1) ?? '';
  const asked = before.length > 1 ? flagOf(command.options, last) : undefined;
  if (asked?.type === 'string') return valuesOf(asked, current, '');
  const equals = /^(--[a-z-]+=)(.*)$/s.exec(current);
  if (equals !== null) {
    const [, head = '', value = ''] = equals;
    const flag = flagOf(command.options, head.slice(0, -1));
    return flag?.type === 'string' ? valuesOf(flag, value, head) : NOTHING;
  }
  if (current.startsWith('-')) return matching(current, flagWords(command.options, before));
  const { positionals } = command;
  if (positionals === undefined || hasPositional(before.slice(1), command.options)) return NOTHING;
  if (positionals === 'object') return { ...NOTHING, names: 'object' };
  return matching(
    current,
    positionals.map((word) => ({ word, help: '' })),
  );
}

function commandWords(
  commands: ReadonlyMap<string, Completed>,
  before: string | undefined,
): { word: string; help: string }[] {
  const all = [...commands].map(([word, { summary }]) => ({ word, help: summary }));
  return before === undefined ? [...all, { word: 'help', help: "tell a command's flags" }] : all;
}

/** Flags that may still be given. */
function flagWords(options: Flags, before: readonly string[]): { word: string; help: string }[] {
  return Object.entries(options)
    .filter(([name, { multiple }]) => multiple === true || !before.includes(`--${name}`))
    .map(([name, { help = '' }]) => ({ word: `--${name}`, help: help.replace(/\s+/g, ' ') }))
    .concat([{ word: '--help', help: "tell the command's flags" }]);
}

/** @param head what stands before the value in the same word */
function valuesOf({ choices, complete }: Flag, value: string, head: string): Candidates {
  if (choices !== undefined)
    return matching(
      `${head}${value}`,
      choices.map((choice) => ({ word: `${head}${choice}`, help: '' })),
    );
  if (complete === 'nothing') return NOTHING;
  if (complete !== undefined) return { ...NOTHING, names: complete };
  return { ...NOTHING, files: true };
}

function flagOf(options: Flags, word: string): Flag | undefined {
  if (word.startsWith('--'))
    return Object.hasOwn(options, word.slice(2)) ? options[word.slice(2)] : undefined;
  const short = /^-([A-Za-z])$/.exec(word)?.[1];
  return short === undefined ? undefined : Object.values(options).find((flag) => flag.short === short);
}

function hasPositional(words: readonly string[], options: Flags): boolean {
  return words.some(
    (word, i) => !word.startsWith('-') && flagOf(options, words[i - 1] ?? '')?.type !== 'string',
  );
}

function matching(current: string, all: readonly { word: string; help: string }[]): Candidates {
  return { words: all.filter(({ word }) => word.startsWith(current)), files: false };
}
