/**
 * The recipes of `examples/`: each decided as its README says, and explained as its explain.txt says. To write these anew:
 * UPDATE_GOLDEN=1 node --test test/examples/examples.test.ts, and read the difference. (They run in the cluster's session `examples`.)
 */
import assert from 'node:assert/strict';
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import {
  addedIn,
  explain,
  foldersWithManifests,
  type Mode,
  objectsOf,
  type Recipe,
  readRecipes,
  readTable,
  textOf,
  transcript,
} from './recipes.ts';

const recipes = readRecipes();
const MODES: readonly Mode[] = ['shim', 'native'];
const DONE = { shim: 'wrapped', native: 'converted' } as const;

test('the table of README.md has a line for each folder, and each folder a line', () => {
  assert.deepEqual(recipes.map(({ name }) => name).toSorted(), foldersWithManifests());
});

describe('recipes', () => {
  for (const recipe of recipes) describe(recipe.name, () => hold(recipe));
});

function hold(recipe: Recipe): void {
  const { folder, runs, add, works } = recipe;
  /** The maker's own kinds too: what its author writes. */
  const manifests = globSync('*.yaml', { cwd: folder });

  test('every manifest can be read', () => {
    for (const file of manifests) assert.ok(objectsOf(textOf(recipe, file)).length > 0, file);
  });

  test('what README.md says is to be added is what is added in the manifests', () => {
    for (const file of manifests)
      assert.deepEqual(new Set(addedIn(recipe, file).map(unquoted)), new Set(add.map(unquoted)), file);
  });

  for (const mode of MODES)
    test(`${mode}: what runs is decided as README.md says`, async () => {
      const decided = await explain(textOf(recipe, runs), works[mode] ? mode : 'native');
      assert.equal(decided.outcome, DONE[works[mode] ? mode : 'native'], decided.message);
      assert.ok(decided.containers.some(({ role }) => role === 'sidecar'));
    });

  test('as its maker writes it: decided the same where nothing is added, and otherwise where something is', async () => {
    const ours = add.some((line) => line.includes('curfew.dev/'));
    const answers = async (asMade: boolean) =>
      JSON.stringify(await Promise.all(MODES.map((mode) => explain(textOf(recipe, runs, asMade), mode))));
    // A stop-timeout is no part of what is explained.
    if (ours && !add.every((line) => line.startsWith('stop-timeout.')))
      assert.notEqual(await answers(true), await answers(false));
    if (!ours) assert.equal(await answers(true), await answers(false));
  });

  test('explained as explain.txt says', async () => {
    const file = join(folder, 'explain.txt');
    const text = await transcript(recipe);
    if (process.env.UPDATE_GOLDEN === '1') writeFileSync(file, text);
    assert.equal(readFileSync(file, 'utf8'), text);
  });
}

/** YAML's quotes say nothing. */
function unquoted(line: string): string {
  return line.replaceAll('"', '');
}

test('a cell of the table that says neither is found', () => {
  const line = (shim: string) => `| [x](x) | hangs | nothing | ${shim} | works |`;
  assert.deepEqual(readTable(line('works')), [
    { name: 'x', without: 'hangs', add: [], works: { shim: true, native: true } },
  ]);
  assert.throws(() => readTable(line('does not work')), /with the reason/);
  assert.throws(() => readTable(line('perhaps')), /neither/);
  assert.throws(() => readTable('| [x](x) | explodes | nothing | works | works |'), /not a recipe/);
});
