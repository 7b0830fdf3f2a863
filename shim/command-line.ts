/** The shim's arguments: the webhook writes them into a pod, the shim reads them there. */
import {
  ALL,
  DEFAULT_GRACE,
  DEFAULT_READY_TIMEOUT,
  parseContainer,
  parseStarted,
  type ReadinessOptions,
} from './container-arguments.ts';
import { formatDuration } from './duration.ts';
import { unknownRole } from './flags.ts';
import type { AloneGrace, ShimOptions } from './options.ts';
import { BIN_DIR, RUN_DIR } from './paths.ts';
import { parseInstall, parseStatus } from './pod-arguments.ts';
import { formatReadiness } from './readiness-condition.ts';

/**
 * The arguments that make the shim do this (without the shim's own path). Only what differs from the default is
 * written, because people read it in `kubectl describe pod`. A container's list ends with `--`; its command is not
 * part of it (the webhook writes it into the container's `args`).
 */
export function shimFlags(options: ShimOptions): string[] {
  const flags: string[] = [options.role];
  const put = (name: string, value: string) => flags.push(`--${name}=${value}`);
  if (options.role === 'install') {
    if (options.to !== BIN_DIR) put('to', options.to);
    if (options.run !== RUN_DIR) put('run', options.run);
    put('containers', options.containers.join(','));
    return flags;
  }
  if (options.role === 'status') {
    if (options.run !== RUN_DIR) put('run', options.run);
    if (options.output !== 'text') put('output', options.output);
    return flags;
  }
  put('name', options.name);
  if (options.run !== RUN_DIR) put('run', options.run);
  if (options.role === 'started') {
    if (options.delay > 0) put('for', formatDuration(options.delay));
    putReadiness(flags, options);
    return flags;
  }
  put('mains', options.mains.join(','));
  put('sidecars', options.sidecars.join(','));
  if (options.preStop.length > 0) put('pre-stop', options.preStop.join(','));
  put('restart-policy', options.restartPolicy);
  for (const { all, operator, codes } of options.restartRules)
    put('restart-rule', `${all ? ALL : ''}${operator}:${codes.join(',')}`);
  if (options.grace !== DEFAULT_GRACE) put('grace', formatDuration(options.grace));
  if (options.startTimeout !== undefined) put('start-timeout', formatDuration(options.startTimeout));
  if (options.stopSignal !== undefined) put('stop-signal', options.stopSignal);
  if (options.stopTimeout !== undefined) put('stop-timeout', formatDuration(options.stopTimeout));
  if (options.probed) flags.push('--probed');
  if (options.aloneGrace !== undefined) put('alone-grace', formatAloneGrace(options.aloneGrace));
  if (options.hostPid) flags.push('--host-pid');
  if (options.terminationMessage !== undefined) put('termination-message', options.terminationMessage);
  if (options.log !== 'info') put('log', options.log);
  putReadiness(flags, options);
  if (options.byMachine !== undefined)
    put('by-machine', options.byMachine.map(({ machine, words }) => `${machine}:${words}`).join(','));
  flags.push('--');
  return flags;
}

function putReadiness(flags: string[], { ready, readyTimeout }: ReadinessOptions): void {
  if (ready.kind !== 'none') flags.push(`--ready=${formatReadiness(ready)}`);
  if (ready.kind === 'http') for (const header of ready.headers) flags.push(`--ready-header=${header}`);
  if (readyTimeout !== DEFAULT_READY_TIMEOUT) flags.push(`--ready-timeout=${formatDuration(readyTimeout)}`);
}

/**
 * Parse the shim's arguments (without the program's name): the inverse of {@link shimFlags}.
 * @throws {UsageError}
 */
export function parseShimArguments(argv: readonly string[]): ShimOptions {
  const role = argv[0];
  switch (role) {
    case 'main':
    case 'sidecar':
      return parseContainer(role, argv);
    case 'started':
      return parseStarted(argv);
    case 'install':
      return parseInstall(argv);
    case 'status':
      return parseStatus(argv);
    default:
      throw unknownRole(role);
  }
}

function formatAloneGrace({ least, most }: AloneGrace): string {
  return least === most ? formatDuration(least) : `${formatDuration(least)},${formatDuration(most)}`;
}
