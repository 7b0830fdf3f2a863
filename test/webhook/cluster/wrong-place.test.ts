import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonRecord } from '../../../webhook/shared/json.ts';
import { auditOf } from './audit-of.ts';
import { aJob, aNamespace, aPod, MAIN } from './cluster-objects.ts';

const ON = aNamespace('shop', { 'curfew.dev/injection': 'enabled' });
const wrongOf = (...objects: JsonRecord[]) =>
  auditOf(...objects).wrong.map(({ where, what }) => `${where}: ${what}`);

test('S2 keys in a wrong place, without prefix, on the wrong object, and wrong values', () => {
  assert.deepEqual(
    wrongOf(
      aNamespace('shop', { 'curfew.dev/injection': 'true' }),
      aNamespace('other', { 'curfew.dev/inject': 'true', 'curfew.io/injection': 'enabled' }),
    ),
    [
      'namespace shop: label curfew.dev/injection is "true", which means nothing; it is enabled, shim, native, auto or audit: curfew.dev/injection=enabled',
      'namespace other: label curfew.dev/inject of the namespace means nothing: it belongs to the pods (of the namespace only label curfew.dev/injection is read)',
      'namespace other: label curfew.io/injection means nothing to Curfew: curfew.dev/injection was meant, perhaps',
    ],
  );
  const job = aJob('migrate', {
    metadata: { annotations: { 'curfew.dev/sidecars': 'x' }, labels: { 'curfew.dev/injection': 'enabled' } },
    spec: {
      template: {
        metadata: {
          annotations: { sidecars: 'x', 'ready/migrate': 'none', 'somebody.else/sidecars': 'x', log: 'x' },
          labels: { 'curfew.dev/mains': 'x' },
        },
        spec: { restartPolicy: 'Never', containers: [{ name: 'migrate', image: 'a' }] },
      },
    },
  });
  assert.deepEqual(
    wrongOf(job).map((line) => line.replace('shop/Job migrate: ', '')),
    [
      'label curfew.dev/injection of the Job itself means nothing: it is a label of the namespace',
      'annotation curfew.dev/sidecars of the Job itself means nothing, it belongs to the pods: write it into spec.template.metadata.annotations',
      'annotation sidecars of the pod template means nothing to Curfew: curfew.dev/sidecars was meant, perhaps',
      'annotation ready/migrate of the pod template means nothing to Curfew: ready.curfew.dev/migrate was meant, perhaps',
      'label curfew.dev/mains means nothing: it must be an annotation',
    ],
  );
  const cronJob = {
    ...{ kind: 'CronJob', metadata: { name: 'nightly', namespace: 'shop' } },
    spec: {
      jobTemplate: {
        metadata: { annotations: { 'curfew.dev/mains': 'x' } },
        spec: { template: { spec: { containers: [] } } },
      },
    },
  };
  assert.deepEqual(wrongOf(cronJob), [
    'shop/CronJob nightly: annotation curfew.dev/mains of the Job template means nothing, it belongs to the pods: write it into spec.jobTemplate.spec.template.metadata.annotations',
  ]);
  assert.deepEqual(
    wrongOf(aPod({ name: 'p', containers: [MAIN], annotations: { 'curfew.dev/inject': 'true' } })),
    ['shop/Pod p: annotation curfew.dev/inject means nothing: it must be a label'],
  );
  assert.deepEqual(
    wrongOf(ON, aPod({ containers: [MAIN], annotations: { 'curfew.dev/mains': 'migrate' } })),
    [],
  );
});
