/** Connections to a registry: authorities, proxies, and connections that are kept. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { HttpCall } from '../../../webhook/registry/http-exchange.ts';
import { deadlineIn, Transport } from '../../../webhook/registry/transport.ts';
import { createAuthority } from '../certificate/throw-away-certificate.ts';
import { fakeRegistry, type Misbehave } from './fake-registry.ts';

const hello: Misbehave = (_request, response) => {
  response.end('hello');
  return true;
};

const get = (url: string): HttpCall => ({
  method: 'GET',
  url: new URL(url),
  headers: {},
  maxBytes: 100,
  server: 'it',
});

function transport(t: TestContext, env: NodeJS.ProcessEnv = {}): Transport {
  const made = new Transport(env);
  t.after(() => made.close());
  return made;
}

async function folder(t: TestContext): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), 'curfew-'));
  t.after(() => rm(made, { recursive: true }));
  return made;
}

test('a private authority is trusted for its own registry alone', async (t) => {
  const dir = await folder(t);
  const [ours, others] = [await createAuthority(), await createAuthority()];
  const server = await fakeRegistry(t, {}, hello, await ours.issue());
  const sender = transport(t);
  const [right, wrong] = [join(dir, 'right.crt'), join(dir, 'wrong.crt')];
  await writeFile(right, ours.cert);
  await writeFile(wrong, others.cert);
  const send = (caFile?: string) => sender.send(get(server.origin), deadlineIn(5_000), caFile);
  assert.equal((await send(right)).body.toString(), 'hello');
  await assert.rejects(send(), /no trusted authority has signed.*caFile/);
  await assert.rejects(send(wrong), /no trusted authority/);
  await assert.rejects(send(join(dir, 'gone.crt')), /gone\.crt .*cannot be read/);
  await writeFile(wrong, 'no certificate');
  await assert.rejects(transport(t).send(get(server.origin), deadlineIn(5_000), wrong), /no PEM certificate/);
});

test('a certificate for another name, and one that has expired', async (t) => {
  const dir = await folder(t);
  const authority = await createAuthority();
  const caFile = join(dir, 'ca.crt');
  await writeFile(caFile, authority.cert);
  const over = await fakeRegistry(
    t,
    {},
    hello,
    await authority.issue({ notAfter: new Date(Date.now() - 3_600_000) }),
  );
  await assert.rejects(transport(t).send(get(over.origin), deadlineIn(5_000), caFile), /has expired/);
  const server = await fakeRegistry(t, {}, hello, await authority.issue());
  const elsewhere = server.origin.replace('127.0.0.1', '127.0.0.2');
  // The registry of these tests listens on 127.0.0.1 alone, so a forwarder gives it another name.
  const forward = await forwarder(t, '127.0.0.2', Number(new URL(server.origin).port));
  await assert.rejects(
    transport(t).send(get(elsewhere.replace(/:\d+$/, `:${forward}`)), deadlineIn(5_000), caFile),
    /certificate for another name/,
  );
});

test('a host name that does not exist', async (t) => {
  await assert.rejects(transport(t).send(get('https://registry.invalid/'), deadlineIn(5_000)), /DNS|in time/);
});

test('HTTPS_PROXY, HTTP_PROXY and NO_PROXY', async (t) => {
  const dir = await folder(t);
  const authority = await createAuthority();
  const caFile = join(dir, 'ca.crt');
  await writeFile(caFile, authority.cert);
  const secure = await fakeRegistry(t, {}, hello, await authority.issue());
  const plain = await fakeRegistry(t, {}, hello);
  const proxy = await startProxy(t);
  const env = { HTTPS_PROXY: proxy.address, http_proxy: proxy.address };
  const through = transport(t, env);
  assert.equal((await through.send(get(secure.origin), deadlineIn(5_000), caFile)).body.toString(), 'hello');
  assert.equal((await through.send(get(`${plain.origin}/x`), deadlineIn(5_000))).body.toString(), 'hello');
  assert.deepEqual(proxy.asked, [`CONNECT ${secure.host}`, `GET ${plain.origin}/x`]);
  // A metadata service is asked without a proxy, because it is this machine's own.
  await through.sendLocally(get(plain.origin), deadlineIn(5_000));
  const around = transport(t, { ...env, NO_PROXY: 'other.example,127.0.0.1' });
  await around.send(get(secure.origin), deadlineIn(5_000), caFile);
  await around.send(get(plain.origin), deadlineIn(5_000));
  assert.equal(proxy.asked.length, 2);
});

test('a request on a kept connection that the server has closed is sent again', async (t) => {
  const server = await fakeRegistry(t, {}, (request_, response) => {
    response.end('hello');
    if (server.seen.length === 1) response.on('close', () => request_.socket.destroy());
    return true;
  });
  const sender = transport(t);
  for (let i = 0; i < 3; i++)
    assert.equal((await sender.send(get(server.origin), deadlineIn(5_000))).body.toString(), 'hello');
});

test('no request is sent after the deadline; the earlier of two deadlines applies', async (t) => {
  const server = await fakeRegistry(t, {}, hello);
  const over = { signal: AbortSignal.abort(), endsAt: 0 };
  await assert.rejects(transport(t).send(get(server.origin), over), /in time/);
  assert.equal(server.seen.length, 0);
  assert.equal(deadlineIn(1_000, over), over);
  const own = deadlineIn(10, deadlineIn(60_000));
  assert.ok(own.endsAt < performance.now() + 1_000);
});

async function forwarder(t: TestContext, address: string, port: number): Promise<number> {
  const { createServer: createTcpServer } = await import('node:net');
  const sockets = new Set<Socket>();
  const server = createTcpServer((socket) => {
    const onward = connect(port, '127.0.0.1');
    for (const end of [socket, onward]) {
      sockets.add(end);
      end.on('error', () => {});
    }
    socket.pipe(onward).pipe(socket);
  });
  server.listen(0, address);
  await once(server, 'listening');
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const bound = server.address();
  return typeof bound === 'object' && bound !== null ? bound.port : 0;
}

/** A forward proxy, for CONNECT and for absolute URLs. */
async function startProxy(t: TestContext): Promise<{ address: string; asked: string[] }> {
  const asked: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((incoming, response) => {
    asked.push(`${incoming.method} ${incoming.url}`);
    request(incoming.url ?? '', { method: incoming.method ?? 'GET' }, (answer) =>
      answer.pipe(response),
    ).end();
  });
  server.on('connection', (socket: Socket) => sockets.add(socket));
  server.on('connect', (incoming, socket: Socket) => {
    asked.push(`CONNECT ${incoming.url}`);
    const onward = connect(Number(incoming.url?.split(':')[1]), '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      socket.pipe(onward).pipe(socket);
    });
    sockets.add(onward);
    onward.on('error', () => socket.destroy());
    socket.on('error', () => onward.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const bound = server.address();
  return {
    address: `http://127.0.0.1:${typeof bound === 'object' && bound !== null ? bound.port : 0}`,
    asked,
  };
}
