import { isDeepStrictEqual } from 'node:util';
import type { MachineWords } from '../../shim/machine-words.ts';
import { escapeExpansion } from './expansion.ts';
import type { ImageAnswer, ImageConfig } from './images.ts';
import type { KnownSidecar } from './known-sidecar.ts';
import type { Trouble } from './mutation.ts';
import type { Original } from './status.ts';
import { containerKey, ENTRYPOINT } from './vocabulary.ts';

/** A container's command, or why it is not known. */
export type Command =
  | {
      ok: true;
      words: readonly string[];
      /** Where machines differ: how many of the first words are each machine's; see the shim's `--by-machine`. */
      byMachine?: readonly MachineWords[];
      imageStopSignal: string | undefined;
    }
  | ({ ok: false } & Trouble);

/** Everything that W5 looks at, but for the image. */
export interface CommandSources {
  name: string;
  original: Original;
  /** `entrypoint.curfew.dev/<container>`. */
  wish: readonly string[] | undefined;
  known: KnownSidecar | undefined;
}

/** Is the command known only from the image? */
export function needsImage(sources: CommandSources): boolean {
  return fromSpec(sources) === undefined;
}

/**
 * W5, as the kubelet and the container runtime would have put the command together:
 *
 * - the annotation stands for the image's ENTRYPOINT and wins over everything: annotation + args of the spec;
 * - `command` of the spec: command + args;
 * - else ENTRYPOINT (of the catalogue, else of the image) + args; without args, ENTRYPOINT + CMD.
 *
 * Words of the spec or of an annotation keep their `$(NAME)`: the kubelet expands it in the container's args, as it
 * did in its command. The kubelet never expands an image's words, so those are escaped: {@link escapeExpansion}.
 */
export function resolveCommand(sources: CommandSources, answer: ImageAnswer | undefined): Command {
  const words = fromSpec(sources);
  if (words !== undefined) return { ok: true, words, imageStopSignal: undefined };
  const { name, original } = sources;
  if (answer === undefined)
    return { ok: false, reason: 'image-not-found', message: noCommand(name, 'its image was not looked up') };
  if (!answer.ok) return { ok: false, reason: answer.reason, message: answer.message };
  const { args = [] } = original;
  const image = fromImage(answer.config, original);
  const machines = [...(answer.byMachine ?? [])].map(([machine, config]) => ({
    machine,
    words: fromImage(config, original),
  }));
  // The spec's args may replace just the part that differs.
  const differ = machines.some(({ words }) => !isDeepStrictEqual(words, image));
  const all = differ ? machines.map(({ words }) => words) : [image];
  if (all.some((words) => words.length + args.length === 0))
    return { ok: false, reason: 'no-command', message: noCommand(name, 'its image has none either') };
  return {
    ok: true,
    words: [...all.flat(), ...args],
    ...(differ
      ? { byMachine: machines.map(({ machine, words }) => ({ machine, words: words.length })) }
      : {}),
    imageStopSignal: answer.config.stopSignal,
  };
}

function fromImage({ entrypoint, cmd }: ImageConfig, { args }: Original): string[] {
  return [...entrypoint, ...(args === undefined ? cmd : [])].map(escapeExpansion);
}

function fromSpec({ original, wish, known }: CommandSources): readonly string[] | undefined {
  const start = wish ?? original.command;
  if (start !== undefined) return [...start, ...(original.args ?? [])];
  if (known?.entrypoint === undefined) return undefined;
  const rest = original.args ?? known.cmd?.map(escapeExpansion);
  return rest === undefined ? undefined : [...known.entrypoint.map(escapeExpansion), ...rest];
}

function noCommand(name: string, why: string): string {
  return (
    `container ${name} sets no command, and ${why}: set its command, ` +
    `or the annotation ${containerKey(ENTRYPOINT, name)}: '["/program"]'`
  );
}
