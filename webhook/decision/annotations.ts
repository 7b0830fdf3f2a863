import { formatDuration, MAX_DURATION_MS, parseDuration } from '../../shim/duration.ts';
import { parseReadiness, parseStringArray, type Readiness } from '../../shim/protocol.ts';
import { parseSignal, signalName } from '../../shim/signals.ts';
import { nearest } from '../shared/spelling.ts';
import { quote } from '../shared/wording.ts';
import type { KnownSidecar } from './known-sidecar.ts';
import type { Reason } from './mutation.ts';
import { isContainerName, MAX_CONTAINERS, type PodView } from './pod.ts';
import { Refusal } from './refusal.ts';
import {
  ENTRYPOINT,
  INJECT_LABEL,
  LOG,
  MAINS,
  PREFIX,
  READY,
  SIDECARS,
  START_TIMEOUT,
  STATUS,
  STOP_SIGNAL,
  STOP_TIMEOUT,
} from './vocabulary.ts';

/** What a pod's author wrote for one container. Times are milliseconds. */
export interface ContainerWishes {
  entrypoint?: readonly string[];
  ready?: Readiness;
  /** The signal's name without SIG. */
  stopSignal?: string;
  stopTimeout?: number;
}

/** What a pod's author wrote for the pod. */
export interface Wishes {
  sidecars: readonly string[] | undefined;
  mains: readonly string[] | undefined;
  startTimeout: number | undefined;
  log: 'info' | 'debug';
  containers: ReadonlyMap<string, ContainerWishes>;
  /** The label says `"true"`, or there is an annotation: trouble refuses the pod instead of passing it over (W6). */
  asks: boolean;
}

/** A webhook sees annotations before the API server has looked at their size. */
const MAX_VALUE = 65_536;

const EXAMPLES: Readonly<Record<string, string>> = {
  [SIDECARS]: 'cloud-sql-proxy, vault-agent',
  [MAINS]: 'app',
  [START_TIMEOUT]: '2m',
  [LOG]: 'debug',
  [ENTRYPOINT]: '["/program", "--flag"]',
  [READY]: 'http://:15021/healthz/ready, tcp://:5432, exec: pg_isready, or none',
  [STOP_SIGNAL]: 'INT',
  [STOP_TIMEOUT]: '20s',
};

/** The pod label: true, false, or undefined where it is not set. @throws {Refusal} for any other value (V4) */
export function parseInjectLabel(pod: PodView): boolean | undefined {
  for (const key of pod.ourLabels.keys()) if (key !== INJECT_LABEL) throw unknownLabel(key);
  const value = pod.ourLabels.get(INJECT_LABEL);
  if (value === undefined || value === 'true' || value === 'false')
    return value === undefined ? undefined : value === 'true';
  throw new Refusal(
    'bad-label',
    `label ${INJECT_LABEL} is ${quote(value)}: write "true" or "false", for example ${INJECT_LABEL}: "true"`,
  );
}

/**
 * Read every annotation under our prefix.
 *
 * A key that we do not know is refused, not ignored: a mistyped `curfew.dev/sidecar` that passes silently is a Job that
 * never ends, which is what its author wrote it to prevent.
 * @throws {Refusal} V4: with the key, the value and an example
 */
export function parseWishes(
  pod: PodView,
  inject: boolean | undefined,
  catalogue: readonly KnownSidecar[],
): Wishes {
  const containers = new Map<string, ContainerWishes>();
  const wishes = {
    sidecars: undefined as readonly string[] | undefined,
    mains: undefined as readonly string[] | undefined,
    startTimeout: undefined as number | undefined,
    log: 'info' as 'info' | 'debug',
    containers,
    asks: inject === true,
  };
  for (const [key, value] of pod.ourAnnotations) {
    if (key === STATUS) continue;
    wishes.asks = true;
    if (value.length > MAX_VALUE) throw bad(key, value, `it has more than ${MAX_VALUE} characters`);
    if (key === SIDECARS) wishes.sidecars = parseNames(key, value);
    else if (key === MAINS) wishes.mains = parseNames(key, value);
    else if (key === START_TIMEOUT) wishes.startTimeout = duration(key, value, 0);
    else if (key === LOG)
      wishes.log = parsed(key, value, value === 'debug' || value === 'info' ? value : undefined);
    else putContainerWish(pod, catalogue, containers, key, value);
  }
  return wishes;
}

function putContainerWish(
  pod: PodView,
  catalogue: readonly KnownSidecar[],
  all: Map<string, ContainerWishes>,
  key: string,
  value: string,
): void {
  const slash = key.indexOf('/');
  const domain = key.slice(0, slash);
  const name = key.slice(slash + 1);
  if (!isDomain(domain)) throw unknownAnnotation(key);
  checkContainer(pod, catalogue, key, name);
  const wish: ContainerWishes = all.get(name) ?? {};
  if (domain === ENTRYPOINT) {
    const words = parseStringArray(value);
    wish.entrypoint = parsed(key, value, words?.[0] ? words : undefined);
  } else if (domain === READY) wish.ready = parsed(key, value, parseReadiness(value));
  else if (domain === STOP_SIGNAL) {
    const number = parseSignal(value);
    wish.stopSignal = signalName(parsed(key, value, number));
  } else {
    // Nothing but KILL would be left of a process that has no time at all.
    wish.stopTimeout = duration(key, value, 1);
  }
  all.set(name, wish);
}

/** `a, b`: names as they are, in order; a last comma may stand. */
function parseNames(key: string, value: string): readonly string[] {
  const names = value.split(',').map((name) => name.trim());
  if (names.length > 1 && names.at(-1) === '') names.pop();
  if (names.length > MAX_CONTAINERS) throw bad(key, value, `it has more than ${MAX_CONTAINERS} names`);
  const seen = new Set<string>();
  for (const name of names) {
    if (!isContainerName(name)) throw bad(key, value, `${quote(name)} is no container name`);
    if (seen.has(name)) throw bad(key, value, `${quote(name)} is named twice`);
    seen.add(name);
  }
  return names;
}

function parsed<T>(key: string, value: string, result: T | undefined): T {
  if (result === undefined) throw bad(key, value, 'it does not parse');
  return result;
}

/** @param least milliseconds */
function duration(key: string, value: string, least: number): number {
  const ms = parseDuration(value);
  if (ms !== undefined && ms >= least) return ms;
  throw bad(
    key,
    value,
    `it is no duration from ${formatDuration(least)} to ${formatDuration(MAX_DURATION_MS)}`,
  );
}

function bad(key: string, value: string, why: string): Refusal {
  const slash = key.indexOf('/');
  const example = EXAMPLES[key] ?? EXAMPLES[key.slice(0, slash)] ?? '';
  return new Refusal(
    'bad-annotation',
    `annotation ${shown(key)} is ${quote(value)}: ${why}; an example: ${shown(key)}: ${example}`,
  );
}

function checkContainer(pod: PodView, catalogue: readonly KnownSidecar[], key: string, name: string): void {
  // A mesh's proxy is a native sidecar on one cluster and a container on the next: the same manifest serves both.
  if (pod.containers.some((container) => container.name === name)) return;
  if (pod.initContainers.some((container) => container.native && container.name === name)) return;
  // Another webhook adds it later, and then this one is asked again (W3): one that is known, or any where the mains are named.
  if (pod.ourAnnotations.has(MAINS) && isContainerName(name)) return;
  if (catalogue.some((known) => known.names.includes(name))) return;
  throw noSuchContainer(pod, shown(key), name);
}

/** V1: a name that is no container, with the names that are. */
export function noSuchContainer(pod: PodView, key: string, name: string): Refusal {
  const init = pod.initContainers.some((container) => container.name === name);
  const names = pod.containers.slice(0, 8).map((container) => container.name);
  const more = pod.containers.length > names.length ? ', ...' : '';
  const later =
    key === SIDECARS ? `; if another webhook adds it later, list the others in ${MAINS} instead` : '';
  return new Refusal(
    'no-such-container',
    `annotation ${key} names ${quote(name)}, which is ${init ? 'an init container, not a regular one' : 'no container of this pod'}; ` +
      `its containers are: ${names.join(', ')}${more}${later}`,
  );
}

function unknownAnnotation(key: string): Refusal {
  return unknown('unknown-annotation', 'annotation', key, Object.keys(EXAMPLES).map(withContainer));
}

function unknownLabel(key: string): Refusal {
  return unknown('unknown-label', 'label', key, [INJECT_LABEL]);
}

function unknown(reason: Reason, kind: string, key: string, known: string[]): Refusal {
  const isAnnotation = kind === 'annotation';
  const misplaced =
    isAnnotation && key === INJECT_LABEL
      ? ` (${INJECT_LABEL} is a label)`
      : !isAnnotation && (Object.hasOwn(EXAMPLES, key) || isDomain(key.slice(0, key.indexOf('/'))))
        ? ' (it is an annotation)'
        : '';
  const meant = misplaced === '' && isAnnotation ? likelyMeant(key) : undefined;
  const hint = meant === undefined ? '' : `, perhaps ${meant} was meant`;
  return new Refusal(
    reason,
    `${kind} ${shown(key)} means nothing to Curfew${misplaced}${hint}; its ${kind}s are: ${known.join(', ')}`,
  );
}

/** The annotation whose own word (`sidecars`, `ready`) is nearest to this key's. */
function likelyMeant(key: string): string | undefined {
  const ownWord = (text: string) =>
    text.startsWith(`${PREFIX}/`)
      ? text.slice(PREFIX.length + 1)
      : text.slice(0, Math.max(text.indexOf(`.${PREFIX}`), 0));
  const words = new Map(Object.keys(EXAMPLES).map((known) => [ownWord(known), withContainer(known)]));
  const word = nearest(ownWord(key), words.keys());
  return word === undefined ? undefined : words.get(word);
}

function withContainer(key: string): string {
  return key.includes('/') ? key : `${key}/<container>`;
}

function isDomain(domain: string): boolean {
  return domain !== PREFIX && Object.hasOwn(EXAMPLES, domain);
}

/** A key as a message shows it: unquoted where it is plain. */
function shown(key: string): string {
  return /^[-A-Za-z0-9._/]{1,120}$/.test(key) ? key : quote(key, 100);
}
