/** Documents as deep as kubectl takes them: what goes through their values must be a loop, because Node's stack ends much earlier. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { curfew } from '../commands/test-terminal.ts';

const LEVELS = 9_900;
/** What stands after `x:` in a line of this column. */
const DEEP: Readonly<Record<string, (column: number) => string>> = {
  'lists in brackets': () => ` ${'['.repeat(LEVELS)}1${']'.repeat(LEVELS)}`,
  'maps in braces': () => ` ${'{"a": '.repeat(LEVELS)}1${'}'.repeat(LEVELS)}`,
  'lists in lines': (column) => `\n${' '.repeat(column + 2)}${'- '.repeat(LEVELS)}1`,
  'maps and lists in lines': (column) =>
    `\n${' '.repeat(column + 1)}${mapsInLines(column + 1, 300)}\n${' '.repeat(column + 301)}${'- '.repeat(LEVELS - 300)}1`,
};

/** Their text grows with the square of their levels. @param column of the first one's key */
const mapsInLines = (column: number, levels: number) =>
  Array.from(
    { length: levels },
    (_, level) => `${level === 0 ? '' : `\n${' '.repeat(column + level)}`}a:`,
  ).join('');

/** @param x a value in every place where the API server might let one pass */
const podWith = (x: (column: number) => string) => `apiVersion: v1
kind: Pod
metadata:
  name: a
  annotations: {curfew.dev/sidecars: p}
  x:${x(2)}
x:${x(0)}
spec:
  restartPolicy: Never
  x: &x${x(2)}
  volumes:
  - name: v
    x:${x(4)}
  containers:
  - name: m
    image: x
    command: [m]
    lifecycle: {postStart: {exec: {command: [h]}}}
    volumeMounts:
    - name: v
      mountPath: /v
      x:${x(6)}
    x: *x
  - name: p # moves
    image: x
    command: [p]
    x:${x(4)}
`;

for (const [what, x] of Object.entries(DEEP)) {
  test(`a pod with ${what}, ${LEVELS} levels deep, is wrapped, and a second run changes nothing`, async () => {
    const text = podWith(x);
    const { code, out, err } = await curfew(['inject', '-q', '-f', '-'], text);
    assert.deepEqual([code, err.replace(/.*postStart hook may run.*\n/, '')], [0, '']);
    assert.match(out, /curfew-install/);
    assert.ok(out.indexOf('- name: p # moves') < out.indexOf('- name: m\n'));
    const again = await curfew(['inject', '-q', '-f', '-'], out);
    assert.ok(again.out === out, again.err);
  });

  test(`a pod with ${what}, ${LEVELS} levels deep, is explained, and made native`, async () => {
    assert.match(
      (await curfew(['explain', '-f', '-'], podWith(x))).out,
      /Wrapped; mains: m; sidecars in start order: p\./,
    );
    const native = ['inject', '-q', '-f', '-', '--mode', 'native', '--kubernetes-version', '1.36'];
    const { code, out } = await curfew(native, podWith(x));
    assert.deepEqual([code, /initContainers:\n/.test(out)], [0, true]);
    assert.ok((await curfew(native, out)).out === out);
  });
}

test('JSON of Lists in Lists: their pods are found', async () => {
  const pod = JSON.stringify({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'a', annotations: { 'curfew.dev/sidecars': 'p' } },
    spec: {
      restartPolicy: 'Never',
      containers: ['p', 'm'].map((name) => ({ name, image: 'x', command: [name] })),
    },
  });
  const [open, close] = ['{"apiVersion":"v1","kind":"List","items":['.repeat(4_000), ']}'.repeat(4_000)];
  const { code, out, err } = await curfew(['inject', '-q', '-f', '-'], open + pod + close);
  assert.deepEqual([code, err], [0, '']);
  assert.ok(out.startsWith(`${open}{`) && out.endsWith(`}${close}`) && out.includes('curfew-install'));
});

test('5,000 maps in lines, each below the other, stay as they are', async () => {
  const text = podWith(() => ' 1') + mapsInLines(0, 5_000);
  const { code, out } = await curfew(['inject', '-q', '-f', '-'], text);
  assert.deepEqual(
    [code, out.includes('curfew-install'), out.endsWith(mapsInLines(0, 5_000))],
    [0, true, true],
  );
});
