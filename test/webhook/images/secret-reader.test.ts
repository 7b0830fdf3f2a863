/** Pull secrets as the API server has them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ClusterSecretReader, connectSecretReader } from '../../../webhook/images/secret-reader.ts';
import { KubernetesError } from '../../../webhook/kubernetes/error.ts';
import type { KubernetesRequest } from '../../../webhook/kubernetes/request.ts';
import { RegistryError } from '../../../webhook/registry/error.ts';
import type { JsonRecord } from '../../../webhook/shared/json.ts';

/** An API server that has these objects by path, and records its requests. */
function server(objects: Record<string, JsonRecord>, refuse?: KubernetesError) {
  const asked: string[] = [];
  const reader = new ClusterSecretReader({
    json: async ({ method, path }: KubernetesRequest) => {
      asked.push(`${method} ${path}`);
      if (refuse !== undefined) throw refuse;
      return objects[path];
    },
    stream: async () => assert.fail('nothing is watched'),
  });
  return { asked, reader };
}

const secret = (name: string) => ({
  type: 'kubernetes.io/dockerconfigjson',
  metadata: { name },
  data: { '.dockerconfigjson': name },
});
const SHOP = '/api/v1/namespaces/shop';
const signal = AbortSignal.timeout(60_000);

test('the pull secrets that the pod names, in order; a missing one is skipped, and nothing is listed', async () => {
  const { asked, reader } = server({
    [`${SHOP}/secrets/a`]: secret('a'),
    [`${SHOP}/secrets/b`]: secret('b'),
  });
  const found = await reader.pullSecrets('shop', ['b', 'gone', 'a', 'b'], undefined, signal);
  assert.deepEqual(
    found.map(({ name }) => name),
    ['b', 'a'],
  );
  assert.deepEqual(found[0], {
    name: 'b',
    type: 'kubernetes.io/dockerconfigjson',
    data: { '.dockerconfigjson': 'b' },
  });
  assert.deepEqual(asked, [`GET ${SHOP}/secrets/b`, `GET ${SHOP}/secrets/gone`, `GET ${SHOP}/secrets/a`]);
});

test('the service account’s pull secrets', async () => {
  const { asked, reader } = server({
    [`${SHOP}/serviceaccounts/robot`]: { imagePullSecrets: [{ name: 'a' }, {}, { name: 1 }, 'x'] },
    [`${SHOP}/secrets/a`]: secret('a'),
  });
  const found = await reader.pullSecrets('shop', [], 'robot', signal);
  assert.deepEqual(
    found.map(({ name }) => name),
    ['a'],
  );
  assert.deepEqual(asked, [`GET ${SHOP}/serviceaccounts/robot`, `GET ${SHOP}/secrets/a`]);
  assert.deepEqual(await server({}).reader.pullSecrets('shop', [], 'gone', signal), []);
});

test('a name cannot change the path', async () => {
  const { asked, reader } = server({});
  await reader.pullSecrets('shop', ['../../kube-system/secrets/x'], undefined, signal);
  assert.deepEqual(asked, [`GET ${SHOP}/secrets/..%2F..%2Fkube-system%2Fsecrets%2Fx`]);
  // In a URL these cannot be escaped.
  assert.deepEqual(await reader.pullSecrets('shop', ['.', '..'], undefined, signal), []);
  assert.deepEqual(await reader.pullSecrets('shop', [], '..', signal), []);
  assert.equal(asked.length, 1);
});

test('W6 a refusal of the API server is explained', async () => {
  const refused = new KubernetesError(
    'forbidden',
    'get secrets/a in namespace shop',
    'the API server says 403',
  );
  await assert.rejects(server({}, refused).reader.pullSecrets('shop', ['a'], undefined, signal), (error) => {
    assert.ok(error instanceof RegistryError && error.reason === 'image-unauthorized');
    assert.match(
      error.message,
      /cannot get secrets\/a in namespace shop: .*403.*; in the chart: rbac\.pullSecretNamespaces$/,
    );
    return true;
  });
});

test('W6 an API server that does not answer is a transient failure', async () => {
  for (const [code, reason] of [
    ['timeout', 'image-timeout'],
    ['unreachable', 'image-unreachable'],
    ['busy', 'image-unreachable'],
  ] as const) {
    const error = new KubernetesError(code, 'get secrets/a in namespace shop', 'no answer');
    await assert.rejects(server({}, error).reader.pullSecrets('shop', ['a'], undefined, signal), { reason });
  }
});

test('W6 no cluster', () => {
  assert.throws(
    () => connectSecretReader({}),
    (error) => error instanceof RegistryError && /KUBECONFIG/.test(error.message),
  );
});
