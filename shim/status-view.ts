/** What `curfew-shim status` says of a pod, from what stands in its rendezvous. Pure. docs/reference/status.md has its format. */
import type { Card } from './card.ts';
import { EXIT_KILLED } from './lifecycle.ts';
import type { Marker, Phase } from './marker.ts';

/** What was found of one container. */
export interface Sight {
  name: string;
  /** Its shim holds its life line; null: that cannot be told. */
  alive: boolean | null;
  /** It has said its last word through that, for it could not write it: what that is was not read. */
  spoken?: boolean;
  marker?: Marker;
  card?: Card;
  /** How old its marker is (ms). */
  age?: number;
  /** Why it said last that it is not ready. */
  why?: string;
}

/** `absent`: no shim of it has come up in this life of the sandbox. `killed`: it is gone without a last word. */
export type StatusPhase = Phase | 'absent' | 'killed';

/** Somebody who is waited for, and what that one does. */
export interface Awaited {
  name: string;
  why: string;
}

/** One container, as `--output=json` prints it. Times are milliseconds. */
export interface ContainerStatus {
  name: string;
  role: 'main' | 'sidecar' | null;
  phase: StatusPhase;
  alive: boolean | null;
  attempt: number;
  restarts: number;
  code: number | null;
  /** With `ended` and `killed`: whether the kubelet leaves it so; null: not known yet, or not ended. */
  final: boolean | null;
  stopping: boolean;
  sinceMs: number | null;
  why: string | null;
  waitsFor: Awaited[];
  waitsForMore: number;
}

/** So many stand in one container's list, and in all. */
const MOST_AWAITED = 8;
const MOST_CONTAINERS = 128;
const LONGEST_WHY = 300;
const LONGEST_WORDS = 160;

/**
 * The pod's containers: sidecars in start order, then mains, then those of which nobody has said what they are.
 * @param epoch the life of the sandbox that this is; empty where that is not known
 */
export function statusOf(sights: readonly Sight[], epoch: string): ContainerStatus[] {
  const cards = sights.flatMap(({ card }) => card ?? []);
  const sidecars = longest(cards.map((card) => card.sidecars));
  const mains = longest(cards.map((card) => card.mains));
  const byName = new Map(sights.map((sight) => [sight.name, sight]));
  const names = new Set([...sidecars, ...mains, ...[...byName.keys()].sort()]);
  const all = [...names].slice(0, MOST_CONTAINERS).map((name) => {
    const role = sidecars.includes(name) ? 'sidecar' : mains.includes(name) ? 'main' : undefined;
    return ownStatus(byName.get(name) ?? { name, alive: null }, role, epoch);
  });
  for (const status of all) {
    const awaited = awaitedBy(status, all);
    status.waitsFor = awaited.slice(0, MOST_AWAITED).map((other) => ({
      name: other.name,
      why: cut(wordsOf(other, byName.get(other.name)), LONGEST_WORDS),
    }));
    status.waitsForMore = awaited.length - status.waitsFor.length;
  }
  return all;
}

function longest(lists: readonly (readonly string[])[]): readonly string[] {
  return lists.reduce((best, list) => (list.length > best.length ? list : best), []);
}

function ownStatus(sight: Sight, listed: Card['role'] | undefined, epoch: string): ContainerStatus {
  const { name, alive, marker, card, age, why } = sight;
  const phase = phaseOf(sight, epoch);
  const isHere = phase !== 'absent' && phase !== 'waiting';
  const [code, final] =
    phase === 'killed'
      ? [EXIT_KILLED, marker?.killedIsFinal]
      : phase === 'ended'
        ? marker?.phase === 'ended'
          ? [marker.code, marker.final]
          : []
        : [isHere ? card?.code : undefined];
  return {
    name,
    role: listed ?? card?.role ?? null,
    phase,
    alive,
    attempt: marker?.attempt ?? 0,
    restarts: isHere ? (card?.restarts ?? 0) : 0,
    code: code ?? null,
    final: isDoubted(marker, age) && final === true ? null : (final ?? null),
    stopping: phase !== 'absent' && marker?.stopping === true && !(phase === 'waiting' && alive === true),
    sinceMs: phase === 'absent' || phase === 'killed' || age === undefined ? null : Math.round(age),
    why: phase === 'starting' && why !== undefined && why !== '' ? cut(why, LONGEST_WHY) : null,
    waitsFor: [],
    waitsForMore: 0,
  };
}

/** Whether its end may have been a stop of this container alone, after which the kubelet starts it again whatever its code (rule L5). */
function isDoubted(marker: Marker | undefined, age = 0): boolean {
  return marker?.stopping === true && age < marker.stopDoubt;
}

function phaseOf({ alive, spoken, marker }: Sight, epoch: string): StatusPhase {
  const isOld = marker !== undefined && marker.epoch !== epoch && marker.epoch !== '' && epoch !== '';
  if (marker === undefined || isOld) return alive === true ? 'waiting' : 'absent';
  if (spoken) return 'ended';
  return alive === false && marker.phase !== 'ended' ? 'killed' : marker.phase;
}

/** Whom a container waits for: a main for its sidecars, a sidecar for its turn, then for the end of the work, then for those who leave before it. */
function awaitedBy(status: ContainerStatus, all: readonly ContainerStatus[]): ContainerStatus[] {
  const sidecars = all.filter(({ role }) => role === 'sidecar');
  const at = sidecars.indexOf(status);
  if (status.phase === 'waiting')
    return (status.role === 'main' ? sidecars : sidecars.slice(0, Math.max(0, at))).filter(
      ({ phase, stopping }) => phase !== 'started' || stopping,
    );
  const isUp = status.phase === 'starting' || status.phase === 'started' || status.phase === 'resting';
  if (status.role !== 'sidecar' || !isUp) return [];
  const mains = all.filter(({ role, final }) => role === 'main' && final !== true);
  if (mains.length > 0 && !status.stopping) return mains;
  const up = mains.filter(({ alive }) => alive === true);
  return [...up, ...sidecars.slice(at + 1).filter(({ alive }) => alive === true)];
}

/** What a container does, for one who waits for it. */
function wordsOf(
  { role, phase, code, final, stopping, why }: ContainerStatus,
  sight: Sight | undefined,
): string {
  const again =
    final === null
      ? ' when it was stopped, and may be started again'
      : final
        ? ', for good'
        : ', to be started again by the kubelet: see its log';
  switch (phase) {
    case 'absent':
      return 'not running yet';
    case 'waiting':
      return role === 'sidecar' ? 'waiting for its turn' : 'waiting';
    case 'starting':
      return stopping ? 'stopping' : `running, not ready yet${why === null ? '' : `: ${why}`}`;
    case 'resting':
      return `ended with code ${code ?? sight?.marker?.code}, to be started again: see its log`;
    case 'ended':
      if (code === null) return 'ended; its last word could not be written';
      return `ended with code ${code}${again}`;
    case 'killed':
      return `killed${again}`;
    case 'started':
    case 'running':
      return stopping ? 'stopping' : 'running';
    default:
      return phase satisfies never;
  }
}

/** Control characters, and those that begin a line or turn the reading direction. */
const OBEYED = [
  ['\0', '\u001f'],
  ['\u007f', '\u009f'],
  ['\u2028', '\u202e'],
  ['\u2066', '\u2069'],
] as const;

/** At most so many characters, and none that a terminal would obey. */
function cut(text: string, most: number): string {
  let line = '';
  for (const char of text) {
    if (line.length >= most) return `${line}...`;
    line += OBEYED.some(([from, to]) => char >= from && char <= to) ? '?' : char;
  }
  return line;
}

/** The table that people read. */
export function formatStatus(containers: readonly ContainerStatus[]): string {
  const head = ['NAME', 'ROLE', 'PHASE', 'SINCE', 'CODE', 'RESTARTS', 'ATTEMPT', ''];
  const rows = containers.map((status) => [
    status.name,
    status.role ?? '-',
    status.stopping ? `${status.phase}, stopping` : status.phase,
    status.sinceMs === null ? '-' : age(status.sinceMs),
    `${status.code ?? '-'}`,
    `${status.restarts}`,
    `${status.attempt}`,
    wordsBeside(status),
  ]);
  const widths = head.map((_, i) => Math.max(...[head, ...rows].map((row) => (row[i] ?? '').length)));
  return [head, ...rows]
    .map(
      (row) =>
        `${row
          .map((cell, i) => cell.padEnd(widths[i] ?? 0))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('');
}

function wordsBeside({ why, waitsFor, waitsForMore }: ContainerStatus): string {
  const ready = why === null ? '' : `not ready: ${why}`;
  if (waitsFor.length === 0) return ready;
  const awaited = waitsFor.map(({ name, why: words }) => `${name} (${words})`).join(', ');
  const more = waitsForMore === 0 ? '' : ` and ${waitsForMore} more`;
  return `${ready === '' ? '' : `${ready}; `}waits for ${awaited}${more}`;
}

/** @example age(123_456) // '2m3s' */
function age(ms: number): string {
  const seconds = Math.floor(ms / 1_000);
  const [hours, minutes] = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60];
  if (hours > 0) return `${hours}h${minutes}m`;
  return minutes > 0 ? `${minutes}m${seconds % 60}s` : `${seconds}s`;
}
