/** The real webhook as a process of the enclosure, and its registration with the API server. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { distFolder, progress } from './preparation.ts';

/** The node's address, where API server, kubelet and webhook listen (rig/cluster-up: NODE_IP). */
export const NODE_IP = '10.244.0.1';
const PORT = 8443;
const HEALTH_PORT = 8080;
const START_TIMEOUT = 30_000;
/** The address of one test's own registry. It has plain HTTP, which containerd accepts from this address. */
export const PRIVATE_REGISTRY = '127.0.0.1:5001';
/** A Service through which the API server calls the same webhook in one test. */
export const SERVICE = { namespace: 'curfew-system', name: 'curfew' };

export const CURFEW = join(distFolder(), 'curfew.js');

/** A webhook that is ready. */
export interface Webhook {
  /** PEM file of the authority that signed its certificate. */
  ca: string;
  url: string;
  process: ChildProcess;
}

/**
 * Create certificates and a configuration, start `curfew serve`, and wait until it is ready.
 * @param entrypoints a configuration file whose `images.entrypoints` it gets
 */
export async function startWebhook(state: string, entrypoints?: string): Promise<Webhook> {
  const folder = join(state, 'webhook');
  mkdirSync(folder, { mode: 0o700 });
  makeCertificates(folder);
  const config = join(folder, 'curfew.yaml');
  writeFileSync(
    config,
    `listen: { host: 0.0.0.0, port: ${PORT}, healthPort: ${HEALTH_PORT} }
tls: { certFile: ${folder}/tls.crt, keyFile: ${folder}/tls.key }
shim: { image: "localhost/curfew-shim:1", imagePullPolicy: Never }
images: ${JSON.stringify({
      registries: [{ host: PRIVATE_REGISTRY, plainHttp: true }],
      ...(entrypoints === undefined ? {} : entrypointsOf(entrypoints)),
    })}
log: { level: debug }
shutdown: { delay: 0s }
`,
  );
  const log = openSync(join(state, 'log', 'webhook.log'), 'a');
  const child = spawn(process.execPath, [CURFEW, 'serve', '--config', config], {
    stdio: ['ignore', log, log],
  });
  const deadline = Date.now() + START_TIMEOUT;
  while (!(await isReady())) {
    if (child.exitCode !== null)
      throw new Error(`curfew serve exited with ${child.exitCode}: see webhook.log`);
    if (Date.now() > deadline) throw new Error('curfew serve is not ready after 30 s: see webhook.log');
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  progress('webhook ready');
  return { ca: join(folder, 'ca.crt'), url: `https://${NODE_IP}:${PORT}/mutate`, process: child };
}

const ENTRYPOINTS = z.object({ images: z.object({ entrypoints: z.array(z.unknown()) }) });

function entrypointsOf(file: string): { entrypoints: unknown[] } {
  const { images } = ENTRYPOINTS.parse(parse(readFileSync(file, 'utf8')));
  return { entrypoints: images.entrypoints };
}

async function isReady(): Promise<boolean> {
  try {
    return (await fetch(`http://${NODE_IP}:${HEALTH_PORT}/readyz`)).ok;
  } catch {
    return false;
  }
}

/** Register it by URL, with the output of `curfew webhook-configuration`. */
export function registerWebhook(webhook: Webhook): void {
  const configuration = execFileSync(process.execPath, [
    CURFEW,
    'webhook-configuration',
    '--url',
    webhook.url,
    '--ca',
    webhook.ca,
  ]);
  execFileSync(process.env.KUBECTL ?? 'kubectl', ['apply', '-f', '-'], {
    input: configuration,
    stdio: ['pipe', 'inherit', 'inherit'],
  });
}

/** An authority and a certificate for the node's address and the Service's name, by openssl. */
function makeCertificates(folder: string): void {
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' });
  const names = `IP:${NODE_IP},DNS:${SERVICE.name}.${SERVICE.namespace}.svc`;
  openssl('ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', 'ca.key');
  openssl(
    ...[
      'req',
      '-x509',
      '-new',
      '-key',
      'ca.key',
      '-subj',
      '/CN=curfew-test-ca',
      '-days',
      '30',
      '-out',
      'ca.crt',
    ],
    ...['-addext', 'basicConstraints=critical,CA:TRUE', '-addext', 'keyUsage=critical,keyCertSign'],
  );
  openssl('ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', 'tls.key');
  openssl('req', '-new', '-key', 'tls.key', '-subj', '/CN=curfew', '-out', 'tls.csr');
  writeFileSync(
    join(folder, 'tls.ext'),
    `basicConstraints=CA:FALSE\nextendedKeyUsage=serverAuth\nsubjectAltName=${names}\n`,
  );
  openssl(
    ...[
      'x509',
      '-req',
      '-in',
      'tls.csr',
      '-CA',
      'ca.crt',
      '-CAkey',
      'ca.key',
      '-set_serial',
      '1',
      '-days',
      '30',
    ],
    ...['-out', 'tls.crt', '-extfile', 'tls.ext'],
  );
}
