/** What Prometheus finds before anything has happened. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createMetrics, outcomeOf } from '../../../webhook/server/metrics.ts';
import { REJECTION_CODES } from '../../../webhook/server/rejections.ts';
import { anyPod } from '../decision/any-pod.ts';
import { mutation } from '../decision/mutated-pod.ts';

const series = async (metrics: ReturnType<typeof createMetrics>) =>
  new Set((await metrics.text()).split('\n').map((line) => line.replace(/ \S+$/, '')));

test('O6 every series of a review is there with 0 before the first one', async () => {
  const text = await createMetrics('0').text();
  const counts = [...text.matchAll(/^curfew_reviews_total\{.*\} (.*)$/gm)].map(([, count]) => count);
  assert.deepEqual(new Set(counts), new Set(['0']));
  const known = await series(createMetrics('0'));
  const has = (outcome: string, reason: string) => {
    const name = `curfew_reviews_total{outcome="${outcome}",reason="${reason}"}`;
    assert.ok(known.has(name), name);
  };
  for (const code of REJECTION_CODES) has('rejected', code);
  has('failed', 'internal');
  has('unchanged', 'not-a-pod-creation');
  fc.assert(
    fc.property(anyPod, (pod) => {
      const verdict = mutation(pod);
      has(outcomeOf(verdict), verdict.reason);
    }),
  );
});

test('O6 what has happened adds no series, but those of a registry that is named by its first image', async () => {
  const metrics = createMetrics('0');
  const managed = metrics.selfManaged();
  const images = metrics.imageLookups(['registry.local']);
  const before = await series(metrics);
  metrics.eventEnded('failed');
  managed.certificateWritten('renewed');
  managed.caBundleWritten();
  managed.watchFailed('secret');
  images.lookedUp('registry.local', 'image-timeout', 0.1);
  images.lookedUp('nobody.example', 'image-unreachable', 0.1);
  const counters = (found: Set<string>) => [...found].filter((name) => /_total/.test(name));
  assert.deepEqual(counters(await series(metrics)), counters(before));
  images.lookedUp('docker.io', 'hit', 0.1);
  const text = await metrics.text();
  assert.match(text, /^curfew_image_lookups_total\{registry="docker\.io",result="image-timeout"\} 0$/m);
});
