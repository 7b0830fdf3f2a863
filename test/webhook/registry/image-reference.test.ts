import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  BadReference,
  formatReference,
  isDigest,
  parseReference,
  wantedOf,
} from '../../../webhook/registry/image-reference.ts';

const SHA256 = `sha256:${'f'.repeat(64)}`;
const SHA512 = `sha512:${'0'.repeat(128)}`;

// The shapes that the distribution project's own tests go through (reference_test.go, normalize_test.go).
const GOOD: [
  text: string,
  registry: string,
  repository: string,
  tag?: string | undefined,
  digest?: string,
][] = [
  // short names
  ['redis', 'docker.io', 'library/redis', 'latest'],
  ['redis:7', 'docker.io', 'library/redis', '7'],
  ['library/redis', 'docker.io', 'library/redis', 'latest'],
  ['docker.io/redis', 'docker.io', 'library/redis', 'latest'],
  ['index.docker.io/redis', 'docker.io', 'library/redis', 'latest'],
  ['index.docker.io/team/app', 'docker.io', 'team/app', 'latest'],
  ['team/app', 'docker.io', 'team/app', 'latest'],
  ['library/foo/bar', 'docker.io', 'library/foo/bar', 'latest'],
  ['docker.io/library/foo/bar', 'docker.io', 'library/foo/bar', 'latest'],
  ['test_com', 'docker.io', 'library/test_com', 'latest'],
  ['test_com/foo', 'docker.io', 'test_com/foo', 'latest'],
  ['test.com:tag', 'docker.io', 'library/test.com', 'tag'],
  ['test.com:5000', 'docker.io', 'library/test.com', '5000'],
  ['foo_bar.com:8080', 'docker.io', 'library/foo_bar.com', '8080'],
  ['foo/foo_bar.com:8080', 'docker.io', 'foo/foo_bar.com', '8080'],
  ['192.168.1.1', 'docker.io', 'library/192.168.1.1', 'latest'],
  ['192.168.1.1:5000', 'docker.io', 'library/192.168.1.1', '5000'],
  // hosts and ports
  ['localhost/app', 'localhost', 'app', 'latest'],
  ['test.com/repo:tag', 'test.com', 'repo', 'tag'],
  ['test:5000/repo', 'test:5000', 'repo', 'latest'],
  ['test:5000/repo:tag', 'test:5000', 'repo', 'tag'],
  ['test-com:8080/foo', 'test-com:8080', 'foo', 'latest'],
  ['192.168.1.1:5000/repo:5050', '192.168.1.1:5000', 'repo', '5050'],
  ['127.0.0.1:5000/library/debian', '127.0.0.1:5000', 'library/debian', 'latest'],
  ['sub-dom1.foo.com/bar/baz/quux:some-long-tag', 'sub-dom1.foo.com', 'bar/baz/quux', 'some-long-tag'],
  [
    'b.gcr.io/test.example.com/my-app:test.example.com',
    'b.gcr.io',
    'test.example.com/my-app',
    'test.example.com',
  ],
  ['xn--n3h.com:18080/foo', 'xn--n3h.com:18080', 'foo', 'latest'],
  ['[2001:db8::1]/repo', '[2001:db8::1]', 'repo', 'latest'],
  ['[2001:db8::1]:5000/repo:tag', '[2001:db8::1]:5000', 'repo', 'tag'],
  ['[::1]:5000/repo', '[::1]:5000', 'repo', 'latest'],
  ['Docker/docker', 'Docker', 'docker', 'latest'],
  ['FOO/bar', 'FOO', 'bar', 'latest'],
  // digests
  [`redis@${SHA256}`, 'docker.io', 'library/redis', undefined, SHA256],
  [`redis:7@${SHA256}`, 'docker.io', 'library/redis', '7', SHA256],
  [`test:5000/repo@${SHA256}`, 'test:5000', 'repo', undefined, SHA256],
  [`test:5000/repo:tag@${SHA256}`, 'test:5000', 'repo', 'tag', SHA256],
  [`[2001:db8::1]:5000/repo:tag@${SHA256}`, '[2001:db8::1]:5000', 'repo', 'tag', SHA256],
  [`xn--7o8h.com/myimage:xn--7o8h.com@${SHA512}`, 'xn--7o8h.com', 'myimage', 'xn--7o8h.com', SHA512],
  // names
  ['lowercase:Uppercase', 'docker.io', 'library/lowercase', 'Uppercase'],
  ['docker---rules/docker', 'docker.io', 'docker---rules/docker', 'latest'],
  ['dock__er/docker', 'docker.io', 'dock__er/docker', 'latest'],
  ['d/docker', 'docker.io', 'd/docker', 'latest'],
  [
    `${'a/'.repeat(127)}a:tag-puts-this-over-max`,
    'docker.io',
    `${'a/'.repeat(127)}a`,
    'tag-puts-this-over-max',
  ],
  [`docker.io/${'1a'.repeat(32)}`, 'docker.io', `library/${'1a'.repeat(32)}`, 'latest'],
  [`quay.io/${'a'.repeat(255)}:1`, 'quay.io', 'a'.repeat(255), '1'],
  ['1a'.repeat(31), 'docker.io', `library/${'1a'.repeat(31)}`, 'latest'],
  [`app:${'t'.repeat(128)}`, 'docker.io', 'library/app', 't'.repeat(128)],
];

for (const [text, registry, repository, tag, digest] of GOOD)
  test(`a reference: ${text.slice(0, 90)}`, () => {
    const parsed = parseReference(text);
    assert.deepEqual(parsed, {
      registry,
      repository,
      ...(tag === undefined ? {} : { tag }),
      ...(digest === undefined ? {} : { digest }),
    });
    assert.equal(wantedOf(parsed), digest ?? tag);
    // Normal form: it means the same, and stays as it is.
    const normal = formatReference(parsed);
    assert.equal(formatReference(parseReference(normal)), normal);
  });

const BAD: [text: string, why: RegExp][] = [
  ['', /empty/],
  [':justtag', /name/],
  [`@${SHA256}`, /name/],
  [`repo@sha256:${'f'.repeat(34)}`, /digest/],
  [`repo@sha256:${'F'.repeat(64)}`, /digest/],
  [`repo@invaliddigest:${'f'.repeat(64)}`, /digest/],
  [`repo@${SHA256}@${SHA256}`, /digest/],
  ['repo@', /digest/],
  ['Uppercase:tag', /capital/],
  ['test:5000/Uppercase/lowercase:tag', /capital/],
  ['docker/Docker', /capital/],
  [`${'a/'.repeat(128)}a:tag`, /longer than 255/],
  [`quay.io/${'a'.repeat(256)}`, /longer than 255/],
  ['a'.repeat(5000), /longer than 1024/],
  ['aa/asdf$$^/aa', /character/],
  ['[2001:db8::1]', /character/],
  ['[2001:db8::1]:5000', /character/],
  ['[fe80::1%eth0]:5000/repo', /host/],
  ['[2001:db8:3:4::192.0.2.33]:5000/debian', /host/],
  ['fc00::1:5000/debian', /host/],
  ['https://github.com/docker/docker', /host/],
  ['-docker', /character/],
  ['-docker/docker', /character/],
  ['-docker.io/docker/docker', /host/],
  ['docker-/docker', /character/],
  ['docker///docker', /character/],
  ['docker.io/docker///docker', /character/],
  ['____/____', /character/],
  ['_docker/_docker', /character/],
  ['dock..er/docker', /host|character/],
  ['dock_.er/docker', /host|character/],
  ['dock-.er/docker', /host|character/],
  ['docker/', /character/],
  ['1a'.repeat(32), /id of an image/],
  ['app:-tag', /tag/],
  [`app:${'t'.repeat(129)}`, /tag/],
  ['app:', /tag/],
  ['app:a b', /tag/],
  ['app:1\n', /tag/],
  ['user@host/app', /digest/],
];

for (const [text, why] of BAD)
  test(`no reference: ${JSON.stringify(text).slice(0, 90)}`, () => {
    assert.throws(
      () => parseReference(text),
      (error) => error instanceof BadReference && why.test(error.message),
    );
  });

test('any text is a reference whose normal form means the same, or a BadReference', () => {
  const piece = fc.constantFrom('a', 'A', '0', '.', '/', ':', '@', '-', '_', '[', ']', 'localhost', SHA256);
  fc.assert(
    fc.property(fc.string({ unit: piece, maxLength: 30 }), (text) => {
      try {
        const normal = formatReference(parseReference(text));
        assert.equal(formatReference(parseReference(normal)), normal);
      } catch (error) {
        assert.ok(error instanceof BadReference, String(error));
      }
    }),
  );
});

test('digests that can be verified', () => {
  for (const text of [SHA256, SHA512]) assert.ok(isDigest(text));
  for (const text of [
    '',
    'sha256',
    'sha256:',
    `sha384:${'0'.repeat(96)}`,
    `${SHA256}0`,
    `md5:${'0'.repeat(32)}`,
    '__proto__:',
  ])
    assert.ok(!isDigest(text), text);
});
