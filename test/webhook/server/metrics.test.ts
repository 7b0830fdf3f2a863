/** What Prometheus finds before anything has happened. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { mutate } from '../../../webhook/decision/mutate.ts';
import { createMetrics, outcomeOf } from '../../../webhook/server/metrics.ts';
import { REJECTION_CODES } from '../../../webhook/server/rejections.ts';
import { anyPod, EVERY_IMAGE } from '../decision/any-pod.ts';
import { POLICY } from '../decision/mutated-pod.ts';

const CLUSTER = { server: 36 };

const series = async (metrics: ReturnType<typeof createMetrics>) =>
  new Set((await metrics.text()).split('\n').map((line) => line.replace(/ \S+$/, '')));

test('O6 every series of a review, and of one that is only audited, is there with 0 before the first one', async () => {
  const text = await createMetrics('0').text();
  const counts = [...text.matchAll(/^curfew_(?:review|audit)s_total\{.*\} (.*)$/gm)].map(
    ([, count]) => count,
  );
  assert.deepEqual(new Set(counts), new Set(['0']));
  const known = await series(createMetrics('0'));
  const has = (counted: 'reviews' | 'audits', outcome: string, reason: string, mode?: string) => {
    const by = mode === undefined ? '' : `,mode="${mode}"`;
    const name = `curfew_${counted}_total{outcome="${outcome}",reason="${reason}"${by}}`;
    assert.ok(known.has(name), name);
  };
  for (const code of REJECTION_CODES) has('reviews', 'rejected', code);
  has('reviews', 'failed', 'internal');
  has('reviews', 'unchanged', 'not-a-pod-creation');
  fc.assert(
    fc.property(anyPod, (pod) => {
      for (const mode of ['shim', 'native', 'auto'] as const) {
        const verdict = mutate(
          pod,
          { ...POLICY, mode, cluster: CLUSTER },
          new Map(Object.entries(EVERY_IMAGE)),
        );
        // A pod that is left alone or refused has no mechanism.
        const held = /wrapped|converted/.test(verdict.reason) ? verdict.mode : undefined;
        has('reviews', outcomeOf(verdict), verdict.reason, held);
        has('audits', verdict.outcome, verdict.reason, held);
      }
    }),
  );
});

test('O6 what has happened adds no series, but those of a registry that is named by its first image', async () => {
  const metrics = createMetrics('0');
  const managed = metrics.selfManaged();
  const settings = metrics.namespaceSettings();
  const images = metrics.imageLookups(['registry.local']);
  const before = await series(metrics);
  metrics.eventEnded('failed');
  metrics.audited('wrapped', 'wrapped');
  metrics.audited('refused', 'bad-annotation');
  managed.certificateWritten('renewed');
  managed.caBundleWritten();
  managed.watchFailed('secret');
  settings.readFailed();
  images.lookedUp('registry.local', 'image-timeout', 0.1);
  images.lookedUp('nobody.example', 'image-unreachable', 0.1);
  const counters = (found: Set<string>) => [...found].filter((name) => /_total/.test(name));
  assert.deepEqual(counters(await series(metrics)), counters(before));
  images.lookedUp('docker.io', 'hit', 0.1);
  const text = await metrics.text();
  assert.match(text, /^curfew_image_lookups_total\{registry="docker\.io",result="image-timeout"\} 0$/m);
});
