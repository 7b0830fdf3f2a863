import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { curfew } from './test-terminal.ts';

const JOB = `apiVersion: batch/v1
kind: Job
metadata: { name: migrate, namespace: shop }
spec:
  template:
    metadata: { annotations: { curfew.dev/sidecars: proxy, ready.curfew.dev/proxy: "tcp://:5432" } }
    spec:
      restartPolicy: Never
      containers:
      - { name: migrate, image: a, command: [/migrate], args: ["\\u001b[31mred"] }
      - { name: proxy, image: b, command: [/proxy] }
`;
const PLAIN =
  'apiVersion: v1\nkind: Pod\nmetadata: { name: "plain\\u001b[31m\\u009b" }\nspec: { restartPolicy: Never, containers: [{ name: a, image: a }] }\n';
const REFUSED = JOB.replace('sidecars: proxy', 'sidecars: nobody');

test('text: the outcome and its reason, and each container with its role, why, readiness and command', async () => {
  const { code, out, err } = await curfew(['explain', '-f', '-'], `${JOB}---\n${PLAIN}`);
  assert.deepEqual([code, err], [0, '']);
  assert.match(out, /^\(standard input\): document 1, Job\/migrate\n {2}wrapped \(wrapped\): /);
  assert.match(out, /^ {2}main {4}migrate\n {10}why {4}.*annotation curfew\.dev\/sidecars/m);
  assert.match(
    out,
    /^ {2}sidecar proxy\n {10}why {4}.*\n {10}ready {2}tcp:\/\/:5432\n {10}runs {3}\["\/proxy"\]$/m,
  );
  assert.match(out, /document 2, Pod\/plain\\u001b\[31m\\u009b\n {2}unchanged \(no-known-sidecar\): /);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: none of them may be there
  assert.doesNotMatch(out, /\u001b/, 'neither colours nor what a manifest smuggles in');
});

test('colours only where they are asked for', async () => {
  const { out } = await curfew(['explain', '-f', '-'], JOB, true);
  assert.ok(out.includes('\u001b[32mwrapped\u001b[39m'));
  assert.ok(!out.includes('\u001b[31mred'));
});

test('JSON: a stable shape', async () => {
  const { code, out } = await curfew(['explain', '-f', '-', '-o', 'json'], JOB);
  assert.equal(code, 0);
  const { pods } = JSON.parse(out);
  assert.equal(pods.length, 1);
  const [{ message, operations, ...pod }] = pods;
  assert.equal(typeof message, 'string');
  assert.ok(operations > 0);
  assert.deepEqual(pod, {
    file: '(standard input)',
    document: 1,
    kind: 'Job',
    name: 'migrate',
    namespace: 'shop',
    outcome: 'wrapped',
    reason: 'wrapped',
    mode: 'shim',
    modeWhy: null,
    warnings: [],
    containers: [
      {
        name: 'migrate',
        role: 'main',
        why: pod.containers[0].why,
        ready: null,
        command: ['/migrate', '\u001b[31mred'],
      },
      {
        name: 'proxy',
        role: 'sidecar',
        why: pod.containers[1].why,
        ready: 'tcp://:5432',
        command: ['/proxy'],
      },
    ],
  });
});

test('V1 a pod that would be refused: exit code 1, and the message', async () => {
  const { code, out } = await curfew(['explain', '-f', '-'], REFUSED);
  assert.equal(code, 1);
  assert.match(out, /refused \(no-such-container\): .*curfew\.dev\/sidecars/);
});

test('no pod at all is said', async () => {
  const { code, out, err } = await curfew(['explain', '-f', '-'], 'a: 1\n');
  assert.deepEqual([code, err], [0, '']);
  assert.match(
    out,
    /^There is no pod in it, nor any other Kubernetes object \(with apiVersion and kind\); pods are looked for in Pod, /,
  );
  assert.equal((await curfew(['explain', '-f', '-', '-o', 'json'], 'a: 1\n')).out, '{\n  "pods": []\n}\n');
});

test('an unknown format: exit code 2', async () => {
  const { code, err } = await curfew(['explain', '-f', '-', '-o', 'xml'], JOB);
  assert.equal(code, 2);
  assert.match(err, /--output "xml" is not allowed; it is text or json/);
});

test('$(X) of an image is shown as a person wrote it, and that of the pod as it stands there', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'curfew-'));
  t.after(() => rm(folder, { recursive: true }));
  const config = join(folder, 'c.yaml');
  await writeFile(config, 'images: { entrypoints: [{ image: a, entrypoint: [/run, "$(HOME)/$$x"] }] }\n');
  const text = JOB.replace('command: [/migrate], args: ["\\u001b[31mred"]', 'args: [$(ARG)]').replace(
    '[/proxy]',
    '[/proxy, $(ENV)]',
  );
  const { out, err } = await curfew(['explain', '-f', '-', '--config', config], text);
  assert.equal(err, '');
  assert.match(out, /runs {3}\["\/run","\$\(HOME\)\/\$\$x","\$\(ARG\)"\]/);
  assert.match(out, /runs {3}\["\/proxy","\$\(ENV\)"\]/);
});

test('native: args alone are not shown as the command', async () => {
  const native = async (text: string) =>
    (await curfew(['explain', '--mode', 'native', '-f', '-'], text)).out.match(
      /sidecar proxy[\s\S]*? runs {3}(.*)/,
    )?.[1];
  assert.equal(await native(JOB), '["/proxy"]');
  assert.equal(
    await native(JOB.replace('command: [/proxy]', 'args: [--port=1]')),
    'its image\'s ENTRYPOINT with ["--port=1"]',
  );
  assert.equal(await native(JOB.replace(', command: [/proxy]', '')), "its image's command");
});

test('what a wrapped pod pays, and the label that its namespace needs', async () => {
  const { out } = await curfew(['explain', '-f', '-'], JOB);
  assert.match(out, /^ {2}cost {4}one init container more, curfew-install, and two emptyDir volumes$/m);
  assert.match(out, /^ {2}cost {4}a main starts after proxy, not at once$/m);
  assert.match(out, /^ {2}cost {4}on deletion the mains have 28 s of the grace period of 30 s: /m);
  assert.match(out, /^ {2}kubectl label namespace shop curfew\.dev\/injection=enabled$/m);
  const short = JOB.replace('restartPolicy', 'terminationGracePeriodSeconds: 4\n      restartPolicy').replace(
    ', namespace: shop',
    '',
  );
  const other = await curfew(['explain', '-f', '-'], short);
  assert.match(other.out, /the mains have 3 s of the grace period of 4 s/);
  assert.match(other.out, /kubectl label namespace NAMESPACE /);
  const { out: plain } = await curfew(['explain', '-f', '-'], PLAIN);
  assert.doesNotMatch(plain, /cost|kubectl label/);
});

test('N1 N7 --mode and --kubernetes-version: the mechanism, and why', async () => {
  const explain = async (...flags: string[]) =>
    await curfew(['explain', '-f', '-', ...flags], JOB.replace('tcp://:5432', 'exec: up'));
  const auto = await explain('--mode', 'auto', '--kubernetes-version', 'v1.33.2');
  assert.match(auto.out, /^ {2}converted \(converted\)/m);
  assert.match(auto.out, /^ {2}mode {4}native: every kubelet of Kubernetes 1\.33/m);
  assert.match(auto.out, /injection=auto$/m);
  assert.match((await explain('--mode', 'auto')).out, /^ {2}mode {4}shim: .*give --kubernetes-version/m);
  assert.match((await explain('--mode', 'native')).out, /^ {2}mode {4}native$/m);
  const old = await explain('--mode', 'native', '--kubernetes-version', '1.28');
  assert.deepEqual([old.code, /native-unavailable/.test(old.out)], [1, true]);
  for (const flags of [
    ['--mode', 'nativ'],
    ['--kubernetes-version', 'new'],
  ])
    assert.equal((await explain(...flags)).code, 2);
});
