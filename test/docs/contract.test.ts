/** Each rule of docs/contract.md has a test that bears its number. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { DOCUMENTS, ROOT } from './documents.ts';

const rules = [...(DOCUMENTS.get('docs/contract.md') ?? '').matchAll(/^- ([VWPLNSOR]\d+) /gm)].map(
  ([, rule = '']) => rule,
);

/** The titles of all tests, of `test` and `describe`, and of what a folder names its own. */
const titles = globSync('test/**/*.ts', { cwd: ROOT }).flatMap((file) =>
  [...readFileSync(join(ROOT, file), 'utf8').matchAll(/(?:test|describe|bothWays)\(\s*['"`]([^'"`]*)/g)].map(
    ([, title = '']) => title,
  ),
);

test('every rule stands once in the contract, and a test bears its number', () => {
  assert.ok(rules.length > 0);
  assert.deepEqual(rules.length, new Set(rules).size, 'a number stands there twice');
  assert.deepEqual(
    rules.filter((rule) => !titles.some((title) => new RegExp(`\\b${rule}\\b`).test(title))),
    [],
    'Write a test that proves the rule, and begin its title with the number',
  );
});
