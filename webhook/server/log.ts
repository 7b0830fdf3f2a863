/**
 * The webhook's log: one JSON line for each thing that happened, written by pino.
 *
 * A text from outside is logged as a JSON string of bounded length, so that no name can break a line or fill a disk. Nothing of a
 * pod's env, args or annotations is ever logged (rule W9).
 */
import { type DestinationStream, destination, type Logger, pino } from 'pino';

import type { Config } from '../config/schema.ts';

export type Log = Logger;

export type LogLevel = Config['log']['level'];

/** Kubernetes' own limit for a name is 253; what is longer than that is not a name. */
const MAX_TEXT = 256;

/**
 * A log that writes to `stream`.
 */
export function createLog(level: LogLevel, stream: DestinationStream): Log {
  return pino(
    {
      level,
      base: null,
      timestamp: isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    stream,
  );
}

let lastTime = 0;
let lastText = '';

/** pino's own isoTime, which under load formats the same millisecond again and again. */
function isoTime(): string {
  const now = Date.now();
  if (now !== lastTime) {
    lastTime = now;
    lastText = `,"time":"${new Date(now).toISOString()}"`;
  }
  return lastText;
}

/** The longest time from a log call to the write of its line. */
const FLUSH_MS = 500;

/**
 * Standard output, buffered: a write per review would cost a tenth of the throughput. The buffer is written every half second, and by
 * `flush`, which is called right before the process ends.
 */
export function bufferedOutput(): { stream: DestinationStream; flush: () => void } {
  const stream = destination({ dest: 1, sync: false, minLength: 8192 });
  // The webhook goes on when nobody reads its log any more.
  stream.on('error', () => {});
  setInterval(() => stream.flush(), FLUSH_MS).unref();
  return {
    stream,
    flush: () => {
      try {
        stream.flushSync();
      } catch {
        // Not yet open, or closed by the reader: there is nowhere to report it.
      }
    },
  };
}

/**
 * A text from outside, short enough for a log line.
 */
export function bounded(text: string, max = MAX_TEXT): string {
  return text.length <= max ? text : `${text.slice(0, max)}...`;
}

/**
 * An unexpected error, for a log: its name, code and stack frames. Its message is left out, because it may quote a part of the pod.
 */
export function errorFields(error: unknown): { error: string; code?: string; frames?: string[] } {
  if (!(error instanceof Error)) return { error: typeof error };
  const code = 'code' in error && typeof error.code === 'string' ? { code: bounded(error.code) } : {};
  const frames = (error.stack ?? '')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line.startsWith('at '))
    .slice(0, 8);
  return { error: bounded(error.name), ...code, frames };
}

/** The message of an error of the API server's, which names what was tried and the way out; of any other error only its kind. */
export function kubernetesErrorFields(error: unknown): object {
  return error instanceof Error && error.name === 'KubernetesError'
    ? { message: error.message }
    : errorFields(error);
}
