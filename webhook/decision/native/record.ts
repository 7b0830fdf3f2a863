/** What `curfew.dev/status` keeps of a pod whose sidecars were turned into native ones, and the pod as it was before. */
import { isRecord, isTexts, type JsonRecord, member, parseJsonObject } from '../../shared/json.ts';
import { type Operation, patched } from '../../shared/operations.ts';
import { DEFAULT_CONTAINER } from '../default-container.ts';
import { isSameJson } from '../json-patch.ts';
import { type PodView, parsePod, presentOrder } from '../pod.ts';
import { STATUS } from '../vocabulary.ts';
import { type Layout, layoutOperations } from './layout.ts';

/** A converted pod's status. Its keys are few and its form is fixed, because an admission policy in the cluster reads it as text (N6). */
export interface NativeStatus {
  /** Why it is native: half a sentence; undefined where the mode itself says it. */
  why?: string | undefined;
  /** All regular containers in their author's order; a sidecar with what was written into it. */
  containers: readonly NativeEntry[];
  /** The value of annotation kubectl.kubernetes.io/default-container, where we added it. */
  defaultContainer?: string | undefined;
}

export interface NativeEntry {
  name: string;
  role: 'main' | 'sidecar';
  /** The startup probe that was written into it; undefined: none, or its author's own. */
  startupProbe?: JsonRecord | undefined;
  /** It had restartPolicy Always as a regular container already (newer Kubernetes). */
  hadPolicy?: true;
}

/** The value of `curfew.dev/status`. */
export function formatNativeStatus(version: string, status: NativeStatus): string {
  const { why, containers, defaultContainer } = status;
  return JSON.stringify({
    version,
    mode: 'native',
    ...(why === undefined ? {} : { why }),
    containers: Object.fromEntries(
      containers.map(({ name, role, startupProbe, hadPolicy }) => [
        name,
        {
          role,
          ...(startupProbe === undefined ? {} : { startupProbe }),
          ...(hadPolicy ? { hadPolicy } : {}),
        },
      ]),
    ),
    // Not the keys' own order: names may be numbers.
    author: containers.map(({ name }) => name),
    ...(defaultContainer === undefined ? {} : { defaultContainer }),
  });
}

/** @returns undefined where the text is no status of a converted pod */
export function parseNativeStatus(text: string | undefined): NativeStatus | undefined {
  const value = text === undefined ? undefined : parseJsonObject(text);
  const entries = value && member(value, 'containers');
  const author = value && member(value, 'author');
  if (value === undefined || member(value, 'mode') !== 'native' || !isRecord(entries) || !isTexts(author))
    return undefined;
  const defaultContainer = member(value, 'defaultContainer');
  return {
    containers: [...new Set(author)].map((name) => parseEntry(name, member(entries, name))),
    ...(typeof defaultContainer === 'string' ? { defaultContainer } : {}),
  };
}

function parseEntry(name: string, entry: unknown): NativeEntry {
  if (!isRecord(entry)) return { name, role: 'main' };
  const startupProbe = member(entry, 'startupProbe');
  return {
    name,
    role: member(entry, 'role') === 'sidecar' ? 'sidecar' : 'main',
    ...(isRecord(startupProbe) && isShallow(startupProbe, PROBE_DEPTH) ? { startupProbe } : {}),
    ...(member(entry, 'hadPolicy') === true ? { hadPolicy: true } : {}),
  };
}

/** Levels of a startup probe of ours: httpGet, httpHeaders, a header, its name. */
const PROBE_DEPTH = 4;

function isShallow(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return true;
  return levels > 0 && Object.values(value).every((item) => isShallow(item, levels - 1));
}

/** An earlier run turned this pod's sidecars into native ones. */
export interface Conversion {
  /** The operations that take it back. */
  undo: Operation[];
  /** The pod after them: as it would be, had Curfew not run. */
  authored: PodView;
  /** Converted sidecars from which another webhook has dropped restartPolicy: the kubelet would wait for their end (N6). */
  stripped: readonly string[];
}

/**
 * Find the traces of an earlier conversion (N5).
 * @returns undefined where there are none
 * @throws {ShapeError}
 */
export function findConversion(pod: PodView): Conversion | undefined {
  const status = parseNativeStatus(pod.ourAnnotations.get(STATUS));
  if (status === undefined) return undefined;
  const inits = new Map(pod.initContainers.map((init) => [init.name, init]));
  const sidecars = status.containers.filter(({ name, role }) => role === 'sidecar' && inits.has(name));
  const undo = layoutOperations(pod, authorsLayout(pod, status, sidecars));
  return {
    undo,
    authored: parsePod(patched(pod.raw, undo)),
    stripped: sidecars.map(({ name }) => name).filter((name) => inits.get(name)?.native !== true),
  };
}

function authorsLayout(pod: PodView, status: NativeStatus, sidecars: readonly NativeEntry[]): Layout {
  const present = presentOrder(pod);
  // One that an injector has made anew stands where the injector put it, and the older one goes.
  const moved = sidecars.filter(({ name }) => !present.includes(name));
  const all = sidecars.map(({ name }) => name);
  return {
    initContainers: pod.initContainers.map(({ name }) => name).filter((name) => !all.includes(name)),
    containers: putBack(
      present,
      status.containers.map(({ name }) => name),
      moved.map(({ name }) => name),
    ),
    members: new Map(moved.map((entry) => [entry.name, authorsMembers(pod, entry)])),
    annotations: { [STATUS]: undefined, ...withoutOurDefault(pod, status) },
  };
}

/** Put names back where their author had them among those that are there: in front of the next one, or else behind the one before. */
function putBack(present: readonly string[], author: readonly string[], moved: readonly string[]): string[] {
  const names = [...present];
  for (const name of [...moved].sort((a, b) => author.indexOf(b) - author.indexOf(a))) {
    const at = author.indexOf(name);
    const next = author.slice(at + 1).find((other) => names.includes(other));
    const before = author.slice(0, at).findLast((other) => names.includes(other));
    if (next !== undefined) names.splice(names.indexOf(next), 0, name);
    else names.splice(before === undefined ? names.length : names.indexOf(before) + 1, 0, name);
  }
  return names;
}

/** A startup probe that is no longer the one that we wrote is another webhook's, and stays. */
function authorsMembers(
  pod: PodView,
  { name, startupProbe, hadPolicy }: NativeEntry,
): Record<string, unknown> {
  const raw = pod.initContainers.find((init) => init.name === name)?.raw ?? {};
  const present = member(raw, 'startupProbe');
  return {
    restartPolicy: hadPolicy ? 'Always' : undefined,
    startupProbe: startupProbe !== undefined && isSameJson(present, startupProbe) ? undefined : present,
  };
}

function withoutOurDefault(
  { annotations }: PodView,
  { defaultContainer }: NativeStatus,
): Record<string, unknown> {
  const present = annotations === undefined ? undefined : member(annotations, DEFAULT_CONTAINER);
  return defaultContainer !== undefined && present === defaultContainer
    ? { [DEFAULT_CONTAINER]: undefined }
    : {};
}
