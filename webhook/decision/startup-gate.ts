/**
 * Rule L18: no startup or liveness probe counts against a container before its command runs. The kubelet counts both from the
 * container's start, and no liveness probe before a startup probe has succeeded; so a container that waits for others gets a startup
 * probe that asks its shim.
 */
import { RUN_DIR, SHIM_PATH, type StartedOptions, shimFlags } from '../../shim/protocol.ts';
import { isRecord, isTexts, type JsonRecord, member } from '../shared/json.ts';
import type { ContainerDetails } from './container.ts';
import { askableHandler } from './readiness.ts';

/** Seconds. A try blocks as long as the container waits, and one that times out would count as failed: a year. */
const TRY_TIMEOUT = 31_536_000;

/** Where the author wrote no startup probe. A try fails only when it times out; a second between two is the least. */
const OWN_TIMES = { periodSeconds: 1, successThreshold: 1, failureThreshold: 3 };

/**
 * The startup probe that a container needs which waits for others.
 * @param raw the container as its author wrote it
 * @returns undefined where its own probes stay as they are: it has none that stops it, or one that the shim cannot ask for it
 */
export function startupGate(
  name: string,
  raw: JsonRecord,
  details: ContainerDetails,
): JsonRecord | undefined {
  const { startupProbe, hasStartupProbe, hasLivenessProbe, livenessDelay, startupDelay } = details;
  const options = { role: 'started', name, run: RUN_DIR } as const;
  if (!hasStartupProbe)
    return hasLivenessProbe
      ? gate({ ...options, delay: livenessDelay, ready: { kind: 'none' }, readyTimeout: 1_000 }, OWN_TIMES)
      : undefined;
  const condition = startupProbe && askableHandler(name, raw, details, startupProbe);
  const probe = member(raw, 'startupProbe');
  if (condition === undefined || !isRecord(probe)) return undefined;
  const { exec: _exec, httpGet: _http, tcpSocket: _tcp, initialDelaySeconds: _delay, ...times } = probe;
  const { ready, timeout } = condition;
  return gate({ ...options, delay: startupDelay, ready, readyTimeout: timeout }, times);
}

function gate(options: StartedOptions, times: JsonRecord): JsonRecord {
  return { ...times, exec: { command: [SHIM_PATH, ...shimFlags(options)] }, timeoutSeconds: TRY_TIMEOUT };
}

/** Whether a startup probe is one that {@link startupGate} wrote, and the author's own condition is in it. */
export function gateIn(probe: unknown): 'added' | 'replaced' | undefined {
  const exec = isRecord(probe) ? member(probe, 'exec') : undefined;
  const command = isRecord(exec) ? member(exec, 'command') : undefined;
  if (!isTexts(command) || command[0] !== SHIM_PATH || command[1] !== 'started') return undefined;
  return command.some((word) => word.startsWith('--ready=')) ? 'replaced' : 'added';
}
