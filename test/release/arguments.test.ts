/** What the commands of a release take. */
import assert from 'node:assert/strict';
import { resolve } from 'node:path';
import { test } from 'node:test';
import { oneFolder, parseRegistry, RELEASE_FOLDER } from '../../release/arguments.ts';

test('a registry is a host and a path, as an image reference has them', () => {
  for (const text of [
    'registry.example.com/team',
    'registry.example.com:5000',
    'registry.example.com:5000/a/b.c/d_e/f__g/h-i/j--k',
    '127.0.0.1:5000/team',
    'localhost/team',
    'registry:5000/team',
    'docker.io/team',
  ])
    assert.equal(parseRegistry(text), text);
});

test('what is no registry is told with what to write', () => {
  for (const [text, message] of [
    ['https://registry.example.com/team', /without https:\/\/, and --plain-http says/],
    ['http://registry.example.com/team', /--plain-http/],
    ['GHCR.io/team', /lower case/],
    ['ghcr.io/Team', /lower case/],
    ['', /it has no host/],
    ['/team', /it has no host/],
    ['team', /no dot and no port, so nodes take it for docker\.io\/team; write docker\.io\/team/],
    ['team/tools', /write docker\.io\/team\/tools/],
    ['registry.example.com/team/', /a slash too many/],
    ['registry.example.com//team', /a slash too many/],
    ['registry.example.com/team:1', /team:1 is no part of a path/],
    ['registry.example.com/a..b', /a\.\.b is no part of a path/],
    ['registry.example.com:port/team', /registry\.example\.com:port is no host/],
    ['registry.example.com /team', /is no host/],
  ] as const)
    assert.throws(() => parseRegistry(text), message, text);
});

test('one folder is taken, and dist/release where none is named', () => {
  assert.equal(oneFolder([]), RELEASE_FOLDER);
  assert.equal(oneFolder(['some/where']), resolve('some/where'));
  assert.throws(() => oneFolder(['one', 'two']), /two is one folder too many/);
});
