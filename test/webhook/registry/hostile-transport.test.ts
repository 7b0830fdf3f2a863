/** Registries that hang, flood, redirect or hang up: a named reason within the deadline, and bounded memory. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { configOf, imageLookup } from '../images/image-lookup.ts';
import { fakeRegistry } from './fake-registry.ts';
import { BLOB, good, hostileRegistry, MANIFEST } from './hostile-registry.ts';

test('the registry of these tests works where it does not misbehave', async (t) => {
  await (await hostileRegistry(t, () => false)).works();
});

for (const [where, part] of [
  ['a HEAD', MANIFEST],
  ['a blob', BLOB],
] as const)
  test(`W6 it hangs at ${where}: a reason within the deadline, and a later look-up works`, async (t) => {
    let hang = true;
    const { refused, works } = await hostileRegistry(
      t,
      (_request, _response, url) => hang && part.test(url.pathname),
      { timeout: '1s' },
    );
    await refused('image-timeout', /did not answer in time/);
    hang = false;
    await works();
  });

test('W6 it sends a byte at a time: the deadline is for the whole answer', async (t) => {
  const { refused } = await hostileRegistry(
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

test('W6 a request that times out does not end the look-up, and the next request gets its result', async (t) => {
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

test('W6 2 GB of configuration: the connection is closed at the limit', async (t) => {
  let sent = 0;
  const chunk = Buffer.alloc(64 * 1024, ' ');
  let hungUp: () => void = () => {};
  const closed = new Promise<void>((resolve) => {
    hungUp = resolve;
  });
  const { refused } = await hostileRegistry(t, (_request, response, url) => {
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
  // The bytes in the sockets' buffers are counted too.
  assert.ok(sent < 64 * 1024 ** 2, `${sent} bytes were taken`);
});

test('W6 a body whose length is above the limit is not read; a manifest has its own limit', async (t) => {
  const { refused } = await hostileRegistry(t, (request, response, url) => {
    if (!MANIFEST.test(url.pathname) || request.method === 'HEAD') return false;
    response.writeHead(200, { 'content-length': String(5 * 1024 * 1024) });
    response.flushHeaders();
    return true;
  });
  await refused('image-unusable', /more than 4194304 bytes/);
});

test('W6 an answer that is not HTTP, and a connection that is closed', async (t) => {
  const garbage = await hostileRegistry(t, (request) => {
    request.socket.end('NOT HTTP AT ALL\r\n\r\n');
    return true;
  });
  await garbage.refused('image-unreachable', /not HTTP/);
  const hangUp = await hostileRegistry(t, (request) => {
    request.socket.destroy();
    return true;
  });
  await hangUp.refused('image-unreachable', /closed the connection/);
});

test('W6 500, 403 and 404 each have their reason', async (t) => {
  for (const [status, reason, message] of [
    [500, 'image-unreachable', /answered 500/],
    [403, 'image-unauthorized', /refused secret shop\/s, anonymous.*imagePullSecret/],
    [404, 'image-not-found', /does not have the image/],
  ] as const) {
    const { refused } = await hostileRegistry(t, (_request, response) => {
      response.writeHead(status, { 'x-secret': 'p4ss' }).end('{"errors":[{"message":"p4ss"}]}');
      return true;
    });
    await refused(reason, message);
  }
});

test('429: it waits for the time in Retry-After, and not beyond the deadline', async (t) => {
  let busy = 2;
  const patient = await hostileRegistry(t, (_request, response) => {
    if (busy-- <= 0) return false;
    response.writeHead(429, { 'retry-after': '0' }).end();
    return true;
  });
  await patient.works();
  assert.equal(patient.registry.count('HEAD'), 3);
  const endless = await hostileRegistry(t, (_request, response) => {
    response.writeHead(429, { 'retry-after': '3600' }).end();
    return true;
  });
  await endless.refused('image-unreachable', /429.*mirror/);
});

test('redirects: a blob is fetched from another host without the authorization', async (t) => {
  const store = await fakeRegistry(t, { 'team/app:1': good });
  const { registry, works } = await hostileRegistry(t, (request, response, url) => {
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
  ['to a file', () => 'file:///etc/passwd', /address that is not https/],
  ['to no address', () => 'http://[', /address that is not https/],
  ['to an address with a password', (url) => url.href.replace('//', '//a:b@'), /password/],
];

for (const [what, location, message] of ASTRAY)
  test(`W6 redirects ${what}`, async (t) => {
    const { refused, registry } = await hostileRegistry(t, (_request, response, url) => {
      response.writeHead(302, { location: location(url) }).end();
      return true;
    });
    await refused('image-unreachable', message);
    assert.ok(registry.seen.length <= 8, `${registry.seen.length} requests`);
  });
