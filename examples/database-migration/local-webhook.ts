/** The real webhook on loopback, with a temporary certificate. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request as httpsRequest } from 'node:https';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { createAuthority } from '../../test/webhook/certificate/throw-away-certificate.ts';

const READY_TRIES = 200;

export interface LocalWebhook {
  url: string;
  /** POST a JSON body to /mutate and parse the answer. */
  review(body: unknown): Promise<unknown>;
  stop(): Promise<void>;
}

/** Start `dist/curfew.js serve` and wait until it is ready. */
export async function startWebhook(program: string): Promise<LocalWebhook> {
  const folder = await mkdtemp(join(tmpdir(), 'curfew-webhook-'));
  const authority = await createAuthority();
  const certificate = await authority.issue();
  const [cert, key] = [join(folder, 'tls.crt'), join(folder, 'tls.key')];
  await writeFile(cert, certificate.cert);
  await writeFile(key, certificate.key, { mode: 0o600 });
  const [port, healthPort] = [await freePort(), await freePort()];
  const flags = ['--host', '127.0.0.1', '--port', `${port}`, '--health-port', `${healthPort}`];
  const child = spawn(process.execPath, [program, 'serve', ...flags, '--cert', cert, '--key', key], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  child.stdout.on('data', (data) => (output += data));
  child.stderr.on('data', (data) => (output += data));
  const stop = async () => {
    await end(child);
    await rm(folder, { recursive: true, force: true });
  };
  for (let i = 0; !(await isReady(healthPort)); i++) {
    if (i >= READY_TRIES || child.exitCode !== null) {
      await stop();
      throw new Error(`the webhook did not become ready:\n${output}`);
    }
    await pause(25);
  }
  const url = `https://127.0.0.1:${port}/mutate`;
  return { url, review: (body) => post(url, authority.cert, body), stop };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  if (address === null || typeof address === 'string') throw new Error('no free port on 127.0.0.1');
  return address.port;
}

async function isReady(port: number): Promise<boolean> {
  try {
    return (await fetch(`http://127.0.0.1:${port}/readyz`)).ok;
  } catch {
    return false;
  }
}

function post(url: string, ca: string, body: unknown): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json' };
    const request = httpsRequest(url, { method: 'POST', ca, headers, agent: false }, (response) => {
      let text = '';
      response.on('data', (data) => (text += data));
      response.on('end', () => {
        if (response.statusCode === 200) resolve(JSON.parse(text));
        else reject(new Error(`the webhook answered ${response.statusCode}: ${text}`));
      });
    });
    request.on('error', reject);
    request.end(JSON.stringify(body));
  });
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  await ended;
}
