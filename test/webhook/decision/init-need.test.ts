import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { app, applied, jobPod, mutation, proxy, type TestContainer } from './mutated-pod.ts';

const SQL = (more: object = {}) =>
  proxy({
    name: 'cloud-sql-proxy',
    image: 'gcr.io/cloud-sql-connectors/cloud-sql-proxy:2.14.0',
    args: ['--port=5432', 'shop:europe-west1:main'],
    ...more,
  });
const init = (more: object): TestContainer => ({ name: 'migrate', image: 'migrate:1', ...more });
const env = (variables: Record<string, string>) => ({
  env: Object.entries(variables).map(([name, value]) => ({ name, value })),
});
const podOf = (one: object, sidecar = SQL()) => jobPod({}, [app(), sidecar], { initContainers: [init(one)] });

const URL = 'postgres://app@127.0.0.1:5432/shop';
const WARNING =
  /^Curfew: init container migrate: it seems to connect to port 5432 of sidecar cloud-sql-proxy, which starts after all init containers/;

describe('W8 an init container that needs a sidecar', () => {
  const seen: [what: string, init: object, sidecar?: object][] = [
    ['a variable with both', env({ DATABASE_URL: URL })],
    ['two variables', env({ DB_HOST: 'localhost', DB_PORT: '5432' })],
    ['args', { args: ['--database', URL] }],
    ['a script', { command: ['sh', '-c', 'until nc -z localhost 5432; do sleep 1; done; migrate'] }],
    [
      'a port that the sidecar declares',
      env({ DATABASE_URL: URL }),
      { args: ['x'], ports: [{ containerPort: 5432 }] },
    ],
    ['a port after a flag', env({ DATABASE_URL: URL }), { args: ['--port', '5432', 'x'] }],
    ['a port of one instance', env({ DATABASE_URL: URL }), { args: ['shop:europe-west1:main?port=5432'] }],
    [
      'a port as version 1 has it',
      env({ DATABASE_URL: URL }),
      { args: ['-instances=a:b:c=tcp:0.0.0.0:5432'] },
    ],
  ];
  for (const [what, one, sidecar] of seen)
    test(`W8 seen by ${what}`, () => {
      const pod = podOf(one, SQL(sidecar));
      const { outcome, warnings } = mutation(pod);
      assert.equal(outcome, 'wrapped');
      assert.match(warnings.join('\n'), WARNING);
      assert.deepEqual(
        mutation(applied(pod, mutation(pod))).warnings,
        warnings,
        'W3 the same the second time',
      );
    });

  const unseen: [what: string, init: object, sidecar?: object][] = [
    ['another host', env({ DATABASE_URL: 'postgres://app@db.example:5432/shop' })],
    ['another port', env({ DATABASE_URL: 'postgres://app@localhost:3306/shop' })],
    ['a number that only holds it', env({ DATABASE_URL: 'postgres://app@localhost:15432/shop' })],
    ['a part of a version', env({ HOST: 'localhost', A: 'v1.0.5432', B: '5432.1' })],
    ['a native sidecar', { ...env({ DATABASE_URL: URL }), restartPolicy: 'Always' }],
    ['a sidecar without a port', env({ DATABASE_URL: URL }), { args: ['x'] }],
    ['a port for UDP', env({ URL }), { args: ['x'], ports: [{ containerPort: 5432, protocol: 'UDP' }] }],
    ['a variable from elsewhere', { env: [{ name: 'U', valueFrom: {} }, 7], args: [] }],
  ];
  for (const [what, one, sidecar] of unseen)
    test(`W8 not seen: ${what}`, () => assert.deepEqual(mutation(podOf(one, SQL(sidecar))).warnings, []));

  test('W9 the warning shows no value', () => {
    const { warnings } = mutation(podOf(env({ DATABASE_URL: 'postgres://app:s3cret@localhost:5432/shop' })));
    assert.equal(warnings.length, 1);
    assert.equal(warnings.join().includes('s3cret'), false);
  });
});
