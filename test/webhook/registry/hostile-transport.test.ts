/** Registries that hang, lie, flood or lead astray: a named reason within the deadline, and never more memory than was meant. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { ImageFailure } from '../../../webhook/decision/images.ts';
import { configOf, imageLookup, pullSecret, secretsOf } from '../images/asking.ts';
import { sha256, storedImage } from './content.ts';
import { type FakeRegistry, fakeRegistry, type Misbehave } from './fake-registry.ts';

const good = storedImage({ entrypoint: ['/app'] });
const MANIFEST = /\/manifests\//;
const BLOB = /\/blobs\//;

interface Hostile {
  registry: FakeRegistry;
  refused(reason: ImageFailure, message: RegExp): Promise<void>;
  works(): Promise<void>;
}

/** A registry with one image, and a look-up that may ask it. */
async function hostile(t: TestContext, misbehave: Misbehave, config: object = {}): Promise<Hostile> {
  const registry = await fakeRegistry(t, { 'team/app:1': good }, misbehave);
  const secrets = secretsOf({ shop: [pullSecret('s', { [registry.host]: 'user:p4ss' })] });
  const lookup = imageLookup(
    {
      registries: [{ host: registry.host, plainHttp: true }],
      cache: { fresh: '0s', stale: '0s', failures: '0s' },
      ...config,
    },
    { secrets },
  );
  t.after(() => lookup.close());
  const ask = () => lookup.ask(`${registry.host}/team/app:1`, { secrets: ['s'] });
  return {
    registry,
    works: async () => assert.deepEqual(configOf(await ask()).entrypoint, ['/app']),
    refused: async (reason, message) => {
      const answer = await ask();
      assert.ok(!answer.ok, 'it was answered');
      assert.equal(answer.reason, reason, answer.message);
      assert.match(answer.message, message);
      assert.match(answer.message, /the annotation entrypoint\.curfew\.dev\/app/);
      assert.doesNotMatch(answer.message, /p4ss|user:/);
    },
  };
}

test('the registry of these tests works when it behaves', async (t) => {
  await (await hostile(t, () => false)).works();
});

for (const [where, part] of [
  ['a HEAD', MANIFEST],
  ['a blob', BLOB],
] as const)
  test(`W6 it hangs at ${where}: a reason within the deadline, and it works again afterwards`, async (t) => {
    let hang = true;
    const { refused, works } = await hostile(
      t,
      (_request, _response, url) => hang && part.test(url.pathname),
      { timeout: '1s' },
    );
    await refused('image-timeout', /did not answer in time/);
    hang = false;
    await works();
  });

test('W6 it drips: the deadline is for the whole, not for each byte', async (t) => {
  const { refused } = await hostile(
    t,
    (_request, response, url) => {
      if (!BLOB.test(url.pathname)) return false;
      response.writeHead(200);
      const drip = setInterval(() => response.write(' '), 10);
      response.on('close', () => clearInterval(drip));
      return true;
    },
    { timeout: '200ms' },
  );
  await refused('image-timeout', /in time/);
});

test('W6 who asks leaves at his own deadline; the work goes on, and the next has its result', async (t) => {
  let release = () => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const registry = await fakeRegistry(t, { 'team/app:1': good }, (request, response, url) => {
    if (request.method !== 'HEAD' || registry.count('HEAD') > 1) return false;
    void held.then(() => {
      response.writeHead(200, { 'docker-content-digest': good.descriptor.digest }).end();
      return url;
    });
    return true;
  });
  const lookup = imageLookup({ registries: [{ host: registry.host, plainHttp: true }] });
  t.after(() => lookup.close());
  const image = `${registry.host}/team/app:1`;
  const left = await lookup.ask(image, { signal: AbortSignal.timeout(20) });
  assert.ok(!left.ok && left.reason === 'image-timeout', JSON.stringify(left));
  const next = lookup.ask(image);
  release();
  configOf(await next);
  assert.equal(registry.count('HEAD'), 1);
});

test('W6 2 GB of configuration: it is hung up on at the limit', async (t) => {
  let sent = 0;
  const chunk = Buffer.alloc(64 * 1024, ' ');
  let hungUp: () => void = () => {};
  const closed = new Promise<void>((resolve) => {
    hungUp = resolve;
  });
  const { refused } = await hostile(t, (_request, response, url) => {
    if (!BLOB.test(url.pathname)) return false;
    const more = () => {
      while (sent < 2 * 1024 ** 3 && !response.destroyed) {
        sent += chunk.length;
        if (!response.write(chunk)) return;
      }
    };
    response.on('drain', more).on('close', hungUp);
    more();
    return true;
  });
  await refused('image-unusable', /more than 8388608 bytes/);
  await closed;
  // What is on its way in the sockets' buffers comes on top.
  assert.ok(sent < 64 * 1024 ** 2, `${sent} bytes were taken`);
});

test('W6 a length above the limit is not read at all; a manifest has a limit of its own', async (t) => {
  const { refused } = await hostile(t, (request, response, url) => {
    if (!MANIFEST.test(url.pathname) || request.method === 'HEAD') return false;
    response.writeHead(200, { 'content-length': String(5 * 1024 * 1024) });
    response.flushHeaders();
    return true;
  });
  await refused('image-unusable', /more than 4194304 bytes/);
});

test('W6 a wrong digest: of a manifest, and of a configuration', async (t) => {
  const other = storedImage({ entrypoint: ['/evil'] });
  const [config] = [...other.blobs.values()];
  for (const [part, body] of [
    [MANIFEST, other.content],
    [BLOB, config],
  ] as const) {
    const { refused } = await hostile(t, (request, response, url) => {
      if (!part.test(url.pathname) || request.method === 'HEAD') return false;
      response.end(body);
      return true;
    });
    await refused('image-unusable', /its digest is another/);
  }
});

test('W6 who asks for a digest gets that one, whatever the registry says that it is', async (t) => {
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

test('a HEAD that says no digest, and one that is not known: GET, once', async (t) => {
  for (const status of [200, 405, 501]) {
    const { works, registry } = await hostile(t, (request, response) => {
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
  ['a list', '[]', 'image-unusable', /no JSON object/],
  ['an empty object', '{}', 'image-unusable', /none that is known/],
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
    const { refused } = await hostile(t, (request, response, url) => {
      if (!MANIFEST.test(url.pathname)) return false;
      const content = Buffer.from(body);
      response.setHeader('docker-content-digest', sha256(content));
      response.end(request.method === 'HEAD' ? undefined : content);
      return true;
    });
    await refused(reason, message);
  });

const CONFIGS: [what: string, config: unknown, message: RegExp][] = [
  ['an Entrypoint that is a text', { config: { Entrypoint: '/app' } }, /Entrypoint that is no list/],
  ['a Cmd of numbers', { config: { Cmd: [1] } }, /Cmd that is no list/],
  ['a config that is a list', { config: [] }, /is none/],
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
    const { registry, refused } = await hostile(t, () => false);
    registry.images.set('team/app:1', image);
    await refused('image-unusable', message);
  });

test('W6 what is no HTTP, and a connection that ends', async (t) => {
  const garbage = await hostile(t, (request) => {
    request.socket.end('NOT HTTP AT ALL\r\n\r\n');
    return true;
  });
  await garbage.refused('image-unreachable', /no HTTP/);
  const hangUp = await hostile(t, (request) => {
    request.socket.destroy();
    return true;
  });
  await hangUp.refused('image-unreachable', /hung up/);
});

test('W6 500, 403 and 404 each have their reason', async (t) => {
  for (const [status, reason, message] of [
    [500, 'image-unreachable', /answered 500/],
    [403, 'image-unauthorized', /refused secret shop\/s, anonymous.*imagePullSecret/],
    [404, 'image-not-found', /does not have the image/],
  ] as const) {
    const { refused } = await hostile(t, (_request, response) => {
      response.writeHead(status, { 'x-secret': 'p4ss' }).end('{"errors":[{"message":"p4ss"}]}');
      return true;
    });
    await refused(reason, message);
  }
});

test('429: it waits as long as it is asked to, and not beyond the deadline', async (t) => {
  let busy = 2;
  const patient = await hostile(t, (_request, response) => {
    if (busy-- <= 0) return false;
    response.writeHead(429, { 'retry-after': '0' }).end();
    return true;
  });
  await patient.works();
  assert.equal(patient.registry.count('HEAD'), 3);
  const endless = await hostile(t, (_request, response) => {
    response.writeHead(429, { 'retry-after': '3600' }).end();
    return true;
  });
  await endless.refused('image-unreachable', /429.*mirror/);
});

test('redirects: a blob elsewhere is fetched there, and no authorization goes with it', async (t) => {
  const store = await fakeRegistry(t, { 'team/app:1': good });
  const { registry, works } = await hostile(t, (request, response, url) => {
    if (request.headers.authorization === undefined) {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end();
      return true;
    }
    if (!BLOB.test(url.pathname)) return false;
    response.writeHead(307, { location: `${store.origin}${url.pathname}?signed=1` }).end();
    return true;
  });
  await works();
  assert.ok(registry.seen.some(({ authorization }) => authorization?.startsWith('Basic ')));
  assert.equal(store.seen.length, 1);
  assert.deepEqual(
    store.seen.map(({ authorization }) => authorization),
    [undefined],
  );
});

const ASTRAY: [what: string, location: (url: URL) => string, message: RegExp][] = [
  ['in a circle', (url) => url.href, /in a circle/],
  ['without end', (url) => `${url.pathname}?${Math.random()}`, /more than 5 times/],
  ['to a file', () => 'file:///etc/passwd', /no https address/],
  ['to no address', () => 'http://[', /no https address/],
  ['to an address with a password', (url) => url.href.replace('//', '//a:b@'), /password/],
];

for (const [what, location, message] of ASTRAY)
  test(`W6 redirects ${what}`, async (t) => {
    const { refused, registry } = await hostile(t, (_request, response, url) => {
      response.writeHead(302, { location: location(url) }).end();
      return true;
    });
    await refused('image-unreachable', message);
    assert.ok(registry.seen.length <= 8, `${registry.seen.length} requests`);
  });
