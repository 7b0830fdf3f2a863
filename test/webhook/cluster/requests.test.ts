import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatRequests, requestsOf } from '../../../webhook/cluster/requests.ts';
import type { JsonRecord } from '../../../webhook/shared/json.ts';

test('S2 requests are reckoned as the scheduler does', () => {
  const own = (cpu: string, more: JsonRecord = {}) => ({
    resources: { requests: { cpu, memory: '1Mi' } },
    ...more,
  });
  const cpuOf = (spec: JsonRecord) => Math.round(requestsOf(spec).cpu * 1_000);
  assert.equal(cpuOf({ containers: [own('100m'), own('0.2')] }), 300);
  assert.equal(cpuOf({ containers: [own('100m')], initContainers: [own('1'), own('500m')] }), 1_000);
  const native = own('300m', { restartPolicy: 'Always' });
  assert.equal(cpuOf({ containers: [own('100m')], initContainers: [native, own('200m')] }), 500);
  assert.equal(cpuOf({ containers: [own('1')], initContainers: [native], overhead: { cpu: '50m' } }), 1_350);
  assert.equal(formatRequests(requestsOf({ containers: [{}] })), 'no requested CPU or memory');
});
