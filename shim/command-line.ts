/** The shim's arguments: the webhook writes them into a pod, the shim reads them there. */
import { formatDuration, parseDuration } from './duration.ts';
import { Flags, UsageError } from './flags.ts';
import { parseByMachine } from './machine-words.ts';
import type {
  AloneGrace,
  ContainerOptions,
  Identity,
  InstallOptions,
  RestartPolicy,
  RestartRule,
  ShimOptions,
  StartedOptions,
} from './options.ts';
import { BIN_DIR, NO_MESSAGE, RUN_DIR } from './paths.ts';
import { formatReadiness, parseReadiness } from './readiness-condition.ts';
import { parseSignal } from './signals.ts';
import { parseWhole } from './whole-number.ts';

type ReadinessOptions = Pick<ContainerOptions, 'ready' | 'readyTimeout'>;

const DEFAULT_GRACE = 30_000;
const DEFAULT_READY_TIMEOUT = 1_000;
/** How a restart rule begins that restarts all containers. */
const ALL = 'all:';

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
export function parseShimArguments(argv: string[]): ShimOptions {
  const role = argv[0];
  if (role !== 'install' && role !== 'main' && role !== 'sidecar' && role !== 'started') {
    throw new UsageError(
      `unknown role ${JSON.stringify(role ?? '')}: it is install, main, sidecar or started`,
    );
  }
  const end = role === 'install' || role === 'started' ? argv.length : argv.indexOf('--');
  if (end < 0) throw new UsageError('no "--" before the command');
  const flags = new Flags(argv.slice(1, end));
  const run = flags.one('run') ?? RUN_DIR;
  if (role === 'install') {
    const options: InstallOptions = {
      role,
      to: flags.one('to') ?? BIN_DIR,
      run,
      containers: flags.names('containers'),
    };
    flags.finish();
    return options;
  }
  if (role === 'started') {
    const options: StartedOptions = {
      role,
      name: flags.one('name') ?? '',
      run,
      delay: flags.duration('for') ?? 0,
      ...readinessOf(flags),
    };
    flags.finish();
    if (options.name === '') throw new UsageError('--name is missing');
    return options;
  }
  const startTimeout = flags.duration('start-timeout');
  const stopSignal = flags.one('stop-signal');
  const stopTimeout = flags.duration('stop-timeout');
  if (stopSignal !== undefined && parseSignal(stopSignal) === undefined)
    throw flags.bad('stop-signal', stopSignal, 'TERM');
  const terminationMessage = flags.one('termination-message');
  const machines = flags.one('by-machine');
  const byMachine = machines === undefined ? undefined : parseByMachine(machines);
  if (machines !== undefined && byMachine === undefined)
    throw flags.bad('by-machine', machines, 'amd64:2,arm64:1');
  const options: ContainerOptions = {
    role,
    name: flags.one('name') ?? '',
    run,
    mains: flags.names('mains'),
    sidecars: flags.names('sidecars'),
    preStop: flags.names('pre-stop'),
    restartPolicy: flags.choice('restart-policy', ['Always', 'OnFailure', 'Never']) ?? 'Never',
    restartRules: flags.all('restart-rule').map((text) => {
      const rule = parseRestartRule(text);
      if (rule === undefined) throw flags.bad('restart-rule', text, 'In:42,43');
      return rule;
    }),
    grace: flags.duration('grace') ?? DEFAULT_GRACE,
    ...(startTimeout === undefined ? {} : { startTimeout }),
    ...(stopSignal === undefined ? {} : { stopSignal }),
    ...(stopTimeout === undefined ? {} : { stopTimeout }),
    probed: flags.present('probed'),
    ...aloneGraceOf(flags),
    hostPid: flags.present('host-pid'),
    ...(terminationMessage === undefined ? {} : { terminationMessage }),
    log: flags.choice('log', ['info', 'debug']) ?? 'info',
    ...readinessOf(flags),
    ...(byMachine === undefined ? {} : { byMachine }),
    command: argv.slice(end + 1),
  };
  flags.finish();
  const own = role === 'main' ? options.mains : options.sidecars;
  if (!own.includes(options.name)) throw new UsageError(`--name=${options.name} is not among the ${role}s`);
  if (options.command.length === 0) throw new UsageError('no command after "--"');
  return options;
}

function readinessOf(flags: Flags): ReadinessOptions {
  const text = flags.one('ready') ?? 'none';
  const headers = flags.all('ready-header');
  const ready = parseReadiness(text);
  if (ready === undefined) throw flags.bad('ready', text, 'tcp://:5432');
  if (ready.kind === 'http') ready.headers = headers;
  return { ready, readyTimeout: flags.duration('ready-timeout') ?? DEFAULT_READY_TIMEOUT };
}

function formatAloneGrace({ least, most }: AloneGrace): string {
  return least === most ? formatDuration(least) : `${formatDuration(least)},${formatDuration(most)}`;
}

function aloneGraceOf(flags: Flags): { aloneGrace?: AloneGrace } {
  const text = flags.one('alone-grace');
  if (text === undefined) return {};
  const [least, most = least, ...more] = text.split(',').map(parseDuration);
  if (least === undefined || most === undefined || least > most || more.length > 0)
    throw flags.bad('alone-grace', text, '1s,60s');
  return { aloneGrace: { least, most } };
}

/**
 * Of arguments that do not parse, what is needed to say that their container has ended: as much as can be read. What cannot is taken
 * so that nobody waits for it: `Never`, no rules.
 * @returns undefined where not even the name is known
 */
export function parseIdentity(argv: readonly string[]): Identity | undefined {
  const role = argv[0];
  if (role !== 'main' && role !== 'sidecar') return undefined;
  const end = argv.indexOf('--');
  const flags = new Flags(argv.slice(1, end < 0 ? argv.length : end));
  const [name, ...more] = flags.all('name');
  if (name === undefined || name === '' || name.includes('/') || more.length > 0) return undefined;
  const policies: readonly RestartPolicy[] = ['Always', 'OnFailure', 'Never'];
  const [policy] = flags.all('restart-policy');
  return {
    role,
    name,
    run: flags.all('run')[0] ?? RUN_DIR,
    preStop: flags.all('pre-stop').flatMap((names) => names.split(',')),
    restartPolicy: policies.find((known) => known === policy) ?? 'Never',
    restartRules: flags.all('restart-rule').flatMap((text) => parseRestartRule(text) ?? []),
    probed: flags.present('probed'),
  };
}

/**
 * Where the last words of a container go whose arguments do not parse, as {@link ContainerOptions.terminationMessage} says it.
 * @returns `none` where it is none: a role that is run beside a container's command leaves that one's message alone
 */
export function parseMessagePath(argv: readonly string[]): string | undefined {
  const role = argv[0];
  if (role === 'install') return undefined;
  if (role !== 'main' && role !== 'sidecar') return NO_MESSAGE;
  const end = argv.indexOf('--');
  return new Flags(argv.slice(1, end < 0 ? argv.length : end)).all('termination-message')[0];
}

function parseRestartRule(text: string): RestartRule | undefined {
  const all = text.startsWith(ALL);
  const rule = all ? text.slice(ALL.length) : text;
  const operator = rule.startsWith('In:') ? 'In' : rule.startsWith('NotIn:') ? 'NotIn' : undefined;
  if (operator === undefined) return undefined;
  const codes = rule
    .slice(operator.length + 1)
    .split(',')
    .map(parseWhole);
  return codes.every((code): code is number => code !== undefined && code <= 255)
    ? { operator, codes, ...(all ? { all } : {}) }
    : undefined;
}
