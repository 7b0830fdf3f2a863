/** A headless Chromium, driven by its DevTools protocol (https://chromedevtools.github.io/devtools-protocol/). */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';

/** Chromium asks nobody for anything but the pages it is sent to. */
const FLAGS = [
  '--headless',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--remote-debugging-port=0',
];

interface Message {
  id?: number;
  method?: string;
  params?: Record<string, unknown>;
  result?: unknown;
  error?: { message: string };
}

/** One page of a browser of its own. */
export class Browser {
  private readonly child: ChildProcess;
  private readonly profile: string;
  private readonly socket: WebSocket;
  private readonly waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  private readonly listeners = new Map<string, (params: Record<string, unknown>) => void>();
  private next = 1;
  private session: string | undefined;

  private constructor(child: ChildProcess, profile: string, socket: WebSocket) {
    this.child = child;
    this.profile = profile;
    this.socket = socket;
    socket.addEventListener('message', ({ data }) => this.receive(JSON.parse(String(data))));
  }

  /** @throws where there is no Chromium, or it does not start */
  static async start(): Promise<Browser> {
    const profile = mkdtempSync(join(tmpdir(), 'curfew-browser-'));
    // Chromium's sandbox does not run as root.
    const flags = process.getuid?.() === 0 ? [...FLAGS, '--no-sandbox'] : FLAGS;
    const child = spawn('chromium', [...flags, `--user-data-dir=${profile}`, 'about:blank'], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    try {
      const socket = new WebSocket(await addressOf(child));
      await once(socket, 'open');
      const browser = new Browser(child, profile, socket);
      await browser.openPage();
      return browser;
    } catch (error) {
      await end(child, profile);
      throw error;
    }
  }

  private async openPage(): Promise<void> {
    const { targetId } = Object(await this.send('Target.createTarget', { url: 'about:blank' }));
    const { sessionId } = Object(await this.send('Target.attachToTarget', { targetId, flatten: true }));
    this.session = sessionId;
    for (const domain of ['Page', 'Runtime', 'Network']) await this.send(`${domain}.enable`);
  }

  /** Call a method of the protocol. @throws where the browser refuses it */
  send(method: string, params: Record<string, unknown> = {}): Promise<unknown> {
    const id = this.next++;
    const session = this.session === undefined ? {} : { sessionId: this.session };
    this.socket.send(JSON.stringify({ id, method, params, ...session }));
    return new Promise((resolve, reject) => this.waiting.set(id, { resolve, reject }));
  }

  /** Hear of each event of that name. */
  on(event: string, listener: (params: Record<string, unknown>) => void): void {
    this.listeners.set(event, listener);
  }

  /** Go to an address, and wait until it has been loaded. */
  async goTo(url: string): Promise<void> {
    const loaded = new Promise<void>((resolve) => this.on('Page.loadEventFired', () => resolve()));
    await this.send('Page.navigate', { url });
    await loaded;
  }

  /** The value of an expression, awaited. @throws what it throws */
  async evaluate(expression: string): Promise<unknown> {
    const options = { expression, awaitPromise: true, returnByValue: true };
    const { result, exceptionDetails } = Object(await this.send('Runtime.evaluate', options));
    if (exceptionDetails !== undefined)
      throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return result.value;
  }

  /** Wait until a condition holds, asked anew with each picture that the page draws. @throws after ten seconds */
  async until(condition: string): Promise<void> {
    await this.evaluate(`new Promise((resolve, reject) => {
      const end = performance.now() + 10_000;
      const look = () => (${condition}) ? resolve() : performance.now() > end
        ? reject(new Error(${JSON.stringify(`never true: ${condition}`)})) : requestAnimationFrame(look);
      look();
    })`);
  }

  /** What is to be seen, as PNG. */
  async screenshot(): Promise<Buffer> {
    const { data } = Object(await this.send('Page.captureScreenshot', { format: 'png' }));
    return Buffer.from(data, 'base64');
  }

  async close(): Promise<void> {
    this.socket.close();
    await end(this.child, this.profile);
  }

  private receive({ id, method, params, result, error }: Message): void {
    if (id === undefined) {
      this.listeners.get(method ?? '')?.(params ?? {});
      return;
    }
    const call = this.waiting.get(id);
    this.waiting.delete(id);
    if (error === undefined) call?.resolve(result);
    else call?.reject(new Error(error.message));
  }
}

/** End the browser, and delete what it wrote. */
async function end(child: ChildProcess, profile: string): Promise<void> {
  if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) {
    const gone = once(child, 'exit');
    child.kill();
    await gone;
  }
  rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
}

/** Chromium says on its standard error where it listens. */
async function addressOf(child: ChildProcess): Promise<string> {
  const { stderr } = child;
  if (stderr === null) throw new Error('the standard error of chromium is not read');
  const failed = once(child, 'error').then(([error]) => {
    throw error;
  });
  return Promise.race([heardFrom(stderr), failed]);
}

async function heardFrom(stderr: Readable): Promise<string> {
  const said: string[] = [];
  for await (const line of createInterface({ input: stderr })) {
    const address = /^DevTools listening on (ws:\S+)$/.exec(line)?.[1];
    if (address !== undefined) return address;
    said.push(line);
  }
  throw new Error(`chromium did not start:\n${said.join('\n')}`);
}
