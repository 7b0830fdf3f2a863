import { MAX_DURATION_MS } from '../../shim/duration.ts';
import {
  type JsonRecord,
  member,
  recordAt,
  recordsAt,
  ShapeError,
  textAt,
  textsAt,
  wholeAt,
} from '../shared/json.ts';

/** A port as a probe gives it: a number, or the name of one of the container's ports. */
export type ProbePort = number | string;

export type ProbeHandler =
  | {
      kind: 'http';
      https: boolean;
      host: string | undefined;
      port: ProbePort;
      path: string;
      headers: readonly { name: string; value: string }[];
    }
  | { kind: 'tcp'; host: string | undefined; port: ProbePort }
  | { kind: 'grpc'; port: ProbePort }
  | { kind: 'exec'; command: readonly string[] };

/** A startup or readiness probe, as far as it becomes a readiness condition. */
export interface Probe {
  handler: ProbeHandler | undefined;
  /** timeoutSeconds, in milliseconds. */
  timeout: number;
}

/** Read a container's probe. @throws {ShapeError} */
export function parseProbe(container: JsonRecord, key: string, where: string): Probe | undefined {
  const probe = recordAt(container, key, where);
  if (probe === undefined) return undefined;
  const here = `${where}.${key}`;
  const seconds = wholeAt(probe, 'timeoutSeconds', here) ?? 1;
  // 0 means the default, as for the API server. An hour is the longest time for one try.
  const timeout = Math.min(seconds > 0 ? seconds : 1, 3_600) * 1_000;
  return { handler: parseHandler(probe, here), timeout };
}

/** A probe's initialDelaySeconds, in milliseconds; 0 without such a probe. @throws {ShapeError} */
export function parseDelay(container: JsonRecord, key: string, where: string): number {
  const probe = recordAt(container, key, where);
  const seconds = probe === undefined ? 0 : (wholeAt(probe, 'initialDelaySeconds', `${where}.${key}`) ?? 0);
  return Math.min(Math.max(seconds, 0) * 1_000, MAX_DURATION_MS);
}

/**
 * The least time from a container's start until the kubelet stops it because its probe never succeeded, in seconds. The first try is
 * after initialDelaySeconds, the next ones follow every periodSeconds, and failed try number failureThreshold stops the container
 * (kubelet, prober/worker.go).
 * @returns undefined without such a probe
 * @throws {ShapeError}
 */
export function parseProbeDeadline(container: JsonRecord, key: string, where: string): number | undefined {
  const probe = recordAt(container, key, where);
  if (probe === undefined) return undefined;
  const here = `${where}.${key}`;
  // 0 means the default, as for the API server.
  const [delay, period, threshold] = [
    wholeAt(probe, 'initialDelaySeconds', here) ?? 0,
    wholeAt(probe, 'periodSeconds', here) || 10,
    wholeAt(probe, 'failureThreshold', here) || 3,
  ];
  return delay + (threshold - 1) * period;
}

function parseHandler(probe: JsonRecord, where: string): ProbeHandler | undefined {
  const http = recordAt(probe, 'httpGet', where);
  if (http !== undefined) {
    const here = `${where}.httpGet`;
    const headers = recordsAt(http, 'httpHeaders', here) ?? [];
    return {
      kind: 'http',
      https: (textAt(http, 'scheme', here) ?? 'HTTP').toUpperCase() === 'HTTPS',
      host: textAt(http, 'host', here) || undefined,
      port: portAt(http, here),
      path: textAt(http, 'path', here) ?? '/',
      headers: headers.map((header) => ({
        name: textAt(header, 'name', `${here}.httpHeaders[]`) ?? '',
        value: textAt(header, 'value', `${here}.httpHeaders[]`) ?? '',
      })),
    };
  }
  const tcp = recordAt(probe, 'tcpSocket', where);
  if (tcp !== undefined) {
    const here = `${where}.tcpSocket`;
    return { kind: 'tcp', host: textAt(tcp, 'host', here) || undefined, port: portAt(tcp, here) };
  }
  const grpc = recordAt(probe, 'grpc', where);
  if (grpc !== undefined) return { kind: 'grpc', port: portAt(grpc, `${where}.grpc`) };
  const exec = recordAt(probe, 'exec', where);
  const command = exec && textsAt(exec, 'command', `${where}.exec`);
  return command !== undefined && command.length > 0 ? { kind: 'exec', command } : undefined;
}

function portAt(handler: JsonRecord, where: string): ProbePort {
  const port = member(handler, 'port');
  if (typeof port === 'number' || typeof port === 'string') return port;
  throw new ShapeError(`${where}.port is neither a number nor a name`);
}

/**
 * A probe's port as a number.
 * @param ports the container's named ports
 * @returns undefined where it is none, or a name that the container does not declare
 */
export function resolvePort(port: ProbePort, ports: ReadonlyMap<string, number>): number | undefined {
  const number = typeof port === 'number' ? port : (ports.get(port) ?? Number(port));
  return Number.isInteger(number) && number >= 1 && number <= 65_535 ? number : undefined;
}
