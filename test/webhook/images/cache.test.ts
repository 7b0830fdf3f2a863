/** The cache of look-ups: what is answered from it, and how many requests a registry gets. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { storedImage } from '../registry/content.ts';
import { configOf, pullSecret, secretsOf } from './image-lookup.ts';
import { entrypointOf, lookupWithRegistry, one, refused } from './registry-lookup.ts';

const two = storedImage({ entrypoint: ['/two'] });

test('a fresh entry is used without a request', async (t) => {
  const { registry, ask, image, results, pass } = await lookupWithRegistry(t);
  assert.deepEqual(await entrypointOf(ask(image)), ['/one']);
  const asked = registry.seen.length;
  pass(59_999);
  assert.deepEqual(await entrypointOf(ask(image)), ['/one']);
  assert.equal(registry.seen.length, asked);
  assert.deepEqual(
    results.map(({ result }) => result),
    ['miss', 'hit'],
  );
});

test('a tag is checked by HEAD, and the content of its digest is fetched once', async (t) => {
  const { registry, ask, image, pass } = await lookupWithRegistry(t, { cache: { fresh: '1s', stale: '0s' } });
  for (let i = 0; i < 3; i++) {
    assert.deepEqual(await entrypointOf(ask(image)), ['/one']);
    pass(2_000);
  }
  assert.equal(registry.count('HEAD', '/manifests/1'), 3);
  assert.equal(registry.count('GET', '/manifests/'), 1);
  assert.equal(registry.count('GET', '/blobs/'), 1);
});

test('a stale entry is used at once and renewed; later look-ups get the new one', async (t) => {
  const { registry, ask, image, pass, results } = await lookupWithRegistry(t, {
    cache: { fresh: '1m', stale: '10m' },
  });
  await ask(image);
  registry.images.set('team/app:1', two);
  pass(61_000);
  assert.deepEqual(await entrypointOf(ask(image)), ['/one']);
  // A look-up with Always joins the renewal, so the renewal has ended when this answers.
  assert.deepEqual(await entrypointOf(ask(image, { policy: 'Always' })), ['/two']);
  assert.deepEqual(await entrypointOf(ask(image)), ['/two']);
  assert.equal(registry.count('HEAD'), 2);
  assert.deepEqual(
    results.map(({ result }) => result),
    ['miss', 'stale', 'joined', 'hit'],
  );
});

test('an entry that is too old is not used', async (t) => {
  const { registry, ask, image, pass } = await lookupWithRegistry(t, {
    cache: { fresh: '1m', stale: '10m' },
  });
  await ask(image);
  registry.images.set('team/app:1', two);
  pass(12 * 60_000);
  assert.deepEqual(await entrypointOf(ask(image)), ['/two']);
});

test('imagePullPolicy: Always checks the tag again, as does the default for latest; IfNotPresent and a digest do not', async (t) => {
  const { registry, ask, image } = await lookupWithRegistry(t);
  registry.images.set('team/app:latest', one);
  await ask(image);
  const heads = () => registry.count('HEAD');
  const before = heads();
  await ask(image, { policy: 'IfNotPresent' });
  assert.equal(heads(), before);
  registry.images.set('team/app:1', two);
  assert.deepEqual(await entrypointOf(ask(image, { policy: 'Always' })), ['/two']);
  assert.equal(heads(), before + 1);
  for (let i = 0; i < 2; i++) await ask(`${registry.host}/team/app`);
  assert.equal(heads(), before + 3);
  for (let i = 0; i < 2; i++)
    await ask(`${registry.host}/team/app@${one.descriptor.digest}`, { policy: 'Always' });
  assert.equal(heads(), before + 4);
});

test('imagePullPolicy Never: a cached entry is used, and no request is sent', async (t) => {
  const { registry, ask, image, pass } = await lookupWithRegistry(t);
  await refused(ask(image, { policy: 'Never' }), 'image-not-found', /imagePullPolicy is Never/);
  assert.equal(registry.seen.length, 0);
  await ask(image);
  const asked = registry.seen.length;
  pass(90_000);
  assert.deepEqual(await entrypointOf(ask(image, { policy: 'Never' })), ['/one']);
  assert.equal(registry.seen.length, asked);
});

test('1,000 concurrent pods of one new image share one look-up', async (t) => {
  const { registry, ask, image, results } = await lookupWithRegistry(t);
  const answers = await Promise.all(Array.from({ length: 1000 }, () => ask(image)));
  for (const answer of answers) assert.deepEqual(configOf(answer).entrypoint, ['/one']);
  assert.equal(registry.seen.length, 3);
  assert.equal(results.filter(({ result }) => result === 'joined').length, 999);
});

test('so do pods of many namespaces with the same credential', async (t) => {
  const namespaces = Array.from({ length: 50 }, (_, index) => `n${index}`);
  const byNamespace: Parameters<typeof secretsOf>[0] = {};
  const { registry, ask, image } = await lookupWithRegistry(t, {}, { secrets: secretsOf(byNamespace) });
  for (const name of namespaces) byNamespace[name] = [pullSecret('s', { [registry.host]: 'reader:pw' })];
  await Promise.all(namespaces.map((namespace) => ask(image, { namespace, secrets: ['s'] })));
  assert.equal(registry.seen.length, 3);
});

test('a failure is cached for a short time, for all pods with the same credentials', async (t) => {
  const { registry, ask, image, pass } = await lookupWithRegistry(t, { cache: { failures: '10s' } });
  registry.images.delete('team/app:1');
  await refused(ask(image), 'image-not-found');
  registry.images.set('team/app:1', one);
  pass(9_000);
  await refused(ask(image), 'image-not-found');
  assert.equal(registry.seen.length, 1);
  pass(2_000);
  assert.deepEqual(await entrypointOf(ask(image)), ['/one']);
});

test('a tag that was deleted is not used any more', async (t) => {
  const { registry, ask, image, pass } = await lookupWithRegistry(t, {
    cache: { fresh: '1m', stale: '10m', failures: '0s' },
  });
  await ask(image);
  registry.images.delete('team/app:1');
  await refused(ask(image, { policy: 'Always' }), 'image-not-found');
  pass(1);
  await refused(ask(image), 'image-not-found');
});

test('entries and bytes of the cache are bounded: 400 different images', async (t) => {
  const { registry, ask } = await lookupWithRegistry(t, { cache: { entries: 50, bytes: 64 * 1024 } });
  const name = (index: number) => `${registry.host}/team/app:v${index}`;
  for (let index = 0; index < 400; index++)
    registry.images.set(`team/app:v${index}`, storedImage({ entrypoint: [`/${index}`] }));
  for (let from = 0; from < 400; from += 50)
    await Promise.all(Array.from({ length: 50 }, (_, index) => ask(name(from + index))));
  const before = registry.seen.length;
  assert.deepEqual(await entrypointOf(ask(name(399))), ['/399']);
  assert.equal(registry.seen.length, before, 'the latest is cached');
  assert.deepEqual(await entrypointOf(ask(name(0))), ['/0']);
  assert.ok(registry.seen.length > before, 'the first is not');
});
