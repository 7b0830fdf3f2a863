/** Which credentials a look-up uses, and who may use a cached answer. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pullSecret, secretsOf } from './image-lookup.ts';
import { entrypointOf, lookupWithRegistry, one, refused } from './registry-lookup.ts';

test('W9 a cached answer is not used for other credentials: another namespace must be authorized by the registry', async (t) => {
  const byNamespace: Parameters<typeof secretsOf>[0] = {};
  const made = await lookupWithRegistry(t, {}, { secrets: secretsOf(byNamespace) });
  const { registry, ask, image } = made;
  made.users = new Set(['reader']);
  byNamespace.shop = [pullSecret('s', { [registry.host]: 'reader:pw' })];
  byNamespace.evil = [pullSecret('s', { [registry.host]: 'nobody:pw' })];
  const pinned = `${registry.host}/team/app@${one.descriptor.digest}`;
  for (const wanted of [image, pinned]) {
    assert.deepEqual(await entrypointOf(ask(wanted, { secrets: ['s'] })), ['/one']);
    for (const asker of [
      { namespace: 'evil', secrets: ['s'] },
      { namespace: 'shop', secrets: [] },
      { namespace: 'evil', secrets: [] },
      { namespace: 'shop', secrets: ['other'] },
    ])
      await refused(ask(wanted, asker), 'image-unauthorized');
  }
});

test('W9 a credential that is revoked is refused as soon as the registry refuses it, and at the latest when the entry is too old', async (t) => {
  const secrets = secretsOf({});
  const made = await lookupWithRegistry(
    t,
    { cache: { fresh: '1m', stale: '10m', failures: '0s' } },
    { secrets },
  );
  const { ask, image, pass } = made;
  await ask(image);
  made.users = new Set();
  assert.deepEqual(await entrypointOf(ask(image)), ['/one']);
  pass(61_000);
  assert.deepEqual(await entrypointOf(ask(image)), ['/one']);
  await refused(ask(image, { policy: 'Always' }), 'image-unauthorized');
  await refused(ask(image), 'image-unauthorized');
});

test('pull secrets are read only when needed: not for a cached or configured image, and not where they are switched off', async (t) => {
  const secrets = secretsOf({ shop: [pullSecret('s', { 'x.example': 'a:b' })] });
  const { ask, image } = await lookupWithRegistry(
    t,
    { entrypoints: [{ image: 'known.example/app', entrypoint: ['/known'] }] },
    { secrets },
  );
  await ask('known.example/app:1', { secrets: ['s'] });
  assert.deepEqual(secrets.reads, []);
  await ask(image, { secrets: ['s'] });
  await ask(image, { secrets: ['s'] });
  assert.deepEqual(secrets.reads, ['shop/s']);
  const without = await lookupWithRegistry(t, { pullSecrets: false }, { secrets });
  await without.ask(without.image, { secrets: ['s'] });
  assert.deepEqual(secrets.reads, ['shop/s']);
});

test('W6 where no credential may read an image, the message names the credential that can be given', async (t) => {
  const secrets = secretsOf({});
  const pods = await lookupWithRegistry(t, {}, { secrets });
  const own = await lookupWithRegistry(t, { pullSecrets: false }, { secrets });
  for (const made of [pods, own]) made.users = new Set();
  await refused(
    pods.ask(pods.image),
    'image-unauthorized',
    /: give it an imagePullSecret that may read it, or set its/,
  );
  await refused(
    own.ask(own.image),
    'image-unauthorized',
    /: give the webhook a credential that may read it \(in its configuration, images\.defaultPullSecret, .*\), or set its command/,
  );
});

test('the service account’s pull secrets are read where the pod names none', async (t) => {
  const asked: unknown[] = [];
  const secrets = {
    pullSecrets: async (
      ...[namespace, names, account]: [string, readonly string[], string | undefined, AbortSignal]
    ) => {
      asked.push([namespace, names, account]);
      return [];
    },
  };
  const { ask, image } = await lookupWithRegistry(t, {}, { secrets });
  await ask(image);
  await ask(image, { spec: { serviceAccountName: 'robot' } });
  await ask(image, { secrets: ['s'], spec: { serviceAccountName: 'robot' } });
  assert.deepEqual(asked, [
    ['shop', [], 'default'],
    ['shop', [], 'robot'],
    ['shop', ['s'], undefined],
  ]);
});
