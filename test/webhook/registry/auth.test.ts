/** Authorization at a registry and at its token server, over real HTTP. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { parseChallenges } from '../../../webhook/registry/auth.ts';
import { configOf, imageLookup, secretsOf } from '../images/image-lookup.ts';
import { storedImage } from './content.ts';
import { type FakeRegistry, fakeRegistry, type Misbehave } from './fake-registry.ts';

const good = storedImage({ entrypoint: ['/app'] });

interface Guarded {
  registry: FakeRegistry;
  tokens: FakeRegistry;
  /** The next answer of the token server. */
  answer: { token: string; expires_in?: number };
  ask(image?: string): ReturnType<ReturnType<typeof imageLookup>['ask']>;
}

/** A registry that requires `Bearer <answer.token>`, and its token server. */
async function guarded(
  t: TestContext,
  entry: object,
  { serve = () => false, realm }: { serve?: Misbehave; realm?: (tokens: FakeRegistry) => string } = {},
): Promise<Guarded> {
  const answer: Guarded['answer'] = { token: 't1', expires_in: 300 };
  const tokens = await fakeRegistry(t, {}, (request, response, url, body) => {
    if (serve(request, response, url, body)) return true;
    response.end(JSON.stringify(answer));
    return true;
  });
  const registry = await fakeRegistry(
    t,
    { 'team/app:1': good, 'team/other:1': good },
    (request, response) => {
      if (request.headers.authorization === `Bearer ${answer.token}`) return false;
      const where = realm?.(tokens) ?? `${tokens.origin}/token?account=x`;
      response.writeHead(401, { 'www-authenticate': `Bearer realm="${where}",service="a \\"b\\""` }).end();
      return true;
    },
  );
  const data = {
    '.dockerconfigjson': Buffer.from(JSON.stringify({ auths: { [registry.host]: entry } })).toString(
      'base64',
    ),
  };
  const secrets = secretsOf({ shop: [{ name: 's', type: 'kubernetes.io/dockerconfigjson', data }] });
  const lookup = imageLookup(
    {
      registries: [{ host: registry.host, plainHttp: true }],
      cache: { fresh: '0s', stale: '0s', failures: '0s' },
    },
    { secrets },
  );
  t.after(() => lookup.close());
  return {
    registry,
    tokens,
    answer,
    ask: (image = 'team/app:1') => lookup.ask(`${registry.host}/${image}`, { secrets: ['s'] }),
  };
}

const BASIC = { username: 'me', password: 'pw' };

test('a token is requested with the registry’s realm, service and scope; the password goes to the token server alone', async (t) => {
  const { registry, tokens, ask } = await guarded(t, BASIC);
  configOf(await ask());
  const [seen] = tokens.seen;
  assert.equal(seen?.method, 'GET');
  const url = new URL(seen?.path ?? '', tokens.origin);
  assert.deepEqual(Object.fromEntries(url.searchParams), {
    account: 'x',
    service: 'a "b"',
    scope: 'repository:team/app:pull',
  });
  assert.equal(seen?.authorization, `Basic ${Buffer.from('me:pw').toString('base64')}`);
  assert.ok(
    registry.seen.every(({ authorization }) => authorization === undefined || authorization === 'Bearer t1'),
  );
});

test('a token is cached during its lifetime, for its own repository', async (t) => {
  const { registry, tokens, ask } = await guarded(t, BASIC);
  configOf(await ask());
  configOf(await ask());
  assert.equal(tokens.seen.length, 1);
  assert.equal(registry.seen.filter(({ authorization }) => authorization === undefined).length, 1);
  configOf(await ask('team/other:1'));
  assert.equal(tokens.seen.length, 2);
});

test('a token that has expired or is refused is requested again', async (t) => {
  const { tokens, answer, ask } = await guarded(t, BASIC);
  answer.expires_in = 0.000001;
  configOf(await ask());
  const used = tokens.seen.length;
  assert.ok(used >= 1);
  answer.expires_in = 300;
  configOf(await ask());
  const kept = tokens.seen.length;
  assert.ok(kept > used, 'its life was over');
  answer.token = 't2';
  configOf(await ask());
  assert.equal(tokens.seen.length, kept + 1);
});

test('a refresh token is exchanged by POST, and is in no URL', async (t) => {
  const { tokens, ask } = await guarded(t, { identitytoken: 'r3fresh' });
  configOf(await ask());
  const [seen] = tokens.seen;
  assert.equal(seen?.method, 'POST');
  assert.doesNotMatch(seen?.path ?? '', /r3fresh/);
  const form = Object.fromEntries(new URLSearchParams(seen?.body));
  assert.equal(form.grant_type, 'refresh_token');
  assert.equal(form.refresh_token, 'r3fresh');
  assert.equal(form.scope, 'repository:team/app:pull');
  assert.equal(form.service, 'a "b"');
});

test('an access token in the pull secret is sent as it is', async (t) => {
  const { tokens, answer, ask } = await guarded(t, { registrytoken: 'own' });
  answer.token = 'own';
  configOf(await ask());
  assert.equal(tokens.seen.length, 0);
});

const TROUBLE: [what: string, serve: Misbehave, reason: string, message: RegExp][] = [
  [
    'that is down',
    (request) => request.socket.destroy() !== undefined,
    'image-unreachable',
    /token server of registry .* closed the connection/,
  ],
  [
    'that fails',
    (_q, response) => response.writeHead(500).end() !== undefined,
    'image-unreachable',
    /token server .* answered 500/,
  ],
  [
    'that sends no JSON',
    (_q, response) => response.end('<') !== undefined,
    'image-unreachable',
    /token server .* no JSON/,
  ],
  [
    'that sends no token',
    (_q, response) => response.end('{}') !== undefined,
    'image-unreachable',
    /token server .* no token/,
  ],
  [
    'whose token would be two headers',
    (_q, response) => response.end('{"token":"a\\r\\nx-evil: 1"}') !== undefined,
    'image-unreachable',
    /token server .* no token/,
  ],
  [
    'that floods',
    (_q, response) => response.end('a'.repeat(100_000)) !== undefined,
    'image-unreachable',
    /token server .* more than 65536/,
  ],
  [
    'that refuses',
    (_q, response) => response.writeHead(403).end() !== undefined,
    'image-unauthorized',
    /refused secret shop\/s, anonymous/,
  ],
];

for (const [what, serve, reason, message] of TROUBLE)
  test(`W6 a token server ${what}`, async (t) => {
    const { ask } = await guarded(t, BASIC, { serve });
    const answer = await ask();
    assert.ok(!answer.ok && answer.reason === reason, JSON.stringify(answer));
    assert.match(answer.message, message);
  });

for (const [what, serve, reason, message] of TROUBLE) {
  const forSomebody: Misbehave = (request, ...rest) =>
    request.headers.authorization !== undefined && serve(request, ...rest);
  test(`W6 a token server ${what} for one credential: the next is tried`, async (t) => {
    const { ask } = await guarded(t, BASIC, { serve: forSomebody });
    configOf(await ask());
  });

  test(`W6 a token server ${what} for one credential, and refuses the anonymous one`, async (t) => {
    const { ask } = await guarded(t, BASIC, {
      serve: (request, response, ...rest) => {
        if (forSomebody(request, response, ...rest)) return true;
        response.writeHead(401).end();
        return true;
      },
    });
    const answer = await ask();
    assert.ok(!answer.ok && answer.reason === reason, JSON.stringify(answer));
    assert.match(answer.message, message);
    assert.match(answer.message, /refused (secret shop\/s, )?anonymous/);
  });
}

for (const [what, realm] of [
  ['a file', 'file:///etc/passwd'],
  ['with a password in it', 'https://a:b@127.0.0.1/'],
  ['nothing', ''],
] as const)
  test(`W6 a realm that is ${what} is not asked`, async (t) => {
    const { ask, tokens } = await guarded(t, BASIC, { realm: () => realm });
    const answer = await ask();
    assert.ok(!answer.ok && answer.reason === 'image-unauthorized', JSON.stringify(answer));
    assert.equal(tokens.seen.length, 0);
  });

test('challenges', () => {
  const read = (header: string) =>
    parseChallenges(header).map(({ scheme, parameters }) => [scheme, Object.fromEntries(parameters)]);
  assert.deepEqual(read('Basic realm="x"'), [['basic', { realm: 'x' }]]);
  assert.deepEqual(read('Bearer realm="https://a/t?x=1",service="r",scope="repository:a/b:pull,push"'), [
    ['bearer', { realm: 'https://a/t?x=1', service: 'r', scope: 'repository:a/b:pull,push' }],
  ]);
  assert.deepEqual(read('bearer REALM=https://a/t , service = r'), [
    ['bearer', { realm: 'https://a/t', service: 'r' }],
  ]);
  assert.deepEqual(read('Negotiate, Basic realm="a, b", Bearer realm="c"'), [
    ['negotiate', {}],
    ['basic', { realm: 'a, b' }],
    ['bearer', { realm: 'c' }],
  ]);
  assert.deepEqual(read('Bearer realm="a\\"b\\\\c"'), [['bearer', { realm: 'a"b\\c' }]]);
  assert.deepEqual(parseChallenges(undefined), []);
  assert.deepEqual(parseChallenges(`Basic realm="${'a'.repeat(9000)}"`), []);
  assert.deepEqual(parseChallenges('"""'), []);
});
