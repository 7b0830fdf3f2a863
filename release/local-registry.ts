/** Debian's docker-registry on 127.0.0.1, for as long as signatures are made or checked: cosign knows images only in a registry. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { ReleaseError } from './program.ts';

/**
 * Run a function with the address of an empty registry.
 * @param folder for its configuration and its store
 */
export async function withRegistry<T>(folder: string, use: (host: string) => T | Promise<T>): Promise<T> {
  mkdirSync(folder, { recursive: true });
  const host = `127.0.0.1:${await freePort()}`;
  const file = join(folder, 'registry.yml');
  // JSON is YAML.
  const configuration = {
    version: 0.1,
    log: { level: 'info' },
    storage: { filesystem: { rootdirectory: join(folder, 'store') } },
    http: { addr: host },
  };
  writeFileSync(file, JSON.stringify(configuration));
  // Its log goes to a file: a pipe would fill up, and stop it, while this process waits for oras or cosign.
  const log = openSync(join(folder, 'log'), 'a');
  const child = spawn('docker-registry', ['serve', file], { stdio: ['ignore', log, log] });
  const ended = once(child, 'exit');
  try {
    await Promise.race([
      listening(host),
      ended.then(() => {
        throw new ReleaseError(`docker-registry ended: ${readFileSync(join(folder, 'log'), 'utf8').trim()}`);
      }),
    ]);
    return await use(host);
  } finally {
    child.kill('SIGKILL');
    await ended.catch(() => {});
    closeSync(log);
  }
}

/** Milliseconds between two looks, and how many there are. */
const LOOK = 50;
const LOOKS = 600;

/** Until somebody listens there. @throws {ReleaseError} when nobody does in half a minute */
async function listening(host: string): Promise<void> {
  for (let look = 0; look < LOOKS; look++) {
    const answer = await fetch(`http://${host}/v2/`).catch(() => undefined);
    if (answer?.ok) return;
    await setTimeout(LOOK);
  }
  throw new ReleaseError(`docker-registry does not listen on ${host}`);
}

/** A port of 127.0.0.1 that nobody listens on just now. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('a TCP server without a port');
  return address.port;
}
