/** The API server asks again for a pod that somebody has changed after the webhook: most wrapped pods come twice. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import jsonPatch from 'fast-json-patch';
import { jobPod, review } from './review-examples.ts';
import { at, type Served, serveWebhook } from './served-webhook.ts';

/** Review a pod. @returns the pod with the answer's patch */
async function reviewed(served: Served, pod: Record<string, unknown>): Promise<Record<string, unknown>> {
  const { body } = await served.post(JSON.stringify(review(pod)));
  const patch = at(body, 'response', 'patch');
  const operations = patch === undefined ? [] : JSON.parse(Buffer.from(String(patch), 'base64').toString());
  return jsonPatch.applyPatch(structuredClone(pod), operations, true).newDocument;
}

async function counts(served: Served): Promise<string[]> {
  const { text } = await served.health('/metrics');
  return [...text.matchAll(/^curfew_reviews_total\{(.*)\} ([1-9]\d*)$/gm)]
    .map(([, labels, count]) => `${labels} ${count}`)
    .toSorted();
}

test('O5 a second review of a pod in native mode is counted apart too', async (t) => {
  const served = await serveWebhook(t, { config: 'mode: native\nminimumKubelet: "1.33"' });
  const once = await reviewed(served, jobPod());
  await reviewed(served, once);
  const late = structuredClone(once);
  Object(late.spec).containers.push({
    name: 'cloud-sql-proxy',
    image: 'gcr.io/cloud-sql-connectors/cloud-sql-proxy:2',
  });
  Object(late.metadata).annotations['curfew.dev/sidecars'] = 'proxy, cloud-sql-proxy';
  await reviewed(served, late);
  assert.deepEqual(await counts(served), [
    'outcome="again",reason="already-converted",mode="native" 1',
    'outcome="again",reason="converted-again",mode="native" 1',
    'outcome="converted",reason="converted",mode="native" 1',
  ]);
});

test('O5 a second review is counted apart, and logged only where it changes something', async (t) => {
  const served = await serveWebhook(t);
  const once = await reviewed(served, jobPod());
  assert.deepEqual(await counts(served), ['outcome="wrapped",reason="wrapped",mode="shim" 1']);
  // As the admission of service accounts does, which mounts a token into the init container too.
  const twice = await reviewed(served, Object.assign(once, { spec: { ...Object(once.spec), priority: 0 } }));
  assert.deepEqual(twice, once);
  assert.deepEqual(await counts(served), [
    'outcome="again",reason="already-wrapped",mode="shim" 1',
    'outcome="wrapped",reason="wrapped",mode="shim" 1',
  ]);
  const late = structuredClone(once);
  Object(late.spec).containers.push({ name: 'late', image: 'late:1', command: ['/late'] });
  await reviewed(served, late);
  assert.deepEqual(await counts(served), [
    'outcome="again",reason="already-wrapped",mode="shim" 1',
    'outcome="again",reason="wrapped-again",mode="shim" 1',
    'outcome="wrapped",reason="wrapped",mode="shim" 1',
  ]);
  assert.deepEqual(
    served
      .log()
      .filter(({ msg }) => msg === 'review')
      .map(({ level, outcome, reason }) => [level, outcome, reason]),
    [
      ['info', 'wrapped', 'wrapped'],
      ['debug', 'again', 'already-wrapped'],
      ['info', 'again', 'wrapped-again'],
    ],
  );
});
