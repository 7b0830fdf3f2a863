import { formatReadiness, parseReadiness, type Readiness } from '../../shim/protocol.ts';
import type { JsonRecord } from '../shared/json.ts';
import type { ContainerWishes } from './annotations.ts';
import { type ContainerDetails, parseContainer } from './container.ts';
import { warnOfContradiction } from './contradiction.ts';
import { escapeExpansion, staticExpansion } from './expansion.ts';
import type { KnownSidecar } from './known-sidecar.ts';
import type { ReadPart } from './planned-part.ts';
import type { PodView } from './pod.ts';
import { type Probe, type ProbeHandler, resolvePort } from './probe.ts';
import { saidReadiness } from './said-readiness.ts';
import { containerKey, READY } from './vocabulary.ts';

/** When a sidecar counts as started (L1). */
interface Condition {
  ready: Readiness;
  /** Milliseconds for one try. */
  timeout: number;
}

const NONE: Condition = { ready: { kind: 'none' }, timeout: 1_000 };

/**
 * A sidecar's readiness condition: its annotation, else its startup probe, else its readiness probe, else the catalogue's, at the
 * port that its flags, its environment or its ports say. The catalogue's comes before a probe that holds only when the app answers.
 * All texts come out escaped for the kubelet's expansion, since they become arguments of the shim.
 * @param words the command that its shim runs
 * @param warn is told what a probe loses on the way, and where it contradicts the container's own flags
 */
export function deriveReadiness(
  pod: PodView,
  { container: { name }, authored: raw, details, known }: ReadPart,
  words: readonly string[],
  wishes: ContainerWishes,
  warn: (text: string) => void,
): Condition {
  if (wishes.ready !== undefined) return { ready: literal(wishes.ready), timeout: NONE.timeout };
  const said = known && saidReadiness(known, { pod, raw, ports: details.ports, words });
  const probe = known && ignoresProbes(known) ? undefined : ownProbe(pod, name, details, said !== undefined);
  const otherwise: Condition =
    said?.kind === 'known' ? { ready: literal(said.ready), timeout: NONE.timeout } : NONE;
  if (probe?.handler !== undefined) {
    if (said !== undefined) warnOfContradiction(name, raw, details, probe.handler, known, said, warn);
    return fromProbe(name, raw, details, probe, probe.handler, otherwise, warn);
  }
  if (said?.kind === 'unclear')
    warn(
      `sidecar ${name}: where it says that it is ready cannot be told (${said.setting}), so mains do not wait for it; ` +
        `give its readiness with ${containerKey(READY, name)}`,
    );
  return otherwise;
}

/** Of a known sidecar, a readiness probe of another container's port is none: it asks through the proxy whether the pod serves. */
function ownProbe(
  pod: PodView,
  name: string,
  details: ContainerDetails,
  isKnown: boolean,
): Probe | undefined {
  const { startupProbe, readinessProbe, tcpPorts } = details;
  if (startupProbe !== undefined || !isKnown) return startupProbe ?? readinessProbe;
  const port = localPort(readinessProbe?.handler, details);
  if (port === undefined || tcpPorts.has(port)) return readinessProbe;
  const isAnothers = pod.containers.some(
    (other) => other.name !== name && parseContainer(other.index, other.raw).tcpPorts.has(port),
  );
  return isAnothers ? undefined : readinessProbe;
}

/** A condition of `none` says so too: it would be no default for a sidecar whose probe counts. */
function ignoresProbes({ ignoreProbes, ready }: KnownSidecar): boolean {
  return ignoreProbes === true || ready === 'none';
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
  if (wishes.ready !== undefined || details.startupProbe !== undefined) return undefined;
  if (known?.ready !== undefined) return undefined;
  return localPort(details.readinessProbe?.handler, details);
}

function localPort(handler: ProbeHandler | undefined, details: ContainerDetails): number | undefined {
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
  const condition = fromProbe(name, raw, details, probe, probe.handler, NONE, () => {
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
  otherwise: Condition,
  warn: (text: string) => void,
): Condition {
  const give = `give its readiness with ${containerKey(READY, name)}`;
  const without = (why: string): Condition => {
    const instead =
      otherwise === NONE ? 'do not wait for it' : `wait for ${formatReadiness(otherwise.ready)}`;
    warn(`sidecar ${name}: its probe ${why}, so mains ${instead}; ${give}`);
    return otherwise;
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
