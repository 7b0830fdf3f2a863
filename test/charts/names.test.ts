/** The names in a release, also names that YAML would read as another type. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { GOLDEN, objects, objectsNamed, one, partOf, set } from './rendered-chart.ts';

/** All values that are used as a name. */
const NAMES = [
  'fullnameOverride',
  'nameOverride',
  'serviceAccount.name',
  'certificates.secret.name',
  'priorityClassName',
  'runtimeClassName',
  'schedulerName',
];

describe('names that YAML would take for something else stay texts', () => {
  test('those of a release and of namespaces', () => {
    const secrets = 'rbac.pullSecretNamespaces={1,2},config.images.defaultPullSecret=3/4';
    const all = objectsNamed('123', '456', ['--set-string', `fullnameOverride=null,${secrets}`]);
    const namespaces = new Set(all.flatMap(({ metadata }) => metadata.namespace ?? []));
    assert.deepEqual([...namespaces].sort(), ['1', '2', '3', '456', 'null-test']);
    const role = all.find(({ kind, metadata }) => kind === 'Role' && metadata.namespace === '3');
    assert.deepEqual(partOf(role, 'rules.0.resourceNames'), ['4']);
    const webhook = one(all, 'MutatingWebhookConfiguration');
    assert.equal(partOf(webhook, 'webhooks.0.clientConfig.service.namespace'), '456');
    for (const { metadata } of all)
      assert.equal(Object(metadata.labels)['app.kubernetes.io/instance'], '123', metadata.name);
  });

  for (const source of ['selfManaged', 'certManager', 'secret'])
    for (const word of ['123', '1e3', '0x1f', 'no', 'null'])
      test(`${word} for every name, certificates ${source}`, () => {
        const typesWith = (name: string) => {
          // A Service's name begins with a letter.
          const names = NAMES.filter((key) => key !== 'fullnameOverride' || /^[a-z]/.test(word));
          const values = [`certificates.source=${source}`, ...names.map((key) => `${key}=${name}`)];
          const flags = ['--values', join(GOLDEN, 'ha.values.yaml'), '--set-string', values.join(',')];
          return objects(flags).map(typesOf);
        };
        assert.deepEqual(typesWith(word), typesWith('word'));
      });
});

test('the longest name override gives labels that Kubernetes takes', () => {
  for (const object of objects(set(`nameOverride=${'n'.repeat(63)}`)))
    for (const labels of [object.metadata.labels, partOf(object, 'spec.template.metadata.labels')])
      for (const [key, value] of Object.entries(Object(labels)))
        assert.ok(String(value).length <= 63, `${object.kind} ${key}: ${value}`);
});

/** The structure of a value, with each leaf replaced by its type. */
function typesOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(typesOf);
  if (typeof value !== 'object' || value === null) return value === null ? 'null' : typeof value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, typesOf(item)]));
}
