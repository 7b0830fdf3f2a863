/**
 * As much of the API server as Curfew's certificate needs, over real HTTPS on a free port of 127.0.0.1: one Secret, one
 * MutatingWebhookConfiguration, watches, optimistic concurrency. It can be told to misbehave.
 */
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { isRecord, type JsonRecord, member } from '../../../webhook/shared/json.ts';
import { createAuthority } from '../certificate/throw-away-certificate.ts';

/** What the server does with a request instead of answering it. `event`: 200, and then this event of a watch. */
export type Fault = number | 'hang' | 'hang-up' | 'garbage' | 'endless' | { event: unknown };

export interface FakeApiServer {
  /** For `connectKubernetes`. */
  env: { KUBECONFIG: string };
  /** The Secret's data, decoded; undefined: there is none. */
  secret: ReadonlyMap<string, string> | undefined;
  /** The caBundle of each webhook, decoded; undefined: there is no configuration. */
  bundles: ReadonlyMap<string, string> | undefined;
  /** What `/version` says; undefined: nothing. */
  version: string | undefined;
  /** Every request but those for the version, as `PATCH secrets` or `WATCH mutatingwebhookconfigurations`. */
  readonly requests: readonly string[];
  /** Path and query of each request. */
  readonly urls: readonly string[];
  /** Bodies of all requests. */
  readonly bodies: readonly string[];
  /** The fault for a request, which is given as in {@link FakeApiServer.requests}. */
  fault: (request: string) => Fault | undefined;
  /** Wait until a condition holds. */
  until(condition: () => boolean): Promise<void>;
  /** Check the conditions that a test waits for. */
  notice(): void;
  /** Close the connections of all watches. */
  cutWatches(): void;
  /** Store a ConfigMap `curfew-settings`, or delete it (undefined). */
  setConfigMap(namespace: string, data: unknown): void;
}

const NAMES: Record<string, string> = {
  secrets: 'curfew-tls',
  mutatingwebhookconfigurations: 'curfew',
  configmaps: 'curfew-settings',
};

/** Serve until the test ends. */
export async function startApiServer(t: TestContext): Promise<FakeApiServer> {
  const authority = await createAuthority();
  const { cert, key } = await authority.issue();
  const token = 'the-token-of-the-test';
  let version = 1;
  const versions: Record<string, number> = {};
  let secret: ReadonlyMap<string, string> | undefined;
  let bundles: ReadonlyMap<string, string> | undefined = new Map([['pods.curfew.dev', '']]);
  const configMaps = new Map<string, JsonRecord>();
  /** All changes of ConfigMaps, because a watch begins at a version. */
  const changes: { version: number; line: string }[] = [];
  const watches = new Set<{ resource: string; response: ServerResponse }>();
  const requests: string[] = [];
  const urls: string[] = [];
  const bodies: string[] = [];
  const waiting = new Set<() => void>();
  // After all microtasks that follow from this.
  const look = () => {
    setImmediate(() => {
      for (const check of waiting) check();
    });
  };
  const touch = (resource: string) => {
    versions[resource] = ++version;
    for (const watch of watches) {
      if (watch.resource === resource) {
        watch.response.write(`${JSON.stringify({ type: 'MODIFIED', object: objectOf(resource) })}\n`);
      }
    }
    look();
  };
  const objectOf = (resource: string): JsonRecord | undefined => {
    const metadata = { name: NAMES[resource], resourceVersion: String(versions[resource] ?? 1) };
    if (resource === 'configmaps') return undefined;
    if (resource === 'secrets') {
      return secret && { kind: 'Secret', metadata, data: encoded(secret) };
    }
    const webhooks = [...(bundles ?? [])].map(([name, text]) => ({
      name,
      clientConfig: text === '' ? {} : { caBundle: base64(text) },
    }));
    return bundles && { kind: 'MutatingWebhookConfiguration', metadata, webhooks };
  };
  const patch = (resource: string, type: string, body: JsonRecord): number => {
    const existing = objectOf(resource);
    const metadata = member(body, 'metadata');
    const asked = isRecord(metadata) ? member(metadata, 'resourceVersion') : undefined;
    if (type === 'application/apply-patch+yaml') {
      // A conflict with the values of another field manager.
      if (secret !== undefined && secret.size > 0) return 409;
      secret = decoded(member(body, 'data'));
      touch(resource);
      return 201;
    }
    if (existing === undefined) return 404;
    if (asked !== String(versions[resource] ?? 1)) return 409;
    if (resource === 'secrets') {
      const next = new Map(secret);
      const data = member(body, 'data');
      for (const [name, value] of Object.entries(isRecord(data) ? data : {})) {
        if (typeof value === 'string') next.set(name, text(value));
        else next.delete(name);
      }
      secret = next;
    } else {
      const next = new Map(bundles);
      const webhooks = member(body, 'webhooks');
      for (const webhook of Array.isArray(webhooks) ? webhooks : []) {
        next.set(String(webhook.name), text(String(webhook.clientConfig.caBundle)));
      }
      bundles = next;
    }
    touch(resource);
    return 200;
  };
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const url = new URL(request.url ?? '/', 'https://fake');
    if (url.pathname === '/version') {
      response.writeHead(api.version === undefined ? 404 : 200, { 'content-type': 'application/json' });
      return void response.end(JSON.stringify({ gitVersion: api.version }));
    }
    const [, resource = '', name] =
      /\/(secrets|mutatingwebhookconfigurations|events|configmaps)(?:\/([^/]+))?$/.exec(url.pathname) ?? [];
    const watching = url.searchParams.get('watch') === 'true';
    const words = `${watching ? 'WATCH' : request.method} ${resource}`;
    let body = '';
    for await (const piece of request) body += piece;
    requests.push(words);
    urls.push(request.url ?? '');
    bodies.push(body);
    const send = (status: number, object: unknown) => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(object));
      look();
    };
    const fault = api.fault(words);
    if (fault !== undefined) look();
    if (fault === 'hang') return;
    if (fault === 'hang-up') return void request.socket.destroy();
    if (fault === 'garbage') return void response.end('{"kind": "Secret", ');
    if (fault === 'endless') {
      const piece = Buffer.alloc(65_536, 'x');
      const more = () => {
        while (!response.destroyed && response.write(piece));
      };
      response.on('drain', more).on('error', () => {});
      return more();
    }
    if (typeof fault === 'object') return void response.end(`${JSON.stringify(fault.event)}\n`);
    if (typeof fault === 'number') return send(fault, { kind: 'Status', code: fault, reason: 'Told' });
    if (request.headers.authorization !== `Bearer ${token}`) return send(401, { reason: 'Unauthorized' });
    if (watching) {
      if (url.searchParams.get('fieldSelector') !== `metadata.name=${NAMES[resource]}`) return send(403, {});
      const watch = { resource, response };
      watches.add(watch);
      response.on('close', () => watches.delete(watch)).on('error', () => {});
      response.writeHead(200).flushHeaders();
      const since = Number(url.searchParams.get('resourceVersion'));
      if (resource === 'configmaps')
        for (const change of changes) if (change.version > since) response.write(change.line);
      const object = objectOf(resource);
      if (object !== undefined) response.write(`${JSON.stringify({ type: 'ADDED', object })}\n`);
      return look();
    }
    if (resource === 'events') return send(201, { kind: 'Event' });
    if (
      resource === 'configmaps' &&
      url.searchParams.get('fieldSelector') === `metadata.name=${NAMES.configmaps}`
    )
      return send(200, {
        ...{ kind: 'ConfigMapList', metadata: { resourceVersion: String(version) } },
        items: [...configMaps.values()],
      });
    if (name !== NAMES[resource]) return send(403, { reason: 'Forbidden' });
    if (request.method === 'GET') {
      const object = objectOf(resource);
      return send(object === undefined ? 404 : 200, object ?? { reason: 'NotFound' });
    }
    const status = patch(resource, request.headers['content-type'] ?? '', JSON.parse(body));
    send(status, status < 300 ? objectOf(resource) : { reason: status === 409 ? 'Conflict' : 'NotFound' });
  };
  const server = createServer({ cert, key }, (request, response) => {
    answer(request, response).catch(() => request.socket.destroy());
  });
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => sockets.add(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const folder = await mkdtemp(join(tmpdir(), 'curfew-'));
  const kubeconfig = join(folder, 'kubeconfig');
  await writeFile(kubeconfig, kubeconfigText(`https://localhost:${port}`, authority.cert, token));
  t.after(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
    await rm(folder, { recursive: true });
  });
  const api: FakeApiServer = {
    env: { KUBECONFIG: kubeconfig },
    version: 'v1.20.2',
    requests,
    urls,
    bodies,
    fault: () => undefined,
    get secret() {
      return secret;
    },
    set secret(value) {
      secret = value;
      touch('secrets');
    },
    get bundles() {
      return bundles;
    },
    set bundles(value) {
      bundles = value;
      touch('mutatingwebhookconfigurations');
    },
    until: (condition) =>
      new Promise((resolve) => {
        const check = () => {
          if (!condition()) return;
          waiting.delete(check);
          resolve();
        };
        waiting.add(check);
        check();
      }),
    notice: look,
    setConfigMap: (namespace, data) => {
      const former = configMaps.get(namespace);
      const metadata = {
        namespace,
        name: NAMES.configmaps,
        uid: `uid-of-${namespace}`,
        resourceVersion: `${++version}`,
      };
      const object = { metadata, ...(data === undefined ? {} : { data }) };
      if (data === undefined) configMaps.delete(namespace);
      else configMaps.set(namespace, object);
      const type = data === undefined ? 'DELETED' : former === undefined ? 'ADDED' : 'MODIFIED';
      const line = `${JSON.stringify({ type, object })}\n`;
      changes.push({ version, line });
      for (const watch of watches) if (watch.resource === 'configmaps') watch.response.write(line);
    },
    cutWatches: () => {
      for (const { response } of watches) response.destroy();
    },
  };
  return api;
}

function kubeconfigText(server: string, ca: string, token: string): string {
  return JSON.stringify({
    clusters: [{ name: 'c', cluster: { server, 'certificate-authority-data': base64(ca) } }],
    users: [{ name: 'u', user: { token } }],
    contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
    'current-context': 'x',
  });
}

const base64 = (plain: string) => Buffer.from(plain).toString('base64');
const text = (encodedText: string) => Buffer.from(encodedText, 'base64').toString();
const encoded = (data: ReadonlyMap<string, string>) =>
  Object.fromEntries([...data].map(([key, value]) => [key, base64(value)]));
const decoded = (data: unknown) =>
  new Map(Object.entries(isRecord(data) ? data : {}).map(([key, value]) => [key, text(String(value))]));
