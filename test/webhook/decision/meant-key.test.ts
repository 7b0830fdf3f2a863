/** Keys that lack our prefix: nobody else is told of them, for the API server takes any. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { reviewEvent } from '../../../webhook/server/review-event.ts';
import { app, jobPod, mutation, proxy } from './mutated-pod.ts';

const meant: [where: 'annotations' | 'labels', key: string, words: string][] = [
  [
    'annotations',
    'sidecars',
    'annotation sidecars means nothing to Curfew: curfew.dev/sidecars was meant, perhaps',
  ],
  ['annotations', 'mains', 'annotation mains means nothing to Curfew: curfew.dev/mains was meant, perhaps'],
  [
    'annotations',
    'curfew.io/sidecars',
    'annotation curfew.io/sidecars means nothing to Curfew: curfew.dev/sidecars was',
  ],
  [
    'annotations',
    'ready/proxy',
    'annotation ready/proxy means nothing to Curfew: ready.curfew.dev/proxy was meant',
  ],
  ['labels', 'sidecars', 'label sidecars means nothing to Curfew: curfew.dev/sidecars was meant, perhaps'],
];
const podWith = (where: string, key: string) => {
  const pod = jobPod({}, [app(), proxy()]);
  return { ...pod, metadata: { name: 'job', [where]: { [key]: 'proxy' } } };
};

describe('V4 a key without its prefix is told where nothing is wrapped', () => {
  for (const [where, key, words] of meant)
    test(`${where}: ${key}`, () => {
      const pod = podWith(where, key);
      const verdict = mutation(pod);
      assert.deepEqual([verdict.outcome, verdict.reason], ['unchanged', 'no-known-sidecar']);
      assert.equal(verdict.warnings.length, 1);
      assert.ok(verdict.warnings[0]?.startsWith(`Curfew: nothing is wrapped: ${words}`), verdict.warnings[0]);
      const event = reviewEvent(verdict, pod, 'job');
      assert.deepEqual([event?.type, event?.reason], ['Warning', 'CurfewPassedOver']);
      assert.ok(event?.message.includes(words), event?.message);
    });

  for (const key of ['ready/other', 'sidecar.istio.io/inject', 'app', 'team/sidecars', 'mode'])
    test(`${key} is anybody's`, () => {
      const pod = podWith('annotations', key);
      assert.deepEqual(mutation(pod).warnings, []);
      assert.equal(reviewEvent(mutation(pod), pod, 'job'), undefined);
    });
});
