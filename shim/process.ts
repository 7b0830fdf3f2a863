/** The container's process: found, started, told, reaped, and nothing of it left behind. Rules P1 to P4. */
import host from 'host';
import { ECHILD, ENOENT, reason } from './errors.ts';
import { SIGKILL } from './signals.ts';

/** What runtimes set where an image has no PATH of its own. */
const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const EXIT_NOT_EXECUTABLE = 126;
const EXIT_NOT_FOUND = 127;
const POLLIN = 1;
/** How long killed processes may take to vanish (uninterruptible sleep, a stopped tracer) before we go on without. */
const REAP_PATIENCE = 2_000;

/** Why a command could not be started, and the exit code that says so. */
export interface NotStarted {
  code: number;
  /** With the command's name. */
  reason: string;
  /** Without it. */
  why: string;
}

/**
 * Start a command in this container's working directory, environment and terminal.
 * @param argv its words, or the index of the first in the shim's own arguments (those go on byte for byte)
 * @param silent with no standard input and output: for readiness conditions
 * @returns its pid
 */
export function startProcess(command: string, argv: string[] | number, silent: boolean): number | NotStarted {
  const quoted = JSON.stringify(command);
  const path = findCommand(command);
  if (typeof path !== 'string') {
    const code = path === -ENOENT ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTABLE;
    const where = command.includes('/') ? '' : ' in PATH';
    const why = path === -ENOENT ? `command not found${where}` : `cannot execute: ${reason(path)}`;
    return { code, reason: `${quoted}: ${why}`, why };
  }
  const pid = host.spawn(path, argv, silent, !silent && asksWhetherItReaps(path) && host.pid() === 1);
  if (pid > 0) return pid;
  const cause = pid === -ENOENT ? 'the interpreter or loader that it names is not there' : reason(pid);
  const why = `cannot execute: ${cause}`;
  return { code: EXIT_NOT_EXECUTABLE, reason: `${quoted}: ${why}`, why };
}

/**
 * Whether this program warns where orphans do not become its own: tini, also under the name that Docker gives it. It is no process 1 under us; a
 * child subreaper satisfies it. Only those that ask become one: with any other command an orphan would see another parent than
 * process 1, which many take for the sign that theirs has ended, and would stay a zombie where the command does not reap.
 */
function asksWhetherItReaps(path: string): boolean {
  const name = path.slice(path.lastIndexOf('/') + 1);
  return name === 'tini' || name.startsWith('tini-') || name === 'docker-init';
}

/** The first executable of that name in PATH; or the negative errno that says most about why there is none. */
function findCommand(command: string): string | number {
  if (command === '') return -ENOENT;
  if (command.includes('/')) {
    const result = host.canExecute(command);
    return result < 0 ? notFoundOr(result) : command;
  }
  let worst = -ENOENT;
  for (const folder of (host.env('PATH') ?? DEFAULT_PATH).split(':')) {
    const path = `${folder === '' ? '.' : folder}/${command}`;
    const result = host.canExecute(path);
    if (result >= 0) return path;
    if (notFoundOr(result) !== -ENOENT) worst = result;
  }
  return worst;
}

/** A path that leads through a file is as little there as a missing one. */
function notFoundOr(result: number): number {
  const ENOTDIR = 20;
  return result === -ENOTDIR ? -ENOENT : result;
}

/**
 * KILL the process's group and everything else that it left, and reap it.
 * @param guests as process 1, also what the container runtime has started beside it (exec probes and hooks, `kubectl exec`), which would end with a bare
 *   container's process too
 */
export function killLeftovers(leader: number, signals: number, guests: boolean): void {
  if (guests && host.pid() === 1) host.kill(-1, SIGKILL);
  if (reapAll()) return;
  const until = host.now() + REAP_PATIENCE;
  const own = host.pid();
  for (;;) {
    // As process 1 everybody else in the container is ours to end, as the kernel would do on our own exit.
    if (own === 1) host.kill(-1, SIGKILL);
    else {
      host.kill(-leader, SIGKILL);
      for (const child of children(own)) host.kill(child, SIGKILL);
    }
    if (reapAll() || host.now() >= until) return;
    // A pending SIGCHLD ends this wait at once; a lost one costs 10 ms.
    host.poll([signals], [POLLIN], 10);
  }
}

/** Reap who has ended; whether nobody is left. What a process leaves becomes our child: none means that it left nothing. */
function reapAll(): boolean {
  let reaped = host.reap();
  while (reaped !== null && typeof reaped !== 'number') reaped = host.reap();
  return reaped === -ECHILD;
}

/** Our children by /proc, where it is there; a subreaper's orphans are among them. */
function children(own: number): number[] {
  const fd = host.open(`/proc/self/task/${own}/children`, 'x');
  if (fd < 0) return [];
  const text = host.read(fd, 65_536);
  host.close(fd);
  return typeof text === 'string'
    ? text
        .split(' ')
        .map(Number)
        .filter((pid) => pid > 0)
    : [];
}
