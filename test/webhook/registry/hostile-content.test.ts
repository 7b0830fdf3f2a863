/** Registries that send wrong or unreadable content: each has a named reason, and nothing of it is used. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ImageFailure } from '../../../webhook/decision/images.ts';
import { configOf, imageLookup } from '../images/image-lookup.ts';
import { sha256, storedImage } from './content.ts';
import { fakeRegistry } from './fake-registry.ts';
import { BLOB, good, hostileRegistry, MANIFEST } from './hostile-registry.ts';

test('W6 a wrong digest: of a manifest, and of a configuration', async (t) => {
  const other = storedImage({ entrypoint: ['/evil'] });
  const [config] = [...other.blobs.values()];
  for (const [part, body] of [
    [MANIFEST, other.content],
    [BLOB, config],
  ] as const) {
    const { refused } = await hostileRegistry(t, (request, response, url) => {
      if (!part.test(url.pathname) || request.method === 'HEAD') return false;
      response.end(body);
      return true;
    });
    await refused('image-unusable', /its digest differs/);
  }
});

test('W6 a request for a digest gets that content, whatever digest the registry claims', async (t) => {
  const evil = storedImage({ entrypoint: ['/evil'] });
  const registry = await fakeRegistry(t, { 'team/app:1': good, 'team/app:2': evil }, (request, response) => {
    if (request.method !== 'HEAD') return false;
    response.writeHead(200, { 'docker-content-digest': evil.descriptor.digest }).end();
    return true;
  });
  const lookup = imageLookup({ registries: [{ host: registry.host, plainHttp: true }] });
  t.after(() => lookup.close());
  const answer = await lookup.ask(`${registry.host}/team/app@${good.descriptor.digest}`);
  assert.deepEqual(configOf(answer).entrypoint, ['/app']);
});

test('a HEAD without a digest, and one that is not supported: one GET', async (t) => {
  for (const status of [200, 405, 501]) {
    const { works, registry } = await hostileRegistry(t, (request, response) => {
      if (request.method !== 'HEAD') return false;
      response.writeHead(status).end();
      return true;
    });
    await works();
    assert.equal(registry.count('GET', '/manifests/'), 1);
  }
});

const GARBAGE: [what: string, body: string, reason: ImageFailure, message: RegExp][] = [
  ['no JSON', '<html>', 'image-unusable', /not JSON/],
  ['a list', '[]', 'image-unusable', /not a JSON object/],
  ['an empty object', '{}', 'image-unusable', /has an unknown type/],
  [
    'schema 1',
    '{"schemaVersion":1,"name":"a","fsLayers":[]}',
    'image-unusable',
    /schema 1: push the image again/,
  ],
  [
    'an index and an image at once',
    `{"manifests":[],"config":{"digest":"${good.descriptor.digest}"}}`,
    'image-unusable',
    /at once/,
  ],
  [
    'an index of nothing',
    '{"manifests":[]}',
    'image-unusable',
    /built for none of linux\/amd64, linux\/arm64/,
  ],
  ['an index of numbers', '{"manifests":[1]}', 'image-unusable', /list of platforms/],
  ['a digest that is none', '{"config":{"digest":"sha256:../../../etc"}}', 'image-unusable', /no digest/],
  [
    'an artifact',
    `{"config":{"mediaType":"application/vnd.cncf.helm.config.v1+json","digest":"${good.descriptor.digest}"}}`,
    'image-unusable',
    /something else than a container image \(application\/vnd\.cncf\.helm/,
  ],
  ['deep nesting', '['.repeat(100_000), 'image-unusable', /not JSON/],
];

for (const [what, body, reason, message] of GARBAGE)
  test(`W6 a manifest that is ${what}`, async (t) => {
    const { refused } = await hostileRegistry(t, (request, response, url) => {
      if (!MANIFEST.test(url.pathname)) return false;
      const content = Buffer.from(body);
      response.setHeader('docker-content-digest', sha256(content));
      response.end(request.method === 'HEAD' ? undefined : content);
      return true;
    });
    await refused(reason, message);
  });

const CONFIGS: [what: string, config: unknown, message: RegExp][] = [
  ['an Entrypoint that is a text', { config: { Entrypoint: '/app' } }, /Entrypoint that is not a list/],
  ['a Cmd of numbers', { config: { Cmd: [1] } }, /Cmd that is not a list/],
  ['a config that is a list', { config: [] }, /configuration is not valid/],
  ['a NUL in a word', { config: { Cmd: ['a\0b'] } }, /NUL/],
  ['a command of a megabyte', { config: { Cmd: ['a'.repeat(1024 * 1024)] } }, /longer than 262144/],
  ['Windows', { os: 'windows', config: { Cmd: ['a'] } }, /Windows/],
];

for (const [what, value, message] of CONFIGS)
  test(`W6 a configuration with ${what}`, async (t) => {
    const config = Buffer.from(JSON.stringify(value));
    const content = Buffer.from(JSON.stringify({ config: { digest: sha256(config) } }));
    const image = {
      ...good,
      content,
      descriptor: { ...good.descriptor, digest: sha256(content) },
      blobs: new Map([[sha256(config), config]]),
      manifests: new Map([[sha256(content), { content, mediaType: good.descriptor.mediaType }]]),
    };
    const { registry, refused } = await hostileRegistry(t, () => false);
    registry.images.set('team/app:1', image);
    await refused('image-unusable', message);
  });
