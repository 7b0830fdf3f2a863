import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ListItems } from '../../../webhook/kubernetes/list-items.ts';

/** Read a text in pieces of this size. */
function read(text: string, size: number): { items: unknown[]; frame: unknown } {
  const list = new ListItems();
  const bytes = Buffer.from(text);
  const items: unknown[] = [];
  for (let at = 0; at < bytes.length; at += size) items.push(...list.push(bytes.subarray(at, at + size)));
  return { items, frame: list.end() };
}

test('S2 the items of a list are what JSON.parse finds in it, wherever its text is cut', () => {
  fc.assert(
    fc.property(
      fc.array(fc.dictionary(fc.string(), fc.jsonValue())),
      fc.dictionary(
        fc.string().filter((key) => key !== 'items'),
        fc.jsonValue(),
      ),
      fc.dictionary(
        fc.string().filter((key) => key !== 'items'),
        fc.jsonValue(),
      ),
      fc.nat(2),
      fc.integer({ min: 1, max: 40 }),
      (items, before, after, space, size) => {
        const text = JSON.stringify({ ...before, items, ...after }, null, space);
        const { items: whole, ...frame } = JSON.parse(text);
        const { frame: own, ...found } = read(text, size);
        assert.deepEqual(found.items, whole);
        assert.deepEqual(own, { ...frame, items: [] });
      },
    ),
  );
});

test('S2 items elsewhere than at the top are none, and an escaped quote ends nothing', () => {
  const list = { metadata: { items: [{ a: 1 }] }, kind: '"items"', items: [{ 'a"{': '\\"[' }] };
  assert.deepEqual(read(JSON.stringify(list), 3).items, list.items);
  assert.deepEqual(read('{"items":null}', 3).items, []);
  assert.deepEqual(read('{}', 3).items, []);
});

test('S2 what is no list, and what is endless, is an error', () => {
  for (const text of ['', 'x', '[{"a":1}]', '{"items":[{"a":1}', '{"items":[{"a"}]}'])
    assert.throws(() => read(text, 5), SyntaxError, text);
  assert.throws(
    () => read(`{"items":[{"a":"${'x'.repeat(5_000_000)}`, 65_536),
    /an object of the list is too long/,
  );
  assert.throws(() => read(`{"a":"${'x'.repeat(100_000)}`, 65_536), /too long beside its objects/);
  assert.throws(() => read(`{"items":[${'1,'.repeat(5_000_000)}`, 65_536).items.length, SyntaxError);
});
