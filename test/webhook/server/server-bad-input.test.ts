import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { jobPod, review } from './review-examples.ts';
import { at, serveWebhook } from './served-webhook.ts';
import { stillServes } from './server-still-serves.ts';

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

test('W1 40 MB are read to their end, so that a sender that reads only then gets its answer and not a reset', async (t) => {
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
