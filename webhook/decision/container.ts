import type { RestartPolicy, RestartRule } from '../../shim/protocol.ts';
import { isRecord, type JsonRecord, member, recordAt, recordsAt, textAt, wholeAt } from '../shared/json.ts';
import { RESTART_ALL, restartPolicyAt } from './pod.ts';
import { type Probe, parseDelay, parseProbe, parseProbeDeadline } from './probe.ts';

export interface MountView {
  index: number;
  /** The volume's name. */
  name: string;
  path: string;
  raw: JsonRecord;
}

/** A container's details that wrapping needs, beside its command. */
export interface ContainerDetails {
  mounts: readonly MountView[];
  /** Where its block devices appear. */
  devicePaths: readonly string[];
  /** Named ports. */
  ports: ReadonlyMap<string, number>;
  /** All TCP ports that it declares. */
  tcpPorts: ReadonlySet<number>;
  startupProbe: Probe | undefined;
  readinessProbe: Probe | undefined;
  hasStartupProbe: boolean;
  hasLivenessProbe: boolean;
  /** Their initialDelaySeconds, in milliseconds; 0 without such a probe. */
  startupDelay: number;
  livenessDelay: number;
  /**
   * Seconds from its start until the kubelet stops it where it answers no probe: the startup probe's, else the liveness probe's,
   * which does not count before a startup probe has succeeded.
   */
  probeDeadline: number | undefined;
  /**
   * The grace periods of the stops that its startup and liveness probe make, in seconds; undefined for the pod's own. A probe may have one
   * for itself from Kubernetes 1.25 on.
   */
  probeGraces: readonly (number | undefined)[];
  hasPostStart: boolean;
  /** It has a postStart hook that may wait for a container: any but `sleep`. */
  hasWaitingHook: boolean;
  hasPreStop: boolean;
  /** resizePolicy (newer Kubernetes): a change of its resources restarts it. */
  restartsOnResize: boolean;
  /** lifecycle.stopSignal (newer Kubernetes), as it is written: `SIGUSR1`. */
  stopSignal: string | undefined;
  terminationMessagePath: string | undefined;
  terminationMessagePolicy: string | undefined;
  /** Its own policy (newer Kubernetes). */
  restartPolicy: RestartPolicy | undefined;
  restartRules: RestartRule[];
}

/**
 * Read a regular container's details.
 * @param raw the container as its author wrote it
 * @throws {ShapeError}
 */
export function parseContainer(index: number, raw: JsonRecord): ContainerDetails {
  const where = `spec.containers[${index}]`;
  const lifecycle = recordAt(raw, 'lifecycle', where);
  const postStart = lifecycle && member(lifecycle, 'postStart');
  const startupProbe = parseProbe(raw, 'startupProbe', where);
  return {
    mounts: parseMounts(raw, where),
    devicePaths: (recordsAt(raw, 'volumeDevices', where) ?? []).map(
      (device) => textAt(device, 'devicePath', `${where}.volumeDevices[]`) ?? '',
    ),
    ports: parsePorts(raw, where),
    tcpPorts: parseTcpPorts(raw, where),
    startupProbe,
    readinessProbe: parseProbe(raw, 'readinessProbe', where),
    hasStartupProbe: startupProbe !== undefined,
    hasLivenessProbe: member(raw, 'livenessProbe') !== undefined,
    startupDelay: parseDelay(raw, 'startupProbe', where),
    livenessDelay: parseDelay(raw, 'livenessProbe', where),
    probeDeadline:
      parseProbeDeadline(raw, 'startupProbe', where) ?? parseProbeDeadline(raw, 'livenessProbe', where),
    probeGraces: ['startupProbe', 'livenessProbe'].flatMap((key) => {
      const probe = recordAt(raw, key, where);
      return probe === undefined ? [] : [wholeAt(probe, 'terminationGracePeriodSeconds', `${where}.${key}`)];
    }),
    hasPostStart: postStart !== undefined,
    hasWaitingHook:
      postStart !== undefined && !(isRecord(postStart) && member(postStart, 'sleep') !== undefined),
    hasPreStop: lifecycle !== undefined && member(lifecycle, 'preStop') !== undefined,
    restartsOnResize: (recordsAt(raw, 'resizePolicy', where) ?? []).some(
      (policy) => member(policy, 'restartPolicy') === 'RestartContainer',
    ),
    stopSignal: lifecycle && textAt(lifecycle, 'stopSignal', `${where}.lifecycle`),
    terminationMessagePath: textAt(raw, 'terminationMessagePath', where),
    terminationMessagePolicy: textAt(raw, 'terminationMessagePolicy', where),
    restartPolicy: restartPolicyAt(raw, where),
    restartRules: parseRestartRules(raw, where),
  };
}

/** A container's or init container's volumeMounts. @throws {ShapeError} */
export function parseMounts(raw: JsonRecord, where: string): readonly MountView[] {
  return (recordsAt(raw, 'volumeMounts', where) ?? []).map((mount, index) => ({
    index,
    name: textAt(mount, 'name', `${where}.volumeMounts[${index}]`) ?? '',
    path: textAt(mount, 'mountPath', `${where}.volumeMounts[${index}]`) ?? '',
    raw: mount,
  }));
}

function parsePorts(raw: JsonRecord, where: string): ReadonlyMap<string, number> {
  const ports = new Map<string, number>();
  for (const port of recordsAt(raw, 'ports', where) ?? []) {
    const number = member(port, 'containerPort');
    const name = textAt(port, 'name', `${where}.ports[]`);
    if (name && typeof number === 'number') ports.set(name, number);
  }
  return ports;
}

function parseTcpPorts(raw: JsonRecord, where: string): ReadonlySet<number> {
  const ports = new Set<number>();
  for (const port of recordsAt(raw, 'ports', where) ?? []) {
    const number = member(port, 'containerPort');
    if (typeof number === 'number' && (textAt(port, 'protocol', `${where}.ports[]`) ?? 'TCP') === 'TCP')
      ports.add(number);
  }
  return ports;
}

/** Rules that restart the container under every policy. Both known actions do (KEP-5307, KEP-5532). */
function parseRestartRules(raw: JsonRecord, where: string): RestartRule[] {
  const rules: RestartRule[] = [];
  for (const rule of recordsAt(raw, 'restartPolicyRules', where) ?? []) {
    const here = `${where}.restartPolicyRules[]`;
    const action = textAt(rule, 'action', here);
    const exitCodes = recordAt(rule, 'exitCodes', here);
    if (exitCodes === undefined || (action !== 'Restart' && action !== RESTART_ALL)) continue;
    const operator = textAt(exitCodes, 'operator', `${here}.exitCodes`);
    const values = member(exitCodes, 'values');
    const codes = Array.isArray(values) ? values.filter(isExitCode) : [];
    if ((operator === 'In' || operator === 'NotIn') && codes.length > 0)
      rules.push({ operator, codes, ...(action === RESTART_ALL ? { all: true } : {}) });
  }
  return rules;
}

function isExitCode(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 255;
}
