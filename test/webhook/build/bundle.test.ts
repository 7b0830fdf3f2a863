/** The bundle, as people run it: with whatever Node they have. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Script } from 'node:vm';
import { transform } from 'esbuild';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const BUNDLE = join(ROOT, 'dist', 'curfew.js');
const { engines }: { engines: { node: string } } = JSON.parse(
  readFileSync(join(ROOT, 'package.json'), 'utf8'),
);

/** Run the bundle where Node says that it is another. */
function runAs(version: string): { status: number | null; stdout: string; stderr: string } {
  const pretend = `for (const [key, value] of [['version', 'v${version}'], ['versions', { ...process.versions, node: '${version}' }]]) Object.defineProperty(process, key, { value });`;
  const preload = `data:text/javascript,${encodeURIComponent(pretend)}`;
  return spawnSync(process.execPath, ['--import', preload, BUNDLE, '--version'], { encoding: 'utf8' });
}

test('an older Node says in one line which one is needed', () => {
  const least = engines.node.replace('>=', '');
  for (const version of ['12.22.12', '14.21.3', '16.20.2', '20.20.2', '24.4.1']) {
    const { status, stdout, stderr } = runAs(version);
    assert.deepEqual(
      [status, stdout, stderr],
      [2, '', `curfew: needs Node ${least} or newer, this is v${version}\n`],
    );
  }
});

test('the Node that is needed, and newer ones, run it', () => {
  for (const version of ['24.5.0', '24.21.0', '26.0.0']) {
    const { status, stdout } = runAs(version);
    assert.equal(status, 0);
    assert.match(stdout, /^curfew \d/);
  }
});

test('it is a script, which every Node parses as a CommonJS and as an ES module', () => {
  assert.doesNotThrow(() => new Script(readFileSync(BUNDLE, 'utf8').replace(/^#!.*/, '')));
});

test('nothing in it is syntax that Node 12 does not parse', async () => {
  const bundle = readFileSync(BUNDLE, 'utf8');
  const written = async (target: string) => (await transform(bundle, { target })).code;
  // No `assert.equal`: it would print both.
  assert.ok((await written('node12')) === (await written('esnext')), 'esbuild lowers something for Node 12');
});
