/** CONTRIBUTING.md leads to every room, and to none that is gone. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { DOCUMENTS, ROOT } from './documents.ts';

const text = DOCUMENTS.get('CONTRIBUTING.md') ?? '';

/** The rows of its tables. */
const rows = text.split('\n').filter((line) => line.startsWith('| `'));

const foldersOf = (path: string) =>
  readdirSync(join(ROOT, path), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => `${path}/${name}/`);

test('every folder of webhook/ and test/ has its sentence', () => {
  const missing = [...foldersOf('webhook'), ...foldersOf('test')].filter(
    (folder) => !rows.some((row) => row.includes(`\`${folder}\``)),
  );
  assert.deepEqual(
    missing,
    [],
    'Say in one sentence what may be in it, in "Where things are" of CONTRIBUTING.md',
  );
});

test('every file and folder that it names is there', () => {
  const TOP = /^(webhook|shim|charts|docs|test|examples)\/[\w./-]*$/;
  const named = [...text.matchAll(/`([^`\n]+)`/g)]
    .map(([, path = '']) => path)
    .filter((path) => TOP.test(path) && !path.includes('NAME'));
  assert.ok(named.length > 30);
  assert.deepEqual(
    named.filter((path) => !existsSync(join(ROOT, path))),
    [],
    'Name the file where it is now',
  );
});
