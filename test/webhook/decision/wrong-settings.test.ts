/** What becomes of a pod whose namespace's own settings are wrong (V5). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultPolicy } from '../../../webhook/decision/policy.ts';
import { app, jobPod, mutation, proxy } from './mutated-pod.ts';

const UNUSABLE = 'ConfigMap curfew-settings of namespace shop: settings.yaml: no YAML; mend it or delete it';
const POLICY = defaultPolicy({ version: '1.2.3' });
const decided = (pod: object) => mutation(pod, {}, { ...POLICY, unusable: UNUSABLE });

test('V5 a pod that may need them is refused with what is wrong, whether it asks or not', () => {
  for (const pod of [
    jobPod({}),
    jobPod(),
    jobPod({ 'curfew.dev/sidecars': 'prox' }),
    jobPod({}, [app(), proxy(), app({ name: 'b' })]),
  ]) {
    const { outcome, reason, message } = decided(pod);
    assert.deepEqual([outcome, reason, message], ['refused', 'bad-settings', `${UNUSABLE}.`]);
  }
  const asks = { ...jobPod({}, [app()]), metadata: { labels: { 'curfew.dev/inject': 'true' } } };
  assert.equal(decided(asks).reason, 'bad-settings');
});

test('V5 a pod that needs none is decided as ever', () => {
  const always = jobPod({}, [app(), proxy()], { restartPolicy: 'Always' });
  const out = { ...jobPod(), metadata: { labels: { 'curfew.dev/inject': 'false' } } };
  for (const pod of [jobPod({}, [app()]), always, out]) {
    assert.deepEqual(decided(pod), mutation(pod, {}, POLICY));
    assert.equal(decided(pod).outcome, 'unchanged');
  }
});
