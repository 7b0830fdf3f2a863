/**
 * The real servers on free ports of 127.0.0.1, with a throw-away certificate, for a test.
 */

import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type RequestOptions, request } from 'node:https';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { CertificateFiles } from '../../../webhook/certificate/files.ts';
import { type Config, parseConfig, policyOf } from '../../../webhook/config/config.ts';
import { type ImageLookup, noLookup } from '../../../webhook/decision/images.ts';
import type { Policy } from '../../../webhook/decision/policy.ts';
import { type EventSink, Events } from '../../../webhook/server/events.ts';
import { createLog } from '../../../webhook/server/log.ts';
import { createMetrics, type Metrics } from '../../../webhook/server/metrics.ts';
import { buildServer, type Servers } from '../../../webhook/server/server.ts';
import { type Authority, createAuthority, type Pair } from '../certificate/throw-away-certificate.ts';

export interface Answer {
  status: number;
  contentType: string;
  body: unknown;
}

export interface Served {
  servers: Servers;
  certificate: CertificateFiles;
  authority: Authority;
  certFile: string;
  keyFile: string;
  port: number;
  /** Every log line so far, parsed. */
  log(): Record<string, unknown>[];
  post(body: string | Buffer, options?: RequestOptions): Promise<Answer>;
  /** A GET on the plain port. */
  health(path: string): Promise<{ status: number; text: string }>;
  tls(options?: ConnectionOptions): Promise<TLSSocket>;
  install(pair: Pair): Promise<void>;
}

export interface ServeOptions {
  config?: string;
  images?: ImageLookup;
  policy?: (policy: Policy) => Policy;
  /** Start without certificate files. */
  withoutCertificate?: boolean;
  now?: () => number;
  events?: EventSink;
  /** Metrics that a test has tampered with. */
  metrics?: (metrics: Metrics) => Metrics;
}

/** Serve until the test ends. */
export async function serveWebhook(t: TestContext, options: ServeOptions = {}): Promise<Served> {
  const folder = await mkdtemp(join(tmpdir(), 'curfew-'));
  const certFile = join(folder, 'tls.crt');
  const keyFile = join(folder, 'tls.key');
  const authority = await createAuthority();
  const install = async ({ cert, key }: Pair) => {
    await writeFile(certFile, cert);
    await writeFile(keyFile, key);
  };
  if (options.withoutCertificate !== true) await install(await authority.issue());
  const lines: string[] = [];
  const log = createLog('debug', { write: (line: string) => void lines.push(line) });
  const counted = createMetrics('0.0.0-test');
  const metrics = options.metrics?.(counted) ?? counted;
  const config: Config = parseConfig(options.config ?? '', 'test');
  const policy = policyOf(config);
  const certificate = new CertificateFiles(
    { ...config.tls, certFile, keyFile },
    {
      loaded: ({ notAfter }) => {
        servers.useCertificate();
        metrics.certificateLoaded(notAfter);
      },
      failed: ({ message }) => {
        metrics.certificateFailed();
        log.error({ message }, 'certificate not loaded');
      },
    },
    options.now,
  );
  const servers: Servers = buildServer({
    policy: options.policy?.(policy) ?? policy,
    images: options.images ?? noLookup,
    log,
    metrics,
    config,
    certificate,
    events:
      options.events &&
      new Events({ sink: options.events, log, ended: metrics.eventEnded, now: options.now ?? Date.now }),
  });
  await certificate.check();
  await servers.webhook.listen({ port: 0, host: '127.0.0.1' });
  await servers.health.listen({ port: 0, host: '127.0.0.1' });
  const port = portOf(servers.webhook.server.address());
  const healthPort = portOf(servers.health.server.address());
  // Also those that never came to a request, which closeAllConnections does not know.
  const sockets = new Set<Socket>();
  servers.webhook.server.on('connection', (socket: Socket) => sockets.add(socket));
  t.after(async () => {
    for (const socket of sockets) socket.destroy();
    servers.health.server.closeAllConnections();
    await Promise.all([servers.webhook.close(), servers.health.close()]);
    await rm(folder, { recursive: true });
  });
  return {
    servers,
    certificate,
    authority,
    certFile,
    keyFile,
    port,
    install,
    log: () => lines.map((line) => JSON.parse(line)),
    post: (body, request) => post(port, authority.cert, body, request),
    health: async (path) => {
      const response = await fetch(`http://127.0.0.1:${healthPort}${path}`);
      return { status: response.status, text: await response.text() };
    },
    tls: async (more) => {
      const socket = connect({ port, host: '127.0.0.1', ca: authority.cert, ...more });
      sockets.add(socket);
      await once(socket, 'secureConnect');
      return socket;
    },
  };
}

function portOf(address: unknown): number {
  if (
    typeof address === 'object' &&
    address !== null &&
    'port' in address &&
    typeof address.port === 'number'
  ) {
    return address.port;
  }
  throw new Error('the server does not listen');
}

function post(
  port: number,
  ca: string,
  body: string | Buffer,
  options: RequestOptions = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', ...options.headers };
    const outgoing = request(
      { port, host: '127.0.0.1', ca, path: '/mutate', method: 'POST', agent: false, ...options, headers },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString('utf8');
          const { statusCode = 0, headers: received } = response;
          resolve({ status: statusCode, contentType: received['content-type'] ?? '', body: parsed(text) });
        });
      },
    );
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** A value inside an answer, by its path. */
export function at(value: unknown, ...path: (string | number)[]): unknown {
  let found = value;
  for (const step of path) {
    if (typeof found !== 'object' || found === null) return undefined;
    found = Reflect.get(found, step);
  }
  return found;
}
