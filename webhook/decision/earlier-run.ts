import { machineWords, parseByMachine } from '../../shim/machine-words.ts';
import { SHIM_PATH } from '../../shim/protocol.ts';
import type { ContainerView, PodView } from './pod.ts';
import { Refusal } from './refusal.ts';
import { type Entry, type Original, parseStatus } from './status.ts';
import { containerKey, ENTRYPOINT, STATUS } from './vocabulary.ts';

/** What an earlier run did to this pod. */
export interface EarlierRun {
  /** There are traces of one: what bears our names is ours. */
  touched: boolean;
  /** For each container that runs the shim now: what it would run without it. */
  originals: ReadonlyMap<string, Original>;
  /** Those whose original is a command that was read from the shim's args, because the annotation does not say it. */
  changed: ReadonlySet<string>;
}

/**
 * Find an earlier run's traces (W3). Whether a container is wrapped is told by its command, not by the annotation: another
 * webhook may have replaced either. What the shim would run as the pod stands is what the container runs: where that is
 * not what we wrote, somebody meant it so (an edited copy of a pod, another webhook).
 * @throws {Refusal} for an annotation that is needed and does not parse, and where nobody can say what a container would run
 */
export function findEarlierRun(pod: PodView): EarlierRun {
  const text = pod.ourAnnotations.get(STATUS);
  const wrapped = pod.containers.filter((container) => container.command?.[0] === SHIM_PATH);
  const known = text === undefined || wrapped.length === 0 ? new Map<string, Entry>() : parseStatus(text);
  if (known === undefined)
    throw new Refusal(
      'bad-status',
      `annotation ${STATUS} does not parse, but containers run ${SHIM_PATH}: it is the webhook's own; ` +
        'submit the pod as it was before Curfew changed it, without this annotation',
    );
  const originals = new Map<string, Original>();
  const changed = new Set<string>();
  for (const container of wrapped) {
    const { name } = container;
    const entry = known.get(name);
    const kept = entry === undefined ? undefined : asWritten(entry, wordsOf(container));
    const original = kept ?? fromWords(container, entry);
    if (kept === undefined && original.command !== undefined) changed.add(name);
    originals.set(name, original);
  }
  for (const container of pod.containers) {
    const wrapper = wrapped.includes(container) ? undefined : withoutShim(container);
    if (wrapper === undefined) continue;
    originals.set(container.name, wrapper);
    if (wrapper.command !== undefined) changed.add(container.name);
  }
  return { touched: text !== undefined || originals.size > 0, originals, changed };
}

/** What the shim would run: all that follows its own flags. Empty where their end is missing. */
function wordsOf({ command = [], args = [] }: ContainerView): readonly string[] {
  const end = command.indexOf('--');
  return end < 0 ? args : [...command.slice(end + 1), ...args];
}

/**
 * The original, where the words are those that we wrote, or differ only in what stands for the original's own args. Where it
 * had neither command nor args, the image's CMD is among what we wrote, and no args could say just that and more.
 */
function asWritten(entry: Entry, words: readonly string[]): Original | undefined {
  const { command, args, entrypoint = command } = entry;
  if (entrypoint === undefined || !entrypoint.every((word, i) => word === words[i])) return undefined;
  const own = words.slice(entrypoint.length);
  if (sameWords(own, args ?? [])) return { command, args };
  if (own.length === 0) return command === undefined ? undefined : { command, args: undefined };
  return command === undefined && args === undefined ? undefined : { command, args: own };
}

/** Whatever the annotation says, the words are the command; where they differ by machine, the image must be asked again. */
function fromWords(container: ContainerView, entry: Entry | undefined): Original {
  const { name, command = [] } = container;
  if (!command.includes('--')) throw halfWrapped(name, `runs ${SHIM_PATH} without the end of its flags`);
  const words = wordsOf(container);
  const flag = command.find((word) => word.startsWith(BY_MACHINE))?.slice(BY_MACHINE.length);
  if (flag === undefined) {
    if (words.length === 0) throw halfWrapped(name, `runs ${SHIM_PATH} without a command`);
    return { command: words, args: undefined };
  }
  const byMachine = parseByMachine(flag);
  // An entry without the words of the image is from before this version: it is as if there were none.
  if (entry?.entrypoint !== undefined || byMachine === undefined || words.length < machineWords(byMachine))
    throw halfWrapped(name, 'has the commands of several machines in its args, and they were changed');
  const own = words.slice(machineWords(byMachine));
  return { command: undefined, args: own.length > 0 ? own : undefined };
}

const BY_MACHINE = '--by-machine=';

/** A container that runs the shim by something else, which another webhook put in front: what that would run without us. */
function withoutShim({ name, command, args }: ContainerView): Original | undefined {
  const ownCommand = cutShim(name, command);
  const ownArgs = cutShim(name, args);
  return ownCommand === command && ownArgs === args ? undefined : { command: ownCommand, args: ownArgs };
}

/** The list itself where the shim does not run in it. */
function cutShim(name: string, list: readonly string[] | undefined): readonly string[] | undefined {
  const at = list?.findIndex((word, i) => word === SHIM_PATH && ROLES.includes(list[i + 1])) ?? -1;
  if (list === undefined || at < 0) return list;
  const end = list.indexOf('--', at);
  if (end < 0) throw halfWrapped(name, `runs ${SHIM_PATH} without the end of its flags`);
  if (list.slice(at, end).some((word) => word.startsWith(BY_MACHINE)))
    throw halfWrapped(name, 'has the commands of several machines in its args, and something else in front');
  const rest = [...list.slice(0, at), ...list.slice(end + 1)];
  return rest.length > 0 ? rest : undefined;
}

const ROLES: readonly unknown[] = ['main', 'sidecar'];

/**
 * The original of a container of {@link EarlierRun.changed} whose annotation says with what its command begins.
 * @throws {Refusal} where its command begins with something else
 */
export function besideEntrypoint(
  name: string,
  { command = [], args: own = [] }: Original,
  entrypoint: readonly string[],
): Original {
  if (!entrypoint.every((word, i) => word === command[i]))
    throw new Refusal(
      'bad-annotation',
      `annotation ${containerKey(ENTRYPOINT, name)} says another command than the args of container ${name}, ` +
        'which runs the shim already: change the annotation, or remove it',
    );
  const args = [...command.slice(entrypoint.length), ...own];
  return { command: entrypoint, args: args.length > 0 ? args : undefined };
}

function halfWrapped(name: string, what: string): Refusal {
  return new Refusal(
    'half-wrapped',
    `container ${name} ${what}: write in its command and args what it is to run, without ${SHIM_PATH}, ` +
      'or change the manifest that the pod was made from',
  );
}

function sameWords(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((word, i) => word === b[i]);
}
