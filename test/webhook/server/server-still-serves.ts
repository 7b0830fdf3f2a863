import assert from 'node:assert/strict';
import { jobPod, review } from './review-examples.ts';
import { at, type Served } from './served-webhook.ts';

/** Check that the server goes on: it decides about a good review, on a connection of its own. */
export async function stillServes(served: Served): Promise<void> {
  const answer = await served.post(JSON.stringify(review(jobPod(), { uid: 'after' })));
  assert.equal(answer.status, 200);
  assert.equal(at(answer.body, 'response', 'uid'), 'after');
  assert.equal(typeof at(answer.body, 'response', 'patch'), 'string');
  assert.match((await served.health('/metrics')).text, /^curfew_reviews_in_flight 0$/m);
}
