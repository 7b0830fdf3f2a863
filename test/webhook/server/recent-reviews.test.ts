import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { mutate } from '../../../webhook/decision/mutate.ts';
import {
  parseReview,
  type ReviewRequest,
  responseMembers,
} from '../../../webhook/server/admission-review.ts';
import { RecentReviews } from '../../../webhook/server/recent-reviews.ts';
import { reviewEvent } from '../../../webhook/server/review-event.ts';
import type { PodAnswer } from '../../../webhook/server/reviewer.ts';
import { anyPod } from '../decision/any-pod.ts';
import { app, jobPod, POLICY, proxy, type TestPod } from '../decision/mutated-pod.ts';

const UID = '705ab4f5-6393-11e8-b7cc-42010a800002';
const OTHER_UID = '00000000-aaaa-bbbb-cccc-dddddddddddd';

function review(pod: unknown, uid = UID): Buffer {
  const resource = { group: '', version: 'v1', resource: 'pods' };
  const request = { uid, resource, namespace: 'orders', operation: 'CREATE', object: pod };
  return Buffer.from(JSON.stringify({ kind: 'AdmissionReview', apiVersion: 'admission.k8s.io/v1', request }));
}

function decide(text: Buffer): { asked: ReviewRequest; answer: PodAnswer } {
  const parsed = parseReview(JSON.parse(text.toString()));
  if ('error' in parsed) throw new Error(parsed.error.message);
  const { request } = parsed;
  const mutation = mutate(request.pod, POLICY, new Map());
  const { outcome, reason, operations, containers } = mutation;
  return {
    asked: request,
    answer: {
      outcome,
      reason,
      operations: operations.length,
      names: containers.map(({ name }) => name),
      members: responseMembers(mutation),
      event: reviewEvent(mutation, request.pod, request.name),
    },
  };
}

/** Remember the one review, then look for the other. */
function findAfter(first: Buffer, second: Buffer) {
  const recent = new RecentReviews();
  recent.keep(first, decide(first));
  return recent.find(second);
}

/** A pod as the API server sends those of one Job: they differ in the token volume's name and the fields' time. */
function ofJob(
  token: string,
  time = '2026-11-22T10:00:00Z',
  change: (pod: TestPod) => void = () => {},
): TestPod {
  const name = `kube-api-access-${token}`;
  const volumeMounts = [{ name, readOnly: true, mountPath: '/var/run/secrets/kubernetes.io/serviceaccount' }];
  const pod = jobPod(
    { 'curfew.dev/sidecars': 'proxy' },
    [app({ volumeMounts: [...volumeMounts] }), proxy({ volumeMounts })],
    { volumes: [{ name, projected: { sources: [] } }] },
  );
  Object.assign(pod.metadata, {
    generateName: 'orders-',
    ownerReferences: [{ kind: 'Job', name: 'orders', uid: UID.replace('7', '8') }],
    managedFields: [{ manager: 'kube-controller-manager', time, fieldsV1: {} }],
  });
  change(pod);
  return pod;
}

test('W2 a review of the same template is known by its text, whatever its uid, time and token volume', () => {
  const first = review(ofJob('aaaaa'));
  const second = review(ofJob('bbbbb', '2027-01-01T00:00:01Z'), OTHER_UID);
  const found = findAfter(first, second);
  const { asked, answer } = decide(second);
  assert.deepEqual(found?.answer, answer);
  assert.equal(found?.asked.uid, OTHER_UID);
  assert.equal(found?.asked.namespace, asked.namespace);
});

test('W2 the first review is found again after others were compared with it', () => {
  const [first, second] = [review(ofJob('aaaaa')), review(ofJob('bbbbb'), OTHER_UID)];
  const recent = new RecentReviews();
  recent.keep(first, decide(first));
  for (const [text, uid] of [
    [second, OTHER_UID],
    [first, UID],
  ] as const)
    assert.equal(recent.find(text)?.asked.uid, uid);
});

for (const [what, change] of [
  [
    'a command of the same length',
    (pod: TestPod) => Object.assign(pod.spec.containers[0] ?? {}, { command: ['/pp'] }),
  ],
  ['an annotation', (pod: TestPod) => Object.assign(pod.metadata.annotations ?? {}, { note: 'x' })],
  [
    'a mount by another name',
    (pod: TestPod) =>
      Object.assign(pod.spec.containers[1]?.volumeMounts?.[0] ?? {}, { name: 'kube-api-access-ccccc' }),
  ],
] as const) {
  test(`W2 ${what} is decided anew`, () => {
    const plain = ofJob('aaaaa', undefined, (pod) =>
      Object.assign(pod.spec.containers[0] ?? {}, { command: ['/up'] }),
    );
    assert.equal(findAfter(review(plain), review(ofJob('aaaaa', undefined, change))), undefined);
  });
}

test('W2 what stands where a uid stood must be one: no quote ends the text early', () => {
  const first = review(ofJob('aaaaa'));
  for (const bad of ['"', '\\', '\n', ' ', '\u00e9']) {
    const second = Buffer.from(first);
    second.write(bad, first.indexOf(UID) + 3, 'latin1');
    assert.equal(findAfter(first, second), undefined);
  }
});

test('W2 a review whose own uid cannot be told from another is not remembered', () => {
  const twice = ofJob('aaaaa', undefined, (pod) => Object.assign(pod.metadata, { uid: UID }));
  const text = review(twice);
  assert.equal(findAfter(text, text), undefined);
});

test('W2 a container that is named as a token volume is decided each time', () => {
  const named = (token: string) =>
    jobPod({ 'curfew.dev/sidecars': 'proxy' }, [
      { name: `kube-api-access-${token}`, projected: 1, image: 'app:1', command: ['/app'] },
      proxy(),
    ]);
  const [first, second] = [review(named('aaaaa')), review(named('bbbbb'))];
  assert.notEqual(decide(first).answer.members, decide(second).answer.members);
  assert.equal(findAfter(first, second), undefined);
});

test('W6 an Event about what is named as a token volume is decided each time', () => {
  const named = (token: string) => {
    const pod = jobPod({ 'curfew.dev/sidecars': 'nobody' });
    const name = `kube-api-access-${token}`;
    const owner = { controller: true, apiVersion: 'batch/v1', kind: 'Job', name, projected: 1 };
    Object.assign(pod.metadata, { ownerReferences: [owner] });
    return pod;
  };
  const [first, second] = [review(named('aaaaa')), review(named('bbbbb'))];
  assert.notDeepEqual(decide(first).answer.event, decide(second).answer.event);
  assert.equal(findAfter(first, second), undefined);
});

test('W2 a variable that is named as a token volume is none', () => {
  const naming = (token: string) =>
    jobPod({ 'curfew.dev/sidecars': 'proxy' }, [
      app(),
      proxy({
        env: [{ name: `kube-api-access-${token}`, value: 'x' }],
        readinessProbe: { exec: { command: ['check', '$(kube-api-access-aaaaa)'] } },
      }),
    ]);
  const [first, second] = [review(naming('aaaaa')), review(naming('bbbbb'))];
  assert.notEqual(decide(first).answer.members, decide(second).answer.members);
  assert.equal(findAfter(first, second), undefined);
});

test('only so many reviews are remembered, the newest, and none that is very long', () => {
  const recent = new RecentReviews();
  const text = (letters: number) =>
    review(ofJob('aaaaa'), UID)
      .toString()
      .replace('"orders"', `"${'x'.repeat(letters)}"`);
  const texts = Array.from({ length: 100 }, (_, i) => Buffer.from(text(i + 1)));
  for (const each of texts) recent.keep(each, decide(each));
  assert.equal(recent.find(texts[0] ?? Buffer.alloc(0)), undefined);
  assert.notEqual(recent.find(texts[99] ?? Buffer.alloc(0)), undefined);
  const long = Buffer.from(text(70_000));
  recent.keep(long, decide(long));
  assert.equal(recent.find(long), undefined);
});

/** Every place in a JSON value, as the object and the key there. */
function places(value: unknown): { owner: Record<string, unknown>; key: string }[] {
  if (typeof value !== 'object' || value === null) return [];
  const owner: Record<string, unknown> = Object(value);
  return Object.keys(owner).flatMap((key) => [{ owner, key }, ...places(owner[key])]);
}

test('W2 for any pod and any change of it: what is found is what would have been decided', () => {
  const values = [
    null,
    'kube-api-access-1',
    'kube-api-access-aaaaa',
    OTHER_UID,
    '2026-11-22T10:00:00Z',
    0,
    true,
    [],
    {},
  ];
  const change = fc.record({
    at: fc.nat(),
    from: fc.constantFrom(...values),
    to: fc.constantFrom(...values),
  });
  fc.assert(
    fc.property(anyPod, fc.array(change, { maxLength: 3 }), (pod, changes) => {
      const [one, two] = [structuredClone(pod), structuredClone(pod)];
      for (const { at, from, to } of changes)
        for (const [changed, value] of [
          [one, from],
          [two, to],
        ]) {
          const all = places(changed);
          const place = all[at % all.length];
          if (place !== undefined) Object.defineProperty(place.owner, place.key, { value, enumerable: true });
        }
      const [first, second] = [review(one), review(two, OTHER_UID)];
      const found = findAfter(first, second);
      if (found !== undefined) assert.deepEqual(found.answer, decide(second).answer);
    }),
    { numRuns: 3_000 },
  );
});
