import { machineWords, parseByMachine } from '../shim/machine-words.ts';
import { SHIM_PATH } from '../shim/protocol.ts';
import { isRecord, isTexts, member } from './json.ts';
import type { PodView } from './pod.ts';
import { Refusal } from './refusal.ts';
import { STATUS } from './vocabulary.ts';

/** A container's command and args as its author wrote them, absent where they were. */
export interface Original {
  command: readonly string[] | undefined;
  args: readonly string[] | undefined;
}

/** What an earlier run did to this pod. */
export interface EarlierRun {
  /** There are traces of one: what bears our names is ours. */
  touched: boolean;
  /** For each container that runs the shim now: what it would run without it. */
  originals: ReadonlyMap<string, Original>;
  /** Those whose arguments somebody rewrote since, in a way that cannot be carried over. */
  rewritten: readonly string[];
}

/** An entry of the annotation. */
interface Entry extends Original {
  /** How many words the container ran under the shim, so that what others appended since can be told. */
  words: number | undefined;
}

/**
 * Find an earlier run's traces (W3). Whether a container is wrapped is told by its command, not by the annotation: another
 * webhook may have replaced either. A wrapped container that the annotation does not know gets its words back as a command.
 * @throws {Refusal} for an annotation that is needed and does not parse
 */
export function findEarlierRun(pod: PodView): EarlierRun {
  const text = pod.ourAnnotations.get(STATUS);
  const wrapped = pod.containers.filter((container) => container.command?.[0] === SHIM_PATH);
  if (wrapped.length === 0) return { touched: text !== undefined, originals: new Map(), rewritten: [] };
  const known = text === undefined ? new Map<string, Entry>() : parseStatus(text);
  if (known === undefined)
    throw new Refusal(
      'bad-status',
      `annotation ${STATUS} does not parse, but containers run ${SHIM_PATH}: it is the webhook's own; ` +
        'submit the pod as it was before Curfew changed it, without this annotation',
    );
  const originals = new Map<string, Original>();
  const rewritten: string[] = [];
  for (const { name, command, args } of wrapped) {
    const entry = known.get(name);
    const original = entry === undefined ? fromWords(command ?? [], args) : withAppended(entry, args ?? []);
    if (original === undefined) rewritten.push(name);
    originals.set(name, original ?? { command: entry?.command, args: entry?.args });
  }
  return { touched: true, originals, rewritten };
}

/** Without the annotation the words are the command; where they differ by machine, the image must be asked for them again. */
function fromWords(command: readonly string[], args: readonly string[] | undefined): Original {
  const flag = command.find((word) => word.startsWith(BY_MACHINE))?.slice(BY_MACHINE.length);
  const byMachine = flag === undefined ? undefined : parseByMachine(flag);
  if (byMachine === undefined) return { command: args, args: undefined };
  const own = args?.slice(machineWords(byMachine)) ?? [];
  return { command: undefined, args: own.length > 0 ? own : undefined };
}

const BY_MACHINE = '--by-machine=';

/** The original with the words that were appended to the wrapped container's args, as they would have been to its own. */
function withAppended({ command, args, words }: Entry, present: readonly string[]): Original | undefined {
  if (words === undefined) return { command, args };
  const expected = args ?? [];
  const from = words - expected.length;
  if (present.length < words || !expected.every((word, i) => word === present[from + i])) return undefined;
  return present.length === words
    ? { command, args }
    : { command, args: [...expected, ...present.slice(words)] };
}

/** The value of `curfew.dev/status`, with keys in the containers' order. */
export function formatStatus(
  version: string,
  containers: readonly { name: string; role: 'main' | 'sidecar'; original: Original; words: number }[],
): string {
  const entries = containers.map(({ name, role, original, words }) => [
    name,
    {
      role,
      ...(original.command === undefined ? {} : { command: original.command }),
      ...(original.args === undefined ? {} : { args: original.args }),
      words,
    },
  ]);
  return JSON.stringify({ version, containers: Object.fromEntries(entries) });
}

/** All of an object's annotations together (kubernetes: TotalAnnotationSizeLimitB). */
const MAX_ANNOTATION_BYTES = 256 * 1_024;

/** Would the API server refuse the pod for the size of its annotations, with this status among them? */
export function isStatusTooLong(pod: PodView, status: string): boolean {
  let bytes = STATUS.length + Buffer.byteLength(status);
  for (const key in pod.annotations) {
    const value = pod.annotations[key];
    if (key !== STATUS && typeof value === 'string')
      bytes += Buffer.byteLength(key) + Buffer.byteLength(value);
  }
  return bytes > MAX_ANNOTATION_BYTES;
}

function parseStatus(text: string): Map<string, Entry> | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  const containers = isRecord(value) ? member(value, 'containers') : undefined;
  if (!isRecord(containers)) return undefined;
  const entries = new Map<string, Entry>();
  for (const name of Object.keys(containers)) {
    const entry = containers[name];
    if (!isRecord(entry)) return undefined;
    const command = member(entry, 'command');
    const args = member(entry, 'args');
    const words = member(entry, 'words');
    if (command !== undefined && !isTexts(command)) return undefined;
    if (args !== undefined && !isTexts(args)) return undefined;
    if (words !== undefined && typeof words !== 'number') return undefined;
    entries.set(name, { command, args, words });
  }
  return entries;
}
