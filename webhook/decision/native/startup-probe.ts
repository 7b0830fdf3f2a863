/**
 * A sidecar's readiness condition as the startup probe of a native sidecar (N3). The kubelet starts the next container when it has succeeded.
 *
 * The shim asks from inside the pod, at the loopback address, and the kubelet from the node, at the pod's address. What listens on the loopback
 * address alone never answers the kubelet, and a pod whose startup probe never succeeds stays in Init for ever. So an endpoint that is asked
 * becomes a probe only where something says that the kubelet can reach it, or where the pod's author asked for native mode himself.
 */
import { formatReadiness, type Readiness } from '../../../shim/protocol.ts';
import { isRecord, type JsonRecord, member, recordAt } from '../../shared/json.ts';
import type { ContainerWishes } from '../annotations.ts';
import { chooseCondition, LOOPBACK } from '../condition.ts';
import { escapeExpansion } from '../expansion.ts';
import type { ReadPart } from '../planned-part.ts';
import type { PodView } from '../pod.ts';
import { type ProbeHandler, resolvePort } from '../probe.ts';
import { hasSecretHeader } from '../readiness.ts';
import { containerKey, READY } from '../vocabulary.ts';

/** What a sidecar's condition becomes, and what is said of it. */
export interface NativeReadiness {
  /** Undefined: none is written; the sidecar's own stays. */
  startupProbe?: JsonRecord;
  /** For a person: the condition in the notation of the annotation, or the name of the probe. */
  shown: string;
  /** What the condition loses; each is a sentence without a full stop. */
  losses: readonly string[];
}

/** As long as int32 goes: at one try a second, 68 years. */
const NEVER = 2_147_483_647;

/**
 * @param words all that the container's spec says that it runs
 * @param startTimeout milliseconds; undefined: the mains wait for ever
 */
export function nativeReadiness(
  pod: PodView,
  part: ReadPart,
  words: readonly string[],
  wishes: ContainerWishes,
  startTimeout: number | undefined,
): NativeReadiness {
  const { container, details } = part;
  const { name } = container;
  const give = `give its readiness with ${containerKey(READY, name)}, as exec: or at an address that the kubelet can reach`;
  if (details.hasStartupProbe)
    return {
      shown: 'its own startupProbe',
      losses:
        wishes.ready === undefined
          ? []
          : [`annotation ${containerKey(READY, name)} has no effect: ${name} keeps its own startupProbe`],
    };
  const condition = chooseCondition(pod, part, words, wishes);
  const attempts = attemptsFor(startTimeout);
  switch (condition.from) {
    case 'annotation':
      return fromAnnotation(part, condition.ready, attempts);
    case 'probe': {
      const { probe, handler } = condition;
      return fromReadinessProbe(part, handler, Math.ceil(probe.timeout / 1_000), attempts);
    }
    case 'catalogue': {
      const { said } = condition;
      if (said.kind === 'off') return NOTHING;
      if (said.kind === 'unclear')
        return {
          shown: 'none',
          losses: [
            `sidecar ${name}: where it says that it is ready cannot be told (${said.setting}), so mains do not wait for it; ${give}`,
          ],
        };
      const startupProbe = said.isOpen ? probeOf(said.ready, 1, attempts) : undefined;
      if (startupProbe !== undefined || said.ready.kind === 'none')
        return { ...(startupProbe && { startupProbe }), shown: formatReadiness(said.ready), losses: [] };
      return {
        shown: 'none',
        losses: [
          `sidecar ${name}: it says that it is ready (${formatReadiness(said.ready)}) where the kubelet may not reach it, so mains do not wait for it; ${give}`,
        ],
      };
    }
    case 'nowhere':
      return NOTHING;
    default:
      return condition satisfies never;
  }
}

/** What its author wrote becomes a probe, with a warning where the kubelet may not reach it. */
function fromAnnotation(part: ReadPart, ready: Readiness, attempts: number): NativeReadiness {
  const shown = formatReadiness(ready);
  const startupProbe = probeOf(ready, 1, attempts);
  if (startupProbe === undefined) return { shown, losses: [] };
  if (ready.kind !== 'http' && ready.kind !== 'tcp') return { startupProbe, shown, losses: [] };
  const { name } = part.container;
  const wayOut = `write ${containerKey(READY, name)} as exec:`;
  if (ready.host !== undefined && LOOPBACK.test(ready.host))
    return {
      shown: 'none',
      losses: [
        `sidecar ${name}: mains do not wait for ${shown}, because of the kubelet that is an address of its node: ${wayOut}`,
      ],
    };
  if (isOpen(part, ready)) return { startupProbe, shown, losses: [] };
  return {
    startupProbe,
    shown,
    losses: [
      `sidecar ${name}: the kubelet asks ${shown} from outside the pod, and where that listens on 127.0.0.1 alone the pod stays in Init ` +
        `for ever: have it listen on 0.0.0.0, or ${wayOut}`,
    ],
  };
}

const NOTHING: NativeReadiness = { shown: 'none', losses: [] };

/** One try a second. */
function attemptsFor(startTimeout: number | undefined): number {
  return startTimeout === undefined ? NEVER : Math.min(Math.max(Math.ceil(startTimeout / 1_000), 1), NEVER);
}

/** Every field that the API server would fill in stands here, so that the probe is found again as it was written. */
function withTimes(handler: JsonRecord, timeoutSeconds: number, failureThreshold: number): JsonRecord {
  return { ...handler, timeoutSeconds, periodSeconds: 1, successThreshold: 1, failureThreshold };
}

/** @returns undefined for `none` */
function probeOf(ready: Readiness, timeout: number, attempts: number): JsonRecord | undefined {
  switch (ready.kind) {
    case 'none':
      return undefined;
    case 'exec':
      return withTimes({ exec: { command: ready.command.map(escapeExpansion) } }, timeout, attempts);
    case 'tcp':
      return withTimes({ tcpSocket: { port: ready.port, ...hostOf(ready) } }, timeout, attempts);
    case 'http':
      return withTimes(
        { httpGet: { path: ready.path, port: ready.port, ...hostOf(ready), scheme: 'HTTP' } },
        timeout,
        attempts,
      );
    default:
      return ready satisfies never;
  }
}

function hostOf({ host }: { host?: string }): { host?: string } {
  return host === undefined ? {} : { host };
}

/** A readiness probe's handler, as it is, in a startup probe; of one with headers that look secret only its port (W9). */
function fromReadinessProbe(
  { authored, details, container: { name } }: ReadPart,
  handler: ProbeHandler,
  timeout: number,
  attempts: number,
): NativeReadiness {
  const port = handler.kind === 'http' ? resolvePort(handler.port, details.ports) : undefined;
  if (handler.kind === 'http' && hasSecretHeader(handler))
    return {
      ...(port !== undefined && {
        startupProbe: withTimes(
          { tcpSocket: { port, ...hostOf({ ...(handler.host && { host: handler.host }) }) } },
          timeout,
          attempts,
        ),
      }),
      shown: port === undefined ? 'none' : `tcp://:${port}`,
      losses: [
        `sidecar ${name}: mains ${port === undefined ? 'do not wait for it' : `wait until port ${port} is open, not for its probe`}: the probe's headers may be secret`,
      ],
    };
  const probe = recordAt(authored, 'readinessProbe', `container ${name}`) ?? {};
  const kept = Object.fromEntries(HANDLERS.flatMap((key) => copied(probe, key)));
  return {
    startupProbe: withTimes(kept, timeout, attempts),
    shown: 'what its readinessProbe asks',
    losses: [],
  };
}

/** What the API server fills into a handler (kubernetes: pkg/apis/core/v1/defaults.go). */
const DEFAULTS: Readonly<Record<string, JsonRecord>> = {
  httpGet: { path: '/', scheme: 'HTTP' },
  grpc: { service: '' },
};
const HANDLERS = ['httpGet', 'tcpSocket', 'grpc', 'exec'];

/** A copy, because applying a patch puts its values into a document. */
function copied(probe: JsonRecord, key: string): [string, unknown][] {
  const value = member(probe, key);
  if (value === undefined) return [];
  const defaults = DEFAULTS[key];
  return [[key, isRecord(value) ? { ...defaults, ...structuredClone(value) } : value]];
}

/** Does the kubelet ask this port of the container already, by a probe of its author's? */
function isOpen({ details, authored }: ReadPart, ready: { host?: string; port: number }): boolean {
  if (ready.host !== undefined) return false;
  return ['readinessProbe', 'livenessProbe'].some((key) => {
    const probe = recordAt(authored, key, 'container');
    const asked = probe && (recordAt(probe, 'httpGet', key) ?? recordAt(probe, 'tcpSocket', key));
    if (asked === undefined || member(asked, 'host') !== undefined) return false;
    const port = member(asked, 'port');
    return (
      (typeof port === 'number' || typeof port === 'string') &&
      resolvePort(port, details.ports) === ready.port
    );
  });
}
