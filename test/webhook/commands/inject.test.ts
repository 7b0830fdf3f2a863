import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { parse, parseAllDocuments } from 'yaml';
import { at } from '../server/served-webhook.ts';
import { curfew } from './test-terminal.ts';

const POD_SPEC = `restartPolicy: Never
containers:
- name: migrate # the main
  image: a
  command: [sh, -c]
  args:
  # the script
  - |
    echo on
    exit 0
- name: proxy
  image: b
  command:
    - "/proxy"   # starts first`;

const indent = (text: string, by: number) => text.replaceAll(/^(?=.)/gm, ' '.repeat(by));
const template = (by: number) =>
  indent(
    `template:\n  metadata:\n    annotations: { curfew.dev/sidecars: proxy }\n  spec:\n${indent(POD_SPEC, 4)}`,
    by,
  );
const JOB = `# a migration\napiVersion: batch/v1\nkind: Job\nmetadata: { name: migrate }\nspec:\n${template(2)}\n`;
const POD = `apiVersion: v1\nkind: Pod\nmetadata:\n  name: p\n  annotations: { curfew.dev/sidecars: proxy }\nspec:\n${indent(POD_SPEC, 2)}\n`;

/** @param said what stands on standard error */
async function inject(text: string, said = /^$/): Promise<string> {
  const { code, out, err } = await curfew(['inject', '--quiet', '-f', '-'], text);
  assert.equal(code, 0, err);
  assert.match(err, said);
  return out;
}

/** What is said of what is no pod, or of one that is no valid pod. */
const NO_POD = /^$|^warning: There is no pod in it|^\(standard input\): .*: warning: left as it is/;

/** The lines of the first text, in order, are all in the second. */
function assertKept(before: string, after: string, except: RegExp): void {
  const left = after.split('\n');
  for (const line of before.split('\n').filter((text) => !except.test(text))) {
    const found = left.indexOf(line);
    assert.ok(found >= 0, `lost: ${JSON.stringify(line)}`);
    left.splice(0, found + 1);
  }
}

test('W2 a Job gets the change and nothing else: comments, quotes, order and blocks stay', async () => {
  const out = await inject(JOB);
  assertKept(JOB, out, REPLACED);
  const spec = at(parse(out), 'spec', 'template', 'spec');
  assert.equal(at(spec, 'initContainers', 0, 'name'), 'curfew-install');
  assert.equal(at(spec, 'containers', 0, 'command', 0), '/curfew/bin/curfew-shim');
  assert.deepEqual(at(spec, 'containers', 0, 'args'), ['sh', '-c', 'echo on\nexit 0\n']);
  assert.deepEqual(at(spec, 'containers', 1, 'args'), ['/proxy']);
});

/** Lines of the examples that are replaced. */
const REPLACED = /command:|"\/proxy"|annotations:/;

const TEMPLATES: Record<string, { text: string; path: (string | number)[] }> = {
  Pod: { text: POD, path: [] },
  CronJob: {
    text: `apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: c}\nspec:\n  jobTemplate:\n    spec:\n${template(6)}\n`,
    path: ['spec', 'jobTemplate', 'spec', 'template'],
  },
  'a List': {
    text: `apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: ConfigMap\n  metadata: {name: c}\n- ${indent(POD, 2).trimStart()}`,
    path: ['items', 1],
  },
  'a PodList': {
    text: `apiVersion: v1\nkind: PodList\nitems:\n- ${indent(POD.slice(POD.indexOf('metadata')), 2).trimStart()}`,
    path: ['items', 0],
  },
  PodTemplate: {
    text: `apiVersion: v1\nkind: PodTemplate\nmetadata: {name: c}\n${template(0)}\n`,
    path: ['template'],
  },
  ReplicationController: {
    text: `apiVersion: v1\nkind: ReplicationController\nmetadata: {name: c}\nspec:\n${template(2)}\n`,
    path: ['spec', 'template'],
  },
};
for (const kind of ['Deployment', 'StatefulSet', 'DaemonSet', 'ReplicaSet']) {
  TEMPLATES[kind] = {
    text: JOB.replace('batch/v1', 'apps/v1').replace('Job', kind),
    path: ['spec', 'template'],
  };
}

for (const [kind, { text, path }] of Object.entries(TEMPLATES)) {
  test(`W3 ${kind} is injected, and injecting the output again changes nothing, byte for byte`, async () => {
    const out = await inject(text);
    assert.notEqual(out, text);
    assertKept(text, out, REPLACED);
    assert.equal(at(parse(out), ...path, 'spec', 'initContainers', 0, 'name'), 'curfew-install');
    assert.equal(await inject(out), out);
  });
}

const UNCHANGED: Record<string, string> = {
  nothing: '',
  'only comments': '# a\n---\n# b\n...\n',
  'no last line end': 'a: 1',
  'CRLF, tabs after values and odd spacing': 'a:   1\t\r\nb:    [ 1,2 ,3 ]\r\n\r\n\r\n# end\r\n',
  'a byte order mark': '\uFEFFapiVersion: v1\nkind: ConfigMap\n',
  'booleans of YAML 1.1':
    'kind: ConfigMap\napiVersion: v1\ndata: {y: y, on: off, "n": no, o: 0o14, z: 010, t: 12:30:45}\n',
  'equal keys': 'a: 1\na: 2\n',
  'anchors, aliases and merge keys': 'a: &x {b: 1}\nc: *x\nd:\n  <<: *x\n  e: 2\n',
  'unknown tags': 'a: !Ref b\nc: !!binary aGVsbG8=\n',
  'a Job of somebody else': JOB.replace('batch/v1', 'batch.volcano.sh/v1alpha1'),
  'a pod that opts out': POD.replace('name: p', 'name: p\n  labels: {curfew.dev/inject: "false"}'),
  'a pod without a sidecar': POD.replace('  annotations: { curfew.dev/sidecars: proxy }\n', ''),
  'a pod whose containers are nonsense': 'apiVersion: v1\nkind: Pod\nspec: {containers: 7}\n',
  'a directive': '%YAML 1.1\n---\na: 1\n',
  'keys named __proto__': '__proto__: {a: 1}\nconstructor: {prototype: 1}\n',
};

for (const [name, text] of Object.entries(UNCHANGED)) {
  test(`W2 ${name} passes byte for byte`, async () => {
    assert.equal(await inject(text, NO_POD), text);
  });
}

test('W2 beside a document that changes, the others stay byte for byte', async () => {
  const others = Object.values(UNCHANGED).filter(
    (text) => !/^[%\uFEFF]|\.\.\.|^$/.test(text) && text.endsWith('\n'),
  );
  const before = `${others.join('---   # next\n')}---\n`;
  const after = `--- # the rest\n${others.join('---\n')}`;
  const out = await inject(before + JOB + after, NO_POD);
  assert.ok(out.startsWith(before));
  assert.ok(out.endsWith(after));
  assert.equal(out.slice(before.length, -after.length), await inject(JOB));
});

test('W2 CRLF stays CRLF, in what is added too', async () => {
  const out = await inject(JOB.replaceAll('\n', '\r\n'));
  assert.equal(out, (await inject(JOB)).replaceAll('\n', '\r\n'));
});

test('W2 a last line without its end stays so', async () => {
  const out = await inject(JOB.trimEnd());
  assert.deepEqual(parse(out), parse(await inject(JOB)));
  assert.equal(await inject(out), out);
});

for (const step of [undefined, 1, 2, 4, '\t']) {
  test(`W2 JSON with an indent of ${JSON.stringify(step)} stays JSON`, async () => {
    const text = `${JSON.stringify(parse(JOB), null, step)}\n`;
    const out = await inject(text);
    assert.deepEqual(JSON.parse(out), parse(await inject(JOB)));
    assert.equal(await inject(out), out);
    if (typeof step === 'number') assert.equal(out, `${JSON.stringify(JSON.parse(out), null, step)}\n`);
  });
}

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

test('V1 a refused pod: exit code 1, why and where on stderr, nothing on stdout', async () => {
  const { code, out, err } = await curfew(
    ['inject', '-f', '-'],
    `a: 1\n---\n${JOB.replace('sidecars: proxy', 'sidecars: nobody')}`,
  );
  assert.deepEqual([code, out], [1, '']);
  assert.match(
    err,
    /^\(standard input\): document 2, Job\/migrate: refused: .*curfew\.dev\/sidecars.*nobody/,
  );
});

test('W6 a warning goes to stderr and names the pod', async () => {
  const text = `apiVersion: v1
kind: Pod
metadata: { name: p }
spec:
  restartPolicy: Never
  containers:
  - { name: migrate, image: a }
  - { name: istio-proxy, image: docker.io/istio/proxyv2:1.20, args: [proxy, sidecar] }
`;
  const { code, out, err } = await curfew(['inject', '--quiet', '-f', '-'], text);
  assert.deepEqual([code, out], [0, text]);
  assert.match(err, /document 1, Pod\/p: warning: .*migrate/);
});

const UNUSABLE: Record<string, { text: string | Buffer; message: RegExp }> = {
  'what does not parse': {
    text: 'a: 1\n---\na: [\nb: }\n',
    message: /\(standard input\):\d+:\d+: document 2 is neither YAML nor JSON/,
  },
  'a template of Helm': {
    text: 'a:\n  {{- if .Values.x }}\n  b: 1\n',
    message: /document 1 is neither YAML nor JSON: .*; a template must be rendered first \(helm template\)$/m,
  },
  'an alias to nothing': { text: 'a: *b\n', message: /document 1/ },
  'an alias inside of what it stands for': {
    text: 'a: &a { b: *a }\n',
    message: /document 1 cannot be read: an alias stands inside of what it stands for$/m,
  },
  'lists a hundred thousand deep': {
    text: `a: ${'['.repeat(100_000)}${']'.repeat(100_000)}\n`,
    message: /document 1 is neither YAML nor JSON: it is nested too deeply$/m,
  },
  'bytes that are no UTF-8': { text: Buffer.from([0x61, 0xff, 0x0a]), message: /is not UTF-8 text/ },
  'more than 32 MiB': { text: Buffer.alloc(33 * 1024 * 1024, 35), message: /longer than 33554432 bytes/ },
};

for (const [name, { text, message }] of Object.entries(UNUSABLE)) {
  test(`${name}: exit code 2, the place, nothing on stdout`, async () => {
    const { code, out, err } = await curfew(['inject', '--quiet', '-f', '-'], text);
    assert.deepEqual([code, out], [2, '']);
    assert.match(err, message);
  });
}

test('a bomb of aliases is refused', async () => {
  const levels = Array.from(
    { length: 12 },
    (_, i) => `k${i}: &a${i} [${i === 0 ? 'x' : Array(9).fill(`*a${i - 1}`)}]`,
  );
  const { code, err } = await curfew(['inject', '-f', '-'], levels.join('\n'));
  assert.equal(code, 2);
  assert.match(err, /document 1 cannot be read: its aliases expand to too much$/m);
});

test('files: several become one stream, one that is missing or a folder is named', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'curfew-'));
  t.after(() => rm(folder, { recursive: true }));
  const [a, b] = [join(folder, 'a.yaml'), join(folder, 'b.yaml')];
  await writeFile(a, 'a: 1');
  await writeFile(b, JOB);
  const { code, out } = await curfew(['inject', '-f', a, '-f', b, '--shim-image', 'local/shim:9']);
  assert.equal(code, 0);
  assert.ok(out.startsWith('a: 1\n---\n# a migration\n'));
  assert.match(out, /image: local\/shim:9/);
  assert.match(
    (await curfew(['inject', '-f', join(folder, 'c.yaml')])).err,
    /c\.yaml cannot be read \(ENOENT\)/,
  );
  assert.match((await curfew(['inject', '-f', folder])).err, /it is a folder/);
  assert.match((await curfew(['inject'])).err, /give a file with -f/);
  assert.match((await curfew(['inject', '-f', '-', '-f', '-'])).err, /only once/);
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
