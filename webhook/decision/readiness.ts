import { formatReadiness, parseReadiness, type Readiness } from '../../shim/protocol.ts';
import type { JsonRecord } from '../shared/json.ts';
import type { ContainerWishes } from './annotations.ts';
import { chooseCondition } from './condition.ts';
import type { ContainerDetails } from './container.ts';
import { warnOfContradiction } from './contradiction.ts';
import { escapeExpansion, staticExpansion } from './expansion.ts';
import type { ReadPart } from './planned-part.ts';
import type { PodView } from './pod.ts';
import { type Probe, type ProbeHandler, resolvePort } from './probe.ts';
import type { SaidReadiness } from './said-readiness.ts';
import { containerKey, READY } from './vocabulary.ts';

/** What the shim asks until a sidecar counts as started (L1). */
interface Asked {
  ready: Readiness;
  /** Milliseconds for one try. */
  timeout: number;
}

const NONE: Asked = { ready: { kind: 'none' }, timeout: 1_000 };

/**
 * A sidecar's readiness condition ({@link chooseCondition}) as the shim asks it. All texts come out escaped for the kubelet's expansion, since
 * they become arguments of the shim.
 * @param words the command that its shim runs
 * @param warn is told what a probe loses on the way, and where it contradicts the container's own flags
 */
export function deriveReadiness(
  pod: PodView,
  part: ReadPart,
  words: readonly string[],
  wishes: ContainerWishes,
  warn: (text: string) => void,
): Asked {
  const { container, authored: raw, details, known } = part;
  const { name } = container;
  const condition = chooseCondition(pod, part, words, wishes);
  switch (condition.from) {
    case 'annotation':
      return { ready: literal(condition.ready), timeout: NONE.timeout };
    case 'probe': {
      const { probe, handler, said } = condition;
      if (said !== undefined) warnOfContradiction(name, raw, details, handler, known, said, warn);
      return fromProbe(name, raw, details, probe, handler, fromCatalogue(said), warn);
    }
    case 'catalogue':
      if (condition.said.kind === 'unclear')
        warn(
          `sidecar ${name}: where it says that it is ready cannot be told (${condition.said.setting}), so mains do not wait for it; ` +
            `give its readiness with ${containerKey(READY, name)}`,
        );
      return fromCatalogue(condition.said);
    case 'nowhere':
      return NONE;
    default:
      return condition satisfies never;
  }
}

function fromCatalogue(said: SaidReadiness | undefined): Asked {
  return said?.kind === 'known' ? { ready: literal(said.ready), timeout: NONE.timeout } : NONE;
}

/**
 * The condition that the shim asks in place of a startup probe's own handler.
 * @returns undefined where it would ask something else: gRPC, HTTPS, a host name, a header that looks secret
 */
export function askableHandler(
  name: string,
  raw: JsonRecord,
  details: ContainerDetails,
  probe: Probe,
): Asked | undefined {
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
  otherwise: Asked,
  warn: (text: string) => void,
): Asked {
  const give = `give its readiness with ${containerKey(READY, name)}`;
  const without = (why: string): Asked => {
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
  if (handler.kind === 'http' && hasSecretHeader(handler)) {
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

/** Has the probe a header whose value may be a secret? */
export function hasSecretHeader({ headers }: { headers: readonly { name: string }[] }): boolean {
  return headers.some(({ name }) => SECRET.test(name));
}

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
