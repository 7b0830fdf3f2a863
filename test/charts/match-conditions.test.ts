/** The match condition lets the API server call the webhook for every pod that it would patch, warn about or refuse. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse as parseCel } from '@marcbachmann/cel-js';
import fc from 'fast-check';
import { SHIM_PATH } from '../../shim/protocol.ts';
import { mutate } from '../../webhook/decision/mutate.ts';
import { defaultPolicy } from '../../webhook/decision/policy.ts';
import { anyPod, EVERY_IMAGE } from '../webhook/decision/any-pod.ts';
import { objects, one, partOf } from './rendered-chart.ts';

const expression = partOf(
  one(objects(), 'MutatingWebhookConfiguration'),
  'webhooks.0.matchConditions.0.expression',
);
const condition = parseCel(String(expression));
/** The evaluator cannot read a key of this name. The API server would drop it. */
const readable = (key: string, value: unknown) => (key === 'constructor' ? undefined : value);
const isCalled = (pod: unknown): boolean =>
  condition({ object: JSON.parse(JSON.stringify(pod, readable)) }) === true;

const verdict = (pod: unknown) => mutate(pod, defaultPolicy(), new Map(Object.entries(EVERY_IMAGE)));
/** Reasons for which a pod is passed over without a look at its containers. */
const PASSED = ['restart-policy-always', 'windows', 'mirror-pod'];

const someMetadata = fc.record({
  annotations: fc.constantFrom(
    {},
    { 'kubernetes.io/config.mirror': 'x' },
    { 'curfew.dev/status': '{"version":"0.1.0","containers":{}}' },
    { 'curfew.dev.example/x': '', 'notcurfew.dev/x': '' },
    { 'other.curfew.dev/x': '' },
  ),
  labels: fc.constantFrom(
    {},
    { 'curfew.dev/inject': 'true' },
    { 'curfew.dev/typo': 'x' },
    { app: 'curfew.dev' },
  ),
});
const somePlatform = fc.constantFrom(
  {},
  { os: { name: 'windows' } },
  { os: { name: 'linux' } },
  { os: {} },
  { nodeSelector: { 'kubernetes.io/os': 'windows' } },
  { nodeSelector: { 'beta.kubernetes.io/os': 'windows', zone: 'a' } },
  { nodeSelector: { 'kubernetes.io/os': 'linux', flavour: 'windows' } },
);
const someCommand = fc.constantFrom(undefined, [], ['/bin/sh'], [SHIM_PATH, 'main']);

const pods = fc
  .tuple(anyPod, someMetadata, somePlatform, someCommand, fc.boolean())
  .map(([pod, metadata, platform, command, bare]) => {
    // The condition does not know Windows by affinity or by windowsOptions: the webhook is called for such a pod, and passes it over.
    const { containers, affinity: _affinity, securityContext: _securityContext, ...spec } = pod.spec;
    const [first, ...others] = containers;
    return {
      ...pod,
      metadata: {
        ...pod.metadata,
        ...(bare ? {} : { annotations: { ...pod.metadata.annotations, ...metadata.annotations } }),
        ...(bare ? {} : { labels: { ...pod.metadata.labels, ...metadata.labels } }),
      },
      spec: {
        ...spec,
        ...platform,
        containers: command === undefined ? containers : [{ ...first, command }, ...others],
      },
    };
  });

test('W1 the webhook would pass over, without a warning, every pod that it is not called for', () => {
  let [called, spared] = [0, 0];
  fc.assert(
    fc.property(pods, (pod) => {
      if (isCalled(pod)) {
        called++;
        return;
      }
      spared++;
      const { outcome, operations, warnings, reason } = verdict(pod);
      assert.deepEqual(
        { outcome, operations, warnings },
        { outcome: 'unchanged', operations: [], warnings: [] },
      );
      assert.ok(PASSED.includes(reason), reason);
    }),
    { numRuns: 3_000 },
  );
  assert.ok(called > 100 && spared > 100, `${called} called, ${spared} spared`);
});

test('W1 the webhook is not called for a pod without Curfew’s keys that it would pass over', () => {
  const plain = (pod: { metadata: object; spec: { containers: readonly object[] } }) =>
    !/curfew\.dev\/|curfew-shim/.test(JSON.stringify([pod.metadata, pod.spec.containers]));
  let spared = 0;
  fc.assert(
    fc.property(pods, (pod) => {
      if (!plain(pod) || !PASSED.includes(verdict(pod).reason)) return;
      spared++;
      assert.equal(isCalled(pod), false);
    }),
    { numRuns: 3_000 },
  );
  assert.ok(spared > 30, `${spared} spared`);
});

test('W3 the webhook is called for a pod of one container, because another webhook may add a sidecar', () => {
  assert.equal(
    isCalled({ metadata: {}, spec: { restartPolicy: 'Never', containers: [{ name: 'main' }] } }),
    true,
  );
});
