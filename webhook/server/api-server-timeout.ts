/**
 * How long the API server waits for an answer: it writes its own timeout into the URL, `?timeout=10s`
 * (k8s.io/apiserver, pkg/admission/plugin/webhook/mutating/dispatcher.go).
 */
import { parseDuration } from '../../shim/duration.ts';

/** The webhook's default timeout, where the API server does not say one. */
const DEFAULT_TIMEOUT = 10_000;
/** The API server allows 30 s at most. */
const MAX_TIMEOUT = 30_000;

/** @returns milliseconds */
export function patienceOf(url: string): number {
  const at = url.indexOf('timeout=');
  const asked = at < 0 ? undefined : parseDuration(url.slice(at + 'timeout='.length).split('&', 1)[0] ?? '');
  return Math.min(asked ?? DEFAULT_TIMEOUT, MAX_TIMEOUT);
}
