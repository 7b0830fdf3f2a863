/** docs/reference/ says what the code says. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { referencePages } from '../../docs/reference-pages.ts';
import { parseConfig } from '../../webhook/config/config.ts';
import { BREAKS as CHAOS_BREAKS } from '../chaos/breaks.ts';
import { BREAKS } from '../exhaustive/breaks.ts';
import { ROOT } from './documents.ts';

const read = (path: string) => readFileSync(join(ROOT, 'docs', path), 'utf8');

test('the generated pages are current: npm run generate writes them', async () => {
  for (const [path, content] of await referencePages())
    assert.ok(read(path) === content, `docs/${path} is not current: run npm run generate`);
});

test("the configuration's example can be used", () => {
  const examples = [...read('reference/configuration.md').matchAll(/^```yaml\n(.*?)^```$/gms)];
  assert.ok(examples.length > 0);
  for (const [, example = ''] of examples) parseConfig(example, 'docs/reference/configuration.md');
});

test('the certificates\u2019 example can be used', () => {
  const [, example = ''] = /^```yaml\n(tls:.*?)^```$/ms.exec(read('design/certificates.md')) ?? [];
  assert.equal(parseConfig(example, 'docs/design/certificates.md').tls.source, 'self-managed');
});

test('verification.md counts the bugs that are put in on purpose', () => {
  const text = read('verification.md');
  assert.match(text, new RegExp(`${BREAKS.length} bugs put into a copy of the machines`));
  assert.match(text, new RegExp(`${CHAOS_BREAKS.length} bugs put into copies of the sources`));
});
