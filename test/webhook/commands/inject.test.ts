import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from 'yaml';
import { at } from '../server/served-webhook.ts';
import { assertKept, indent, inject, JOB, NO_POD, POD, REPLACED, template } from './inject-examples.ts';

test('W2 a Job gets the change and nothing else: comments, quotes, order and blocks stay', async () => {
  const out = await inject(JOB);
  assertKept(JOB, out, REPLACED);
  const spec = at(parse(out), 'spec', 'template', 'spec');
  assert.equal(at(spec, 'initContainers', 0, 'name'), 'curfew-install');
  assert.equal(at(spec, 'containers', 0, 'command', 0), '/curfew/bin/curfew-shim');
  assert.deepEqual(at(spec, 'containers', 0, 'args'), ['sh', '-c', 'echo on\nexit 0\n']);
  assert.deepEqual(at(spec, 'containers', 1, 'args'), ['/proxy']);
});

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
  'quoted texts at the margin, where a pod may be':
    'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: Pod}\ndata:\n  a: \'one\n  two\'\n  b: "x\ny"\n',
  'JSON objects, one after another, where a pod may be':
    '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"Pod"}}\n{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"d"}}\n',
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
