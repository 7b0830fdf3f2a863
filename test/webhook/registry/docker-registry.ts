/** Debian's docker-registry on a free port of 127.0.0.1, for a test, and skopeo to fill it. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { freePort } from '../../free-port.ts';

export interface DockerRegistry {
  /** 127.0.0.1 and its port. */
  host: string;
  stop(): Promise<void>;
}

export interface DockerRegistryOptions {
  /** The folder of the images. Several registries may share it. */
  storage: string;
  /** A folder for its configuration. */
  folder: string;
  tls?: { certFile: string; keyFile: string };
  /** An htpasswd file. */
  htpasswd?: string;
  token?: { realm: string; service: string; issuer: string; rootcertbundle: string };
  /** The address that it is a pull-through cache of. */
  proxyOf?: string;
  /** Address and port (default: a free one of 127.0.0.1). */
  host?: string;
}

/** Start one, and wait until it listens. */
export async function startDockerRegistry(options: DockerRegistryOptions): Promise<DockerRegistry> {
  const { storage, folder, tls, htpasswd, token, proxyOf } = options;
  await mkdir(storage, { recursive: true });
  await mkdir(folder, { recursive: true });
  const host = options.host ?? `127.0.0.1:${await freePort()}`;
  const file = join(folder, 'registry.yml');
  // JSON is YAML.
  const config = {
    version: 0.1,
    log: { level: 'info' },
    storage: { filesystem: { rootdirectory: storage } },
    http: { addr: host, ...(tls ? { tls: { certificate: tls.certFile, key: tls.keyFile } } : {}) },
    ...(htpasswd ? { auth: { htpasswd: { realm: 'test', path: htpasswd } } } : {}),
    ...(token ? { auth: { token } } : {}),
    ...(proxyOf ? { proxy: { remoteurl: proxyOf } } : {}),
  };
  await writeFile(file, JSON.stringify(config));
  const child = spawn('docker-registry', ['serve', file], { stdio: ['ignore', 'ignore', 'pipe'] });
  const lines = createInterface({ input: child.stderr });
  const said: string[] = [];
  const listening = new Promise<void>((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code) => reject(new Error(`docker-registry ended with ${code}:\n${said.join('\n')}`)));
    lines.on('line', (line) => {
      said.push(line);
      if (line.includes('listening on')) resolve();
    });
  });
  await listening;
  return { host, stop: () => stop(child) };
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'exit');
}

const run = promisify(execFile);

/**
 * Copy images of an OCI layout into a registry without TLS and without users: tag `x` becomes `repository:x`.
 * @param format what they are there
 */
export async function push(
  layout: string,
  tags: readonly string[],
  host: string,
  repository: string,
  format: 'oci' | 'v2s2' = 'oci',
): Promise<void> {
  const options = [
    '--insecure-policy',
    'copy',
    '--all',
    '--quiet',
    '--dest-tls-verify=false',
    '--format',
    format,
  ];
  for (const tag of tags)
    await run('skopeo', [...options, `oci:${layout}:${tag}`, `docker://${host}/${repository}:${tag}`]);
}
