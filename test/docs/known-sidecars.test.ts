/** The list of known sidecars says what is so. (That the file is current is tested with the other generated files.) */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { knownSidecarsPage, LEFT_OUT } from '../../docs/known-sidecars.ts';
import { CATALOGUE } from '../../webhook/decision/catalogue.ts';
import { knownSidecar } from '../../webhook/decision/known-sidecar.ts';

const page = knownSidecarsPage();

test('every entry of the catalogue has one row, with its source, and every row seven cells', () => {
  const rows = page
    .slice(0, page.indexOf('## Left out'))
    .split('\n')
    .filter((line) => line.startsWith('| ') && !line.startsWith('| sidecar |'));
  assert.equal(rows.length, CATALOGUE.length);
  for (const [index, { what, source }] of CATALOGUE.entries()) {
    const cells = rows[index]?.split(' | ') ?? [];
    assert.equal(cells.length, 7, what);
    assert.equal(cells[0], `| ${what}`);
    assert.equal(cells[6], `${source} |`);
  }
  assert.equal(new Set(CATALOGUE.map(({ what }) => what)).size, CATALOGUE.length);
});

describe('what is left out is no known sidecar', () => {
  for (const { what, name, image } of LEFT_OUT)
    test(what, () => assert.equal(knownSidecar(CATALOGUE, name, image), undefined));
});
