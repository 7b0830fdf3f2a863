import assert from 'node:assert/strict';
import { test } from 'node:test';
import { jobPod, review } from './review-examples.ts';
import { at, serveWebhook } from './served-webhook.ts';
import { stillServes } from './server-still-serves.ts';

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
