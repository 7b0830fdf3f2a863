/** The bugs that are put in on purpose, for the search and the chaos, still have a place in the shim's sources. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { BREAKS as CHAOS } from '../chaos/breaks.ts';
import { BREAKS as SEARCH } from '../exhaustive/breaks.ts';

test('each planted bug changes a text that stands once in its file', () => {
  for (const { what, file, from } of [...SEARCH, ...CHAOS]) {
    const source = readFileSync(new URL(`../../shim/${file}`, import.meta.url), 'utf8');
    assert.equal(source.split(from).length, 2, `${what}: shim/${file} does not hold this text once: ${from}`);
  }
});
