/**
 * What the shims tell each other: one marker a container, in the rendezvous. A marker speaks for its writer as long as
 * the writer's life line is held (`rendezvous.ts`); only a last word (`phase: 'ended'`) speaks on after its writer.
 */

/**
 * `waiting`: nothing runs yet. `running` is a main's; the others are a sidecar's: `starting`, `started`, and `resting`
 * between an end and the next start.
 */
export type Phase = 'waiting' | 'running' | 'starting' | 'started' | 'resting' | 'ended';

export interface Marker {
  /** Which start of this container wrote it, from 1. */
  attempt: number;
  /** Which life of the pod's sandbox it was written in: the init container draws one each time it runs. */
  epoch: string;
  phase: Phase;
  /** With `ended`: the exit code that the container ends with. */
  code: number;
  /** With `ended`: the kubelet will not start this container again. */
  final: boolean;
  /** Whether a death without a word (exit 137) would be final. */
  killedIsFinal: boolean;
  /** The writer has had a stop request. */
  stopping: boolean;
  /**
   * How long its end, if it was stopped, is to be doubted (ms): the kubelet may have stopped this container alone, and
   * then starts it again whatever its code.
   */
  stopDoubt: number;
}

/** The longest {@link Marker.stopDoubt}: 5 min. */
export const LONGEST_DOUBT = 300_000;

/** Every marker has this size, so that one can be overwritten in place when the disk is full. */
export const MARKER_SIZE = 512;

/** The longest epoch, in characters. */
export const MAX_EPOCH = 32;

const MAGIC = 'curfew1';
const PHASES: readonly Phase[] = ['waiting', 'running', 'starting', 'started', 'resting', 'ended'];

/** The marker's text, {@link MARKER_SIZE} bytes: magic, checksum, JSON, blanks, newline. */
export function formatMarker(marker: Marker): string {
  const json = JSON.stringify(marker);
  return `${`${MAGIC} ${checksum(marker)} ${json}`.padEnd(MARKER_SIZE - 1)}\n`;
}

/** Parse a marker's text; undefined for anything that is not a whole marker of this version. */
export function parseMarker(text: string): Marker | undefined {
  const [magic, sum, ...rest] = text.trimEnd().split(' ');
  const json = rest.join(' ');
  if (magic !== MAGIC) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const fields: Record<string, unknown> = { ...value };
  const { attempt, epoch, phase, code, final, killedIsFinal, stopping, stopDoubt } = fields;
  const known = PHASES.find((item) => item === phase);
  if (typeof attempt !== 'number' || !Number.isSafeInteger(attempt) || known === undefined) return undefined;
  if (typeof epoch !== 'string' || epoch.length > MAX_EPOCH) return undefined;
  if (typeof code !== 'number' || !Number.isInteger(code) || code < 0 || code > 255) return undefined;
  const marker: Marker = {
    attempt,
    epoch,
    phase: known,
    code,
    final: final === true,
    killedIsFinal: killedIsFinal === true,
    stopping: stopping === true,
    stopDoubt: typeof stopDoubt === 'number' ? stopDoubt : 0,
  };
  if (sum !== checksum(marker)) return undefined;
  marker.stopDoubt = Math.min(Math.max(marker.stopDoubt, 0), LONGEST_DOUBT);
  return marker;
}

/**
 * FNV-1a's mixing, over the marker's values instead of its bytes: byte by byte it took a seventh of the shim's whole start. It tells a
 * marker of which one part is older than the other, and a foreign file, from a whole marker, no more. A difference in one value is always seen.
 */
function checksum({
  attempt,
  epoch,
  phase,
  code,
  final,
  killedIsFinal,
  stopping,
  stopDoubt,
}: Marker): string {
  const said = (final ? 1 : 0) | (killedIsFinal ? 2 : 0) | (stopping ? 4 : 0);
  const word = Number.parseInt(epoch, 36);
  let hash = 0x811c9dc5;
  for (const value of [attempt, word, PHASES.indexOf(phase), code, said, stopDoubt])
    hash = Math.imul(hash ^ value, 0x01000193);
  return (hash >>> 0).toString(16).padStart(8, '0');
}
