import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { at } from '../server/served-webhook.ts';
import { JOB, POD } from './inject-examples.ts';
import { curfew } from './test-terminal.ts';

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

const KIND = 'apiVersion: batch/v1\nkind: Job\n';

/** Documents that say they hold a pod, and cannot be read. */
const UNREADABLE: Record<string, { text: string; message: RegExp }> = {
  'what does not parse': {
    text: `a: 1\n---\n${KIND}a: [\nb: }\n`,
    message:
      /^\(standard input\):6:4: document 2 cannot be read, it says that it holds a pod: here "," or "\]" is expected$/m,
  },
  'a template of Helm': {
    text: `${KIND}a:\n  {{- if .Values.x }}\n  b: 1\n`,
    message:
      /^\(standard input\):4:4: document 1 cannot be read, .*: a map or a list is no key; line 4 looks like one of a template, which must be rendered first \(helm template\)$/m,
  },
  'a fault beside a text with braces': {
    text: `${KIND}a: '{{ .x }}'\nb: [\n`,
    message: /^\(standard input\):4:4: document 1 cannot be read, .*: the "\[" that begins here has no end$/m,
  },
  'a quote without an end': {
    text: `${KIND}a: "b\n`,
    message: /:3:4: .*: the quote that begins here has no end$/m,
  },
  'an alias to nothing': {
    text: `${KIND}a: *b\n`,
    message: /:3:4: .*: no anchor &b stands before this alias$/m,
  },
  'an alias inside of what it stands for': {
    text: `${KIND}a: &a { b: *a }\n`,
    message: /document 1 cannot be read, .*: an alias stands inside of what it stands for$/m,
  },
  'lists a hundred thousand deep': {
    text: `${KIND}a: ${'['.repeat(100_000)}${']'.repeat(100_000)}\n`,
    message: /:3:10003: document 1 cannot be read, .*: it is nested more than 10000 levels deep$/m,
  },
  'lists of lines that are deeper than kubectl takes': {
    text: `${KIND}a:\n${'- '.repeat(10_000)}x\n`,
    message: /:4:19999: document 1 cannot be read, .*: it is nested more than 10000 levels deep$/m,
  },
  'lists that are deep by aliases': {
    text: `${KIND}a: &a ${'['.repeat(6_000)}${']'.repeat(6_000)}\nb: ${'['.repeat(6_000)}*a${']'.repeat(6_000)}\n`,
    message: /:3:4006: document 1 cannot be read, .*: it is nested more than 10000 levels deep$/m,
  },
  'maps that are deep by merges': {
    text: `${KIND}k0: &k0 {}\n${Array.from({ length: 100_000 }, (_, i) => `k${i + 1}: &k${i + 1} {<<: *k${i}}\n`).join('')}`,
    message: /document 1 cannot be read, .*: more than 1000 merge keys bring each other$/m,
  },
  'a bomb of aliases': {
    text: `${KIND}${Array.from({ length: 12 }, (_, i) => `k${i}: &a${i} [${i === 0 ? 'x' : Array(9).fill(`*a${i - 1}`)}]`).join('\n')}`,
    message: /document 1 cannot be read, .*: its aliases stand for more than 400000 values$/m,
  },
};

for (const [name, { text, message }] of Object.entries(UNREADABLE))
  test(`${name}, where a pod is said to be: exit code 2, the place, nothing on stdout`, async () => {
    const { code, out, err } = await curfew(['inject', '-f', '-'], text);
    assert.deepEqual([code, out], [2, '']);
    assert.match(err, message);
    assert.equal((await curfew(['explain', '-f', '-'], text)).code, 2);
  });

for (const [name, { text }] of Object.entries(UNREADABLE))
  test(`${name}, where no pod can be, passes`, async () => {
    const other = text.replaceAll('Job', 'ConfigMap');
    const { code, out } = await curfew(['inject', '-f', '-'], `${other}\n---\n${JOB}`);
    assert.equal(code, 0);
    assert.ok(out.startsWith(`${other}\n---\n# a migration\n`));
    assert.match(out, /curfew-install/);
  });

test('a document that cannot be read and speaks of pods, but is none, passes: exit code 3', async () => {
  const text = `kind: ConfigMap\ndata: { a: Pod, b: [ }\n---\n${JOB}`;
  const { code, out, err } = await curfew(['inject', '-q', '-f', '-'], text);
  assert.equal(code, 3);
  assert.ok(out.startsWith('kind: ConfigMap\ndata: { a: Pod, b: [ }\n---\n'));
  assert.match(out, /curfew-install/);
  assert.match(err, /^\(standard input\):2:\d+: document 1 cannot be read, it stays as it is: /);
});

const UNUSABLE: Record<string, { text: Buffer; message: RegExp }> = {
  'bytes that are no UTF-8': { text: Buffer.from([0x61, 0xff, 0x0a]), message: /is not UTF-8 text/ },
  'more than 32 MiB': { text: Buffer.alloc(33 * 1024 * 1024, 35), message: /longer than 33554432 bytes/ },
};

for (const [name, { text, message }] of Object.entries(UNUSABLE))
  test(`${name}: exit code 2, nothing on stdout`, async () => {
    const { code, out, err } = await curfew(['inject', '-f', '-'], text);
    assert.deepEqual([code, out], [2, '']);
    assert.match(err, message);
  });

test('the limit of the input stands in the help', async () => {
  for (const command of ['inject', 'explain'])
    assert.match((await curfew([command, '--help'])).out, /32 MiB in all/);
});

test('files: several become one stream, one that is missing is named', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'curfew-'));
  t.after(() => rm(folder, { recursive: true }));
  const [a, b] = [join(folder, 'a.yaml'), join(folder, 'b.yaml')];
  await writeFile(a, 'a: 1');
  await writeFile(b, JOB);
  const { code, out } = await curfew(['inject', '-f', a, '-f', b, '--shim-image', 'local/shim:9']);
  assert.equal(code, 0);
  assert.ok(out.startsWith('a: 1\n---\n# a migration\n'));
  assert.match(out, /image: local\/shim:9/);
  const missing = await curfew(['inject', '-f', join(folder, 'c.yaml')]);
  assert.equal(missing.code, 2);
  assert.match(missing.err, /^curfew: .*c\.yaml cannot be read \(ENOENT\): there is no such file\n$/);
  assert.match((await curfew(['inject'])).err, /give a file or folder with -f/);
  assert.match((await curfew(['inject', '-f', '-', '-f', '-'])).err, /only once/);
});

test('folders: their manifests by their names, and with -R those of the folders in them', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'curfew-'));
  t.after(() => rm(folder, { recursive: true }));
  await mkdir(join(folder, 'in', 'ner'), { recursive: true });
  await writeFile(join(folder, 'b.json'), '{"b":1}\n');
  await writeFile(join(folder, 'a.yml'), 'a: 1\n');
  await writeFile(join(folder, 'README.md'), '# no manifest\n');
  await writeFile(join(folder, 'in', 'ner', 'c.yaml'), 'c: 1\n');
  await symlink(join(folder, 'a.yml'), join(folder, 'z.yaml'));
  const flat = await curfew(['inject', '-f', folder]);
  assert.deepEqual([flat.code, flat.out], [0, 'a: 1\n---\n{"b":1}\n---\na: 1\n']);
  const deep = await curfew(['inject', '-R', '-f', folder]);
  assert.equal(deep.out, 'a: 1\n---\n{"b":1}\n---\nc: 1\n---\na: 1\n');
  const empty = await curfew(['explain', '-f', join(folder, 'in')]);
  assert.equal(empty.code, 2);
  assert.match(
    empty.err,
    /in holds no file that ends in \.yaml, \.yml or \.json; -R looks into its folders too$/m,
  );
});

test('a line for each pod says what was done or why not, and --quiet stops it', async () => {
  const text = `${JOB}---\n${POD.replace('restartPolicy: Never', 'restartPolicy: Always').replace(/ {2}annotations.*\n/, '')}`;
  const { code, err } = await curfew(['inject', '-f', '-'], text);
  assert.equal(code, 0);
  assert.equal(
    err,
    '(standard input): document 1, Job/migrate: Wrapped; mains: migrate; sidecars in start order: proxy.\n' +
      '(standard input): document 2, Pod/p: unchanged: restartPolicy is Always, so the pod is not meant to end; label curfew.dev/inject: "true" wraps it all the same.\n',
  );
  assert.equal((await curfew(['inject', '--quiet', '-f', '-'], text)).err, '');
});

test('all containers whose command is not known are named at once, with what to write and how to look it up', async () => {
  const text = POD.replace(/ {4}command: \[sh, -c\]\n/, '').replace(/ {4}command:\n.*\n?$/, '');
  for (const command of ['inject', 'explain']) {
    const { code, out, err } = await curfew([command, '--no-lookup', '-f', '-'], text);
    assert.equal(code, 1);
    for (const [name, image] of [
      ['migrate', 'a'],
      ['proxy', 'b'],
    ])
      assert.ok(
        (out + err).includes(
          `the command of container ${name} is not known: write its command, or annotation entrypoint.curfew.dev/${name}: '["/program"]' with what image ${image} runs\n`,
        ),
      );
    assert.match(out + err, /to look an image up: docker pull a && docker image inspect --format /);
  }
});

test('a Job without restartPolicy is told that it is missing', async () => {
  const text = JOB.replace('restartPolicy: Never', 'dnsPolicy: Default').replace(/ {4}metadata:\n.*\n/, '');
  const { code, out, err } = await curfew(['inject', '-f', '-'], text);
  assert.deepEqual([code, out], [0, text]);
  assert.match(err, /Job\/migrate: unchanged: The pod has no restartPolicy\.$/m);
  assert.match(
    err,
    /Job\/migrate: warning: restartPolicy is missing, .* write restartPolicy: Never or OnFailure into/m,
  );
  assert.doesNotMatch(err, /Always/);
});

const ROLLOUT_TEMPLATE = JSON.stringify(at(parse(JOB), 'spec', 'template'));
const ROLLOUT = JOB.replace('batch/v1', 'argoproj.io/v1alpha1').replace('Job', 'Rollout');

test('a kind that is not known is mentioned where it bears our keys, and its template can be named', async () => {
  const { code, out, err } = await curfew(['inject', '-f', '-'], ROLLOUT);
  assert.deepEqual([code, out], [0, ROLLOUT]);
  assert.match(
    err,
    /document 1, Rollout\/migrate: it bears curfew\.dev\/sidecars \(spec\.template\.metadata\), .* --pod-template=Rollout:spec\.template$/m,
  );
  for (const kind of ['Rollout', 'Rollout.argoproj.io']) {
    const named = await curfew(['inject', '-q', '-f', '-', `--pod-template=${kind}:spec.template`], ROLLOUT);
    assert.deepEqual([named.code, named.err], [0, '']);
    assert.match(named.out, /curfew-install/);
  }
  const other = await curfew(['inject', '-f', '-', '--pod-template=Rollout.other.io:spec.template'], ROLLOUT);
  assert.equal(other.out, ROLLOUT);
  const wrong = await curfew(['inject', '-f', '-', '--pod-template=rollout'], ROLLOUT);
  assert.equal(wrong.code, 2);
  assert.match(wrong.err, /--pod-template "rollout" is not KIND:PATH, as in Rollout:spec\.template/);
});

test('templates in a list or a map are named with a star, as the message says', async () => {
  const template = JSON.parse(ROLLOUT_TEMPLATE);
  for (const [kind, spec, path] of [
    ['VolcanoJob', { tasks: [{ template }, { template }, { policies: [] }] }, 'spec.tasks.*.template'],
    ['PyTorchJob', { replicas: { Master: { template }, Worker: { template } } }, 'spec.replicas.*.template'],
  ] as const) {
    const text = JSON.stringify({ apiVersion: 'example.com/v1', kind, metadata: { name: 'x' }, spec });
    const { err } = await curfew(['inject', '-f', '-'], text);
    const asSaid = /--pod-template=(\S+)$/m.exec(err)?.[1] ?? '';
    assert.match(
      asSaid,
      kind === 'VolcanoJob' ? /^VolcanoJob:spec\.tasks\.\*\.template$/ : /^PyTorchJob:spec/,
    );
    for (const [flag, pods] of [
      [`${kind}:${path}`, 2],
      [asSaid, kind === 'VolcanoJob' ? 2 : 1],
    ] as const) {
      const { code, out } = await curfew(['inject', '-q', '-f', '-', `--pod-template=${flag}`], text);
      assert.deepEqual([code, out.split('curfew-install').length - 1 > 0], [0, true]);
      assert.equal(out.split('"initContainers"').length - 1, pods, flag);
    }
  }
});

test('the label of a namespace is no oversight', async () => {
  const text =
    'apiVersion: v1\nkind: Namespace\nmetadata: {name: shop, labels: {curfew.dev/injection: enabled}}\n';
  assert.equal((await curfew(['inject', '-q', '-f', '-'], `${text}---\n${JOB}`)).err, '');
});
