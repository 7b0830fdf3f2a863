import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { mutate } from '../../webhook/mutate.ts';
import { isSameTemplate, type PodAnswer, RecentAnswers } from '../../webhook/recent-answers.ts';
import { anyPod } from './any-pod.ts';
import { app, jobPod, POLICY, proxy, type TestPod } from './mutated-pod.ts';

const ANSWER: PodAnswer = { outcome: 'wrapped', reason: 'wrapped', operations: 1, members: '"allowed":true' };
const READ_ENV = { readinessProbe: { exec: { command: ['pg_isready', '-U', '$(USER)'] } } };

/** A pod as two of one template differ: names, token volume, other people's labels, environment. */
function ofTemplate(random: string, sidecar: object = {}): TestPod {
  const mounts = { volumeMounts: [{ name: `kube-api-access-${random}`, mountPath: '/var/run/secrets' }] };
  const env = { env: [{ name: 'USER', value: random }] };
  const pod = jobPod(
    { 'curfew.dev/sidecars': 'proxy' },
    [app({ ...mounts, ...env }), proxy({ ...env, ...sidecar })],
    {
      volumes: [{ name: `kube-api-access-${random}`, projected: {} }],
      hostname: `job-${random}`,
    },
  );
  Object.assign(pod.metadata, { name: `job-${random}`, uid: random, labels: { 'job-name': random } });
  return pod;
}

function decided(pod: unknown): string {
  const { outcome, reason, operations, warnings } = mutate(pod, POLICY, new Map());
  return JSON.stringify({ outcome, reason, operations, warnings });
}

test('W2 pods of one template are told to be one, and get the same patch', () => {
  const [a, b] = [ofTemplate('aaaaa'), ofTemplate('bbbbb')];
  assert.equal(isSameTemplate(a, b), true);
  assert.equal(decided(a), decided(b));
  const recent = new RecentAnswers();
  assert.equal(recent.find(a), undefined);
  recent.keep(a, ANSWER);
  assert.equal(recent.find(b), ANSWER);
});

for (const [what, change] of [
  ['an annotation', (pod: TestPod) => Object.assign(pod.metadata.annotations ?? {}, { note: 'x' })],
  [
    'a label of ours',
    (pod: TestPod) => Object.assign(pod.metadata, { labels: { 'curfew.dev/inject': 'false' } }),
  ],
  ['a command', (pod: TestPod) => Object.assign(pod.spec.containers[0] ?? {}, { command: ['other'] })],
  [
    'a mount',
    (pod: TestPod) => pod.spec.containers[0]?.volumeMounts?.push({ name: 'x', mountPath: '/curfew/run' }),
  ],
  ['the restart policy', (pod: TestPod) => Object.assign(pod.spec, { restartPolicy: 'OnFailure' })],
  ['a container', (pod: TestPod) => pod.spec.containers.push({ name: 'late', image: 'late:1' })],
  ['a member less', (pod: TestPod) => delete pod.spec.volumes],
] as const) {
  test(`W2 ${what} makes another template`, () => {
    const [a, b] = [ofTemplate('aaaaa'), ofTemplate('bbbbb')];
    change(b);
    assert.equal(isSameTemplate(a, b), false);
    assert.equal(isSameTemplate(b, a), false);
  });
}

test('W2 the environment counts where the command of a probe may name it', () => {
  assert.equal(isSameTemplate(ofTemplate('aaaaa', READ_ENV), ofTemplate('bbbbb', READ_ENV)), false);
});

test('W2 own keys named __proto__ are compared like any other', () => {
  const parse = (text: string): object => JSON.parse(text);
  const a = parse('{"metadata":{},"spec":{"x":{"__proto__":{}}}}');
  const b = parse('{"metadata":{},"spec":{"x":{"y":{}}}}');
  assert.equal(isSameTemplate(a, b), false);
  assert.equal(isSameTemplate(b, a), false);
});

test('only so many templates are remembered, and the newest are', () => {
  const recent = new RecentAnswers();
  const pod = (i: number) => jobPod({}, [app({ image: `app:${i}` })]);
  for (let i = 0; i < 100; i++) recent.keep(pod(i), ANSWER);
  assert.equal(recent.find(pod(0)), undefined);
  assert.equal(recent.find(pod(99)), ANSWER);
});

/** Every place in a JSON value, as the object and the key there. */
function places(value: unknown): { owner: Record<string, unknown>; key: string }[] {
  if (typeof value !== 'object' || value === null) return [];
  const owner: Record<string, unknown> = Object(value);
  return Object.keys(owner).flatMap((key) => [{ owner, key }, ...places(owner[key])]);
}

test('W2 for any pod and any change of it: what counts as one template is decided alike', () => {
  const change = fc.record({
    at: fc.nat(),
    to: fc.constantFrom(undefined, null, '', 'kube-api-access-1', 0, true, [], {}),
  });
  fc.assert(
    fc.property(anyPod, change, (pod, { at, to }) => {
      const other = structuredClone(pod);
      const all = places(other);
      const place = all[at % all.length];
      if (place !== undefined && to === undefined) delete place.owner[place.key];
      else if (place !== undefined) Object.defineProperty(place.owner, place.key, { value: to });
      if (isSameTemplate(pod, other)) assert.equal(decided(pod), decided(other));
    }),
    { numRuns: 3_000 },
  );
});
