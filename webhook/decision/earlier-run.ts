import { machineWords, parseByMachine } from '../../shim/machine-words.ts';
import { SHIM_PATH } from '../../shim/protocol.ts';
import { type JsonRecord, member } from '../shared/json.ts';
import { type MountView, parseMounts } from './container.ts';
import { NotWrapped, refuse } from './mutation.ts';
import type { ContainerView, InitContainerView, PodView } from './pod.ts';
import { gateIn } from './startup-gate.ts';
import { type Entry, type Original, parseStatus, type Status } from './status.ts';
import { containerKey, ENTRYPOINT, INSTALL_CONTAINER, STATUS } from './vocabulary.ts';

/** The traces of an earlier run in this pod. */
export interface EarlierRun {
  /** There are traces of one, so that whatever bears our names is ours. */
  touched: boolean;
  /** For each container that runs the shim now: its command and args without the shim. */
  originals: ReadonlyMap<string, Original>;
  /** Containers whose original was read from the shim's args, because the annotation does not give it. */
  changed: ReadonlySet<string>;
  /** For each container whose startup probe is ours: its author's, undefined where there was none (L18). */
  startupProbes: ReadonlyMap<string, JsonRecord | undefined>;
  /** The pod's containers in its author's order. */
  containers: readonly ContainerView[];
  /** The value of annotation kubectl.kubernetes.io/default-container, where that is ours. */
  defaultContainer: string | undefined;
  /** The init container of our name, with its mounts. */
  install: { view: InitContainerView; mounts: readonly MountView[] } | undefined;
}

/**
 * Find an earlier run's traces (W3). A container is wrapped where its command is the shim's, whatever the annotation says: another
 * webhook may have replaced either. The words that the shim would run as the pod stands are the container's command: where they
 * are not those that we wrote, somebody meant it so (an edited copy of a pod, another webhook).
 * @returns a refusal for an annotation that is needed and does not parse, and where a container's command cannot be told
 * @throws {ShapeError}
 */
export function findEarlierRun(pod: PodView): EarlierRun | NotWrapped {
  const text = pod.ourAnnotations.get(STATUS);
  const status = text === undefined ? undefined : parseStatus(text);
  const isNeeded = pod.containers.some(
    ({ command, raw }) => command?.[0] === SHIM_PATH || gateIn(member(raw, 'startupProbe')) === 'replaced',
  );
  if (text !== undefined && status === undefined && isNeeded)
    return refuse({
      reason: 'bad-status',
      message:
        `annotation ${STATUS} does not parse, but containers run ${SHIM_PATH}: it is the webhook's own; ` +
        'submit the pod as it was before Curfew changed it, without this annotation',
    });
  const originals = new Map<string, Original>();
  const changed = new Set<string>();
  const startupProbes = new Map<string, JsonRecord | undefined>();
  for (const container of pod.containers) {
    const { name } = container;
    const entry = status?.containers.get(name);
    const gate = gateIn(member(container.raw, 'startupProbe'));
    const own = entry?.startupProbe;
    if (gate === 'replaced' && own === undefined)
      return refuse({
        reason: 'half-wrapped',
        message:
          `container ${name} has a startupProbe that asks ${SHIM_PATH}, and annotation ${STATUS} does not keep its own: ` +
          'write its own, or change the manifest that the pod was made from',
      });
    if (gate !== undefined) startupProbes.set(name, gate === 'replaced' ? own : undefined);
    const kept = keptOriginal(container, entry);
    const original = kept ?? originalOf(container, entry);
    if (original instanceof NotWrapped) return original;
    if (original === undefined) continue;
    originals.set(name, original);
    if (kept === undefined && original.command !== undefined) changed.add(name);
  }
  const view = pod.initContainers.find(({ name }) => name === INSTALL_CONTAINER);
  const install = view && { view, mounts: parseMounts(view.raw, `spec.initContainers[${view.index}]`) };
  return {
    touched: text !== undefined || originals.size > 0 || startupProbes.size > 0,
    originals,
    changed,
    startupProbes,
    containers: status?.order === undefined ? pod.containers : inAuthorsOrder(pod.containers, status.order),
    defaultContainer: status?.defaultContainer,
    install,
  };
}

/**
 * Put the containers that we moved back into their author's order; those that another webhook added stay where they are. Where they
 * do not stand in the order that we wrote, another webhook has moved them since, and its order counts.
 */
function inAuthorsOrder(
  containers: readonly ContainerView[],
  { author, written }: NonNullable<Status['order']>,
): readonly ContainerView[] {
  const byName = new Map(containers.map((container) => [container.name, container]));
  const moved = new Set(author.flatMap((name) => byName.get(name) ?? []));
  const present = containers.filter((container) => moved.has(container));
  if (
    !sameWords(
      present.map(({ name }) => name),
      written.filter((name) => byName.has(name)),
    )
  )
    return containers;
  const next = moved.values();
  return containers.map((container) => (moved.has(container) ? (next.next().value ?? container) : container));
}

/** The original as the annotation keeps it; undefined where the container does not run what we wrote. */
function keptOriginal(container: ContainerView, entry: Entry | undefined): Original | undefined {
  if (container.command?.[0] !== SHIM_PATH || entry === undefined) return undefined;
  return asWritten(entry, wordsOf(container));
}

/** The original as the pod's own words give it; undefined where no shim runs in the container. */
function originalOf(container: ContainerView, entry: Entry | undefined): Original | NotWrapped | undefined {
  return container.command?.[0] === SHIM_PATH ? fromWords(container, entry) : withoutShim(container);
}

/** The words that the shim would run: all that follow its own flags. Only the args where the end of the flags is missing. */
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

/** The words are the command, whatever the annotation says; where they differ by machine, the image must be asked again. */
function fromWords(container: ContainerView, entry: Entry | undefined): Original | NotWrapped {
  const { name, command = [] } = container;
  if (!command.includes('--')) return halfWrapped(name, `runs ${SHIM_PATH} without the end of its flags`);
  const words = wordsOf(container);
  const flag = command.find((word) => word.startsWith(BY_MACHINE))?.slice(BY_MACHINE.length);
  if (flag === undefined) {
    if (words.length === 0) return halfWrapped(name, `runs ${SHIM_PATH} without a command`);
    return { command: words, args: undefined };
  }
  const byMachine = parseByMachine(flag);
  // An entry without the words of the image is from before this version: it is as if there were none.
  if (entry?.entrypoint !== undefined || byMachine === undefined || words.length < machineWords(byMachine))
    return halfWrapped(name, 'has the commands of several machines in its args, and they were changed');
  const own = words.slice(machineWords(byMachine));
  return { command: undefined, args: own.length > 0 ? own : undefined };
}

const BY_MACHINE = '--by-machine=';

/** For a container in which something that another webhook put in front runs the shim: its command without the shim. */
function withoutShim({ name, command, args }: ContainerView): Original | NotWrapped | undefined {
  const ownCommand = cutShim(name, command);
  if (ownCommand instanceof NotWrapped) return ownCommand;
  const ownArgs = cutShim(name, args);
  if (ownArgs instanceof NotWrapped) return ownArgs;
  return ownCommand === command && ownArgs === args ? undefined : { command: ownCommand, args: ownArgs };
}

/** The list itself where the shim does not run in it. */
function cutShim(
  name: string,
  list: readonly string[] | undefined,
): readonly string[] | NotWrapped | undefined {
  const at = list?.findIndex((word, i) => word === SHIM_PATH && ROLES.includes(list[i + 1])) ?? -1;
  if (list === undefined || at < 0) return list;
  const end = list.indexOf('--', at);
  if (end < 0) return halfWrapped(name, `runs ${SHIM_PATH} without the end of its flags`);
  if (list.slice(at, end).some((word) => word.startsWith(BY_MACHINE)))
    return halfWrapped(name, 'has the commands of several machines in its args, and something else in front');
  const rest = [...list.slice(0, at), ...list.slice(end + 1)];
  return rest.length > 0 ? rest : undefined;
}

const ROLES: readonly unknown[] = ['main', 'sidecar'];

/**
 * The original of a container of {@link EarlierRun.changed} whose annotation gives the beginning of its command.
 * @returns a refusal where its command begins with something else
 */
export function besideEntrypoint(
  name: string,
  { command = [], args: own = [] }: Original,
  entrypoint: readonly string[],
): Original | NotWrapped {
  if (!entrypoint.every((word, i) => word === command[i]))
    return refuse({
      reason: 'bad-annotation',
      message:
        `annotation ${containerKey(ENTRYPOINT, name)} says another command than the args of container ${name}, ` +
        'which runs the shim already: change the annotation, or remove it',
    });
  const args = [...command.slice(entrypoint.length), ...own];
  return { command: entrypoint, args: args.length > 0 ? args : undefined };
}

function halfWrapped(name: string, what: string): NotWrapped {
  return refuse({
    reason: 'half-wrapped',
    message:
      `container ${name} ${what}: write in its command and args what it is to run, without ${SHIM_PATH}, ` +
      'or change the manifest that the pod was made from',
  });
}

function sameWords(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((word, i) => word === b[i]);
}
