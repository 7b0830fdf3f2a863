/** A transient failure is no refusal: of a registry, a token server, a mirror, or a pull secret that cannot be read. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SecretReader } from '../../../webhook/images/pull-secrets.ts';
import { RegistryError } from '../../../webhook/registry/error.ts';
import { fakeRegistry, type Misbehave } from '../registry/fake-registry.ts';
import { imageLookup, pullSecret, secretsOf } from './image-lookup.ts';
import { entrypointOf, lookupWithRegistry, one, refused } from './registry-lookup.ts';

test('W6 while the registry is down, a stale entry is used, also for Always', async (t) => {
  const { registry, ask, image, pass } = await lookupWithRegistry(t, {
    cache: { fresh: '1m', stale: '10m', failures: '10s' },
  });
  await ask(image);
  registry.misbehave = (request) => request.socket.destroy() !== undefined;
  assert.deepEqual(await entrypointOf(ask(image, { policy: 'Always' })), ['/one']);
  pass(11 * 60_000 + 1);
  await refused(ask(image), 'image-unreachable', /closed the connection/);
});

test('W6 pull secrets that cannot be read: a public image is found, and for others the message says so', async (t) => {
  const secrets = {
    pullSecrets: async () => {
      throw new RegistryError('image-unauthorized', 'cannot get secrets/s: the API server says 403');
    },
  };
  const made = await lookupWithRegistry(
    t,
    { cache: { fresh: '0s', stale: '0s', failures: '0s' } },
    { secrets },
  );
  assert.deepEqual(await entrypointOf(made.ask(made.image, { secrets: ['s'] })), ['/one']);
  made.users = new Set();
  await refused(
    made.ask(made.image, { secrets: ['s'] }),
    'image-unauthorized',
    /anonymous; cannot get secrets\/s: .*403/,
  );
});

test('W6 pull secrets that cannot be read for now: a stale entry is used', async (t) => {
  const byNamespace: Parameters<typeof secretsOf>[0] = {};
  const known = secretsOf(byNamespace);
  let down = false;
  const secrets: SecretReader = {
    pullSecrets: async (...asked) => {
      if (down) throw new RegistryError('image-timeout', 'cannot get secrets/s: no answer within 5000 ms');
      return known.pullSecrets(...asked);
    },
  };
  const made = await lookupWithRegistry(
    t,
    { cache: { fresh: '1m', stale: '10m', failures: '0s' } },
    { secrets },
  );
  const { registry, ask, image, pass } = made;
  byNamespace.shop = [pullSecret('s', { [registry.host]: 'reader:pw' })];
  made.users = new Set(['reader']);
  const wanted = { secrets: ['s'] };
  await ask(image, wanted);
  down = true;
  pass(61_000);
  for (const policy of ['Always', 'IfNotPresent'])
    assert.deepEqual(await entrypointOf(ask(image, { ...wanted, policy })), ['/one'], policy);
  pass(11 * 60_000);
  await refused(ask(image, wanted), 'image-unreachable', /refused anonymous; cannot get secrets\/s/);
  down = false;
  made.users = new Set();
  await refused(ask(image, wanted), 'image-unauthorized');
});

const refuses: Misbehave = (request, response) => {
  const nobody = request.headers.authorization === undefined;
  response.writeHead(nobody ? 401 : 503, nobody ? { 'www-authenticate': 'Basic realm="x"' } : {}).end();
  return true;
};

test('W6 a registry that fails for one credential: the next is tried, and where none works the failure counts as transient', async (t) => {
  const byNamespace: Parameters<typeof secretsOf>[0] = {};
  const options = { secrets: secretsOf(byNamespace) };
  const { registry, ask, image, pass } = await lookupWithRegistry(
    t,
    { cache: { fresh: '1m', stale: '10m', failures: '0s' } },
    options,
  );
  byNamespace.shop = [
    pullSecret('bad', { [registry.host]: 'bad:pw' }),
    pullSecret('good', { [registry.host]: 'good:pw' }),
  ];
  const good = `Basic ${Buffer.from('good:pw').toString('base64')}`;
  const wanted = { secrets: ['bad', 'good'] };
  for (const status of [429, 500, 503]) {
    registry.misbehave = (request, response, ...rest) => {
      if (request.headers.authorization === good) return false;
      if (request.headers.authorization === undefined) return refuses(request, response, ...rest);
      response.writeHead(status).end();
      return true;
    };
    assert.deepEqual(await entrypointOf(ask(image, { ...wanted, policy: 'Always' })), ['/one']);
  }
  registry.misbehave = refuses;
  pass(61_000);
  for (const policy of ['Always', 'IfNotPresent'])
    assert.deepEqual(await entrypointOf(ask(image, { ...wanted, policy })), ['/one'], policy);
  pass(11 * 60_000);
  await refused(ask(image, wanted), 'image-unreachable', /answered 503 .*; registry .* refused anonymous:/);
  registry.misbehave = (request, response, ...rest) => {
    if (request.headers.authorization !== undefined) return refuses(request, response, ...rest);
    response.writeHead(404).end();
    return true;
  };
  await refused(ask(image, wanted), 'image-unreachable');
});

test('W6 a registry that is down is not asked again with other credentials', async (t) => {
  const byNamespace: Parameters<typeof secretsOf>[0] = {};
  const { registry, ask, image } = await lookupWithRegistry(t, {}, { secrets: secretsOf(byNamespace) });
  byNamespace.shop = [pullSecret('s', { [registry.host]: 'reader:pw' })];
  registry.misbehave = (request) => request.socket.destroy() !== undefined;
  await refused(ask(image, { secrets: ['s'] }), 'image-unreachable', /closed the connection/);
  assert.equal(registry.seen.length, 1);
});

test('W6 a mirror that fails may have the image, so the registry’s refusal counts as transient', async (t) => {
  const statusOf = { mirror: 500, registry: 404 };
  const answers =
    (who: keyof typeof statusOf): Misbehave =>
    (_request, response) => {
      if (statusOf[who] !== 200) response.writeHead(statusOf[who]).end();
      return statusOf[who] !== 200;
    };
  const mirror = await fakeRegistry(t, { 'team/app:1': one }, answers('mirror'));
  const registry = await fakeRegistry(t, {}, answers('registry'));
  const registries = [{ host: registry.host, plainHttp: true, mirrors: [mirror.origin] }];
  const cache = { fresh: '0s', stale: '10m', failures: '0s' };
  const lookup = imageLookup({ registries, cache });
  t.after(() => lookup.close());
  const ask = () => lookup.ask(`${registry.host}/team/app:1`, { policy: 'Always' });
  for (const status of [404, 403]) {
    statusOf.registry = status;
    await refused(
      ask(),
      'image-unreachable',
      /mirror .* answered 500 when asked for the image; registry .* (does not have|refused)/,
    );
  }
  statusOf.mirror = 200;
  assert.deepEqual(await entrypointOf(ask()), ['/one']);
  statusOf.mirror = 500;
  assert.deepEqual(await entrypointOf(ask()), ['/one']);
  statusOf.mirror = 404;
  await refused(ask(), 'image-unauthorized');
  statusOf.registry = 404;
  await refused(ask(), 'image-not-found');
});

test('a mirror that hangs leaves time for the registry', async (t) => {
  const mirror = await fakeRegistry(t, {}, () => true);
  const registry = await fakeRegistry(t, { 'team/app:1': one });
  const registries = [{ host: registry.host, plainHttp: true, mirrors: [mirror.origin] }];
  const lookup = imageLookup({ registries, timeout: '4s' });
  t.after(() => lookup.close());
  assert.deepEqual(await entrypointOf(lookup.ask(`${registry.host}/team/app:1`)), ['/one']);
});
