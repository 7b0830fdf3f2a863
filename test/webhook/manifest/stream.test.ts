/** Streams of documents: where each begins, what passes unread, and what a pod among them becomes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { documentsOf, segmentsOf } from '../../../webhook/manifest/stream.ts';
import { curfew } from '../commands/test-terminal.ts';

const POD =
  '{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p","annotations":{"curfew.dev/sidecars":"s"}},"spec":{"restartPolicy":"Never","containers":[{"name":"m","image":"x","command":["a"]},{"name":"s","image":"x","command":["b"]}]}}';

/** `POD` stands for a pod, which is one line of JSON and so YAML too. */
const STREAMS: readonly [what: string, text: string, values: unknown[]][] = [
  ['nothing', '', [null]],
  ['one document', 'a: 1\n', [{ a: 1 }]],
  [
    'separators, with comments and blanks',
    '# c\n---\na: 1\n---  # d\nPOD\n--- \t\nb: 2\n',
    [{ a: 1 }, 'POD', { b: 2 }],
  ],
  ['empty documents', '---\n---\nPOD\n---\n', [null, 'POD', null]],
  [
    'content on the line of a separator',
    '--- {a: 1}\n--- POD\n--- |\n x\n--- # c\n- 1\n',
    [{ a: 1 }, 'POD', 'x\n', [1]],
  ],
  ['ends of documents', 'a: 1\n...\nPOD\n...\n# c\n---\nb: 2\n...\n', [{ a: 1 }, 'POD', { b: 2 }, null]],
  ['directives', '%YAML 1.1\n# c\n---\nPOD\n...\n%TAG ! tag:x,2000:\n---\na: 1\n', ['POD', { a: 1 }]],
  ['byte order marks', '\ufeffa: 1\n---\n\ufeffPOD\n---\n\ufeffb:\n- 1\n', [{ a: 1 }, 'POD', { b: [1] }]],
  ['CRLF', 'a: 1\r\n---\r\nPOD\r\n---\r\nb: 2\r\n', [{ a: 1 }, 'POD', { b: 2 }]],
  ['CR', 'a: 1\r---\rPOD\r---\rb: 2\r', [{ a: 1 }, 'POD', { b: 2 }]],
  ['JSON, one after another', '{"a":1}\n{"b":2} POD\n\n{"c":3}', [{ a: 1 }, { b: 2 }, 'POD', { c: 3 }]],
  [
    'JSON and YAML',
    '{"a":1}\nPOD\n---\nb: 2\n---\n{"c":3}{"d":4}\n',
    [{ a: 1 }, 'POD', { b: 2 }, { c: 3 }, { d: 4 }],
  ],
  [
    'a text with dashes',
    'a: |\n  ---\n  x\nb: "c\n  --- d"\nc: ----\n',
    [{ a: '---\nx\n', b: 'c --- d', c: '----' }],
  ],
];

for (const [what, template, values] of STREAMS) {
  const text = template.replace('POD', POD);
  test(`${what}: the documents of a stream`, () => {
    const found: unknown[] = [];
    for (const segment of segmentsOf(text))
      for (const { value } of documentsOf(text, segment, found.length + 1)) found.push(value);
    assert.deepEqual(
      found,
      values.map((value) => (value === 'POD' ? JSON.parse(POD) : value)),
    );
  });

  test(`W2 ${what}: all but the pod pass byte for byte`, async () => {
    const { code, out, err } = await curfew(['inject', '-q', '-f', '-'], text);
    assert.equal(code, 0, err);
    const [before = '', after] = template.split('POD');
    if (after === undefined) return assert.equal(out, text);
    assert.ok(out.startsWith(before) && out.endsWith(after));
    const pod = JSON.parse(out.slice(before.length, out.length - after.length));
    assert.equal(pod.spec.initContainers[0].name, 'curfew-install');
    assert.equal((await curfew(['inject', '-q', '-f', '-'], out)).out, out);
  });
}

test('a document is numbered as a person counts', async () => {
  const { err } = await curfew(
    ['inject', '-f', '-'],
    `a: 1\n---\n---\n{"b":2,"kind":"Pod"} ${POD}\n---\n${POD}\n`,
  );
  assert.deepEqual(
    [...err.matchAll(/document (\d+), Pod\/p/g)].map(([, number]) => number),
    ['4', '5'],
  );
});
