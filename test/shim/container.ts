/** One real process under the shim: what it says, how it ends, and signals to it from outside, as a runtime sends them. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync, readlinkSync } from 'node:fs';
import { constants } from 'node:os';
import { until, within } from './patience.ts';

/** How a container's process ended: its exit code, 128+n for signal n as runtimes count it. */
export type ExitCode = number;

/** Signals that end a process by KILL, by number: Node takes names only. */
export const KILL = constants.signals.SIGKILL;
export const TERM = constants.signals.SIGTERM;

export interface Surroundings {
  cwd?: string;
  /** The whole environment. */
  env?: NodeJS.ProcessEnv;
  stdin?: 'pipe' | 'ignore';
}

/** A running container. */
export class Container {
  readonly name: string;
  /** Its exit code, once it has ended and nobody holds its output any more. */
  readonly exit: Promise<ExitCode>;
  private readonly process: ChildProcess;
  private readonly out: Buffer[] = [];
  private readonly err: Buffer[] = [];
  private shim = 0;
  private over = false;

  constructor(name: string, argv: string[], surroundings: Surroundings) {
    this.name = name;
    const [file = '', ...args] = argv;
    this.process = spawn(file, args, {
      stdio: [surroundings.stdin ?? 'ignore', 'pipe', 'pipe'],
      env: surroundings.env ?? { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
      ...(surroundings.cwd === undefined ? {} : { cwd: surroundings.cwd }),
    });
    this.process.stdout?.on('data', (chunk: Buffer) => this.out.push(chunk));
    this.process.stderr?.on('data', (chunk: Buffer) => this.err.push(chunk));
    this.exit = new Promise((resolve, reject) => {
      this.process.on('error', reject);
      this.process.on('close', (code, signal) => {
        this.over = true;
        resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal]));
      });
    });
    // A test that fails before it asks for the exit must not take the others along.
    this.exit.catch(() => undefined);
  }

  /** Whether it has ended. */
  get ended(): boolean {
    return this.over;
  }

  get stdout(): string {
    return Buffer.concat(this.out).toString();
  }

  get stderr(): string {
    return Buffer.concat(this.err).toString();
  }

  /** What it said, for a failing test. */
  get words(): string {
    return `--- ${this.name}, ${this.over ? 'ended' : 'running'}; stdout:\n${this.stdout}--- stderr:\n${this.stderr}`;
  }

  /** Write to its standard input; without text, end it. */
  write(text?: string): void {
    if (text === undefined) this.process.stdin?.end();
    else this.process.stdin?.write(text);
  }

  /** Its exit code, or a failure that shows what it said. */
  async code(): Promise<ExitCode> {
    return await within(`${this.name} to end`, this.exit, () => this.words);
  }

  /** Wait for this text on its standard error, or output. */
  async says(text: string, where: 'stderr' | 'stdout' = 'stderr'): Promise<void> {
    await until(
      `${this.name} to say "${text}" on ${where}`,
      () => {
        if (this[where].includes(text)) return true;
        if (this.over)
          throw new Error(`${this.name} ended and never said "${text}" on ${where}\n${this.words}`);
        return undefined;
      },
      () => this.words,
    );
  }

  /** The shim's own pid, as this test sees it. */
  async pid(): Promise<number> {
    this.shim ||= await until(
      `the shim of ${this.name}`,
      () => {
        if (this.over) throw new Error(`${this.name} ended\n${this.words}`);
        return findShim(this.process.pid ?? 0);
      },
      () => this.words,
    );
    return this.shim;
  }

  /** The pid of what was started, where that is no shim. */
  bystander(): number {
    if (this.process.pid === undefined) throw new Error(`${this.name} was not started`);
    return this.process.pid;
  }

  /** The shim's process's pid, once it is there, as this test sees it. */
  async childPid(): Promise<number> {
    const shim = await this.pid();
    return await until(`the process of ${this.name}`, () => childrenOf(shim)[0]);
  }

  /** Signal the shim from outside its pid namespace, as a container runtime does. */
  async signal(signal: number): Promise<void> {
    process.kill(await this.pid(), signal);
  }

  /** End everything of it, now: the shim, what started it, and by the namespace all its processes. */
  async destroy(): Promise<void> {
    if (this.over || this.process.pid === undefined) return;
    for (const pid of descendants(this.process.pid).reverse()) {
      try {
        process.kill(pid, KILL);
      } catch {
        // It has gone by itself.
      }
    }
    await this.exit;
  }
}

/** A field of /proc/PID/status, undefined when there is no such process. */
export function statusOf(pid: number, field: string): string | undefined {
  const line = read(`/proc/${pid}/status`)
    ?.split('\n')
    .find((item) => item.startsWith(`${field}:`));
  return line?.slice(field.length + 1).trim();
}

export function childrenOf(pid: number): number[] {
  const text = read(`/proc/${pid}/task/${pid}/children`) ?? '';
  return text.split(' ').map(Number).filter(Boolean);
}

/** The name of the program that a process runs, as far as the kernel keeps it. */
export function programOf(pid: number): string | undefined {
  return read(`/proc/${pid}/comm`)?.trim();
}

function descendants(pid: number): number[] {
  return [pid, ...childrenOf(pid).flatMap(descendants)];
}

/** What starts a shim (unshare, nsenter, ...) becomes it or has it for its child. */
function findShim(pid: number): number | undefined {
  for (let at: number | undefined = pid; at !== undefined; at = childrenOf(at)[0]) {
    let executable: string;
    try {
      executable = readlinkSync(`/proc/${at}/exe`);
    } catch {
      return undefined;
    }
    if (/\/(curfew-shim|qemu-)[^/]*$/.test(executable)) return at;
  }
  return undefined;
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
