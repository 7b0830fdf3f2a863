import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { stringify } from 'yaml';
import { readTree } from '../../../webhook/manifest/reader.ts';
import { YamlError } from '../../../webhook/manifest/scanner.ts';
import { Values } from '../../../webhook/manifest/value.ts';

function read(text: string): unknown {
  const tree = readTree(text, 0, text.length);
  if (tree.end < text.length) throw new YamlError('there is more', tree.end);
  return new Values(text).of(tree.root);
}

/** What kubectl says of each was looked up once; `kubectl.test.ts` asks it of what pods hold. */
const READINGS: readonly [text: string, value: unknown][] = [
  ['', null],
  ['# nothing\n', null],
  ['a:\nb: ~\nc: null\n', { a: null, b: null, c: null }],
  ['a:\n- 1\n-\n- - 2\n  - 3\nb:\n  - x: 1\n    z: 2\n', { a: [1, null, [2, 3]], b: [{ x: 1, z: 2 }] }],
  ['{a: [b, "c" , \'d\'], e: {f, g: , "h":1}}', { a: ['b', 'c', 'd'], e: { f: null, g: null, h: 1 } }],
  ['[a: 1, ? b : 2, c]', [{ a: 1 }, { b: 2 }, 'c']],
  ['a: b: c', YamlError],
  ['a\nb: c', YamlError],
  ['a: - b', YamlError],
  ['a: &x b: c', YamlError],
  ['? a: b\n', YamlError],
  ['- a: b\n  c: &d\n    e: f\n', [{ a: 'b', c: { e: 'f' } }]],
  ['a: [1\n', YamlError],
  ['a: "1\n', YamlError],
  ['a: @b', YamlError],
  ['a:\n    b: 1\n  c: 2\n', YamlError],
  ['- a\n b', ['a b']],
  ['a: b#c #d\ne: "#f"#g\n', { a: 'b#c', e: '#f' }],
  ["a: it's\nb: http://x:80/\nc: d: -1-\n", YamlError],
  ["a: it's\nb: http://x:80/\nc: --\nd: -1-\n", { a: "it's", b: 'http://x:80/', c: '--', d: '-1-' }],
  [
    'a: [y, Yes, on, n, NO, off, true, False, ~, Null, nil]',
    { a: [true, true, true, false, false, false, true, false, null, null, 'nil'] },
  ],
  [
    'a: [0x1F, 0b11, 017, 0o17, 08, 1_000, +1, -0, 1e3, .5, 1., 1.5e-3, 12:30, 2020-01-01]',
    {
      a: [31, 3, 15, 15, 8, 1000, 1, 0, 1000, 0.5, 1, 0.0015, '12:30', '2020-01-01'],
    },
  ],
  [
    'a: [9007199254740993, 18446744073709551615, 18446744073709551616]',
    { a: [9007199254740993n, 18446744073709551615n, 18446744073709552000] },
  ],
  [
    'a: !!str 5\nb: ! 5\nc: !!int "5"\nd: !x 5\ne: !!binary aGk=\n',
    { a: '5', b: '5', c: 5, d: '5', e: 'hi' },
  ],
  ['on: 1\n1: 2\n"x": 3\n', { true: 1, 1: 2, x: 3 }],
  ['a: 1\na: 2\n', { a: 2 }],
  ['a: &x [1]\nb: *x\nc: &x 2\nd: *x\n', { a: [1], b: [1], c: 2, d: 2 }],
  ['&m\n&k a: 1\nb: *k\n', { a: 1, b: 'a' }],
  ['a: 1\n<<: {a: 2, b: 3}\nb: 4\n', { a: 2, b: 4 }],
  ['"<<": {a: 2}\n', { '<<': { a: 2 } }],
  ['<<: [{a: 1}, {a: 2, b: 2}]\n', { a: 1, b: 2 }],
  ['__proto__: {a: 1}\n', JSON.parse('{"__proto__": {"a": 1}}')],
  ['a: "x\\\n  y\\x41\\u00e9\\U0001F600\\n\\/\\_"\n', { a: 'xyAé😀\n/\u00a0' }],
  ['a: "\\ud83d\\ude00"\n', { a: '😀' }],
  ['a: "one  \n\n  two\n three"\nb: \'one\ntwo\'\n', { a: 'one\ntwo three', b: 'one two' }],
  [
    'a: |\n  x\n   y\n\n  z\n\nb: |-\n  x\nc: |+\n  x\n\nd: >\n  a\n  b\n\n  c\n   d\n  e\n',
    {
      a: 'x\n y\n\nz\n',
      b: 'x',
      c: 'x\n\n',
      d: 'a b\nc\n d\ne\n',
    },
  ],
  ['a: |2\n   x\n  y\nb: >-2\n    x\n', { a: ' x\ny\n', b: '  x' }],
  ['- |\n x', ['x\n']],
  ['- |-\n x', ['x']],
  ['- |+\n x\n   ', ['x\n  \n']],
  ['- |+\n   x\n\n  ', ['x\n\n\n']],
  ['- >\n x\n \n   ', ['x\n\n  \n']],
  ['a: |\r\n  x\r\n  y\r\nb: "p\r\n  q"\r\n', { a: 'x\ny\n', b: 'p q' }],
  ['a: 1\rb:\r- 2\r', { a: 1, b: [2] }],
  ['a: "x\u2028y"\nb: x\u0085  y\n', { a: 'x\u2028y', b: 'x y' }],
  ['? a\n: b\n? - c\n: d\n', YamlError],
  ['? a\n: b\n? c\n', { a: 'b', c: null }],
  [
    'a: |\n x\n   \u2028  y\nb: >\n x\u2028 y\n z\n \u2029 \n v\n',
    { a: 'x\n  \u2028 y\n', b: 'x\u2028y z\u2029\nv\n' },
  ],
  ['a: [1e400, -1e400, 1e-400]\n', { a: ['1e400', '-1e400', 0] }],
  ['a:\n|\n x\nb:\n- c\n-\n>-\n y\n', { a: 'x\n', b: ['c', 'y'] }],
  ['a: [&x\n  !!str\n  5, *x]\n', { a: ['5', '5'] }],
  ['\ufeffa: 1\n', { a: 1 }],
  ['a: 1\n\ufeffb: 2\n', { a: 1, '\ufeffb': 2 }],
];

for (const [text, value] of READINGS)
  test(`${JSON.stringify(text)} is read as kubectl reads it`, () => {
    if (value === YamlError) assert.throws(() => read(text), YamlError);
    else assert.deepEqual(read(text), value);
  });

test('1,000 aliases and more are read, and 10,000 levels', () => {
  assert.deepEqual(read(`- &a x\n${'- *a\n'.repeat(5_000)}`), Array(5_001).fill('x'));
  assert.doesNotThrow(() => read(`${'['.repeat(10_000)}${']'.repeat(10_000)}`));
  assert.doesNotThrow(() => read('- '.repeat(10_000)));
});

test('what another writer writes is read as what it wrote', () => {
  fc.assert(
    fc.property(fc.jsonValue({ noUnicodeString: false }), fc.constantFrom(20, 80, 0), (value, lineWidth) => {
      // In a map: the writer begins the lines of a text that is the whole document at the margin, which kubectl does not take.
      const text = stringify({ value }, { version: '1.1', lineWidth, aliasDuplicateObjects: false });
      // `-0` is 0 for Kubernetes, long numbers are bigints, and separators of lines stand for themselves in that writer's output.
      fc.pre(!/-0\b|\d{16}|[\u0085\u2028\u2029\ufeff]|[\ud800-\udfff](?![\udc00-\udfff])/.test(text));
      assert.deepEqual(read(text), { value });
    }),
    { numRuns: 300 },
  );
});

test('any text is read or refused, and nothing else', () => {
  const text = fc.array(fc.constantFrom(...'abc:-?#&*!|>\'"%@`,[]{} \t\n\r', '- ', ': ', '\n  '), {
    maxLength: 40,
  });
  fc.assert(
    fc.property(text, (parts) => {
      try {
        read(parts.join(''));
      } catch (error) {
        if (!(error instanceof YamlError)) throw error;
      }
    }),
    { numRuns: 2_000 },
  );
});
