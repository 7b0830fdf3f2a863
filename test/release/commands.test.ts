/** The scripts of a release: what they say of themselves, and that a wrong flag does nothing. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import packageFile from '../../package.json' with { type: 'json' };
import { LOCK_FILE } from '../../release/debian-lock.ts';

const ROOT = join(import.meta.dirname, '..', '..');

/** Each with its file. */
const commands = Object.entries(packageFile.scripts)
  .filter(([name]) => /^release(?::|$)/.test(name))
  .map(([name, script]) => ({ name, file: join(ROOT, script.split(' ').at(-1) ?? '') }));

/** Nothing of these runs reaches a network. */
function run(file: string, ...args: string[]) {
  const env = {
    PATH: process.env.PATH,
    HOME: '/nonexistent',
    CURFEW_DEBIAN_MIRROR: 'http://127.0.0.1:9/debian',
  };
  return spawnSync(process.execPath, [file, ...args], { encoding: 'utf8', env });
}

test('each script of a release says its usage, and does nothing else', () => {
  const lock = readFileSync(LOCK_FILE);
  assert.equal(commands.length, 4);
  for (const { name, file } of commands) {
    const { status, stdout, stderr } = run(file, '--help');
    assert.deepEqual([status, stderr], [0, ''], name);
    assert.match(stdout, new RegExp(`^usage: npm run ${name} -- `));
  }
  assert.deepEqual(readFileSync(LOCK_FILE), lock);
});

test('a flag that there is not, and one word too many, are told: exit code 2', () => {
  for (const { name, file } of commands)
    for (const args of [['--bogus'], ['/nonexistent', '/another']]) {
      const { status, stdout, stderr } = run(file, ...args);
      assert.deepEqual([status, stdout], [2, ''], `${name} ${args.join(' ')}: ${stderr}`);
      assert.match(
        stderr,
        new RegExp(`^${name}: .*(bogus|nonexistent|another).* \\("--help" lists the options\\)\n$`),
      );
    }
});

test('a builder that is no URI, and a registry that is none, are told before anything is made', () => {
  const release = join(ROOT, 'release', 'release.ts');
  for (const [args, message] of [
    [['--builder', 'me'], /^release: --builder me is no URI, as in https:/],
    [['--registry', 'team'], /^release: --registry team is not HOST\/PATH/],
    [['--out', '/etc/passwd'], /^release: --out \/etc\/passwd is no folder/],
  ] as const) {
    const { status, stderr } = run(release, ...args);
    assert.notEqual(status, 0);
    assert.match(stderr, message);
    assert.doesNotMatch(stderr, /\n {4}at /);
  }
});

test('a mirror that cannot be reached is told as that, and how to name another', () => {
  const file = join(ROOT, 'release', 'lock.ts');
  const { status, stderr } = run(file);
  assert.equal(status, 1);
  assert.match(
    stderr,
    /^release:lock: the package lists of http:\/\/127\.0\.0\.1:9\/debian cannot be fetched; CURFEW_DEBIAN_MIRROR can/,
  );
});
