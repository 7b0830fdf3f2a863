import { isRecord, isTexts, type JsonRecord, member } from '../shared/json.ts';
import type { PodView } from './pod.ts';

/** A container's command and args as its author wrote them, absent where they were. */
export interface Original {
  command: readonly string[] | undefined;
  args: readonly string[] | undefined;
}

/** A container's entry in the annotation. */
export interface Entry extends Original {
  /** The words before its own args, where they are not its own command but an annotation's or an image's. */
  entrypoint: readonly string[] | undefined;
  /** Its author's startup probe, where another stands in its place (L18). */
  startupProbe?: JsonRecord | undefined;
}

/** The annotation's content. */
export interface Status {
  containers: ReadonlyMap<string, Entry>;
  /** Where the containers were moved: their names in the author's order, and in the order that was written. */
  order?: { author: readonly string[]; written: readonly string[] };
  /** The value of annotation kubectl.kubernetes.io/default-container, where we added it. */
  defaultContainer?: string;
}

/** A wrapped container. */
export interface WrappedContainer {
  name: string;
  role: 'main' | 'sidecar';
  original: Original;
  /** The whole command that its shim runs. */
  words: readonly string[];
  /** Its author's startup probe, where another stands in its place (L18). */
  startupProbe?: unknown;
}

/** The value of `curfew.dev/status`, with keys in the containers' order. */
export function formatStatus(
  version: string,
  containers: readonly WrappedContainer[],
  rest: Omit<Status, 'containers'> & { mode?: 'shim'; why?: string },
): string {
  const entries = containers.map(({ name, role, original: { command, args }, words, startupProbe }) => {
    const entrypoint = words.slice(0, words.length - (args?.length ?? 0));
    return [
      name,
      {
        role,
        ...(command === undefined ? {} : { command }),
        ...(args === undefined ? {} : { args }),
        ...(sameWords(entrypoint, command) ? {} : { entrypoint }),
        ...(startupProbe === undefined ? {} : { startupProbe }),
      },
    ];
  });
  return JSON.stringify({ version, containers: Object.fromEntries(entries), ...rest });
}

function sameWords(some: readonly string[], others: readonly string[] | undefined): boolean {
  return others?.length === some.length && some.every((word, i) => word === others[i]);
}

/** All of an object's annotations together (kubernetes: TotalAnnotationSizeLimitB). */
const MAX_ANNOTATION_BYTES = 256 * 1_024;

/** Would the API server refuse the pod for the size of its annotations, with these put in? */
export function areAnnotationsTooLong(pod: PodView, wanted: Readonly<Record<string, unknown>>): boolean {
  let bytes = 0;
  const count = (key: string, value: unknown) => {
    if (typeof value === 'string') bytes += Buffer.byteLength(key) + Buffer.byteLength(value);
  };
  for (const key in pod.annotations) if (!Object.hasOwn(wanted, key)) count(key, pod.annotations[key]);
  for (const key in wanted) count(key, wanted[key]);
  return bytes > MAX_ANNOTATION_BYTES;
}

/** @returns undefined where it is none */
export function parseStatus(text: string): Status | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  const containers = isRecord(value) ? parseEntries(member(value, 'containers')) : undefined;
  if (!isRecord(value) || containers === undefined) return undefined;
  const order = parseOrder(member(value, 'order'));
  const defaultContainer = member(value, 'defaultContainer');
  return {
    containers,
    ...(order === undefined ? {} : { order }),
    ...(typeof defaultContainer === 'string' ? { defaultContainer } : {}),
  };
}

function parseEntries(containers: unknown): Map<string, Entry> | undefined {
  if (!isRecord(containers)) return undefined;
  const entries = new Map<string, Entry>();
  for (const name of Object.keys(containers)) {
    const entry = containers[name];
    if (!isRecord(entry)) return undefined;
    const command = member(entry, 'command');
    const args = member(entry, 'args');
    const entrypoint = member(entry, 'entrypoint');
    if (command !== undefined && !isTexts(command)) return undefined;
    if (args !== undefined && !isTexts(args)) return undefined;
    if (entrypoint !== undefined && !isTexts(entrypoint)) return undefined;
    const startupProbe = member(entry, 'startupProbe');
    if (startupProbe !== undefined && !isRecord(startupProbe)) return undefined;
    entries.set(name, { command, args, entrypoint, startupProbe });
  }
  return entries;
}

function parseOrder(order: unknown): Status['order'] {
  const author = isRecord(order) ? member(order, 'author') : undefined;
  const written = isRecord(order) ? member(order, 'written') : undefined;
  return isTexts(author) && isTexts(written) ? { author, written } : undefined;
}
