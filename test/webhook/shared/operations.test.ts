import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import fastJsonPatch from 'fast-json-patch';
import { type Operation, patched, pathStep } from '../../../webhook/shared/operations.ts';

const document = fc.record({
  list: fc.array(fc.jsonValue(), { minLength: 2, maxLength: 5 }),
  map: fc.dictionary(fc.constantFrom('a', 'b', '/', '~', '~1'), fc.jsonValue()),
  deep: fc.constant({ '/~': [{ x: [1, 2, 3] }] }),
});
const item = fc.nat(1);
const operation = fc.oneof(
  fc.record({
    op: fc.constantFrom('add' as const, 'replace' as const),
    path: fc.oneof(
      item.map((index) => `/list/${index}`),
      fc.constantFrom('/map/c', '/map/~0', '/deep/~1~0/0/y', '/deep/~1~0/0/x'),
    ),
    value: fc.jsonValue(),
  }),
  fc.record({
    op: fc.constant('add' as const),
    path: fc.constantFrom('/list/-', '/deep/~1~0/-'),
    value: fc.jsonValue(),
  }),
  fc.record({ op: fc.constant('remove' as const), path: item.map((index) => `/list/${index}`) }),
  fc.record({
    op: fc.constant('move' as const),
    from: item.map((index) => `/list/${index}`),
    path: fc.oneof(
      item.map((index) => `/list/${index}`),
      fc.constantFrom('/map/d', '/deep/~1~0/0/x/1'),
    ),
  }),
);

test('operations do what another program makes of them, and leave the old document as it was', () => {
  fc.assert(
    fc.property(document, fc.array<Operation>(operation, { maxLength: 4 }), (drawn, operations) => {
      const before = structuredClone(drawn);
      let wanted: unknown;
      try {
        wanted = fastJsonPatch.applyPatch(
          structuredClone(before),
          structuredClone(operations),
          true,
        ).newDocument;
      } catch {
        return; // no valid patch of this document
      }
      const was = structuredClone(before);
      assert.deepEqual(patched(before, operations), wanted);
      assert.deepEqual(before, was);
    }),
    { numRuns: 1_000 },
  );
});

test('what no operation touches is neither copied nor walked through: it may be a bigint, and as deep as it likes', () => {
  let deep: unknown = 2n ** 60n;
  for (let level = 0; level < 100_000; level++) deep = [deep];
  const before = {
    list: [
      { name: 'a', deep },
      { name: 'b', deep },
    ],
  };
  const after = patched(before, [
    { op: 'move', from: '/list/1', path: '/list/0' },
    { op: 'add', path: '/list/0/x', value: 1 },
  ]);
  assert.ok(typeof after === 'object' && after !== null && 'list' in after && Array.isArray(after.list));
  assert.deepEqual(Object.keys(after.list[0]), ['name', 'deep', 'x']);
  assert.equal(after.list[0].deep, deep);
  assert.equal(after.list[1], before.list[0]);
});

test('a key may have any characters, and __proto__ is a key like another', () => {
  for (const key of ['a/b', '~', '~1', '__proto__', '']) {
    const after = patched(JSON.parse('{}'), [{ op: 'add', path: `/${pathStep(key)}`, value: 1 }]);
    assert.deepEqual(Object.entries(after ?? {}), [[key, 1]]);
  }
});

test('a path that leads nowhere is an error', () => {
  assert.throws(
    () => patched({ a: 1 }, [{ op: 'add', path: '/a/b', value: 1 }]),
    /no list and no map at "a"/,
  );
  assert.throws(() => patched({}, [{ op: 'add', path: '/constructor/b', value: 1 }]), /at "constructor"/);
});
