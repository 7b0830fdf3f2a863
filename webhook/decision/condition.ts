/** When a sidecar counts as started (L1): where its condition comes from. What is made of it is another matter: a flag of the shim, or a startup probe. */
import type { Readiness } from '../../shim/protocol.ts';
import type { ContainerWishes } from './annotations.ts';
import { type ContainerDetails, parseContainer } from './container.ts';
import type { KnownSidecar } from './known-sidecar.ts';
import type { ReadPart } from './planned-part.ts';
import type { PodView } from './pod.ts';
import { type Probe, type ProbeHandler, resolvePort } from './probe.ts';
import { type SaidReadiness, saidReadiness } from './said-readiness.ts';

export type ProbeKey = 'startupProbe' | 'readinessProbe';

/** A sidecar's condition, as it stands where it was found. */
export type Condition =
  | { from: 'annotation'; ready: Readiness }
  /** said: the catalogue's, where it has one. */
  | { from: 'probe'; key: ProbeKey; probe: Probe; handler: ProbeHandler; said: SaidReadiness | undefined }
  | { from: 'catalogue'; said: SaidReadiness }
  | { from: 'nowhere' };

/**
 * A sidecar's condition: its annotation, else its startup probe, else its readiness probe, else the catalogue's, at the port that its flags,
 * its environment or its ports say. The catalogue's comes before a probe that holds only when the app answers.
 * @param words all that the container runs, as far as it is known
 */
export function chooseCondition(
  pod: PodView,
  { container: { name }, authored: raw, details, known }: ReadPart,
  words: readonly string[],
  wishes: ContainerWishes,
): Condition {
  if (wishes.ready !== undefined) return { from: 'annotation', ready: wishes.ready };
  const said = known && saidReadiness(known, { pod, raw, ports: details.ports, words });
  const probe = known && ignoresProbes(known) ? undefined : ownProbe(pod, name, details, said !== undefined);
  if (probe?.handler !== undefined) {
    const key = details.startupProbe === undefined ? 'readinessProbe' : 'startupProbe';
    return { from: 'probe', key, probe, handler: probe.handler, said };
  }
  return said === undefined ? { from: 'nowhere' } : { from: 'catalogue', said };
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

/** The port at this pod that a probe's handler asks. */
export function localPort(handler: ProbeHandler | undefined, details: ContainerDetails): number | undefined {
  if (handler === undefined || handler.kind === 'exec') return undefined;
  if (handler.kind !== 'grpc' && handler.host !== undefined && !LOOPBACK.test(handler.host)) return undefined;
  return resolvePort(handler.port, details.ports);
}

export const LOOPBACK = /^(?:127\..*|\[?::1\]?)$/;
