/** The arguments of the roles that run beside one container's command, or run it: `main`, `sidecar`, `started`. `command-line.ts` writes them. */
import { parseDuration } from './duration.ts';
import { Flags, UsageError } from './flags.ts';
import { parseByMachine } from './machine-words.ts';
import type {
  AloneGrace,
  ContainerOptions,
  Identity,
  RestartPolicy,
  RestartRule,
  StartedOptions,
} from './options.ts';
import { NO_MESSAGE, RUN_DIR } from './paths.ts';
import { parseReadiness } from './readiness-condition.ts';
import { parseSignal } from './signals.ts';
import { parseWhole } from './whole-number.ts';

export type ReadinessOptions = Pick<ContainerOptions, 'ready' | 'readyTimeout'>;

/** How a restart rule begins that restarts all containers. */
export const ALL = 'all:';
export const DEFAULT_GRACE = 30_000;
export const DEFAULT_READY_TIMEOUT = 1_000;

/**
 * Parse the arguments of `main` or `sidecar`, the role first.
 * @throws {UsageError}
 */
export function parseContainer(role: ContainerOptions['role'], argv: readonly string[]): ContainerOptions {
  const end = argv.indexOf('--');
  if (end < 0) throw new UsageError('no "--" before the command');
  const flags = new Flags(argv.slice(1, end));
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
    run: flags.one('run') ?? RUN_DIR,
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

/**
 * Parse the arguments of `started`, the role first.
 * @throws {UsageError}
 */
export function parseStarted(argv: readonly string[]): StartedOptions {
  const flags = new Flags(argv.slice(1));
  const options: StartedOptions = {
    role: 'started',
    name: flags.one('name') ?? '',
    run: flags.one('run') ?? RUN_DIR,
    delay: flags.duration('for') ?? 0,
    ...readinessOf(flags),
  };
  flags.finish();
  if (options.name === '') throw new UsageError('--name is missing');
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
 * @returns `none` for a role that is run beside a container's command: it leaves that one's message alone
 */
export function parseMessagePath(argv: readonly string[]): string | undefined {
  const role = argv[0];
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
