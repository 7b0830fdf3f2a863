/** Look-ups by platform, by configuration and by mirror. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { storedImage, storedIndex } from '../registry/content.ts';
import { fakeRegistry } from '../registry/fake-registry.ts';
import { configOf, imageLookup, pullSecret, secretsOf } from './image-lookup.ts';
import { entrypointOf, lookupWithRegistry, one, refused } from './registry-lookup.ts';

const two = storedImage({ entrypoint: ['/two'] });
const amd = storedImage({ entrypoint: ['/amd'] });
const arm = storedImage({ entrypoint: ['/arm'], architecture: 'arm64' });

test('platforms that differ: the command of each machine, or of the machine that the pod is pinned to', async (t) => {
  const { registry, ask, image } = await lookupWithRegistry(t);
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
  await refused(nowhere, 'image-unusable', /allows none of the cluster's machines/);
  const arms = await lookupWithRegistry(t, { machines: ['arm64'] });
  arms.registry.images.set('team/app:1', storedIndex([amd, arm]));
  assert.deepEqual(await entrypointOf(arms.ask(arms.image)), ['/arm']);
});

test('P7 a STOPSIGNAL that differs is refused with the way out: one signal is written down', async (t) => {
  const { registry, ask, image } = await lookupWithRegistry(t);
  const other = storedImage({ entrypoint: ['/amd'], architecture: 'arm64', stopSignal: 'INT' });
  registry.images.set('team/app:1', storedIndex([amd, other]));
  await refused(
    ask(image),
    'image-unusable',
    /another STOPSIGNAL on amd64 than on arm64: pin the pod with nodeSelector/,
  );
});

test('platforms that agree, and an image that some machines cannot run', async (t) => {
  const { registry, ask } = await lookupWithRegistry(t);
  const same = [storedImage({ cmd: ['x'] }), storedImage({ cmd: ['x'], architecture: 'arm64' })];
  registry.images.set('team/app:same', storedIndex(same));
  registry.images.set('team/app:arm', storedIndex([arm]));
  assert.deepEqual(configOf(await ask(`${registry.host}/team/app:same`)).cmd, ['x']);
  assert.deepEqual(await entrypointOf(ask(`${registry.host}/team/app:arm`)), ['/arm']);
  const spec = { nodeSelector: { 'kubernetes.io/arch': 'amd64' } };
  await refused(ask(`${registry.host}/team/app:arm`, { spec }), 'image-unusable', /not built for amd64/);
});

test('mode off: only the configured images are known, and no request is sent', async (t) => {
  const entrypoints = [
    { image: 'redis', entrypoint: ['/entry'], cmd: ['redis-server'] },
    { image: 'redis:7', cmd: ['seven'], stopSignal: 'INT' },
  ];
  const { ask, registry, image } = await lookupWithRegistry(t, { mode: 'off', entrypoints });
  assert.deepEqual(configOf(await ask('docker.io/library/redis:6')), {
    entrypoint: ['/entry'],
    cmd: ['redis-server'],
  });
  assert.deepEqual(configOf(await ask('redis:7')), { entrypoint: [], cmd: ['seven'], stopSignal: 'INT' });
  await refused(ask(image), 'image-lookup-off', /entrypoint\.curfew\.dev/);
  assert.equal(registry.seen.length, 0);
});

test('only the allowed hosts are asked', async (t) => {
  const { ask, registry, image, results } = await lookupWithRegistry(t, {
    hosts: ['*.corp.example', 'docker.io'],
  });
  await refused(
    ask(image),
    'image-lookup-off',
    /not among those that the webhook's configuration lets it ask \(images\.hosts\)/,
  );
  assert.equal(registry.seen.length, 0);
  assert.deepEqual(results, []);
});

test('W6 a text that is not an image reference', async (t) => {
  const { ask } = await lookupWithRegistry(t);
  await refused(ask('UPPER:1'), 'image-unusable', /no image reference: its name has a capital letter/);
  await refused(ask('host:99999/app'), 'image-unusable', /not an address/);
});

test('a mirror is asked first, with its own credentials and none of the registry’s; the registry is asked for what it lacks', async (t) => {
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
