/** A registry of the test's own, over HTTP or TLS on 127.0.0.1. It behaves well unless the test misbehaves for it. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { Socket } from 'node:net';
import type { TestContext } from 'node:test';
import type { Pair } from '../certificate/throw-away-certificate.ts';
import type { StoredImage } from './content.ts';

export interface Seen {
  method: string;
  path: string;
  authorization: string | undefined;
  body: string;
}

/** @returns whether it answered */
export type Misbehave = (
  request: IncomingMessage,
  response: ServerResponse,
  url: URL,
  body: string,
) => boolean;

export interface FakeRegistry {
  /** 127.0.0.1 and its port. */
  host: string;
  origin: string;
  seen: Seen[];
  /** Images by `repository:tag`. A test may change them. */
  images: Map<string, StoredImage>;
  /** Called first for each request. Where it answers, the registry does not. */
  misbehave: Misbehave;
  /** The number of requests by method, and by a part of the path. */
  count(method: string, part?: string): number;
}

/** Serve until the test ends. */
export async function fakeRegistry(
  t: TestContext,
  images: Record<string, StoredImage> = {},
  misbehave: Misbehave = () => false,
  tls?: Pair,
): Promise<FakeRegistry> {
  const fake: FakeRegistry = {
    host: '',
    origin: '',
    seen: [],
    images: new Map(Object.entries(images)),
    misbehave,
    count: (method, part = '') =>
      fake.seen.filter((seen) => seen.method === method && seen.path.includes(part)).length,
  };
  const handle = async (request: IncomingMessage, response: ServerResponse) => {
    const { method = '', url: path = '', headers } = request;
    let body = '';
    for await (const chunk of request) body += chunk;
    fake.seen.push({ method, path, authorization: headers.authorization, body });
    const url = new URL(path, fake.origin);
    if (fake.misbehave(request, response, url, body) !== true) serve(fake, method, url.pathname, response);
  };
  const listener = (request: IncomingMessage, response: ServerResponse) =>
    void handle(request, response).catch(() => response.destroy());
  const server =
    tls === undefined
      ? createServer(listener)
      : createSecureServer({ cert: tls.cert, key: tls.key }, listener);
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => sockets.add(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  fake.host = `127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
  fake.origin = `${tls === undefined ? 'http' : 'https'}://${fake.host}`;
  t.after(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, 'close');
  });
  return fake;
}

function serve({ images }: FakeRegistry, method: string, path: string, response: ServerResponse): unknown {
  const [, repository = '', kind, wanted = ''] = /^\/v2\/(.+)\/(manifests|blobs)\/([^/]+)$/.exec(path) ?? [];
  const stored = [...images].filter(([name]) => name.startsWith(`${repository}:`)).map(([, image]) => image);
  const content = (body: Buffer, headers: Record<string, string>) => {
    response.writeHead(200, { 'content-length': String(body.length), ...headers });
    response.end(method === 'HEAD' ? undefined : body);
  };
  if (kind === 'blobs') {
    for (const { blobs } of stored) {
      const blob = blobs.get(wanted);
      if (blob !== undefined) return content(blob, { 'content-type': 'application/octet-stream' });
    }
  } else {
    const digest = images.get(`${repository}:${wanted}`)?.descriptor.digest ?? wanted;
    for (const { manifests } of stored) {
      const found = manifests.get(digest);
      if (found !== undefined)
        return content(found.content, { 'content-type': found.mediaType, 'docker-content-digest': digest });
    }
  }
  return response.writeHead(404).end('{"errors":[{"code":"MANIFEST_UNKNOWN"}]}');
}
