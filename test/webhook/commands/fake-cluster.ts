/**
 * As much of an API server as the commands that look at a cluster ask, over real HTTPS on a free port of 127.0.0.1: objects, paged lists
 * with selectors, logs, exec and port-forward over WebSockets. It stores nothing that it is sent.
 */
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { type WebSocket, WebSocketServer } from 'ws';
import { isRecord, type JsonRecord, member } from '../../../webhook/shared/json.ts';
import { createAuthority } from '../certificate/throw-away-certificate.ts';

/** What a program in a container does. */
export interface Program {
  stdout?: string;
  stderr?: string;
  code?: number;
  /** It prints for ever, or never ends. */
  fault?: 'endless' | 'hang' | 'hang-up';
}

export interface FakeCluster {
  kubeconfig: string;
  /** Objects by their path: `/api/v1/namespaces/shop/pods/a`. */
  objects: Map<string, JsonRecord>;
  /** Logs by `namespace/pod/container`. */
  logs: Map<string, string>;
  /** Answers exec by `namespace/pod/container` and the command's words; undefined: 403. */
  execute: (target: string, command: readonly string[]) => Program | undefined;
  /** The local port behind a pod's port, by `namespace/pod:port`. */
  ports: Map<string, number>;
  /** Answers POSTs by their path without the query. */
  posts: Map<string, (body: JsonRecord, query: URLSearchParams) => { status: number; body: JsonRecord }>;
  /** A status in place of the answer to a GET, by its path without the query. */
  faults: Map<string, number>;
  /** All requests: `GET /api/v1/pods?limit=500`. */
  readonly requests: readonly string[];
  /** Store an object at the place that its kind has. */
  put(object: JsonRecord): void;
}

const PLURALS: Readonly<Record<string, string>> = {
  ...{ Pod: 'pods', Job: 'jobs', CronJob: 'cronjobs', Namespace: 'namespaces', Event: 'events' },
  ...{ Deployment: 'deployments', StatefulSet: 'statefulsets', DaemonSet: 'daemonsets' },
  ...{ ConfigMap: 'configmaps', Endpoints: 'endpoints', Service: 'services' },
  MutatingWebhookConfiguration: 'mutatingwebhookconfigurations',
};

const TOKEN = 'the-token-of-the-test';

/** Serve until the test ends. */
export async function startCluster(t: Pick<TestContext, 'after'>): Promise<FakeCluster> {
  const authority = await createAuthority();
  const { cert, key } = await authority.issue();
  const requests: string[] = [];
  const cluster: Omit<FakeCluster, 'kubeconfig'> = {
    ...{
      objects: new Map(),
      logs: new Map(),
      ports: new Map(),
      posts: new Map(),
      faults: new Map(),
      requests,
    },
    execute: () => undefined,
    put: (object) => void cluster.objects.set(pathOf(object), object),
  };
  const server = createServer({ cert, key }, (request, response) => {
    answer(cluster, requests, request, response).catch(() => request.socket.destroy());
  });
  const webSockets = new WebSocketServer({ noServer: true, handleProtocols: () => 'v4.channel.k8s.io' });
  server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
    requests.push(`UPGRADE ${request.url}`);
    const url = new URL(request.url ?? '/', 'https://fake');
    const [, namespace, pod, kind] =
      /^\/api\/v1\/namespaces\/([^/]+)\/pods\/([^/]+)\/(exec|portforward)$/.exec(url.pathname) ?? [];
    const refuse = (status: number) => socket.end(`HTTP/1.1 ${status} No\r\ncontent-length: 0\r\n\r\n`);
    if (request.headers.authorization !== `Bearer ${TOKEN}`) return void refuse(401);
    const container = url.searchParams.get('container');
    const program =
      kind === 'exec'
        ? cluster.execute(`${namespace}/${pod}/${container}`, url.searchParams.getAll('command'))
        : undefined;
    const port = url.searchParams.get('ports');
    const local = kind === 'portforward' ? cluster.ports.get(`${namespace}/${pod}:${port}`) : undefined;
    if (program === undefined && local === undefined) return void refuse(403);
    webSockets.handleUpgrade(request, socket, head, (webSocket) => {
      if (program !== undefined) runProgram(webSocket, program);
      if (local !== undefined) tunnel(webSocket, Number(port), local);
    });
  });
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => sockets.add(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const folder = await mkdtemp(join(tmpdir(), 'curfew-'));
  const kubeconfig = join(folder, 'kubeconfig');
  await writeFile(kubeconfig, JSON.stringify(kubeconfigOf(`https://localhost:${port}`, authority.cert)));
  t.after(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
    await rm(folder, { recursive: true });
  });
  return Object.assign(cluster, { kubeconfig });
}

/** A kubeconfig as kubectl writes it. */
export function kubeconfigOf(server: string, ca: string, user: JsonRecord = { token: TOKEN }): JsonRecord {
  return {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      { name: 'c', cluster: { server, 'certificate-authority-data': Buffer.from(ca).toString('base64') } },
    ],
    users: [{ name: 'u', user }],
    contexts: [
      { name: 'x', context: { cluster: 'c', user: 'u', namespace: 'shop' } },
      { name: 'other', context: { cluster: 'c', user: 'u', namespace: 'other' } },
    ],
    'current-context': 'x',
  };
}

function pathOf(object: JsonRecord): string {
  const { kind, metadata } = object;
  const group = String(object.apiVersion ?? 'v1');
  const { name, namespace } = isRecord(metadata) ? metadata : {};
  const inside = typeof namespace === 'string' ? `/namespaces/${namespace}` : '';
  return `${group.includes('/') ? '/apis' : '/api'}/${group}${inside}/${PLURALS[String(kind)]}/${String(name)}`;
}

async function answer(
  cluster: Omit<FakeCluster, 'kubeconfig'>,
  requests: string[],
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const url = new URL(request.url ?? '/', 'https://fake');
  let body = '';
  for await (const piece of request) body += piece;
  requests.push(`${request.method} ${request.url}`);
  const send = (status: number, object: unknown) =>
    void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(object));
  if (request.headers.authorization !== `Bearer ${TOKEN}`) return send(401, { reason: 'Unauthorized' });
  const fault = cluster.faults.get(url.pathname);
  if (fault !== undefined)
    return send(fault, { kind: 'Status', reason: 'Forbidden', message: 'the fake API server was told to' });
  if (request.method === 'POST') {
    const post = cluster.posts.get(url.pathname);
    if (post === undefined) return send(404, { reason: 'NotFound' });
    const made = post(JSON.parse(body), url.searchParams);
    return send(made.status, made.body);
  }
  const log = /^\/api\/v1\/namespaces\/([^/]+)\/pods\/([^/]+)\/log$/.exec(url.pathname);
  if (log !== null)
    return void response.end(
      cluster.logs.get(`${log[1]}/${log[2]}/${url.searchParams.get('container')}`) ?? '',
    );
  const object = cluster.objects.get(url.pathname);
  if (object !== undefined) return send(200, object);
  if (!Object.values(PLURALS).some((plural) => url.pathname.endsWith(`/${plural}`)))
    return send(404, { reason: 'NotFound' });
  return send(200, listOf(cluster.objects, url));
}

/** The objects below a path, or of the same kind in all namespaces. */
function listOf(objects: ReadonlyMap<string, JsonRecord>, url: URL): JsonRecord {
  const plural = url.pathname.slice(url.pathname.lastIndexOf('/') + 1);
  const base = url.pathname.slice(0, -plural.length - 1);
  const all = [...objects].filter(
    ([path]) =>
      path.slice(0, path.lastIndexOf('/')) === url.pathname ||
      (path.startsWith(`${base}/namespaces/`) && path.split('/').at(-2) === plural),
  );
  const chosen = all.map(([, object]) => object).filter((object) => isSelected(object, url.searchParams));
  const from = Number(url.searchParams.get('continue') ?? 0);
  const limit = Number(url.searchParams.get('limit') ?? chosen.length);
  const next = from + limit < chosen.length ? { continue: String(from + limit) } : {};
  return { metadata: next, items: chosen.slice(from, from + limit) };
}

function isSelected(object: JsonRecord, query: URLSearchParams): boolean {
  const metadata = isRecord(object.metadata) ? object.metadata : {};
  const labels = isRecord(metadata.labels) ? metadata.labels : {};
  const [label, value] = (query.get('labelSelector') ?? '').split('=');
  if (
    label !== undefined &&
    label !== '' &&
    (value === undefined ? !Object.hasOwn(labels, label) : labels[label] !== value)
  )
    return false;
  const name = /^metadata\.name=(.*)$/.exec(query.get('fieldSelector') ?? '')?.[1];
  if (name !== undefined && metadata.name !== name) return false;
  const uid = /^involvedObject\.uid=(.*)$/.exec(query.get('fieldSelector') ?? '')?.[1];
  const involved = member(object, 'involvedObject');
  return uid === undefined || (isRecord(involved) && involved.uid === uid);
}

function runProgram(socket: WebSocket, { stdout = '', stderr = '', code = 0, fault }: Program): void {
  const send = (channel: number, text: string) =>
    socket.send(Buffer.concat([Buffer.of(channel), Buffer.from(text)]));
  if (fault === 'hang') return;
  if (fault === 'hang-up') return void socket.terminate();
  if (fault === 'endless') {
    const more = () => {
      if (socket.readyState === socket.OPEN) socket.send(Buffer.alloc(65_536, 1), more);
    };
    return void more();
  }
  send(1, stdout);
  if (stderr !== '') send(2, stderr);
  send(
    3,
    JSON.stringify(
      code === 0
        ? { status: 'Success' }
        : { status: 'Failure', details: { causes: [{ reason: 'ExitCode', message: String(code) }] } },
    ),
  );
  socket.close();
}

function tunnel(socket: WebSocket, port: number, local: number): void {
  const peer = connect(local, '127.0.0.1');
  const announce = Buffer.alloc(2);
  announce.writeUInt16LE(port);
  for (const channel of [0, 1]) socket.send(Buffer.concat([Buffer.of(channel), announce]));
  peer.on('data', (data) => socket.send(Buffer.concat([Buffer.of(0), data])));
  peer.on('close', () => socket.close());
  peer.on('error', () => socket.terminate());
  socket.on('message', (data: Buffer) => peer.write(data.subarray(1)));
  socket.on('close', () => peer.destroy());
}
