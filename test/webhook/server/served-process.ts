/**
 * `curfew serve` as a process, on free ports of 127.0.0.1, with a throw-away certificate, for a test.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { TestContext } from 'node:test';
import { connect, type TLSSocket } from 'node:tls';
import { type Authority, createAuthority } from '../certificate/throw-away-certificate.ts';

const MAIN = join(import.meta.dirname, '..', '..', '..', 'webhook', 'main.ts');

/** A certificate's files, and the authority that signed it. */
export interface Files {
  folder: string;
  authority: Authority;
}

export async function certificateFiles(t: TestContext): Promise<Files> {
  const folder = await mkdtemp(join(tmpdir(), 'curfew-'));
  t.after(() => rm(folder, { recursive: true }));
  const authority = await createAuthority();
  const { cert, key } = await authority.issue();
  await writeFile(join(folder, 'tls.crt'), cert);
  await writeFile(join(folder, 'tls.key'), key);
  return { folder, authority };
}

export interface ProcessOptions {
  /** More keys of the configuration, YAML. */
  config?: string;
  host?: string;
  env?: Record<string, string>;
}

export class ServedProcess {
  readonly child: ChildProcess;
  /** The exit code and the signal. */
  readonly exited: Promise<unknown[]>;
  port = 0;
  healthPort = 0;
  private readonly ca: string;
  private readonly lines: Record<string, unknown>[] = [];
  private readonly said = new EventEmitter();

  private constructor(child: ChildProcess, ca: string) {
    this.child = child;
    this.ca = ca;
    this.exited = once(child, 'exit');
    if (child.stdout === null) throw new Error('no output');
    createInterface({ input: child.stdout }).on('line', (text) => {
      this.lines.push(JSON.parse(text));
      this.said.emit('line');
    });
  }

  /** Start it, and wait until it serves. */
  static async start(
    t: TestContext,
    { folder, authority }: Files,
    { config = '', host = '127.0.0.1', env = {} }: ProcessOptions = {},
  ): Promise<ServedProcess> {
    const file = join(folder, 'curfew.yaml');
    await writeFile(file, `tls: { certFile: ${folder}/tls.crt, keyFile: ${folder}/tls.key }\n${config}\n`);
    const args = ['serve', '--config', file, '--host', host, '--port', '0', '--health-port', '0'];
    const child = spawn(process.execPath, [MAIN, ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, ...env },
    });
    t.after(() => child.kill('SIGKILL'));
    const served = new ServedProcess(child, authority.cert);
    const ended = served.exited.then(() => {
      throw new Error('the process ended before it served');
    });
    const { webhook, health } = await Promise.race([served.line('serving'), ended]);
    served.port = Number(webhook);
    served.healthPort = Number(health);
    return served;
  }

  /** The first log line with this message, when it comes. */
  async line(msg: string): Promise<Record<string, unknown>> {
    for (;;) {
      const found = this.lines.find((line) => line.msg === msg);
      if (found !== undefined) return found;
      await once(this.said, 'line');
    }
  }

  /** The readiness probe's status; 0 where nobody answers. */
  async ready(): Promise<number> {
    return await fetch(`http://127.0.0.1:${this.healthPort}/readyz`, {
      headers: { connection: 'close' },
    }).then(
      ({ status }) => status,
      () => 0,
    );
  }

  /** Ask for the end, and wait until the readiness probe fails. */
  async terminate(): Promise<void> {
    this.child.kill('SIGTERM');
    while ((await this.ready()) === 200);
  }

  async connect(): Promise<Connection> {
    const socket = connect({ port: this.port, host: '127.0.0.1', ca: this.ca });
    await once(socket, 'secureConnect');
    return new Connection(socket);
  }
}

/** One keep-alive connection, seen as closely as a test must see it. */
export class Connection {
  readonly socket: TLSSocket;
  private text = '';
  private readonly heard = new EventEmitter();
  ended = false;

  constructor(socket: TLSSocket) {
    this.socket = socket;
    socket.on('data', (chunk) => {
      this.text += chunk;
      this.heard.emit('more');
    });
    for (const event of ['end', 'close', 'error'])
      socket.on(event, () => {
        this.ended = true;
        this.heard.emit('more');
      });
  }

  /** The head of a request that announces a body. */
  static head(length: number): string {
    return `POST /mutate?timeout=10s HTTP/1.1\r\nhost: curfew\r\ncontent-type: application/json\r\ncontent-length: ${length}\r\n\r\n`;
  }

  write(text: string): void {
    this.socket.write(text);
  }

  /** The next answer, its head and its body; undefined where the connection ended without one. */
  async answer(): Promise<{ head: string; body: string } | undefined> {
    for (;;) {
      const [head = '', rest] = this.text.split('\r\n\r\n', 2);
      const length = Number(/^content-length: (\d+)$/im.exec(head)?.[1]);
      if (rest !== undefined && rest.length >= length) {
        this.text = this.text.slice(head.length + 4 + length);
        return { head, body: rest.slice(0, length) };
      }
      if (this.ended) return undefined;
      await once(this.heard, 'more');
    }
  }

  /** Send a review, whole, and wait for its answer. */
  async ask(body: string): Promise<{ head: string; body: string } | undefined> {
    this.write(`${Connection.head(Buffer.byteLength(body))}${body}`);
    return await this.answer();
  }

  /** Wait until the server has hung up. */
  async end(): Promise<void> {
    while (!this.ended) await once(this.heard, 'more');
    this.socket.destroy();
  }
}
