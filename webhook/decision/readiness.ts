import { parseReadiness, type Readiness } from '../../shim/protocol.ts';
import type { JsonRecord } from '../shared/json.ts';
import type { ContainerWishes } from './annotations.ts';
import type { ContainerDetails } from './container.ts';
import { escapeExpansion, staticExpansion } from './expansion.ts';
import type { KnownSidecar } from './known-sidecar.ts';
import type { Probe, ProbeHandler, ProbePort } from './probe.ts';
import { containerKey, READY } from './vocabulary.ts';

/** When a sidecar counts as started (L1). */
interface Condition {
  ready: Readiness;
  /** Milliseconds for one try. */
  timeout: number;
}

const NONE: Condition = { ready: { kind: 'none' }, timeout: 1_000 };

/**
 * A sidecar's readiness condition: its annotation, else the catalogue's, else its startup probe, else its readiness probe.
 * All texts come out escaped for the kubelet's expansion, since they become arguments of the shim.
 * @param warn W8: what a probe loses as a readiness condition
 */
export function deriveReadiness(
  name: string,
  raw: JsonRecord,
  details: ContainerDetails,
  wishes: ContainerWishes,
  known: KnownSidecar | undefined,
  warn: (text: string) => void,
): Condition {
  if (wishes.ready !== undefined) return { ready: literal(wishes.ready), timeout: NONE.timeout };
  const catalogued = known?.ready === undefined ? undefined : parseReadiness(known.ready);
  if (catalogued !== undefined) return { ready: literal(catalogued), timeout: NONE.timeout };
  const probe = details.startupProbe ?? details.readinessProbe;
  if (probe?.handler === undefined) return NONE;
  return fromProbe(name, raw, details, probe, probe.handler, warn);
}

/**
 * The port of this pod that a sidecar's condition asks, where the condition is its readiness probe. A startup probe asks the sidecar
 * itself; a readiness probe may ask through it whether the pod serves.
 */
export function readinessProbePort(
  details: ContainerDetails,
  wishes: ContainerWishes,
  known: KnownSidecar | undefined,
): number | undefined {
  if (wishes.ready !== undefined || known?.ready !== undefined || details.startupProbe !== undefined)
    return undefined;
  const handler = details.readinessProbe?.handler;
  if (handler === undefined || handler.kind === 'exec') return undefined;
  if (handler.kind !== 'grpc' && handler.host !== undefined && !LOOPBACK.test(handler.host)) return undefined;
  return resolvePort(handler.port, details.ports);
}

const LOOPBACK = /^(?:127\..*|\[?::1\]?)$/;

/**
 * The condition that the shim asks in place of a startup probe's own handler.
 * @returns undefined where it would ask something else: gRPC, HTTPS, a host name, a header that looks secret
 */
export function askableHandler(
  name: string,
  raw: JsonRecord,
  details: ContainerDetails,
  probe: Probe,
): Condition | undefined {
  if (probe.handler === undefined) return undefined;
  let isExact = true;
  const condition = fromProbe(name, raw, details, probe, probe.handler, () => {
    isExact = false;
  });
  return isExact ? condition : undefined;
}

function fromProbe(
  name: string,
  raw: JsonRecord,
  details: ContainerDetails,
  { timeout }: Probe,
  handler: ProbeHandler,
  warn: (text: string) => void,
): Condition {
  const give = `give its readiness with ${containerKey(READY, name)}`;
  const without = (why: string): Condition => {
    warn(`sidecar ${name}: its probe ${why}, so mains do not wait for it; ${give}`);
    return NONE;
  };
  if (handler.kind === 'exec') {
    const command = handler.command.map((word) => staticExpansion(word, raw));
    if (!command.every((word) => word !== undefined))
      return without('uses a variable whose value cannot be an argument');
    return { ready: { kind: 'exec', command }, timeout };
  }
  const port = resolvePort(handler.port, details.ports);
  if (port === undefined) return without('names a port that the container does not declare');
  const host = handler.kind === 'grpc' ? undefined : handler.host;
  if (host !== undefined && parseReadiness(`tcp://${bracketed(host)}:${port}`) === undefined)
    return without('has a host name, which the shim cannot resolve');
  const where = host === undefined ? { port } : { host, port };
  // Every process in the pod's namespaces can read the flags, so a header that may be secret stays in the probe (W9).
  if (handler.kind === 'http' && handler.headers.some(({ name: header }) => SECRET.test(header))) {
    warn(
      `sidecar ${name}: mains wait until port ${port} is open, not for its probe, whose headers may be secret; ${give}`,
    );
    return { ready: { kind: 'tcp', ...where }, timeout };
  }
  if (handler.kind === 'http' && !handler.https)
    return {
      ready: literal({
        kind: 'http',
        ...where,
        path: requestPath(handler.path),
        headers: headerLines(name, handler.headers, warn),
      }),
      timeout,
    };
  if (handler.kind !== 'tcp')
    warn(
      `sidecar ${name}: mains wait until port ${port} is open, not for its ${handler.kind === 'grpc' ? 'grpc' : 'https'} probe; ${give}`,
    );
  return { ready: { kind: 'tcp', ...where }, timeout };
}

function resolvePort(port: ProbePort, ports: ReadonlyMap<string, number>): number | undefined {
  const number = typeof port === 'number' ? port : (ports.get(port) ?? Number(port));
  return Number.isInteger(number) && number >= 1 && number <= 65_535 ? number : undefined;
}

function bracketed(host: string): string {
  return host.includes(':') && !host.startsWith('[') ? `[${host}]` : host;
}

/** The path as the kubelet's request has it: rooted, without fragment, blanks and controls percent-encoded. */
function requestPath(path: string): string {
  const rooted = path.startsWith('/') ? path : `/${path}`;
  const [sent = '/'] = rooted.split('#', 1);
  return /^[!-~]*$/.test(sent)
    ? sent
    : sent.replace(/[^!-~]/gu, (char) => encodeURIComponent(char.toWellFormed()));
}

/** Names of headers whose values may be secrets. */
const SECRET = /auth|cookie|token|key|secret|password|session/i;

/** `Name: value` lines. A value that would break the request is left out; values are never shown. */
function headerLines(
  container: string,
  headers: readonly { name: string; value: string }[],
  warn: (text: string) => void,
): string[] {
  return headers.flatMap(({ name, value }) => {
    if (/^[-!#$%&'*+.^_`|~0-9A-Za-z]+$/.test(name) && !CONTROL.test(value)) return [`${name}: ${value}`];
    warn(`sidecar ${container}: a header of its probe cannot be sent and is left out`);
    return [];
  });
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
const CONTROL = /[\u0000-\u001f\u007f]/;

/** Escape a condition that holds no variables, so that the kubelet expands nothing in it. */
function literal(ready: Readiness): Readiness {
  switch (ready.kind) {
    case 'http':
      return { ...ready, path: escapeExpansion(ready.path), headers: ready.headers.map(escapeExpansion) };
    case 'exec':
      return { ...ready, command: ready.command.map(escapeExpansion) };
    case 'none':
    case 'tcp':
      return ready;
    default:
      return ready satisfies never;
  }
}
