/** Documents that are to be read in minutes stay so. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DOCUMENTS } from './documents.ts';

const README_LINES = 120;
const README_WORDS = 1_000;
const DESIGN_LINES = 150;

/** As `wc` counts. */
const linesOf = (text: string) => text.split('\n').length - 1;
const wordsOf = (text: string) => text.split(/\s+/).filter((word) => word !== '').length;

test(`README.md has at most ${README_LINES} lines and ${README_WORDS} words`, () => {
  const text = DOCUMENTS.get('README.md') ?? '';
  const way = 'it is read in two minutes: move a detail to docs/ and link it';
  assert.ok(
    linesOf(text) <= README_LINES,
    `README.md has ${linesOf(text)} lines, and may have ${README_LINES}; ${way}`,
  );
  assert.ok(
    wordsOf(text) <= README_WORDS,
    `README.md has ${wordsOf(text)} words, and may have ${README_WORDS}; ${way}`,
  );
});

test(`each page of docs/design/ has at most ${DESIGN_LINES} lines`, () => {
  const pages = [...DOCUMENTS].filter(([path]) => path.startsWith('docs/design/'));
  assert.ok(pages.length > 0);
  for (const [path, text] of pages)
    assert.ok(
      linesOf(text) <= DESIGN_LINES,
      `${path} has ${linesOf(text)} lines, and may have ${DESIGN_LINES}: it holds more than one subject, give one a page of its own`,
    );
});
