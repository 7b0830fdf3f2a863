import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { test } from 'node:test';
import { jobPod, review } from './review-examples.ts';
import { at, type Served, serveWebhook } from './served-webhook.ts';

/** The server is well: it decides about a good review, on a connection of its own. */
async function stillServes(served: Served): Promise<void> {
  const answer = await served.post(JSON.stringify(review(jobPod(), { uid: 'after' })));
  assert.equal(answer.status, 200);
  assert.equal(at(answer.body, 'response', 'uid'), 'after');
  assert.equal(typeof at(answer.body, 'response', 'patch'), 'string');
  assert.match((await served.health('/metrics')).text, /^curfew_reviews_in_flight 0$/m);
}

const good = review(jobPod());
const request = { uid: 'u', operation: 'CREATE', resource: { group: '', version: 'v1', resource: 'pods' } };
const v1 = (more: object) =>
  JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', ...more });

const REJECTED: Record<
  string,
  { body: string | Buffer; status: number; code: string; message: RegExp; type?: string }
> = {
  'not JSON': { body: 'apiVersion: v1', status: 400, code: 'not-json', message: /not JSON/ },
  'an empty body': { body: '', status: 400, code: 'not-json', message: /not JSON/ },
  'half a review': {
    body: JSON.stringify(good).slice(0, -5),
    status: 400,
    code: 'not-json',
    message: /not JSON/,
  },
  'bytes that are no text': {
    body: Buffer.from([0xff, 0xfe, 0x00]),
    status: 400,
    code: 'not-json',
    message: /not JSON/,
  },
  null: { body: 'null', status: 400, code: 'not-an-admission-review', message: /it is null/ },
  'an array': { body: '[]', status: 400, code: 'not-an-admission-review', message: /it is an array/ },
  'a pod': {
    body: JSON.stringify(jobPod()),
    status: 400,
    code: 'not-an-admission-review',
    message: /its kind is "Pod"/,
  },
  v1beta1: {
    body: JSON.stringify({ ...good, apiVersion: 'admission.k8s.io/v1beta1' }),
    status: 400,
    code: 'unsupported-version',
    message: /"admission\.k8s\.io\/v1beta1".*admissionReviewVersions: \[v1\]/,
  },
  'a review with a response only': {
    body: v1({ response: {} }),
    status: 400,
    code: 'malformed-review',
    message: /no request/,
  },
  'a review without uid': {
    body: v1({ request: { ...request, uid: '' } }),
    status: 400,
    code: 'malformed-review',
    message: /uid/,
  },
  'a review with a uid of a megabyte': {
    body: v1({ request: { ...request, uid: 'u'.repeat(1_000_000) } }),
    status: 400,
    code: 'malformed-review',
    message: /uid/,
  },
  'a review without operation': {
    body: v1({ request: { ...request, operation: undefined } }),
    status: 400,
    code: 'malformed-review',
    message: /operation/,
  },
  'a review without resource': {
    body: v1({ request: { ...request, resource: null } }),
    status: 400,
    code: 'malformed-review',
    message: /resource/,
  },
  'a null object': {
    body: v1({ request: { ...request, object: null } }),
    status: 400,
    code: 'malformed-review',
    message: /request\.object is null/,
  },
  '8 MB': {
    body: Buffer.alloc(8_000_000, 32),
    status: 413,
    code: 'body-too-large',
    message: /7340032 bytes/,
  },
  'another content type': {
    body: JSON.stringify(good),
    type: 'application/yaml',
    status: 415,
    code: 'unsupported-media-type',
    message: /application\/json/,
  },
  'a text': {
    body: 'x',
    type: 'text/plain',
    status: 415,
    code: 'unsupported-media-type',
    message: /application\/json/,
  },
};

for (const [name, { body, status, code, message, type }] of Object.entries(REJECTED)) {
  test(`W1 ${name} is answered ${status} with a JSON error, and the server goes on`, async (t) => {
    const served = await serveWebhook(t);
    const answer = await served.post(body, type === undefined ? {} : { headers: { 'content-type': type } });
    assert.equal(answer.status, status);
    assert.match(answer.contentType, /^application\/json/);
    assert.equal(at(answer.body, 'error', 'code'), code);
    assert.match(String(at(answer.body, 'error', 'message')), message);
    assert.ok(JSON.stringify(answer.body).length < 500, 'the answer does not grow with the question');
    const { text } = await served.health('/metrics');
    assert.ok(text.includes(`outcome="rejected",reason="${code}"} 1`), 'it is counted once, by its code');
    await stillServes(served);
  });
}

test('W1 8 MB in chunks of unknown length is answered 413 too', async (t) => {
  const served = await serveWebhook(t);
  const answer = await served.post(Buffer.alloc(8_000_000, 32), {
    headers: { 'transfer-encoding': 'chunked' },
  });
  assert.equal(answer.status, 413);
  await stillServes(served);
});

test('W1 40 MB are read to their end, so that a sender who listens only then gets its answer and not a reset', async (t) => {
  const served = await serveWebhook(t);
  const socket = await served.tls();
  const length = 40_000_000;
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject).once('close', () => reject(new Error('closed before all was sent')));
    socket.write(
      `POST /mutate HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${length}\r\n\r\n`,
    );
    socket.write(Buffer.alloc(length, 32), () => resolve());
  });
  socket.removeAllListeners('close');
  const [text] = await once(socket, 'data');
  assert.match(String(text), /^HTTP\/1\.1 413 /);
  socket.destroy();
  await stillServes(served);
});

test('W1 another path is 404, another method 405, each a JSON error', async (t) => {
  const served = await serveWebhook(t);
  const elsewhere = await served.post('{}', { path: '/validate' });
  assert.deepEqual([elsewhere.status, at(elsewhere.body, 'error', 'code')], [404, 'not-found']);
  const get = await served.post('', { method: 'GET' });
  assert.deepEqual([get.status, at(get.body, 'error', 'code')], [405, 'method-not-allowed']);
  const broken = await served.post('', { path: '/%' });
  assert.deepEqual([broken.status, at(broken.body, 'error', 'code')], [400, 'bad-request']);
  await stillServes(served);
});

const spec = (more: object) => ({ ...jobPod(), spec: more });
const annotated = (annotations: Record<string, unknown>) => ({ ...jobPod(), metadata: { annotations } });
const [main, proxy] = [
  { name: 'migrate', image: 'a', command: ['/a'] },
  { name: 'proxy', image: 'b', command: ['/b'] },
];

/** Pods that are decided about: HTTP 200, and either refused with a reason or left to the API server's own checks. */
const ODD_PODS: Record<string, { object: unknown; allowed: boolean; message?: RegExp }> = {
  'a pod with no containers': {
    object: spec({ containers: [] }),
    allowed: true,
  },
  'a pod without spec': { object: { metadata: {} }, allowed: true },
  'a pod whose containers are no list': { object: spec({ containers: 7 }), allowed: true },
  'a pod whose container is null': { object: spec({ containers: [null] }), allowed: true },
  'an empty pod': { object: {}, allowed: true },
  '10,000 containers': {
    object: spec({
      restartPolicy: 'Never',
      containers: Array.from({ length: 10_000 }, (_, i) => ({ name: `c${i}`, image: 'a', command: ['/a'] })),
    }),
    allowed: false,
    message: /./,
  },
  'a name in the list that is no container': {
    object: annotated({ 'curfew.dev/sidecars': '../../etc' }),
    allowed: false,
    message: /curfew\.dev\/sidecars/,
  },
  'an entrypoint that is no JSON': {
    object: annotated({ 'curfew.dev/sidecars': 'proxy', 'entrypoint.curfew.dev/proxy': '[/proxy' }),
    allowed: false,
    message: /entrypoint\.curfew\.dev\/proxy/,
  },
  'a duration that does not parse': {
    object: annotated({ 'curfew.dev/sidecars': 'proxy', 'curfew.dev/start-timeout': 'soon' }),
    allowed: false,
    message: /curfew\.dev\/start-timeout.*soon/,
  },
  'an annotation that is no string': { object: annotated({ 'curfew.dev/sidecars': 7 }), allowed: true },
  'a mount path that is already taken': {
    object: spec({
      restartPolicy: 'Never',
      containers: [{ ...main, volumeMounts: [{ name: 'v', mountPath: '/curfew/run' }] }, proxy],
      volumes: [{ name: 'v', emptyDir: {} }],
    }),
    allowed: false,
    message: /\/curfew\/run/,
  },
};

for (const [name, { object, allowed, message }] of Object.entries(ODD_PODS)) {
  test(`W1 ${name} is decided about with HTTP 200, and the server goes on`, async (t) => {
    const served = await serveWebhook(t);
    const answer = await served.post(JSON.stringify(review(object, { uid: 'odd' })));
    assert.equal(answer.status, 200);
    assert.equal(at(answer.body, 'response', 'uid'), 'odd');
    assert.equal(at(answer.body, 'response', 'allowed'), allowed, JSON.stringify(answer.body).slice(0, 500));
    if (message !== undefined)
      assert.match(String(at(answer.body, 'response', 'status', 'message')), message);
    await stillServes(served);
  });
}

test('W1 a body nested 100,000 deep leaves the server serving', async (t) => {
  const served = await serveWebhook(t);
  const body = JSON.stringify(review('DEEP')).replace(
    '"DEEP"',
    `${'['.repeat(100_000)}${']'.repeat(100_000)}`,
  );
  const answer = await served.post(body);
  assert.ok([200, 400].includes(answer.status));
  await stillServes(served);
});

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
