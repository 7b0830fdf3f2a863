/** A sidecar's readiness condition as users write it. `readiness.ts` tries it. */
import { parseWhole } from './whole-number.ts';

/** What must hold once before a sidecar counts as started. Ports are numbers; no host means this pod. */
export type Readiness =
  | { kind: 'none' }
  | { kind: 'http'; host?: string; port: number; path: string; headers: string[] }
  | { kind: 'tcp'; host?: string; port: number }
  | { kind: 'exec'; command: string[] };

/**
 * Parse a readiness condition as users write it in an annotation and as it stands in `--ready`:
 * `http://[host]:port/path`, `tcp://[host]:port`, `exec: command with words`, `exec:["json","array"]`, `none`.
 * Words of an exec are split at blanks; quotes and `$` mean nothing there: who needs them writes the array.
 * Headers of an http condition come out empty: they have a flag of their own.
 */
export function parseReadiness(text: string): Readiness | undefined {
  if (text === 'none') return { kind: 'none' };
  if (text.startsWith('exec:')) {
    const rest = text.slice(5).trim();
    const command = rest.startsWith('[')
      ? parseStringArray(rest)
      : rest.split(' ').filter((word) => word !== '');
    return command !== undefined && command.length > 0 && command[0] !== ''
      ? { kind: 'exec', command }
      : undefined;
  }
  const scheme = text.startsWith('http://') ? 'http' : text.startsWith('tcp://') ? 'tcp' : undefined;
  if (scheme === undefined) return undefined;
  const rest = text.slice(scheme.length + 3);
  const slash = rest.indexOf('/');
  const authority = slash < 0 ? rest : rest.slice(0, slash);
  const path = slash < 0 ? '/' : rest.slice(slash);
  const colon = authority.lastIndexOf(':');
  if (colon < 0 || hasControlOrBlank(text)) return undefined;
  const port = parsePort(authority.slice(colon + 1));
  let host = authority.slice(0, colon);
  if (host.startsWith('[') && host.endsWith(']')) host = host.slice(1, -1);
  else if (host.includes(':')) return undefined;
  if (!isAddress(host)) return undefined;
  if (port === undefined || (scheme === 'tcp' && slash >= 0)) return undefined;
  const where = host === '' ? { port } : { host, port };
  return scheme === 'tcp' ? { kind: 'tcp', ...where } : { kind: 'http', ...where, path, headers: [] };
}

/** The text that {@link parseReadiness} reads back (an http condition's headers aside). */
export function formatReadiness(ready: Readiness): string {
  switch (ready.kind) {
    case 'none':
      return 'none';
    case 'exec':
      return `exec:${JSON.stringify(ready.command)}`;
    case 'tcp':
      return `tcp://${authority(ready)}`;
    case 'http':
      return `http://${authority(ready)}${ready.path}`;
    default:
      return ready satisfies never;
  }
}

function authority({ host = '', port }: { host?: string; port: number }): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** Parse a JSON array of strings; undefined for anything else. */
export function parseStringArray(text: string): string[] | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  return Array.isArray(value) && value.every((item): item is string => typeof item === 'string')
    ? value
    : undefined;
}

/** The shim has no resolver: a host is a numeric address, localhost, or nothing (this pod). */
function isAddress(host: string): boolean {
  if (host === '' || host === 'localhost') return true;
  const allowed = host.includes(':') ? '0123456789abcdefABCDEF:.' : '0123456789.';
  for (const char of host) if (!allowed.includes(char)) return false;
  return true;
}

function parsePort(text: string): number | undefined {
  const port = parseWhole(text);
  return port !== undefined && port >= 1 && port <= 65_535 ? port : undefined;
}

function hasControlOrBlank(text: string): boolean {
  for (const char of text) if (char <= ' ' || char === '\u007f') return true;
  return false;
}
