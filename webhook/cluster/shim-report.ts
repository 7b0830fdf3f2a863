/**
 * What `curfew-shim status --output json` says of a pod. Any process in the pod may have written what the shim reads there, and the answer
 * comes from the pod's own container: each text is checked and bounded, and what does not fit is left out. Pure.
 */
import { isContainerName } from '../decision/pod.ts';
import { isRecord, type JsonRecord, member, parseJsonObject } from '../shared/json.ts';
import { brief } from './words.ts';

const PHASES = ['absent', 'waiting', 'starting', 'started', 'resting', 'running', 'ended', 'killed'] as const;
export type ShimPhase = (typeof PHASES)[number];

/** One container, as the shims know it. */
export interface ShimContainer {
  name: string;
  role: 'main' | 'sidecar' | undefined;
  phase: ShimPhase;
  /** Starts of its process by the shim after an end, in this start of the container. */
  restarts: number;
  /** The container's exit code, or the last of its processes'. */
  code: number | undefined;
  /** The kubelet leaves it ended. */
  final: boolean | undefined;
  stopping: boolean;
  /** How long it has been in this phase, in milliseconds. */
  sinceMs: number | undefined;
  /** Why it is not ready, or its last words. */
  why: string | undefined;
  waitsFor: readonly { name: string; why: string }[];
}

export interface ShimReport {
  containers: readonly ShimContainer[];
}

const MAX_CONTAINERS = 128;
const MAX_WAITS = 16;
/** A later version that a reader of this one would misread raises it. */
const VERSION = 1;

/** @returns undefined for anything else than a report of this version */
export function parseShimReport(text: string): ShimReport | undefined {
  const report = parseJsonObject(text);
  if (report === undefined || member(report, 'version') !== VERSION) return undefined;
  const containers = member(report, 'containers');
  if (!Array.isArray(containers)) return undefined;
  return {
    containers: containers
      .slice(0, MAX_CONTAINERS)
      .filter(isRecord)
      .flatMap((one) => containerOf(one) ?? []),
  };
}

function containerOf(record: JsonRecord): ShimContainer | undefined {
  const name = nameAt(record);
  const phase = PHASES.find((one) => one === member(record, 'phase'));
  if (name === undefined || phase === undefined) return undefined;
  const role = member(record, 'role');
  const final = member(record, 'final');
  const waits = member(record, 'waitsFor');
  return {
    name,
    role: role === 'main' || role === 'sidecar' ? role : undefined,
    phase,
    restarts: wholeAt(record, 'restarts', 1_000_000) ?? 0,
    code: wholeAt(record, 'code', 255),
    final: typeof final === 'boolean' ? final : undefined,
    stopping: member(record, 'stopping') === true,
    sinceMs: wholeAt(record, 'sinceMs', Number.MAX_SAFE_INTEGER),
    why: textAt(record, 'why'),
    waitsFor: (Array.isArray(waits) ? waits : [])
      .slice(0, MAX_WAITS)
      .filter(isRecord)
      .flatMap((one) => {
        const other = nameAt(one);
        return other === undefined ? [] : [{ name: other, why: textAt(one, 'why') ?? '' }];
      }),
  };
}

function nameAt(record: JsonRecord): string | undefined {
  const name = member(record, 'name');
  return typeof name === 'string' && isContainerName(name) ? name : undefined;
}

function textAt(record: JsonRecord, key: string): string | undefined {
  const text = member(record, key);
  return typeof text === 'string' && text !== '' ? brief(text, 300) : undefined;
}

function wholeAt(record: JsonRecord, key: string, most: number): number | undefined {
  const value = member(record, key);
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value <= most
    ? value
    : undefined;
}
