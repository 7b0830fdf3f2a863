import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { test } from 'node:test';
import { filesUnderGit } from '../../release/source.ts';

const ROOT = join(import.meta.dirname, '..', '..');

/**
 * The folders of `webhook/`, from the one that everything may use to the one that nothing else uses, and what each may import beside
 * itself, `shared/` and `shim/`. A folder that is not listed here does not belong there yet.
 */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  shared: [],
  decision: [],
  kubernetes: [],
  registry: ['decision'],
  config: ['decision', 'registry'],
  images: ['decision', 'registry', 'config', 'kubernetes'],
  certificate: ['kubernetes'],
  manifest: ['decision'],
  cluster: ['decision', 'manifest'],
  server: ['decision', 'images', 'config', 'certificate', 'kubernetes'],
  commands: ['decision', 'kubernetes', 'images', 'registry', 'config', 'manifest', 'cluster', 'server'],
  'main.ts': ['commands', 'decision'],
  build: [],
};

/** Folders that know nothing of the shim, so they import nothing from `shim/`. */
const KNOWS_NO_SHIM = new Set(['shared', 'kubernetes', 'certificate', 'build']);

/** The folder of `webhook/` in which a file lies, or the top level's own name: `shim`, `main.ts`. */
function placeOf(path: string): string {
  const [top = '', second = ''] = path.split('/');
  return top === 'webhook' ? second : top;
}

/** Imports of the file, as paths from the root. */
function importsOf(file: string): string[] {
  const text = readFileSync(join(ROOT, file), 'utf8');
  return [...text.matchAll(/(?:\bfrom|\bimport\()\s*'(\.[^']+)'/g)].map(([, specifier = '']) =>
    normalize(join(dirname(file), specifier)),
  );
}

const files = globSync('webhook/**/*.ts', { cwd: ROOT }).sort();
const edges = files.flatMap((file) => importsOf(file).map((target) => ({ file, target })));

test('each folder of webhook/ imports only what its place allows', () => {
  const wrong = edges.filter(({ file, target }) => {
    const [from, to] = [placeOf(file), placeOf(target)];
    if (from === to || to === 'shared' || to === 'package.json') return false;
    if (to === 'shim') return KNOWS_NO_SHIM.has(from);
    return !(MAY_IMPORT[from] ?? []).includes(to);
  });
  assert.deepEqual(
    wrong.map(({ file, target }) => `${file} imports ${target}`),
    [],
    'Move what both need into a folder that both may import (shared/ where it knows nothing of Curfew), hand it in as a parameter, or, where the direction is right, allow it in MAY_IMPORT of test/webhook/folders.test.ts',
  );
});

test('every file of webhook/ lies in a folder that has a place, and no two folders import each other', () => {
  const places = Object.keys(MAY_IMPORT);
  assert.deepEqual(
    files.filter((file) => !places.includes(placeOf(file))),
    [],
    'Put the file into one of the folders, or give its new folder a place in MAY_IMPORT',
  );
  for (const [index, place] of places.entries())
    for (const used of MAY_IMPORT[place] ?? [])
      assert.ok(
        places.indexOf(used) < index || place === 'main.ts',
        `MAY_IMPORT: ${place} stands above ${used}, which it may import: folders are listed from the bottom up`,
      );
});

test('charts/ imports nothing from test/', () => {
  const charts = globSync('charts/**/*.ts', { cwd: ROOT });
  assert.deepEqual(
    charts.flatMap((file) => importsOf(file).filter((target) => target.startsWith('test/'))),
    [],
  );
});

test("a file's path is made by fileURLToPath or import.meta.dirname, which take a folder with a space in its name", () => {
  const wrong = filesUnderGit(ROOT).filter(
    (file) =>
      file.endsWith('.ts') && /import\.meta\.url\)\.pathname/.test(readFileSync(join(ROOT, file), 'utf8')),
  );
  assert.deepEqual(wrong, []);
});
