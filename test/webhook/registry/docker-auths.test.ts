import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Credential, createCredential } from '../../../webhook/registry/credential.ts';
import {
  type AuthEntry,
  matchingCredentials,
  parseAuths,
  parsePullSecret,
} from '../../../webhook/registry/docker-auths.ts';
import { matchesHost, matchesLabel } from '../../../webhook/registry/host-pattern.ts';

const base64 = (text: string) => Buffer.from(text).toString('base64');
const entry = (pattern: string): AuthEntry => ({
  pattern,
  auth: { kind: 'basic', username: pattern, password: 'p' },
});
const names = (credentials: readonly Credential[]) =>
  credentials.map(({ auth }) => (auth.kind === 'basic' ? auth.username : auth.kind));

/** The entries that the kubelet uses for an image, in its order (keyring.go and its tests). */
const MATCHES: [image: string, entries: string[], found: string[]][] = [
  ['quay.io/coreos/etcd', ['quay.io'], ['quay.io']],
  [
    'quay.io/coreos/etcd',
    ['quay.io', 'quay.io/coreos', 'quay.io/coreos/etcd'],
    ['quay.io/coreos/etcd', 'quay.io/coreos', 'quay.io'],
  ],
  ['quay.io/other/etcd', ['quay.io/coreos', 'quay.io'], ['quay.io']],
  ['quay.io/coreosx/etcd', ['quay.io/coreos'], ['quay.io/coreos']],
  [
    'quay.io/a',
    ['https://quay.io', 'http://quay.io/', 'quay.io/v1/', 'https://quay.io/v2/'],
    ['https://quay.io', 'http://quay.io/', 'quay.io/v1/', 'https://quay.io/v2/'],
  ],
  ['quay.io/ns/a', ['https://quay.io/v2/ns'], ['https://quay.io/v2/ns']],
  // hosts and ports
  [
    'registry.local:5000/a',
    ['registry.local', 'registry.local:5000', 'registry.local:5001'],
    ['registry.local:5000'],
  ],
  ['registry.local/a', ['registry.local:5000', 'other.local', 'local', 'registry'], []],
  ['[::1]:5000/a', ['[::1]:5000', '[::1]'], ['[::1]:5000']],
  // wildcards: one label each
  [
    'a.corp.example/x',
    ['*.corp.example', '*.example', '*.*.example', '*.corp.*'],
    ['*.corp.example', '*.corp.*', '*.*.example'],
  ],
  ['corp.example/x', ['*.corp.example'], []],
  ['a.b.corp.example/x', ['*.corp.example'], []],
  [
    'prefix-a.corp.example/x',
    ['prefix-*.corp.example', '*-a.corp.example', 'other-*.corp.example'],
    ['prefix-*.corp.example', '*-a.corp.example'],
  ],
  ['a.corp.example:8080/x', ['*.corp.example:8080', '*.corp.example'], ['*.corp.example:8080']],
  ['a.corp.example/team/x', ['*.corp.example/team', '*.corp.example/other'], ['*.corp.example/team']],
  // Docker Hub
  ['docker.io/library/redis', ['https://index.docker.io/v1/'], ['https://index.docker.io/v1/']],
  ['docker.io/library/redis', ['index.docker.io'], ['index.docker.io']],
  ['docker.io/team/app', ['docker.io', 'https://index.docker.io/v1/'], ['docker.io']],
  ['quay.io/a', ['https://index.docker.io/v1/'], []],
  ['docker.io/a', ['quay.io'], []],
];

for (const [image, patterns, found] of MATCHES)
  test(`as the kubelet: ${image} among ${patterns.join(' ')}`, () => {
    const slash = image.indexOf('/');
    const target = { registry: image.slice(0, slash), repository: image.slice(slash + 1) };
    assert.deepEqual(names(matchingCredentials(patterns.map(entry), target, 'x')), found);
  });

test('entries: auth, username and password, identitytoken, registrytoken; an entry without any is left out', () => {
  const read = (value: unknown) => parseAuths({ host: value }).map(({ auth }) => auth);
  assert.deepEqual(read({ auth: base64('me:p:w') }), [{ kind: 'basic', username: 'me', password: 'p:w' }]);
  assert.deepEqual(read({ auth: base64('me:pw\0\0') }), [{ kind: 'basic', username: 'me', password: 'pw' }]);
  assert.deepEqual(read({ username: 'me', password: 'pw' }), [
    { kind: 'basic', username: 'me', password: 'pw' },
  ]);
  assert.deepEqual(read({ auth: base64('a:b'), username: 'c', password: 'd' }), [
    { kind: 'basic', username: 'a', password: 'b' },
  ]);
  assert.deepEqual(read({ auth: base64('<token>:'), identitytoken: 't' }), [
    { kind: 'identity', token: 't' },
  ]);
  assert.deepEqual(read({ registrytoken: 't' }), [{ kind: 'bearer', token: 't' }]);
  for (const none of [
    {},
    null,
    1,
    'x',
    [],
    { auth: '' },
    { auth: base64('nobody') },
    { auth: 1 },
    { registrytoken: 'a\r\nb' },
  ])
    assert.deepEqual(read(none), [], JSON.stringify(none));
});

test('pull secrets: both types, each by its own key alone', () => {
  const auths = { 'quay.io': { auth: base64('me:pw') } };
  const json = base64(JSON.stringify({ auths }));
  const old = base64(JSON.stringify(auths));
  const patterns = (type: string, data: Record<string, string>) =>
    parsePullSecret(type, data).map(({ pattern }) => pattern);
  assert.deepEqual(patterns('kubernetes.io/dockerconfigjson', { '.dockerconfigjson': json }), ['quay.io']);
  assert.deepEqual(patterns('kubernetes.io/dockercfg', { '.dockercfg': old }), ['quay.io']);
  assert.deepEqual(patterns('Opaque', { '.dockerconfigjson': json }), []);
  assert.deepEqual(patterns('kubernetes.io/dockercfg', { '.dockerconfigjson': json }), []);
  for (const text of ['', 'no json', '[]', '{"auths":[]}', '{"auths":1}', 'null'])
    assert.deepEqual(patterns('kubernetes.io/dockerconfigjson', { '.dockerconfigjson': base64(text) }), []);
});

test('different credentials have different ids', () => {
  const one = createCredential({ kind: 'basic', username: 'a', password: 'b' }, 'here');
  assert.equal(one.id, createCredential({ kind: 'basic', username: 'a', password: 'b' }, 'there').id);
  for (const other of [
    createCredential({ kind: 'basic', username: 'a', password: 'c' }, 'here'),
    createCredential({ kind: 'basic', username: 'ab', password: '' }, 'here'),
    createCredential({ kind: 'identity', token: 'b' }, 'here'),
    createCredential({ kind: 'bearer', token: 'b' }, 'here'),
  ])
    assert.notEqual(one.id, other.id);
});

test('a pattern matches a label where the same regular expression does', () => {
  const piece = fc.string({ unit: fc.constantFrom('a', 'b', '*', '?', '-'), maxLength: 8 });
  const text = fc.string({ unit: fc.constantFrom('a', 'b', '-'), maxLength: 8 });
  fc.assert(
    fc.property(piece, text, (pattern, label) => {
      const source = pattern.replaceAll('*', '.*').replaceAll('?', '.');
      assert.equal(matchesLabel(pattern, label), new RegExp(`^${source}$`).test(label));
    }),
  );
  for (const [pattern, label, fits] of [
    ['[a-c]x', 'bx', true],
    ['[^a-c]x', 'bx', false],
    ['[^a-c]x', 'dx', true],
    ['[abc', 'a', false],
    ['[a-]', '-', true],
  ] as const)
    assert.equal(matchesLabel(pattern, label), fits, `${pattern} ${label}`);
});

test('a pattern with many stars takes no exponential time', () => {
  assert.equal(matchesLabel(`${'*a'.repeat(2000)}b`, 'a'.repeat(4000)), false);
  assert.ok(matchesHost('*.corp.example:5000', 'a.corp.example:5000'));
});
