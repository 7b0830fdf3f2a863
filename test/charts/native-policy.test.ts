/** The ValidatingAdmissionPolicy that refuses a pod whose native sidecars have lost their restartPolicy. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse as parseCel } from '@marcbachmann/cel-js';
import fc from 'fast-check';
import { mutate } from '../../webhook/decision/mutate.ts';
import { defaultPolicy } from '../../webhook/decision/policy.ts';
import { anyPod, EVERY_IMAGE } from '../webhook/decision/any-pod.ts';
import { applied, jobPod, named, type TestPod } from '../webhook/decision/mutated-pod.ts';
import { objects, one, partOf, set } from './rendered-chart.ts';

const policy = one(objects(), 'ValidatingAdmissionPolicy');
const part = (path: string) => parseCel(String(partOf(policy, `spec.${path}`)));
const [isMeant, stripped, holds, says] = [
  part('matchConditions.0.expression'),
  part('variables.0.expression'),
  part('validations.0.expression'),
  part('validations.0.messageExpression'),
];

/** The sentence of the refusal; undefined where the pod is let through. */
function refusal(pod: TestPod): string | undefined {
  const object: unknown = JSON.parse(
    JSON.stringify(pod, (key: string, value: unknown) => (key === 'constructor' ? undefined : value)),
  );
  if (isMeant({ object }) !== true) return undefined;
  const variables = { stripped: stripped({ object }) };
  return holds({ object, variables }) === true ? undefined : String(says({ object, variables }));
}

const native = defaultPolicy({ mode: 'native', cluster: { server: 36 } });
const run = (pod: TestPod, by = native) =>
  applied(pod, mutate(pod, by, new Map(Object.entries(EVERY_IMAGE))));

test('N6 a sidecar that has lost its restartPolicy is named, with the likely cause', () => {
  const pod = run(jobPod());
  assert.equal(refusal(pod), undefined);
  delete named(pod, 'proxy').restartPolicy;
  assert.match(
    refusal(pod) ?? '',
    /^init container proxy has lost its restartPolicy: Always.*client is older than 1\.28.*curfew\.dev\/mode: shim$/,
  );
});

test('N6 no other pod is refused', () => {
  fc.assert(
    fc.property(anyPod, fc.boolean(), (pod, isNative) => {
      if ('constructor' in pod || JSON.stringify(pod).includes('constructor')) return;
      assert.equal(refusal(run(pod, isNative ? native : defaultPolicy())), undefined);
    }),
    { numRuns: 300 },
  );
});

test('N6 it is there from Kubernetes 1.30 on, which has such policies', () => {
  const kinds = (version: string) => objects([], version).map(({ kind }) => kind);
  assert.ok(!kinds('1.29.9').some((kind) => kind.startsWith('ValidatingAdmissionPolicy')));
  assert.ok(kinds('1.30.0').includes('ValidatingAdmissionPolicyBinding'));
});

test('N1 each label value has an entry, and a namespace has one at most', () => {
  const entries = (flags: string[]) => {
    const list = partOf(one(objects(flags), 'MutatingWebhookConfiguration'), 'webhooks');
    return (Array.isArray(list) ? list : []).map((entry) => ({
      path: partOf(entry, 'clientConfig.service.path'),
      selector: JSON.stringify(partOf(entry, 'namespaceSelector')),
      policy: partOf(entry, 'failurePolicy'),
    }));
  };
  const standard = entries([]);
  assert.deepEqual(
    standard.map(({ path }) => path),
    ['/mutate', '/mutate/shim', '/mutate/native', '/mutate/auto', '/mutate/audit'],
  );
  for (const [i, label] of ['enabled', 'shim', 'native', 'auto', 'audit'].entries())
    assert.ok(standard[i]?.selector.includes(`"curfew.dev/injection":"${label}"`), label);
  assert.equal(standard[4]?.policy, 'Ignore');
  // Namespaces that are chosen by another label: those with a mode have the entry of their mode alone.
  const [general, shim] = entries(
    set(
      'webhook.namespaceSelector.matchLabels.curfew\\.dev/injection=null',
      'webhook.namespaceSelector.matchLabels.team=a',
    ),
  );
  assert.match(
    general?.selector ?? '',
    /"key":"curfew\.dev\/injection","operator":"NotIn","values":\["shim","native","auto","audit"\]/,
  );
  assert.match(shim?.selector ?? '', /"curfew\.dev\/injection":"shim"/);
  assert.match(shim?.selector ?? '', /"team":"a"/);
});

test('N7 with mode native no pull secret is read', () => {
  const roles = (mode: string) =>
    objects(set(`config.mode=${mode}`, 'rbac.pullSecretNamespaces={shop}')).filter(({ metadata }) =>
      /pull-secrets/.test(metadata.name),
    );
  assert.deepEqual(roles('native'), []);
  assert.ok(roles('auto').length > 0);
});

test('N7 a pod for Windows is sent to the entries that may make it native', () => {
  const called = (flags: string[]) =>
    [0, 1, 2, 3, 4].filter((i) => {
      const configuration = one(objects(flags), 'MutatingWebhookConfiguration');
      const condition = parseCel(String(partOf(configuration, `webhooks.${i}.matchConditions.0.expression`)));
      const spec = { restartPolicy: 'Never', os: { name: 'windows' }, containers: [{ name: 'a' }] };
      return condition({ object: { metadata: {}, spec } }) === true;
    });
  assert.deepEqual(called([]), [2, 3, 4]);
  assert.deepEqual(called(set('config.mode=auto')), [0, 2, 3, 4]);
});
