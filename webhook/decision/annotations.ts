import { formatDuration, MAX_DURATION_MS, parseDuration } from '../../shim/duration.ts';
import { parseReadiness, parseStringArray, type Readiness } from '../../shim/protocol.ts';
import { parseSignal, signalName } from '../../shim/signals.ts';
import { quote } from '../shared/wording.ts';
import { EXAMPLES, isContainerDomain, shownKey, unknownAnnotation, unknownLabel } from './annotation-keys.ts';
import { isKnownName, type KnownSidecar } from './known-sidecar.ts';
import { type Mode, parseMode } from './mode.ts';
import { NotWrapped, refuse } from './mutation.ts';
import { isContainerName, MAX_CONTAINERS, type PodView } from './pod.ts';
import {
  ENTRYPOINT,
  INJECT_LABEL,
  LOG,
  MAINS,
  MODE,
  READY,
  SIDECARS,
  SIDECARS_BEFORE,
  START_TIMEOUT,
  STATUS,
  STOP_SIGNAL,
  STOP_TIMEOUT,
} from './vocabulary.ts';

/** The annotations for one container. Times are milliseconds. */
export interface ContainerWishes {
  entrypoint?: readonly string[];
  ready?: Readiness;
  /** The signal's name without SIG. */
  stopSignal?: string;
  stopTimeout?: number;
}

/** All annotations of a pod's author. */
export interface Wishes {
  sidecars?: readonly string[];
  mains?: readonly string[];
  startTimeout?: number;
  mode?: Mode;
  /** The sidecars start before the ordinary init containers. */
  beforeInit?: boolean;
  log: 'info' | 'debug';
  containers: ReadonlyMap<string, ContainerWishes>;
  /** The label is `"true"`, or there is an annotation: a pod that cannot be wrapped is then refused instead of passed over (W6). */
  asks: boolean;
}

/** A webhook gets annotations before the API server has checked their size. */
const MAX_VALUE = 65_536;

/** The pod label: true, false, or undefined where it is not set. @returns a refusal for any other value (V4) */
export function parseInjectLabel(pod: PodView): boolean | undefined | NotWrapped {
  for (const key of pod.ourLabels.keys()) if (key !== INJECT_LABEL) return unknownLabel(key);
  const value = pod.ourLabels.get(INJECT_LABEL);
  if (value === undefined || value === 'true' || value === 'false')
    return value === undefined ? undefined : value === 'true';
  return refuse({
    reason: 'bad-label',
    message: `label ${INJECT_LABEL} is ${quote(value)}: write "true" or "false", for example ${INJECT_LABEL}: "true"`,
  });
}

/**
 * Read every annotation under our prefix.
 *
 * An unknown key is refused, not ignored: a mistyped `curfew.dev/sidecar` that passes silently is a Job that never ends,
 * which is what its author wrote it to prevent.
 * @returns a refusal with the key, the value and an example (V4)
 */
export function parseWishes(
  pod: PodView,
  inject: boolean | undefined,
  catalogue: readonly KnownSidecar[],
): Wishes | NotWrapped {
  const containers = new Map<string, ContainerWishes>();
  const wishes: Wishes = { log: 'info', containers, asks: inject === true };
  for (const [key, value] of pod.ourAnnotations) {
    if (key === STATUS) continue;
    wishes.asks = true;
    const refusal =
      value.length > MAX_VALUE
        ? bad(key, value, `it has more than ${MAX_VALUE} characters`)
        : (putPodWish(wishes, key, value) ?? putContainerWish(pod, catalogue, containers, key, value));
    if (refusal instanceof NotWrapped) return refusal;
  }
  return wishes;
}

/** @returns undefined where the key is not one for the whole pod */
function putPodWish(wishes: Wishes, key: string, value: string): 'read' | NotWrapped | undefined {
  switch (key) {
    case SIDECARS:
      return put(parseNames(key, value), (names) => {
        wishes.sidecars = names;
      });
    case MAINS:
      return put(parseNames(key, value), (names) => {
        wishes.mains = names;
      });
    case START_TIMEOUT:
      return put(duration(key, value, 0), (ms) => {
        wishes.startTimeout = ms;
      });
    case MODE:
      return put(parsed(key, value, parseMode(value)), (mode) => {
        wishes.mode = mode;
      });
    case SIDECARS_BEFORE:
      return put(parsed(key, value, value === 'init' ? value : undefined), () => {
        wishes.beforeInit = true;
      });
    case LOG:
      return put(parsed(key, value, logLevel(value)), (level) => {
        wishes.log = level;
      });
    default:
      return undefined;
  }
}

function putContainerWish(
  pod: PodView,
  catalogue: readonly KnownSidecar[],
  all: Map<string, ContainerWishes>,
  key: string,
  value: string,
): 'read' | NotWrapped {
  const slash = key.indexOf('/');
  const domain = key.slice(0, slash);
  const name = key.slice(slash + 1);
  if (!isContainerDomain(domain)) return unknownAnnotation(key);
  if (!mayHaveContainer(pod, catalogue, name)) return noSuchContainer(pod, shownKey(key), name);
  const wish: ContainerWishes = all.get(name) ?? {};
  all.set(name, wish);
  switch (domain) {
    case ENTRYPOINT: {
      const words = parseStringArray(value);
      return put(parsed(key, value, words?.[0] ? words : undefined), (entrypoint) => {
        wish.entrypoint = entrypoint;
      });
    }
    case READY:
      return put(parsed(key, value, parseReadiness(value)), (ready) => {
        wish.ready = ready;
      });
    case STOP_SIGNAL:
      return put(parsed(key, value, parseSignal(value)), (signal) => {
        wish.stopSignal = signalName(signal);
      });
    case STOP_TIMEOUT:
      // A process that has no time at all could only get KILL.
      return put(duration(key, value, 1), (ms) => {
        wish.stopTimeout = ms;
      });
  }
}

function put<T>(result: T | NotWrapped, keep: (value: T) => void): 'read' | NotWrapped {
  if (result instanceof NotWrapped) return result;
  keep(result);
  return 'read';
}

function logLevel(value: string): Wishes['log'] | undefined {
  return value === 'debug' || value === 'info' ? value : undefined;
}

/** `a, b`: names as they are, in order; a last comma may stand. */
function parseNames(key: string, value: string): readonly string[] | NotWrapped {
  const names = value.split(',').map((name) => name.trim());
  if (names.length > 1 && names.at(-1) === '') names.pop();
  if (names.length > MAX_CONTAINERS) return bad(key, value, `it has more than ${MAX_CONTAINERS} names`);
  const seen = new Set<string>();
  for (const name of names) {
    if (!isContainerName(name)) return bad(key, value, `${quote(name)} is no container name`);
    if (seen.has(name)) return bad(key, value, `${quote(name)} is named twice`);
    seen.add(name);
  }
  return names;
}

function parsed<T>(key: string, value: string, result: T | undefined): T | NotWrapped {
  return result === undefined ? bad(key, value, 'it does not parse') : result;
}

/** @param least milliseconds */
function duration(key: string, value: string, least: number): number | NotWrapped {
  const ms = parseDuration(value);
  if (ms !== undefined && ms >= least) return ms;
  return bad(
    key,
    value,
    `it is no duration from ${formatDuration(least)} to ${formatDuration(MAX_DURATION_MS)}`,
  );
}

function bad(key: string, value: string, why: string): NotWrapped {
  const slash = key.indexOf('/');
  const example = EXAMPLES[key] ?? EXAMPLES[key.slice(0, slash)] ?? '';
  return refuse({
    reason: 'bad-annotation',
    message: `annotation ${shownKey(key)} is ${quote(value)}: ${why}; an example: ${shownKey(key)}: ${example}`,
  });
}

/** Has the pod this container, or can it get it from another webhook? */
function mayHaveContainer(pod: PodView, catalogue: readonly KnownSidecar[], name: string): boolean {
  if (pod.containers.some((container) => container.name === name)) return true;
  // A mesh's proxy is a native sidecar on one cluster and a container on the next: the same manifest serves both.
  if (pod.initContainers.some((container) => container.native && container.name === name)) return true;
  // Another webhook adds it later, and then this one is asked again (W3): a known one, or any where the mains are named.
  if (pod.ourAnnotations.has(MAINS) && isContainerName(name)) return true;
  return isKnownName(catalogue, name);
}

/** V1: a name that is no container, with the names that are. */
export function noSuchContainer(pod: PodView, key: string, name: string): NotWrapped {
  const init = pod.initContainers.some((container) => container.name === name);
  const names = pod.containers.slice(0, 8).map((container) => container.name);
  const more = pod.containers.length > names.length ? ', ...' : '';
  const later =
    key === SIDECARS ? `; if another webhook adds it later, list the others in ${MAINS} instead` : '';
  return refuse({
    reason: 'no-such-container',
    message:
      `annotation ${key} names ${quote(name)}, which is ${init ? 'an init container, not a regular one' : 'no container of this pod'}; ` +
      `its containers are: ${names.join(', ')}${more}${later}`,
  });
}
