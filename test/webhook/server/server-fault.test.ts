import assert from 'node:assert/strict';
import { test } from 'node:test';
import { jobPod, review } from './review-examples.ts';
import { at, type Served, serveWebhook } from './served-webhook.ts';

const SECRET = 'secret of the pod';
const broken = (): never => {
  throw new Error(SECRET);
};

/** The log lines that have an error's frames, and neither they nor any other have its message. */
function faults(served: Served): Record<string, unknown>[] {
  assert.doesNotMatch(JSON.stringify(served.log()), new RegExp(SECRET));
  return served.log().filter(({ frames }) => Array.isArray(frames) && frames.length > 0);
}

async function failedReviews(served: Served): Promise<string[]> {
  const { text } = await served.health('/metrics');
  assert.match(text, /^curfew_reviews_in_flight 0$/m);
  return text.split('\n').filter((line) => /^curfew_reviews_total\{.*\} [1-9]/.test(line));
}

const annotated = (sidecars: string) => ({
  ...jobPod(),
  metadata: { name: 'job', annotations: { 'curfew.dev/sidecars': sidecars } },
});

test('W1 a fault before the answer is a 500 that names the log, whose line has frames and uid', async (t) => {
  let first = true;
  const served = await serveWebhook(t, {
    metrics: (metrics) => ({
      ...metrics,
      ended: (...args) => {
        if (first) {
          first = false;
          broken();
        }
        metrics.ended(...args);
      },
    }),
  });
  const answer = await served.post(JSON.stringify(review(jobPod(), { uid: 'lost' })));
  assert.equal(answer.status, 500);
  assert.match(
    String(at(answer.body, 'error', 'message')),
    /review lost failed; the log has the frames of the error/,
  );
  const [line, ...others] = faults(served);
  assert.deepEqual(others, []);
  assert.deepEqual([line?.msg, line?.uid, line?.status], ['review failed', 'lost', 500]);
  assert.equal((await served.post(JSON.stringify(review(jobPod())))).status, 200, 'the server goes on');
});

test('W1 a fault before a review is read is a 500 too, and the log has its frames', async (t) => {
  const served = await serveWebhook(t, { metrics: (metrics) => ({ ...metrics, began: broken }) });
  const answer = await served.post(JSON.stringify(review(jobPod(), { uid: 'unread' })));
  assert.deepEqual([answer.status, at(answer.body, 'error', 'code')], [500, 'internal']);
  assert.match(String(at(answer.body, 'error', 'message')), /^internal error; the log has the frames/);
  const [line, ...others] = faults(served);
  assert.deepEqual(others, []);
  assert.deepEqual([line?.level, line?.msg], ['error', 'review failed']);
  assert.equal(served.servers.reviews(), 0);
});

test('W1 a fault after the answer is logged, and neither answered nor counted again', async (t) => {
  let now = Date.now;
  const served = await serveWebhook(t, { events: { create: async () => {} }, now: () => now() });
  now = broken;
  const answer = await served.post(JSON.stringify(review(annotated('nobody'), { uid: 'told' })));
  now = Date.now;
  assert.deepEqual([answer.status, at(answer.body, 'response', 'allowed')], [200, false]);
  const [line, ...others] = faults(served);
  assert.deepEqual(others, []);
  assert.deepEqual([line?.msg, line?.uid], ['review failed after its answer', 'told']);
  assert.deepEqual(await failedReviews(served), [
    'curfew_reviews_total{outcome="refused",reason="no-such-container"} 1',
  ]);
  assert.equal(served.servers.reviews(), 0);
  assert.equal(served.log().filter(({ msg }) => msg === 'review').length, 1);
});
