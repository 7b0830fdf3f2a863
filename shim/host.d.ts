/**
 * The host module (`host.c`): syscalls for the shim. A number below zero is a negative errno. Descriptors are
 * close-on-exec and never 0, 1 or 2.
 */
declare module 'host' {
  /** The program's arguments, without its own name. */
  export function args(): string[];
  /** Leave out `count` of the arguments, from the one that `args()` has at `first`. */
  export function dropArgs(first: number, count: number): number;
  /** What this program was built for: `amd64` or `arm64`. */
  export function machine(): string;
  export function env(name: string): string | undefined;
  /** The path this program was started by. */
  export function executable(): string;
  export function pid(): number;
  /** Whether this process leads its session, as a container's first process does. */
  export function leadsSession(): boolean;
  /** Milliseconds of the monotonic clock, with fractions. */
  export function now(): number;
  /** A random whole number below 2^52. */
  export function random(): number;
  /** Close standard input and output, and use their descriptors from now on: no command will be started any more. */
  export function giveUpCommand(): void;
  export function exit(code: number): never;

  /** A descriptor that delivers every signal (all are blocked since the program's start). */
  export function openSignals(): number;
  /** `sender` is 0 when it came from outside the pid namespace or from the kernel (then `code` > 0). */
  export interface Signal {
    number: number;
    sender: number;
    code: number;
    /** What sigqueue(3) sent with it. */
    queued?: { sender: number; user: number; value: string };
  }
  /** The next signal. */
  export function readSignal(fd: number): Signal | null;
  export function subreaper(): number;
  /** rt_sigqueueinfo(2): pass on a signal as sigqueue(3) sent it (`queued`). */
  export function queueSignal(
    pid: number,
    signal: number,
    sender: number,
    user: number,
    value: string,
  ): number;
  /** kill(2): a negative pid is a process group, -1 is everybody. */
  export function kill(pid: number, signal: number): number;
  /** One child that ended or stopped; null: none right now; -ECHILD: no children. */
  export function reap(): { pid: number; code?: number; signal?: number; stopped?: number } | null | number;
  /**
   * Start `path` with default signals; the pid, or -errno of execve. Where this process leads its session the new one leads one of its own and
   * gets the terminal (the first gets it from us, each later one from the one before); elsewhere it is a job of ours. `argv` is a
   * list, or the index in `args()` of the first argument to pass on, byte for byte.
   * @param silent with no standard input and output, and no terminal
   * @param reaper it becomes a child subreaper (prctl(2)): orphans among its own descendants are its
   */
  export function spawn(path: string, argv: string[] | number, silent: boolean, reaper: boolean): number;
  /** 0 when this is a file that we may execute. */
  export function canExecute(path: string): number;

  /**
   * `r` read or `w` write a regular file that is there; `l` listen to (the reading end) or `f` hold (both ends) a FIFO that is there; `c`
   * create a file anew, and write. None of these follows a link, or opens anything of another kind (-EMEDIUMTYPE), or waits, whatever other
   * processes do to the name meanwhile. `m` read and write a regular file that is there, following no link in the folders of its path either;
   * `path` begins at the root. `x` read, following links.
   */
  export function open(path: string, mode: 'r' | 'w' | 'l' | 'f' | 'c' | 'm' | 'x'): number;
  export function close(fd: number): number;
  /** Up to `max` bytes (at most 65536) as text; empty at the end. */
  export function read(fd: number, max: number): string | number;
  /** Bytes written; `offset` -1 writes where the descriptor stands. */
  export function write(fd: number, text: string, offset: number): number;
  /** fdatasync(2). */
  export function sync(fd: number): number;
  export function copy(from: number, to: number): number;
  /** Milliseconds since the open file's content changed (fstat(2)), by the wall clock. */
  export function age(fd: number): number;
  /** Write to standard error what goes there at once, up to 4,096 bytes in one piece; -EAGAIN: nobody takes it now. The descriptor's flags stay. */
  export function say(text: string): number;
  export function setMode(fd: number, mode: number): number;
  export function rename(from: string, to: string): number;
  export function unlink(path: string): number;
  export function removeFolder(path: string): number;
  export function makeFifo(path: string, mode: number): number;
  /** The names in a folder, at most 4,096 of them, in no order. */
  export function list(folder: string): string[] | number;
  /** The S_IFMT bits of lstat(2). */
  export function kindOf(path: string): number;

  /** A descriptor that becomes readable when a file in the folder comes, changes or goes. */
  export function watch(folder: string): number;
  /** poll(2): what happened to each descriptor, in order. `timeout` in ms, -1 for ever. */
  export function poll(fds: number[], events: number[], timeout: number): number[] | number;

  /** A socket that is connecting to a numeric address. */
  export function connect(address: string, port: number): number;
  /** 0 when the socket is connected, else -errno. */
  export function socketError(fd: number): number;
  /** Numeric addresses of this network namespace's interfaces. */
  export function addresses(): string[];
}
