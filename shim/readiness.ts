/** A sidecar's readiness condition, tried until it holds (rule L1). Non-blocking: its sockets are part of the one poll. */
import host from 'host';
import { EAGAIN } from './errors.ts';
import { startProcess } from './process.ts';
import type { Readiness } from './protocol.ts';
import { type Outcome, ReadinessReport } from './readiness-report.ts';
import { SIGKILL } from './signals.ts';
import { say } from './voice.ts';

const POLLIN = 1;
const POLLOUT = 4;
/** Between two tries: soon at first, because most sidecars are up at once; a connection is cheap, a process is not. */
const FIRST_PAUSE = 20;
const LAST_PAUSE = 250;
const LAST_EXEC_PAUSE = 1_000;
/** As much of an answer as its status line needs. */
const MAX_ANSWER = 64;
/** At most so many addresses are tried side by side. */
const MAX_ADDRESSES = 16;

interface Connection {
  fd: number;
  address: string;
  connected: boolean;
  /** What the socket's buffer had no room for yet. */
  unsent: string;
  answer: string;
}

/** Tries one condition until it holds, and says why it does not (rule P8). */
export class ReadinessProbe {
  private readonly ready: Readiness;
  private readonly timeout: number;
  private readonly report: ReadinessReport;
  private running = false;
  private pause = FIRST_PAUSE;
  private connections: Connection[] = [];
  /** The exec condition's process. */
  private child = 0;
  /** When to try next, or when the running try is given up. */
  private dueAt = 0;
  private trying = false;
  /** Why the last try failed; undefined while none has. */
  failure: string | undefined;

  constructor(ready: Readiness, timeout: number) {
    this.ready = ready;
    this.timeout = timeout;
    this.report = new ReadinessReport(ready, timeout);
  }

  get wakeAt(): number | undefined {
    return this.running ? this.dueAt : undefined;
  }

  start(at: number): void {
    this.running = true;
    this.failure = undefined;
    this.report.start(at);
    this.pause = FIRST_PAUSE;
    this.trying = false;
    this.dueAt = at;
  }

  stop(): void {
    this.running = false;
    this.giveUp();
  }

  /** What to poll: descriptors, and for which events. */
  descriptors(): { fd: number; events: number }[] {
    return this.connections.map(({ fd, connected, unsent }) => ({
      fd,
      events: connected && unsent === '' ? POLLIN : POLLOUT,
    }));
  }

  /** The clock went on. */
  tick(at: number): void {
    if (!this.running || at < this.dueAt) return;
    if (!this.trying) {
      this.attempt(at);
      return;
    }
    if (this.child > 0) this.report.note({ kind: 'silent' });
    for (const { address } of this.connections) this.report.note({ kind: 'silent', address });
    this.failed(at);
  }

  /** A descriptor has something. Returns whether the condition held. */
  happened(fd: number, at: number): boolean {
    const connection = this.connections.find((item) => item.fd === fd);
    if (connection === undefined) return false;
    if (!connection.connected) {
      const errno = host.socketError(fd);
      if (errno < 0) return this.drop(connection, at, { kind: 'errno', errno });
      if (this.ready.kind !== 'http') return this.succeeded();
      connection.connected = true;
      connection.unsent = this.ready.kind === 'http' ? request(this.ready) : '';
      return this.send(connection, at);
    }
    if (connection.unsent !== '') return this.send(connection, at);
    const { address } = connection;
    const got = host.read(fd, MAX_ANSWER);
    if (typeof got === 'number') return this.drop(connection, at, { kind: 'errno', errno: got });
    if (got === '') return this.drop(connection, at, { kind: 'closed', address });
    connection.answer += got;
    if (connection.answer.length < 12) return false;
    // As the kubelet's own probes: 200 to 399 is success.
    const status = Number(connection.answer.slice(9, 12));
    if (!connection.answer.startsWith('HTTP/1.') || !(status >= 100 && status <= 999))
      return this.drop(connection, at, { kind: 'no-http', address });
    return status >= 200 && status < 400
      ? this.succeeded()
      : this.drop(connection, at, { kind: 'status', status, address });
  }

  /** A child ended. Returns whether it was the condition's and succeeded. */
  ended(pid: number, code: number, at: number): boolean {
    if (pid !== this.child || pid === 0) return false;
    this.child = 0;
    if (code === 0) return this.succeeded();
    this.report.note({ kind: 'exited', code });
    this.failed(at);
    return false;
  }

  private attempt(at: number): void {
    this.trying = true;
    this.dueAt = at + this.timeout;
    switch (this.ready.kind) {
      case 'none':
        return;
      case 'exec':
        this.execute(this.ready.command, at);
        return;
      case 'tcp':
      case 'http':
        this.connect(this.ready.host, this.ready.port, at);
        return;
      default:
        this.ready satisfies never;
    }
  }

  private execute(command: string[], at: number): void {
    const child = startProcess(command[0] ?? '', command, true);
    if (typeof child === 'number') {
      this.child = child;
      return;
    }
    this.report.note({ kind: 'not-started', why: child.why });
    this.failed(at);
  }

  private connect(name: string | undefined, port: number, at: number): void {
    for (const address of addressesOf(name)) {
      const fd = host.connect(address, port);
      if (fd >= 0) this.connections.push({ fd, address, connected: false, unsent: '', answer: '' });
      else this.report.note({ kind: 'errno', errno: fd });
    }
    if (this.connections.length === 0) this.failed(at);
  }

  /** As much of the request as goes now; -EAGAIN: none of it. */
  private send(connection: Connection, at: number): boolean {
    if (connection.unsent === '') return false;
    const bytes = host.write(connection.fd, connection.unsent, -1);
    if (bytes < 0 && bytes !== -EAGAIN) return this.drop(connection, at, { kind: 'errno', errno: bytes });
    if (bytes > 0) connection.unsent = afterBytes(connection.unsent, bytes);
    return false;
  }

  private drop(connection: Connection, at: number, outcome: Outcome): boolean {
    this.report.note(outcome);
    host.close(connection.fd);
    this.connections = this.connections.filter((item) => item !== connection);
    if (this.connections.length === 0) this.failed(at);
    return false;
  }

  private succeeded(): boolean {
    this.stop();
    return true;
  }

  private failed(at: number): void {
    this.giveUp();
    this.failure = this.report.reason ?? 'no answer';
    const line = this.report.failed(at);
    if (line !== undefined) say(line);
    this.dueAt = at + this.pause;
    this.pause = Math.min(this.pause * 2, this.ready.kind === 'exec' ? LAST_EXEC_PAUSE : LAST_PAUSE);
  }

  private giveUp(): void {
    this.trying = false;
    for (const connection of this.connections) host.close(connection.fd);
    this.connections = [];
    if (this.child > 0) host.kill(-this.child, SIGKILL);
    this.child = 0;
  }
}

/** No host means this pod: its loopback addresses, and its own, because a server may listen on just one of them. */
function addressesOf(hostName: string | undefined): string[] {
  if (hostName !== undefined && hostName !== 'localhost') return [hostName];
  const loopback = ['127.0.0.1', '::1'];
  if (hostName === 'localhost') return loopback;
  const own = host
    .addresses()
    .filter((address) => !loopback.includes(address) && !address.startsWith('fe80'));
  return [...loopback, ...own].slice(0, MAX_ADDRESSES);
}

/** What is left of a text of which so many bytes of UTF-8 are gone. */
function afterBytes(text: string, bytes: number): string {
  let at = 0;
  let gone = 0;
  for (const char of text) {
    if (gone >= bytes) break;
    at += char.length;
    gone += char < '\u0080' ? 1 : char < '\u0800' ? 2 : char.length > 1 ? 4 : 3;
  }
  return text.slice(at);
}

function request(ready: Extract<Readiness, { kind: 'http' }>): string {
  const named = ready.headers.some((header) => header.toLowerCase().startsWith('host:'));
  const lines = [
    `GET ${ready.path} HTTP/1.1`,
    ...(named ? [] : [`Host: ${ready.host ?? 'localhost'}:${ready.port}`]),
    'User-Agent: curfew',
    'Accept: */*',
    'Connection: close',
    ...ready.headers,
  ];
  return `${lines.join('\r\n')}\r\n\r\n`;
}
