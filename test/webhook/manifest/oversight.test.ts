/** What people overlook in manifests, told by the commands that read them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { curfew } from '../commands/test-terminal.ts';

const SPEC = `restartPolicy: Never
containers: [{ name: app, image: a, command: [/a] }, { name: proxy, image: b, command: [/b] }]`;

const at = (depth: number) => SPEC.replaceAll(/^/gm, ' '.repeat(depth));

const job = (metadata: string, apiVersion = 'batch/v1', kind = 'Job') =>
  `apiVersion: ${apiVersion}\nkind: ${kind}\nmetadata: ${metadata}\nspec:\n  template:\n    spec:\n${at(6)}\n`;

const MISPLACED: [what: string, text: string, message: RegExp][] = [
  [
    'an annotation of a Job',
    job('{ name: j, annotations: { curfew.dev/sidecars: proxy } }'),
    /Job\/j: warning: annotation curfew\.dev\/sidecars of the Job itself means nothing, .* into spec\.template\.metadata\.annotations$/m,
  ],
  [
    'a label of a Deployment',
    job('{ name: d, labels: { curfew.dev/inject: "true" } }', 'apps/v1', 'Deployment'),
    /label curfew\.dev\/inject of the Deployment itself means nothing, .* into spec\.template\.metadata\.labels$/m,
  ],
  [
    'an annotation of a CronJob in a List, with a mark that turns lines around',
    `apiVersion: v1\nkind: List\nitems:\n- apiVersion: batch/v1\n  kind: CronJob\n  metadata: { name: c, annotations: { "x\\u202e.curfew.dev/y": "" } }
  spec:\n    jobTemplate:\n      spec:\n        template:\n          spec:\n${at(12)}\n`,
    /annotation "x\\u\{202e\}\.curfew\.dev\/y" of the CronJob .* into spec\.jobTemplate\.spec\.template\.metadata\.annotations$/m,
  ],
  [
    'an annotation of a Job template',
    `apiVersion: batch/v1\nkind: CronJob\nmetadata: { name: c }\nspec:\n  jobTemplate:\n    metadata: { annotations: { curfew.dev/mains: app } }\n    spec:\n      template:\n        spec:\n${at(10)}\n`,
    /annotation curfew\.dev\/mains of the Job template means nothing, .* into spec\.jobTemplate\.spec\.template\.metadata\.annotations$/m,
  ],
];

for (const [what, text, message] of MISPLACED)
  test(`${what} is said to mean nothing`, async () => {
    const { code, out, err } = await curfew(['inject', '--quiet', '-f', '-'], text);
    assert.deepEqual([code, out], [0, text]);
    assert.match(err, message);
    assert.match(
      (await curfew(['explain', '-f', '-'], text)).out,
      / {2}warning (label|annotation) .* means nothing/,
    );
    const { pods } = JSON.parse((await curfew(['explain', '-f', '-', '-o', 'json'], text)).out);
    assert.equal(pods[0].warnings.length, 1);
  });

test('keys that stand where they belong, and those of others, are no oversight', async () => {
  const own = `apiVersion: v1\nkind: Pod\nmetadata: { name: p, annotations: { curfew.dev/sidecars: proxy } }\nspec:\n${at(2)}\n`;
  for (const text of [own, job('{ name: j, annotations: { other.dev/sidecars: proxy } }'), job('')])
    assert.equal((await curfew(['inject', '--quiet', '-f', '-'], text)).err, '');
});

const NO_PODS: [what: string, text: string, message: RegExp][] = [
  ['nothing', '', /no pod in it, nor any other Kubernetes object/],
  ['a Dockerfile', 'FROM scratch\nCOPY a b\n', /no pod in it, nor any other Kubernetes object/],
  ['a kind in small letters', job('{}', 'batch/v1', 'job'), /no pod in it, but batch\/v1 job; .*\bJob\b/],
  ["somebody else's Job", job('{}', 'batch.volcano.sh/v1'), /but batch\.volcano\.sh\/v1 Job; pods are/],
  [
    'a Job without a template, and a List',
    'apiVersion: batch/v1\nkind: Job\n---\napiVersion: v1\nkind: List\nitems: [{ apiVersion: v1, kind: Secret }]\n',
    /but batch\/v1 Job without a pod template, v1 Secret; pods are/,
  ],
  [
    'many kinds, and one that would command the terminal',
    ['"\\u001b[2J"', 'A', 'B', 'C', 'D', 'E', 'F']
      .map((kind) => `apiVersion: v1\nkind: ${kind}\n`)
      .join('---\n'),
    /but v1 \\u001b\[2J, v1 A, v1 B, v1 C, v1 D, \.\.\.; pods are/,
  ],
];

for (const [what, text, message] of NO_PODS)
  test(`no pod in ${what}: explain says why, and inject warns`, async () => {
    const explained = await curfew(['explain', '-f', '-'], text);
    assert.deepEqual([explained.code, explained.err], [0, '']);
    assert.match(explained.out, message);
    const injected = await curfew(['inject', '--quiet', '-f', '-'], text);
    assert.deepEqual([injected.code, injected.out], [0, text]);
    assert.match(injected.err, message);
  });

/** A Job with a proxy, and one init container more than what Curfew adds. */
const limited = (limit: string, policy = 'OnFailure') =>
  `apiVersion: batch/v1\nkind: CronJob\nmetadata: { name: c }\nspec:\n  jobTemplate:\n    spec:\n      ${limit}\n      template:\n        metadata: { annotations: { curfew.dev/sidecars: proxy } }\n        spec:\n${at(10).replace('Never', policy)}\n          initContainers: [{ name: init, image: c }]\n`;

test('W8 a backoffLimit that one restart of the node uses up is said, also in its output', async () => {
  const warning =
    /CronJob\/c: warning: a restart of the node counts 4 of the Job's backoffLimit, which is (\d): .*: write backoffLimit: 5 or more$/m;
  for (const limit of [1, 4]) {
    const { code, out, err } = await curfew(['inject', '-f', '-'], limited(`backoffLimit: ${limit}`));
    assert.equal(code, 0);
    assert.equal(warning.exec(err)?.[1], String(limit));
    assert.match((await curfew(['inject', '-f', '-'], out)).err, warning);
  }
  const other = [
    limited(''),
    limited('backoffLimit: 0'),
    limited('backoffLimit: 5'),
    limited('backoffLimit: 4', 'Never'),
    limited('backoffLimit: 4').replace('curfew.dev/sidecars', 'other.dev/sidecars'),
  ];
  for (const text of other)
    assert.doesNotMatch((await curfew(['inject', '-f', '-'], text)).err, /backoffLimit/, text);
});

test('N4 a podFailurePolicy that a native sidecar’s exit code may match is said', async () => {
  const rule = (more: string) =>
    `podFailurePolicy: { rules: [{ action: Ignore, onPodConditions: [] }, { action: FailJob, onExitCodes: { operator: In, values: [143]${more} } }] }`;
  const inject = async (policy: string, ...flags: string[]) =>
    (await curfew(['inject', '-f', '-', ...flags], limited(policy, 'Never'))).err;
  assert.match(
    await inject(rule(''), '--mode', 'native'),
    /CronJob\/c: warning: podFailurePolicy\.rules\[1\] looks at the exit codes of all containers.*write containerName/m,
  );
  for (const err of [await inject(rule(', containerName: app'), '--mode', 'native'), await inject(rule(''))])
    assert.doesNotMatch(err, /podFailurePolicy/);
});

const INVALID: [what: string, pod: string, message: RegExp][] = [
  [
    'a label without quotes',
    `metadata: { labels: { curfew.dev/inject: true } }\nspec:\n${at(2)}`,
    /metadata\.labels\["curfew\.dev\/inject"\] is not a string, YAML reads true: put it in quotes\.$/m,
  ],
  [
    'an annotation that is y',
    `metadata: { annotations: { curfew.dev/log: y } }\nspec:\n${at(2)}`,
    /metadata\.annotations\["curfew\.dev\/log"\] is not a string, YAML reads true: put it in quotes\.$/m,
  ],
  [
    'an argument that is a number',
    'spec: { containers: [{ name: app, image: a, command: [sleep, 30] }] }',
    / spec\.containers\[0\]\.command is not a list of strings, YAML reads 30: put it in quotes\.$/m,
  ],
  [
    'an image called y',
    'spec: { containers: [{ name: app, image: y }] }',
    / spec\.containers\[0\]\.image is not a string, YAML reads true: put it in quotes\.$/m,
  ],
  ['a spec that is a list', 'spec: []', / pod\.spec is not an object\.$/m],
  ['no containers', 'spec: {}', / spec\.containers is empty\.$/m],
  [
    'a policy in small letters',
    'spec: { restartPolicy: never, containers: [{ name: app, image: a }] }',
    / spec\.restartPolicy is none of Always, OnFailure, Never\.$/m,
  ],
];

for (const [what, pod, message] of INVALID)
  test(`a pod with ${what} is left as it is, with a warning that names the field`, async () => {
    const text = `apiVersion: v1\nkind: Pod\n${pod}\n`;
    const { code, out, err } = await curfew(['inject', '--quiet', '-f', '-'], text);
    assert.deepEqual([code, out], [0, text]);
    assert.match(err, /document 1, Pod\/.*: warning: left as it is, and the API server will refuse it: /);
    assert.match(err, message);
  });
