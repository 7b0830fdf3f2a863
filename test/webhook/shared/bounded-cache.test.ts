import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { BoundedCache } from '../../../webhook/shared/bounded-cache.ts';

test('the least recently used entry is dropped first', () => {
  const cache = new BoundedCache<number>({ entries: 2, bytes: 10_000 });
  cache.set('a', 1, 1);
  cache.set('b', 2, 1);
  assert.equal(cache.get('a'), 1);
  cache.set('c', 3, 1);
  assert.deepEqual([cache.get('a'), cache.get('b'), cache.get('c')], [1, undefined, 3]);
});

test('a value above the bound is not kept, and drops no other entry', () => {
  const cache = new BoundedCache<number>({ entries: 10, bytes: 1_000 });
  cache.set('a', 1, 1);
  cache.set('b', 2, 1_000);
  assert.equal(cache.get('a'), 1);
  cache.set('a', 3, 1);
  assert.deepEqual([cache.get('a'), cache.get('b'), cache.size], [3, undefined, 1]);
});

test('the bounds hold after any operations, and size and bytes are counted correctly', () => {
  const step = fc.tuple(fc.constantFrom('set', 'get', 'delete'), fc.nat(20), fc.nat(600));
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const cache = new BoundedCache<number>({ entries: 5, bytes: 2_000 });
      for (const [what, key, size] of steps) {
        if (what === 'set') cache.set(`k${key}`, size, size);
        else if (what === 'get') cache.get(`k${key}`);
        else cache.delete(`k${key}`);
        assert.ok(cache.size <= 5 && cache.bytes <= 2_000);
      }
      for (let key = 0; key <= 20; key++) cache.delete(`k${key}`);
      assert.deepEqual([cache.size, cache.bytes], [0, 0]);
    }),
  );
});
