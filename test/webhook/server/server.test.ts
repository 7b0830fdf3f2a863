import assert from 'node:assert/strict';
import { test } from 'node:test';
import jsonPatch from 'fast-json-patch';
import { jobPod, review } from './review-examples.ts';
import { at, serveWebhook } from './served-webhook.ts';

test('W1 a pod with a sidecar is allowed with a patch that the API server can apply', async (t) => {
  const served = await serveWebhook(t);
  const pod = jobPod();
  const answer = await served.post(JSON.stringify(review(pod, { uid: 'one' })));
  assert.equal(answer.status, 200);
  assert.match(answer.contentType, /^application\/json/);
  assert.equal(at(answer.body, 'apiVersion'), 'admission.k8s.io/v1');
  assert.equal(at(answer.body, 'kind'), 'AdmissionReview');
  assert.equal(at(answer.body, 'response', 'uid'), 'one');
  assert.equal(at(answer.body, 'response', 'allowed'), true);
  assert.equal(at(answer.body, 'response', 'patchType'), 'JSONPatch');
  const operations = JSON.parse(
    Buffer.from(String(at(answer.body, 'response', 'patch')), 'base64').toString(),
  );
  const patched = jsonPatch.applyPatch(structuredClone(pod), operations, true, false).newDocument;
  assert.equal(at(patched, 'spec', 'initContainers', 0, 'name'), 'curfew-install');
});

const UNTOUCHED = {
  'an update': { operation: 'UPDATE' },
  'a delete': { operation: 'DELETE' },
  'a connect': { operation: 'CONNECT', subResource: 'exec' },
  'an eviction': { subResource: 'eviction' },
  'another resource of the core': { resource: { group: '', version: 'v1', resource: 'serviceaccounts' } },
  'another resource': { resource: { group: 'batch', version: 'v1', resource: 'jobs' } },
  'another group of the same name': { resource: { group: 'example.com', version: 'v1', resource: 'pods' } },
};

for (const [name, options] of Object.entries(UNTOUCHED)) {
  test(`W1 ${name} is allowed untouched`, async (t) => {
    const served = await serveWebhook(t);
    const answer = await served.post(JSON.stringify(review(jobPod(), { ...options, uid: 'u' })));
    assert.equal(answer.status, 200);
    assert.deepEqual(at(answer.body, 'response'), { uid: 'u', allowed: true });
    assert.match(
      (await served.health('/metrics')).text,
      /outcome="unchanged",reason="not-a-pod-creation"\} 1/,
    );
  });
}

test('W1 a refusal is HTTP 200 with allowed false and a message that names the annotation', async (t) => {
  const served = await serveWebhook(t);
  const pod = { ...jobPod(), metadata: { annotations: { 'curfew.dev/sidecars': 'nobody' } } };
  const answer = await served.post(JSON.stringify(review(pod, { uid: 'r' })));
  assert.equal(answer.status, 200);
  assert.equal(at(answer.body, 'response', 'uid'), 'r');
  assert.equal(at(answer.body, 'response', 'allowed'), false);
  assert.equal(at(answer.body, 'response', 'patch'), undefined);
  assert.equal(at(answer.body, 'response', 'status', 'code'), 403);
  assert.match(String(at(answer.body, 'response', 'status', 'message')), /curfew\.dev\/sidecars/);
});

test('W1 an answer that names what is beyond ASCII is read as it was meant', async (t) => {
  const served = await serveWebhook(t);
  const odd = 'über-\u20ac-\u{1f600}';
  const pod = { ...jobPod(), metadata: { annotations: { 'curfew.dev/sidecars': odd } } };
  const { body } = await served.post(JSON.stringify(review(pod, { uid: odd })));
  assert.equal(at(body, 'response', 'uid'), odd);
  assert.ok(String(at(body, 'response', 'status', 'message')).includes(odd));
});

test('W2 keys named __proto__ and constructor pass: nothing is polluted, the patch does not touch them', async (t) => {
  const served = await serveWebhook(t);
  const pod = JSON.stringify(jobPod()).replace(
    '"annotations":{',
    '"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}},"annotations":{"__proto__":"kept",',
  );
  const body = JSON.stringify(review('POD')).replace('"POD"', pod);
  const answer = await served.post(body);
  assert.equal(answer.status, 200);
  assert.equal(at(answer.body, 'response', 'allowed'), true);
  const patch = Buffer.from(String(at(answer.body, 'response', 'patch')), 'base64').toString();
  assert.doesNotMatch(patch, /__proto__|constructor|polluted/);
  assert.equal(Reflect.get({}, 'polluted'), undefined);
});

test('W9 a review is one log line with its uid and its fate, and nothing of env, args or annotations', async (t) => {
  const served = await serveWebhook(t);
  const pod = jobPod();
  Object.assign(pod, {
    metadata: {
      generateName: 'evil\n"name',
      annotations: { 'curfew.dev/sidecars': 'proxy', note: 'annotated' },
    },
  });
  await served.post(JSON.stringify(review(pod, { uid: 'log-me', dryRun: true })));
  const lines = served.log().filter((line) => line.uid === 'log-me');
  assert.equal(lines.length, 1);
  const { ms, time, ...line } = lines[0] ?? {};
  assert.equal(typeof ms, 'number');
  assert.equal(typeof time, 'string');
  assert.deepEqual(line, {
    level: 'info',
    msg: 'review',
    uid: 'log-me',
    namespace: 'shop',
    generateName: 'evil\n"name',
    operation: 'CREATE',
    dryRun: true,
    outcome: 'wrapped',
    reason: 'wrapped',
    mode: 'shim',
    operations: line.operations,
  });
  assert.doesNotMatch(JSON.stringify(served.log()), /hunter2|annotated|--all/);
  assert.doesNotMatch((await served.health('/metrics')).text, /hunter2|annotated|--all|evil|shop/);
});

test('W9 a name of a megabyte is cut in the log', async (t) => {
  const served = await serveWebhook(t);
  const body = review({ ...jobPod(), metadata: { name: 'n'.repeat(1_000_000) } });
  await served.post(JSON.stringify(body));
  const longest = Math.max(...served.log().map((line) => JSON.stringify(line).length));
  assert.ok(longest < 2_000, `a line of ${longest} characters`);
});

test('W6 what was decided and why is counted', async (t) => {
  const served = await serveWebhook(t);
  await served.post(JSON.stringify(review(jobPod())));
  await served.post('nonsense');
  const { text } = await served.health('/metrics');
  assert.match(text, /^curfew_reviews_total\{outcome="wrapped",reason="wrapped",mode="shim"\} 1$/m);
  assert.match(text, /^curfew_reviews_total\{outcome="rejected",reason="not-json"\} 1$/m);
  assert.match(text, /^curfew_review_duration_seconds_count 1$/m);
  assert.match(text, /^curfew_reviews_in_flight 0$/m);
  assert.match(text, /^curfew_build_info\{version="0.0.0-test",node="v\d+.*"\} 1$/m);
  assert.match(text, /^curfew_certificate_expiry_timestamp_seconds \d{10}$/m);
});

test('W1 a bug answers 500, so that failurePolicy decides, and the log has its frames but not its message', async (t) => {
  const images = { lookUp: () => Promise.reject(new Error('secret of the pod')) };
  const served = await serveWebhook(t, { images });
  const pod = jobPod();
  Object.assign(pod, {
    spec: {
      restartPolicy: 'Never',
      containers: [
        { name: 'a', image: 'x' },
        { name: 'proxy', image: 'y' },
      ],
    },
  });
  const answer = await served.post(JSON.stringify(review(pod, { uid: 'bug' })));
  assert.equal(answer.status, 500);
  assert.equal(at(answer.body, 'error', 'code'), 'internal');
  assert.doesNotMatch(JSON.stringify([answer, served.log()]), /secret of the pod/);
  const [line] = served.log().filter(({ msg }) => msg === 'review failed');
  assert.equal(line?.uid, 'bug');
  assert.ok(Array.isArray(line?.frames));
});

test('a look-up ends before the time that the API server waits', async (t) => {
  let reason: unknown;
  const images = {
    lookUp: async (_requests: unknown, _namespace: string, _pod: unknown, signal: AbortSignal) => {
      await new Promise<void>((resolve) => {
        if (signal.aborted) resolve();
        signal.addEventListener('abort', () => resolve());
      });
      reason = signal.reason;
      return new Map();
    },
  };
  const served = await serveWebhook(t, { images });
  const pod = {
    ...jobPod(),
    spec: {
      restartPolicy: 'Never',
      containers: [
        { name: 'a', image: 'x' },
        { name: 'proxy', image: 'y' },
      ],
    },
  };
  const answer = await served.post(JSON.stringify(review(pod)), { path: '/mutate?timeout=1s' });
  assert.equal(answer.status, 200);
  assert.equal(at(reason, 'name'), 'TimeoutError');
});

test('readiness and liveness: unready without a certificate and while draining, alive throughout', async (t) => {
  const served = await serveWebhook(t, { withoutCertificate: true });
  const before = await served.health('/readyz');
  assert.equal(before.status, 503);
  assert.match(before.text, /tls\.crt cannot be read \(ENOENT\)/);
  assert.equal((await served.health('/livez')).status, 200);
  await served.install(await served.authority.issue());
  await served.certificate.check();
  assert.deepEqual(await served.health('/readyz'), { status: 200, text: '{"status":"ok"}' });
  served.servers.drain();
  const after = await served.health('/readyz');
  assert.equal(after.status, 503);
  assert.match(after.text, /shutting down/);
  assert.equal((await served.health('/livez')).status, 200);
  assert.equal(
    (await served.post(JSON.stringify(review(jobPod())))).status,
    200,
    'still served while draining',
  );
});
