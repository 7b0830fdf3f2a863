/**
 * The host module (`host.c`): syscalls for the shim. A number below zero is a negative errno. Descriptors are
 * close-on-exec and never 0, 1 or 2.
 */
declare module 'host' {
  /** `sender` is 0 when it came from outside the pid namespace or from the kernel (then `code` > 0). */
  export interface Signal {
    number: number;
    sender: number;
    code: number;
    /** What sigqueue(3) sent with it. */
    queued?: { sender: number; user: number; value: string };
  }

  /** One object, whose functions the engine makes when they are first called: as exports of the module they took a fourteenth of the shim's start. */
  interface Host {
    /** The program's arguments, without its own name. */
    args(): string[];
    /** Leave out `count` of the arguments, from the one that `args()` has at `first`. */
    dropArgs(first: number, count: number): number;
    /** What this program was built for: `amd64` or `arm64`. */
    machine(): string;
    env(name: string): string | undefined;
    /** The path this program was started by. */
    executable(): string;
    pid(): number;
    /** Whether this process leads its session, as a container's first process does. */
    leadsSession(): boolean;
    /** Milliseconds of the monotonic clock, with fractions. */
    now(): number;
    /** A random whole number below 2^52. */
    random(): number;
    /** Close standard input and output, and use their descriptors from now on: no command will be started any more. */
    giveUpCommand(): void;
    exit(code: number): never;

    /** A descriptor that delivers every signal (all are blocked since the program's start). */
    openSignals(): number;
    /** The next signal. */
    readSignal(fd: number): Signal | null;
    subreaper(): number;
    /** rt_sigqueueinfo(2): pass on a signal as sigqueue(3) sent it (`queued`). */
    queueSignal(pid: number, signal: number, sender: number, user: number, value: string): number;
    /** kill(2): a negative pid is a process group, -1 is everybody. */
    kill(pid: number, signal: number): number;
    /** One child that ended or stopped; null: none right now; -ECHILD: no children. */
    reap(): { pid: number; code?: number; signal?: number; stopped?: number } | null | number;
    /**
     * Start `path` with default signals; the pid, or -errno of execve. Where this process leads its session the new one leads one of its own and
     * gets the terminal (the first gets it from us, each later one from the one before); elsewhere it is a job of ours. `argv` is a
     * list, or the index in `args()` of the first argument to pass on, byte for byte.
     * @param silent with no standard input and output, and no terminal
     * @param reaper it becomes a child subreaper (prctl(2)): orphans among its own descendants are its
     */
    spawn(path: string, argv: string[] | number, silent: boolean, reaper: boolean): number;
    /** 0 when this is a file that we may execute. */
    canExecute(path: string): number;

    /**
     * `r` read or `w` write a regular file that is there; `l` listen to (the reading end) or `f` hold (both ends) a FIFO that is there; `c`
     * create a file anew, and write. None of these follows a link, or opens anything of another kind (-EMEDIUMTYPE), or waits, whatever other
     * processes do to the name meanwhile. `m` read and write a regular file that is there, following no link in the folders of its path either;
     * `path` begins at the root. `x` read, following links.
     */
    open(path: string, mode: 'r' | 'w' | 'l' | 'f' | 'c' | 'm' | 'x'): number;
    close(fd: number): number;
    /** Up to `max` bytes (at most 65536) as text; empty at the end. */
    read(fd: number, max: number): string | number;
    /** Bytes written; `offset` -1 writes where the descriptor stands. */
    write(fd: number, text: string, offset: number): number;
    /** fdatasync(2). */
    sync(fd: number): number;
    copy(from: number, to: number): number;
    /** Milliseconds since the open file's content changed (fstat(2)), by the wall clock. */
    age(fd: number): number;
    /** Write to standard error what goes there at once, up to 4,096 bytes in one piece; -EAGAIN: nobody takes it now. The descriptor's flags stay. */
    say(text: string): number;
    setMode(fd: number, mode: number): number;
    rename(from: string, to: string): number;
    unlink(path: string): number;
    removeFolder(path: string): number;
    makeFifo(path: string, mode: number): number;
    /** The names in a folder, at most 4,096 of them, in no order. */
    list(folder: string): string[] | number;
    /** The S_IFMT bits of lstat(2). */
    kindOf(path: string): number;

    /** A descriptor that becomes readable when a file in the folder comes, changes or goes. */
    watch(folder: string): number;
    /** poll(2): what happened to each descriptor, in order. `timeout` in ms, -1 for ever. */
    poll(fds: number[], events: number[], timeout: number): number[] | number;

    /** A socket that is connecting to a numeric address. */
    connect(address: string, port: number): number;
    /** 0 when the socket is connected, else -errno. */
    socketError(fd: number): number;
    /** Numeric addresses of this network namespace's interfaces. */
    addresses(): string[];
  }

  const host: Host;
  export default host;
}
