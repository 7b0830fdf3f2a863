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

/**
 * The value of `curfew.dev/status`, with keys in the containers' order.
 * @param containers words: the whole command that its shim runs
 */
export function formatStatus(
  version: string,
  containers: readonly {
    name: string;
    role: 'main' | 'sidecar';
    original: Original;
    words: readonly string[];
    startupProbe?: JsonRecord | undefined;
  }[],
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
  return JSON.stringify({ version, containers: Object.fromEntries(entries) });
}

function sameWords(some: readonly string[], others: readonly string[] | undefined): boolean {
  return others?.length === some.length && some.every((word, i) => word === others[i]);
}

/** All of an object's annotations together (kubernetes: TotalAnnotationSizeLimitB). */
const MAX_ANNOTATION_BYTES = 256 * 1_024;

/** Would the API server refuse the pod for the size of its annotations, with these put in? */
export function areAnnotationsTooLong(pod: PodView, wanted: Readonly<Record<string, unknown>>): boolean {
  const all = Object.entries({ ...pod.annotations, ...wanted });
  const bytes = all.map(([key, value]) =>
    typeof value === 'string' ? Buffer.byteLength(key) + Buffer.byteLength(value) : 0,
  );
  return bytes.reduce((sum, size) => sum + size, 0) > MAX_ANNOTATION_BYTES;
}

/** @returns undefined where it is none */
export function parseStatus(text: string): Map<string, Entry> | undefined {
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
