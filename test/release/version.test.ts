/** The version stands in one place. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { CHANGELOG } from '../../charts/changelog.ts';
import { withVersion } from '../../docs/readme.ts';
import packageFile from '../../package.json' with { type: 'json' };
import { filesUnderGit } from '../../release/source.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const VERSION = packageFile.version;

/** Where the version may be read, and what holds it equal there. */
const PLACES: readonly { path: RegExp; held: string }[] = [
  { path: /^package\.json$/, held: 'the one place' },
  { path: /^package-lock\.json$/, held: 'npm version' },
  { path: /^charts\/curfew\/Chart\.yaml$/, held: 'npm run generate' },
  { path: /^charts\/curfew(-1\.20)?\.yaml$/, held: 'npm run generate' },
  { path: /^charts\/curfew\/(values\.schema\.json|README\.md)$/, held: 'npm run generate' },
  { path: /^docs\/reference\/configuration\.md$/, held: 'npm run generate' },
  { path: /^test\/charts\/golden\//, held: 'UPDATE_GOLDEN=1 npm test -- golden' },
  { path: /^README\.md$/, held: 'npm run generate' },
  { path: /^(CHANGELOG|docs\/upgrading)\.md$/, held: 'history: each version stays' },
];

/** Files that speak of versions without meaning this one: examples of what a user may have. */
const EXAMPLES = /^test\/(charts|release)\/[^/]+\.ts$/;

const lock: { version: string; packages: Record<string, { version?: string }> } = JSON.parse(
  readFileSync(join(ROOT, 'package-lock.json'), 'utf8'),
);

test('R4 the version stands in package.json, and elsewhere only where something holds it equal', () => {
  const word = new RegExp(`(?<![0-9.])${VERSION.replaceAll('.', '\\.')}(?![0-9]|\\.[0-9])`);
  const wrong = filesUnderGit(ROOT).filter(
    (path) =>
      !EXAMPLES.test(path) &&
      !PLACES.some((place) => place.path.test(path)) &&
      word.test(readFileSync(join(ROOT, path), 'utf8').replaceAll(/https?:\S+/g, '')),
  );
  assert.deepEqual(
    wrong,
    [],
    'Take the version from package.json, or say in PLACES what holds it equal there',
  );
});

test('R4 package-lock.json and README.md say the version of package.json', () => {
  assert.equal(lock.version, VERSION);
  assert.equal(lock.packages['']?.version, VERSION);
  const readme = readFileSync(join(ROOT, 'README.md'), 'utf8');
  assert.equal(withVersion(readme, VERSION), readme, '"npm run generate" writes it');
});

test('R4 the version of README.md is written where it names an image or a file of a release', () => {
  const of = (version: string) =>
    `curfew-shim:${version} curfew:${version}. curfew-cli-${version}.tar.gz, curfew@v${version}`;
  const others = 'Kubernetes 1.20.2, other-curfewer:1.2.3, curfew-1.20.yaml, node:24.5.0';
  for (const version of ['0.1.0', '10.20.30', '1.0.0-rc.1'])
    assert.equal(withVersion(`${of(version)} ${others}`, '2.0.0'), `${of('2.0.0')} ${others}`);
  assert.equal(withVersion(of('0.1.0'), '1.0.0-rc.1'), of('1.0.0-rc.1'));
});

test('the changelog has a dated section for the version, the newest first, and one for what is to come', () => {
  const [first, second, ...older] = CHANGELOG;
  assert.equal(first?.version, 'Unreleased');
  assert.equal(second?.version, VERSION);
  assert.ok((second?.changes.length ?? 0) > 0);
  const dates = [second, ...older].map((section) => section?.date ?? '');
  assert.deepEqual(dates, [...dates].sort().reverse());
});
