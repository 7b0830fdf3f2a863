import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parse, parseAllDocuments } from 'yaml';
import { at } from '../server/served-webhook.ts';
import { assertKept, indent, inject, POD, REPLACED } from './inject-examples.ts';

test('W2 pods that share their parts by anchors are each changed as they must', async () => {
  const shared = POD.replace('containers:', 'containers: &c').replace('name: p', 'name: p1');
  const list = `apiVersion: v1\nkind: List\nitems:\n- ${indent(shared, 2).trimStart()}- apiVersion: v1\n  kind: Pod\n  metadata: {name: p2, annotations: {curfew.dev/mains: migrate}}\n  spec: {restartPolicy: OnFailure, containers: *c} # aliased\n`;
  const out = await inject(list);
  const [one, two] = [at(parse(out), 'items', 0, 'spec'), at(parse(out), 'items', 1, 'spec')];
  assert.match(JSON.stringify(at(one, 'containers', 0, 'command')), /--restart-policy=Never/);
  assert.match(JSON.stringify(at(two, 'containers', 0, 'command')), /--restart-policy=OnFailure/);
  assert.match(out, /# the main/);
  assert.equal(await inject(out), out);
});

test("W2 what shares a pod's parts by an anchor and is no pod keeps its value", async () => {
  const text = `apiVersion: v1\nkind: List\nitems:\n- ${indent(POD.replace('containers:', 'containers: &c'), 2).trimStart()}- apiVersion: example.com/v1\n  kind: Other\n  spec: *c\n`;
  const out = await inject(text);
  assert.deepEqual(at(parse(out), 'items', 1), at(parse(text), 'items', 1));
  assert.equal(at(parse(out), 'items', 0, 'spec', 'initContainers', 0, 'name'), 'curfew-install');
  assert.match(out, /# the script/);
  assert.equal(await inject(out), out);
});

test('W2 words that look like something else are quoted for every version of YAML', async () => {
  const words = [
    'yes',
    'n',
    'OFF',
    '12:30',
    '0x1f',
    '0o14',
    '010',
    '1e3',
    '.5',
    '~',
    'null',
    '- a',
    '# b',
    'a: b',
    'a #b',
    ' x',
    '',
    '2020-01-01',
    "it's",
    'say "hi"',
    '<<',
    '=',
    '*a',
    '&a',
    '!a',
    '%a',
    '@a',
    '`a',
    '|',
    '>',
    '{',
    '[',
    ',',
    '?',
    '-',
    '--',
    '---',
    'é\u2028',
    '\u0007',
  ];
  const text = POD.replace('command: [sh, -c]', `command: ${JSON.stringify(['/x', ...words])}`);
  const out = await inject(text);
  assertKept(text, out, REPLACED);
  const wanted = ['/x', ...words, 'echo on\nexit 0\n'];
  for (const version of ['1.1', '1.2'] as const) {
    assert.deepEqual(at(parse(out, { version }), 'spec', 'containers', 0, 'args'), wanted);
  }
});

test('W2 a container made by a merge key is changed', async () => {
  const text = POD.replace(
    'containers:',
    'x-base: &base {image: a, volumeMounts: [{name: v, mountPath: /v}]}\n  containers:',
  )
    .replace('  image: b', '  <<: *base')
    .replace(/$/, '  volumes: [{name: v, emptyDir: {}}]\n');
  const out = await inject(text);
  const [document] = parseAllDocuments(out, { merge: true });
  const mounts = at(document?.toJS(), 'spec', 'containers', 1, 'volumeMounts');
  assert.ok(Array.isArray(mounts));
  assert.deepEqual(
    mounts.map((mount) => at(mount, 'name')),
    ['v', 'curfew-bin', 'curfew-run'],
  );
  assert.equal(await inject(out), out);
});

test('W2 W3 any text in a pod survives, and a second run changes nothing', async () => {
  const word = fc.string({ unit: 'grapheme', maxLength: 12 });
  const words = fc.array(
    fc.oneof(
      word,
      fc.constantFrom('yes', 'y', '12:30', '0x1', '1e3', '- a', '# b', 'a: b', "it's", '"', '\n'),
    ),
    {
      minLength: 1,
      maxLength: 4,
    },
  );
  await fc.assert(
    fc.asyncProperty(words, words, fc.constantFrom(undefined, 2), async (command, args, step) => {
      const pod = parse(POD);
      pod.spec.containers[0].command = ['/x', ...command];
      pod.spec.containers[0].args = args;
      const out = await inject(JSON.stringify(pod, null, step));
      assert.deepEqual(JSON.parse(out).spec.containers[0].args, ['/x', ...command, ...args]);
      assert.equal(await inject(out), out);
    }),
    { numRuns: 60 },
  );
});

test('W2 where nothing but values and comments can be kept, a warning says so, and the comments stand at the head', async () => {
  const pod: unknown = parse(await inject(POD));
  const { command, args } = {
    command: at(pod, 'spec', 'containers', 1, 'command'),
    args: at(pod, 'spec', 'containers', 1, 'args'),
  };
  const text = `# above\napiVersion: v1 # one
kind: Pod
metadata:
  name: p
  labels: { curfew.dev/inject: "false" } # out
  annotations: { curfew.dev/status: ${JSON.stringify(at(pod, 'metadata', 'annotations', 'curfew.dev/status'))} }
spec:
  x: 9007199254740993
  containers:
  - <<: ${JSON.stringify({ command, args })}
    name: proxy
    image: b
`;
  const out = await inject(
    text,
    /^\(standard input\): document 1: warning: it was written anew: its comments stand at its head, its layout is lost\n$/,
  );
  assert.ok(out.startsWith('# above\n# one\n# out\napiVersion: v1\n'));
  assert.match(out, /x: 9007199254740993$/m);
  assert.deepEqual(at(parse(out), 'spec', 'containers'), [
    { name: 'proxy', image: 'b', command: ['/proxy'] },
  ]);
  assert.equal(await inject(out), out);
});
