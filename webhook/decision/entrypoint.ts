import { isDeepStrictEqual } from 'node:util';
import type { MachineWords } from '../../shim/machine-words.ts';
import type { ImageAnswer, ImageConfig } from './images.ts';
import type { KnownSidecar } from './known-sidecar.ts';
import type { Reason } from './mutation.ts';
import type { Original } from './status.ts';
import { containerKey, ENTRYPOINT } from './vocabulary.ts';

/** What one container runs, or why nobody knows. */
export type Command =
  | {
      ok: true;
      words: readonly string[];
      /** Where machines differ: whose words the first are; see the shim's `--by-machine`. */
      byMachine?: readonly MachineWords[];
      imageStopSignal: string | undefined;
    }
  | { ok: false; reason: Reason; message: string };

/** All that W5 looks at. */
export interface CommandSources {
  name: string;
  original: Original;
  /** `entrypoint.curfew.dev/<container>`. */
  wish: readonly string[] | undefined;
  known: KnownSidecar | undefined;
}

/** Does only the image know what this container runs? */
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
 * What stands in the spec or in an annotation keeps its `$(NAME)`: the kubelet expands it in the container's args, as it
 * did in its command. What comes from an image the kubelet has never expanded: {@link escapeExpansion}.
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
  // The spec's args may stand for just what differs.
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

/**
 * Write a text so that the kubelet's expansion gives it back: every `$(` becomes `$$(`. The kubelet also makes one `$` of
 * every `$$`, so a run of them is doubled too; a lone `$` means nothing to it and stays.
 * (kubernetes: third_party/forked/golang/expansion/expand.go)
 */
export function escapeExpansion(text: string): string {
  return text.includes('$') ? text.replace(/\$+(?=\()|\${2,}/g, (run) => run + run) : text;
}
