/** What is asked, how often, and on whose behalf: the look-up before a registry that counts. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { storedImage, storedIndex } from '../registry/content.ts';
import { fakeRegistry } from '../registry/fake-registry.ts';
import { configOf, imageLookup, pullSecret, secretsOf } from './asking.ts';
import { entrypointOf, one, refused, setting } from './setting.ts';

const two = storedImage({ entrypoint: ['/two'] });
const amd = storedImage({ entrypoint: ['/amd'] });
const arm = storedImage({ entrypoint: ['/arm'], architecture: 'arm64' });

test('what is fresh is answered without the registry', async (t) => {
  const { registry, ask, image, results, pass } = await setting(t);
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

test('a tag is asked for by HEAD, and what its digest stands for is fetched once', async (t) => {
  const { registry, ask, image, pass } = await setting(t, { cache: { fresh: '1s', stale: '0s' } });
  for (let i = 0; i < 3; i++) {
    assert.deepEqual(await entrypointOf(ask(image)), ['/one']);
    pass(2_000);
  }
  assert.equal(registry.count('HEAD', '/manifests/1'), 3);
  assert.equal(registry.count('GET', '/manifests/'), 1);
  assert.equal(registry.count('GET', '/blobs/'), 1);
});

test('what is getting old is answered at once, and renewed; who comes then has the new', async (t) => {
  const { registry, ask, image, pass, results } = await setting(t, { cache: { fresh: '1m', stale: '10m' } });
  await ask(image);
  registry.images.set('team/app:1', two);
  pass(61_000);
  assert.deepEqual(await entrypointOf(ask(image)), ['/one']);
  // A look-up that must ask joins the renewal, so it is over when this is.
  assert.deepEqual(await entrypointOf(ask(image, { policy: 'Always' })), ['/two']);
  assert.deepEqual(await entrypointOf(ask(image)), ['/two']);
  assert.equal(registry.count('HEAD'), 2);
  assert.deepEqual(
    results.map(({ result }) => result),
    ['miss', 'stale', 'joined', 'hit'],
  );
});

test('what is too old is asked for before it is answered', async (t) => {
  const { registry, ask, image, pass } = await setting(t, { cache: { fresh: '1m', stale: '10m' } });
  await ask(image);
  registry.images.set('team/app:1', two);
  pass(12 * 60_000);
  assert.deepEqual(await entrypointOf(ask(image)), ['/two']);
});

test('imagePullPolicy: Always asks again, also by default for latest; IfNotPresent does not; a digest needs no asking', async (t) => {
  const { registry, ask, image } = await setting(t);
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

test('imagePullPolicy Never: what is known, and else no network', async (t) => {
  const { registry, ask, image, pass } = await setting(t);
  await refused(ask(image, { policy: 'Never' }), 'image-not-found', /imagePullPolicy is Never/);
  assert.equal(registry.seen.length, 0);
  await ask(image);
  const asked = registry.seen.length;
  pass(90_000);
  assert.deepEqual(await entrypointOf(ask(image, { policy: 'Never' })), ['/one']);
  assert.equal(registry.seen.length, asked);
});

test('1,000 pods of one new image at once are one look-up', async (t) => {
  const { registry, ask, image, results } = await setting(t);
  const answers = await Promise.all(Array.from({ length: 1000 }, () => ask(image)));
  for (const answer of answers) assert.deepEqual(configOf(answer).entrypoint, ['/one']);
  assert.equal(registry.seen.length, 3);
  assert.equal(results.filter(({ result }) => result === 'joined').length, 999);
});

test('those of many namespaces with one credential too', async (t) => {
  const namespaces = Array.from({ length: 50 }, (_, index) => `n${index}`);
  const byNamespace: Parameters<typeof secretsOf>[0] = {};
  const { registry, ask, image } = await setting(t, {}, { secrets: secretsOf(byNamespace) });
  for (const name of namespaces) byNamespace[name] = [pullSecret('s', { [registry.host]: 'reader:pw' })];
  await Promise.all(namespaces.map((namespace) => ask(image, { namespace, secrets: ['s'] })));
  assert.equal(registry.seen.length, 3);
});

test('a failure is remembered for a moment, for everybody who may ask the same', async (t) => {
  const { registry, ask, image, pass } = await setting(t, { cache: { failures: '10s' } });
  registry.images.delete('team/app:1');
  await refused(ask(image), 'image-not-found');
  registry.images.set('team/app:1', one);
  pass(9_000);
  await refused(ask(image), 'image-not-found');
  assert.equal(registry.seen.length, 1);
  pass(2_000);
  assert.deepEqual(await entrypointOf(ask(image)), ['/one']);
});

test('a tag that is gone is not served on', async (t) => {
  const { registry, ask, image, pass } = await setting(t, {
    cache: { fresh: '1m', stale: '10m', failures: '0s' },
  });
  await ask(image);
  registry.images.delete('team/app:1');
  await refused(ask(image, { policy: 'Always' }), 'image-not-found');
  pass(1);
  await refused(ask(image), 'image-not-found');
});

// Authorization.

test('W9 a hit skips no authorization: what one namespace may read another must ask for', async (t) => {
  const byNamespace: Parameters<typeof secretsOf>[0] = {};
  const made = await setting(t, {}, { secrets: secretsOf(byNamespace) });
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

test('W9 whoever may no longer read it is refused as soon as that is known, and at the latest when it is old', async (t) => {
  const secrets = secretsOf({});
  const made = await setting(t, { cache: { fresh: '1m', stale: '10m', failures: '0s' } }, { secrets });
  const { ask, image, pass } = made;
  await ask(image);
  made.users = new Set();
  assert.deepEqual(await entrypointOf(ask(image)), ['/one']);
  pass(61_000);
  assert.deepEqual(await entrypointOf(ask(image)), ['/one']);
  await refused(ask(image, { policy: 'Always' }), 'image-unauthorized');
  await refused(ask(image), 'image-unauthorized');
});

test('secrets are read late: not for a hit, not for what the configuration tells, not where they are not to be used', async (t) => {
  const secrets = secretsOf({ shop: [pullSecret('s', { 'x.example': 'a:b' })] });
  const { ask, image } = await setting(
    t,
    { entrypoints: [{ image: 'known.example/app', entrypoint: ['/known'] }] },
    { secrets },
  );
  await ask('known.example/app:1', { secrets: ['s'] });
  assert.deepEqual(secrets.reads, []);
  await ask(image, { secrets: ['s'] });
  await ask(image, { secrets: ['s'] });
  assert.deepEqual(secrets.reads, ['shop/s']);
  const without = await setting(t, { pullSecrets: false }, { secrets });
  await without.ask(without.image, { secrets: ['s'] });
  assert.deepEqual(secrets.reads, ['shop/s']);
});

test('W6 who may not read an image is told what may be given here', async (t) => {
  const secrets = secretsOf({});
  const pods = await setting(t, {}, { secrets });
  const own = await setting(t, { pullSecrets: false }, { secrets });
  for (const made of [pods, own]) made.users = new Set();
  await refused(
    pods.ask(pods.image),
    'image-unauthorized',
    /: give it an imagePullSecret that may read it, or set its/,
  );
  await refused(
    own.ask(own.image),
    'image-unauthorized',
    /: give the webhook a credential that may read it \(images\.defaultPullSecret, .*\), or set its command/,
  );
});

test('the service account’s secrets are asked for where the pod names none', async (t) => {
  const asked: unknown[] = [];
  const secrets = {
    pullSecrets: async (
      ...[namespace, names, account]: [string, readonly string[], string | undefined, AbortSignal]
    ) => {
      asked.push([namespace, names, account]);
      return [];
    },
  };
  const { ask, image } = await setting(t, {}, { secrets });
  await ask(image);
  await ask(image, { spec: { serviceAccountName: 'robot' } });
  await ask(image, { secrets: ['s'], spec: { serviceAccountName: 'robot' } });
  assert.deepEqual(asked, [
    ['shop', [], 'default'],
    ['shop', [], 'robot'],
    ['shop', ['s'], undefined],
  ]);
});

// Platforms.

test('platforms that differ: each machine’s, or that of the machine that the pod is pinned to', async (t) => {
  const { registry, ask, image } = await setting(t);
  registry.images.set('team/app:1', storedIndex([amd, arm]));
  const both = await ask(image);
  assert.ok(both.ok);
  assert.deepEqual(
    [...(both.byMachine ?? [])].map(([machine, { entrypoint }]) => [machine, entrypoint]),
    [
      ['amd64', ['/amd']],
      ['arm64', ['/arm']],
    ],
  );
  const pinned = await ask(image, { spec: { nodeSelector: { 'kubernetes.io/arch': 'arm64' } } });
  assert.deepEqual(pinned, { ok: true, config: { entrypoint: ['/arm'], cmd: [] } });
  const nowhere = ask(image, { spec: { nodeSelector: { 'kubernetes.io/arch': 's390x' } } });
  await refused(nowhere, 'image-unusable', /leaves none/);
  const arms = await setting(t, { machines: ['arm64'] });
  arms.registry.images.set('team/app:1', storedIndex([amd, arm]));
  assert.deepEqual(await entrypointOf(arms.ask(arms.image)), ['/arm']);
});

test('P7 a STOPSIGNAL that differs is refused with the way out: one signal is written down', async (t) => {
  const { registry, ask, image } = await setting(t);
  const other = storedImage({ entrypoint: ['/amd'], architecture: 'arm64', stopSignal: 'INT' });
  registry.images.set('team/app:1', storedIndex([amd, other]));
  await refused(
    ask(image),
    'image-unusable',
    /another STOPSIGNAL on amd64 than on arm64: pin the pod with nodeSelector/,
  );
});

test('platforms that agree, and an image that some machines cannot run', async (t) => {
  const { registry, ask } = await setting(t);
  const same = [storedImage({ cmd: ['x'] }), storedImage({ cmd: ['x'], architecture: 'arm64' })];
  registry.images.set('team/app:same', storedIndex(same));
  registry.images.set('team/app:arm', storedIndex([arm]));
  assert.deepEqual(configOf(await ask(`${registry.host}/team/app:same`)).cmd, ['x']);
  assert.deepEqual(await entrypointOf(ask(`${registry.host}/team/app:arm`)), ['/arm']);
  const spec = { nodeSelector: { 'kubernetes.io/arch': 'amd64' } };
  await refused(ask(`${registry.host}/team/app:arm`, { spec }), 'image-unusable', /not built for amd64/);
});

// Configuration.

test('mode off: the configuration’s images, and nothing else; no network', async (t) => {
  const entrypoints = [
    { image: 'redis', entrypoint: ['/entry'], cmd: ['redis-server'] },
    { image: 'redis:7', cmd: ['seven'], stopSignal: 'INT' },
  ];
  const { ask, registry, image } = await setting(t, { mode: 'off', entrypoints });
  assert.deepEqual(configOf(await ask('docker.io/library/redis:6')), {
    entrypoint: ['/entry'],
    cmd: ['redis-server'],
  });
  assert.deepEqual(configOf(await ask('redis:7')), { entrypoint: [], cmd: ['seven'], stopSignal: 'INT' });
  await refused(ask(image), 'image-lookup-off', /entrypoint\.curfew\.dev/);
  assert.equal(registry.seen.length, 0);
});

test('only the hosts that are allowed are asked', async (t) => {
  const { ask, registry, image, results } = await setting(t, { hosts: ['*.corp.example', 'docker.io'] });
  await refused(ask(image), 'image-lookup-off', /not among those that are asked/);
  assert.equal(registry.seen.length, 0);
  assert.deepEqual(results, []);
});

test('W6 what is no image reference', async (t) => {
  const { ask } = await setting(t);
  await refused(ask('UPPER:1'), 'image-unusable', /no image reference: its name has a capital letter/);
  await refused(ask('host:99999/app'), 'image-unusable', /no address/);
});

test('a mirror: asked first, with its own credentials and none of the registry’s; what it lacks the registry has', async (t) => {
  const mirror = await fakeRegistry(t, { 'hub/team/app:1': two }, (request, response) => {
    if (request.headers.authorization !== undefined) return false;
    response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end();
    return true;
  });
  const registry = await fakeRegistry(t, { 'team/app:1': one, 'team/app:2': one });
  const auths = { [registry.host]: 'registry:pw', [`${mirror.host}/hub`]: 'mirror:pw' };
  const secrets = secretsOf({ shop: [pullSecret('s', auths)] });
  const registries = [{ host: registry.host, plainHttp: true, mirrors: [`${mirror.origin}/hub/`] }];
  const lookup = imageLookup({ registries }, { secrets });
  t.after(() => lookup.close());
  assert.deepEqual(await entrypointOf(lookup.ask(`${registry.host}/team/app:1`, { secrets: ['s'] })), [
    '/two',
  ]);
  assert.equal(registry.seen.length, 0);
  assert.deepEqual(await entrypointOf(lookup.ask(`${registry.host}/team/app:2`, { secrets: ['s'] })), [
    '/one',
  ]);
  const mirrors = `Basic ${Buffer.from('mirror:pw').toString('base64')}`;
  assert.ok(
    mirror.seen.every(({ authorization }) => authorization === undefined || authorization === mirrors),
  );
  assert.ok(mirror.seen.every(({ path }) => path.startsWith('/v2/hub/team/app/')));
});

// Bounds.

test('entries and bytes are bounded: 400 different images', async (t) => {
  const { registry, ask } = await setting(t, { cache: { entries: 50, bytes: 64 * 1024 } });
  const name = (index: number) => `${registry.host}/team/app:v${index}`;
  for (let index = 0; index < 400; index++)
    registry.images.set(`team/app:v${index}`, storedImage({ entrypoint: [`/${index}`] }));
  for (let from = 0; from < 400; from += 50)
    await Promise.all(Array.from({ length: 50 }, (_, index) => ask(name(from + index))));
  const before = registry.seen.length;
  assert.deepEqual(await entrypointOf(ask(name(399))), ['/399']);
  assert.equal(registry.seen.length, before, 'the latest is known');
  assert.deepEqual(await entrypointOf(ask(name(0))), ['/0']);
  assert.ok(registry.seen.length > before, 'the first is not');
});
