/**
 * How long the API server waits for an answer: it writes its own timeout into the URL, `?timeout=10s`
 * (k8s.io/apiserver, pkg/admission/plugin/webhook/mutating/dispatcher.go).
 */
import { parseDuration } from '../../shim/duration.ts';

/** A webhook's timeout where its configuration sets none. */
const DEFAULT_TIMEOUT = 10_000;
/** The API server allows 30 s at most. */
const MAX_TIMEOUT = 30_000;

/** The query parameter `timeout`, or the default where it is missing or no duration. @returns milliseconds */
export function apiServerTimeout(url: string): number {
  const query = url.slice(url.indexOf('?') + 1);
  const timeout = url.includes('?') ? new URLSearchParams(query).get('timeout') : null;
  return Math.min(parseDuration(timeout ?? '') ?? DEFAULT_TIMEOUT, MAX_TIMEOUT);
}
