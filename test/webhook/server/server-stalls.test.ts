import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { test } from 'node:test';
import { serveWebhook } from './served-webhook.ts';
import { stillServes } from './server-still-serves.ts';

const STALLS = { config: 'limits: { requestTimeout: 200ms }' };

test('W1 a body that never ends is answered 408 and closed, and costs no one else', async (t) => {
  const served = await serveWebhook(t, STALLS);
  const socket = await served.tls();
  const closed = once(socket, 'close');
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk;
  });
  socket.write(
    'POST /mutate HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{"a":',
  );
  await stillServes({ ...served, health: async () => ({ status: 200, text: 'curfew_reviews_in_flight 0' }) });
  await closed;
  assert.match(text, /^HTTP\/1\.1 408 /);
  assert.match(text, /"code":"timed-out"/);
  await stillServes(served);
});

test('W1 headers that never end are answered 408 and closed', async (t) => {
  const served = await serveWebhook(t, STALLS);
  const socket = await served.tls();
  const closed = once(socket, 'close');
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk;
  });
  socket.write('POST /mutate HTTP/1.1\r\nhost: x\r\n');
  await closed;
  assert.match(text, /^HTTP\/1\.1 408 /);
  await stillServes(served);
});

test('W1 a connection that says nothing, before or after its handshake, is closed', async (t) => {
  const served = await serveWebhook(t, STALLS);
  const bare = connect(served.port, '127.0.0.1')
    .on('error', () => {})
    .resume();
  const bareClosed = once(bare, 'close');
  const quiet = await served.tls();
  const quietClosed = once(quiet.on('error', () => {}).resume(), 'close');
  await Promise.all([bareClosed, quietClosed]);
  await stillServes(served);
});

test('W1 bytes that are no TLS, and TLS that carries no HTTP, leave the server serving', async (t) => {
  const served = await serveWebhook(t);
  const plain = connect(served.port, '127.0.0.1');
  plain.on('error', () => {});
  plain.resume();
  plain.write('GET / HTTP/1.1\r\n\r\n');
  await once(plain, 'close');
  const tls = await served.tls();
  let text = '';
  tls.on('data', (chunk) => {
    text += chunk;
  });
  tls.write('\u0000\u0001nonsense\r\n\r\n');
  await once(tls, 'close');
  assert.match(text, /^HTTP\/1\.1 400 .*"code":"bad-request"/s);
  await stillServes(served);
});

test('W1 a client that hangs up in the middle of its body leaves nothing behind', async (t) => {
  const served = await serveWebhook(t);
  const socket = await served.tls();
  const counted = new Promise<void>((resolve) => {
    served.servers.webhook.server.once('request', (incoming: IncomingMessage) => {
      incoming.once('data', () => socket.destroy()).once('close', () => setImmediate(resolve));
    });
  });
  socket.write(
    'POST /mutate HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{"a":',
  );
  await counted;
  await stillServes(served);
});
