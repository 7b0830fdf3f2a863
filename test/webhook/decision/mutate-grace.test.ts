import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { flag, jobPod, wrapped } from './mutated-pod.ts';

describe('L6, L12 the grace period', () => {
  const cases: [number | undefined, string | undefined][] = [
    [undefined, undefined],
    [30, undefined],
    [3_600, '1h'],
    [2, '2s'],
    [1, '1s'],
    [0, '1s'],
    [-5, '1s'],
  ];
  for (const [seconds, text] of cases)
    test(`L6, L12 terminationGracePeriodSeconds ${seconds}: a sidecar has ${text ?? 'the default'}, as the kubelet gives it`, () => {
      const pod = wrapped(jobPod(undefined, undefined, { terminationGracePeriodSeconds: seconds }));
      for (const name of ['app', 'proxy']) assert.equal(flag(pod, name, 'grace'), text);
      assert.equal(pod.spec.terminationGracePeriodSeconds, seconds);
    });
});
