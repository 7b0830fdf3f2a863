import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { mutate, REASONS } from '../../../webhook/decision/mutate.ts';
import { controllerUid, eventObject, reviewEvent } from '../../../webhook/server/review-event.ts';
import { anyPod } from '../decision/any-pod.ts';
import { app, jobPod, mutation, POLICY, proxy, type TestPod } from '../decision/mutated-pod.ts';

const JOB = { apiVersion: 'batch/v1', kind: 'Job', name: 'orders', uid: 'u-1', controller: true };

function ofJob(pod: TestPod, owners: unknown[] = [JOB]): TestPod {
  Object.assign(pod.metadata, { ownerReferences: owners });
  return pod;
}

const event = (pod: TestPod, name = 'job') => reviewEvent(mutation(pod), pod, name);

test('W6 the Event of a refused pod is about its controller, and has the message that the user sees', () => {
  const pod = ofJob(jobPod({ 'curfew.dev/sidecars': 'nobody' }));
  const reported = event(pod);
  assert.equal(reported?.message, mutation(pod).message);
  assert.match(reported?.message ?? '', /curfew\.dev\/sidecars/);
  assert.deepEqual(reported, {
    type: 'Warning',
    reason: 'CurfewRefused',
    cause: 'no-such-container',
    message: reported?.message,
    about: { apiVersion: 'batch/v1', kind: 'Job', name: 'orders' },
  });
});

const istio = { name: 'istio-proxy', image: 'docker.io/istio/proxyv2:1.20' };
const label = (value: string) => (pod: TestPod) => {
  Object.assign(pod.metadata, { labels: { 'curfew.dev/inject': value } });
  return pod;
};

const REPORTED: [what: string, pod: TestPod, type: string, reason: string, cause: string][] = [
  [
    'an unknown annotation',
    jobPod({ 'curfew.dev/sidcars': 'x' }),
    'Warning',
    'CurfewRefused',
    'unknown-annotation',
  ],
  [
    'an image that the annotated pod needs',
    jobPod({ 'curfew.dev/sidecars': 'proxy' }, [{ name: 'app', image: 'app:1' }, proxy()]),
    'Warning',
    'CurfewRefused',
    'image-not-found',
  ],
  [
    'an image, where only the catalogue knows the sidecar',
    jobPod({}, [{ name: 'app', image: 'app:1' }, istio]),
    'Warning',
    'CurfewPassedOver',
    'image-not-found',
  ],
  [
    'a known sidecar that never ends',
    jobPod({}, [app(), { ...istio, command: ['/proxy'], restartPolicy: 'Always' }]),
    'Warning',
    'CurfewPassedOver',
    'sidecar-never-ends',
  ],
  ['nothing but known sidecars', jobPod({}, [istio]), 'Normal', 'CurfewPassedOver', 'no-main'],
  [
    'a pod that asks and has no known sidecar',
    label('true')(jobPod({}, [app(), proxy()])),
    'Warning',
    'CurfewPassedOver',
    'no-known-sidecar',
  ],
];

for (const [what, pod, type, reason, cause] of REPORTED) {
  test(`W6 an Event for ${what}`, () => {
    const reported = event(ofJob(pod));
    assert.deepEqual([reported?.type, reported?.reason, reported?.cause], [type, reason, cause]);
  });
}

test('O4 the Event of a known sidecar that is passed over says that the Job, or the pod, will not end', () => {
  const pod = () => jobPod({}, [{ name: 'app', image: 'app:1' }, istio]);
  const told = 'Container app sets no command, and its image was not looked up';
  assert.match(
    event(ofJob(pod()))?.message ?? '',
    new RegExp(`^Not wrapped, so this Job will not end by itself\\. ${told}`),
  );
  assert.match(event(pod())?.message ?? '', /^Not wrapped, so this pod will not end by itself\. /);
  assert.doesNotMatch(
    event(ofJob(jobPod({}, [istio])))?.message ?? '',
    /Not wrapped/,
    'nothing but sidecars',
  );
  assert.doesNotMatch(
    event(ofJob(jobPod({ 'curfew.dev/sidecars': 'nobody' })))?.message ?? '',
    /Not wrapped/,
  );
});

const UNREPORTED: [what: string, pod: TestPod, cause: string][] = [
  ['a wrapped pod', jobPod(), 'wrapped'],
  ['a pod without a known sidecar', jobPod({}, [app(), proxy()]), 'no-known-sidecar'],
  ['a pod that opts out', label('false')(jobPod()), 'opted-out'],
  [
    'a pod that is not meant to end',
    jobPod({}, [app(), istio], { restartPolicy: 'Always' }),
    'restart-policy-always',
  ],
  ['a Windows pod', jobPod(undefined, undefined, { os: { name: 'windows' } }), 'windows'],
  ['a list of mains that leaves nobody', jobPod({ 'curfew.dev/mains': 'app,proxy' }), 'no-sidecar'],
  ['a pod that is no pod', jobPod({}, [], { containers: 7 }), 'invalid-pod'],
  [
    'a native sidecar',
    jobPod({}, [app()], { initContainers: [{ ...istio, restartPolicy: 'Always' }] }),
    'native-sidecar',
  ],
];

for (const [what, pod, cause] of UNREPORTED) {
  test(`W6 no Event for ${what}`, () => {
    assert.equal(mutation(ofJob(pod)).reason, cause);
    assert.equal(event(pod), undefined);
  });
}

test('W6 every refusal has an Event, whatever its reason', () => {
  for (const reason of REASONS) {
    const refusal = { ...mutation(jobPod({ 'curfew.dev/x': '' })), reason };
    assert.equal(reviewEvent(refusal, jobPod(), 'job')?.cause, reason);
  }
});

const refused = () => jobPod({ 'curfew.dev/sidecars': 'nobody' });

test('an Event is about the controller, else about the pod by its name, else there is none', () => {
  const other = { ...JOB, kind: 'Other', name: 'other', controller: false };
  assert.equal(event(ofJob(refused(), [other, JOB]))?.about.name, 'orders');
  assert.deepEqual(event(ofJob(refused(), [other]))?.about, { apiVersion: 'v1', kind: 'Pod', name: 'job' });
  assert.deepEqual(event(refused())?.about, { apiVersion: 'v1', kind: 'Pod', name: 'job' });
  assert.equal(event(refused(), ''), undefined, 'a pod whose name is still to be made');
  for (const bad of [
    { kind: 'J o b' },
    { kind: 7 },
    { name: '../x' },
    { name: '' },
    { name: `${'n'.repeat(254)}` },
    { apiVersion: 'batch/v1/x' },
    { apiVersion: undefined },
  ])
    assert.equal(event(ofJob(refused(), [{ ...JOB, ...bad }])), undefined, JSON.stringify(bad));
  for (const owners of [null, 7, 'Job', {}, [null], ['Job']]) {
    const pod = refused();
    Object.assign(pod.metadata, { ownerReferences: owners });
    assert.equal(event(pod)?.about.kind, 'Pod');
  }
  assert.equal(controllerUid(ofJob(refused(), [other, JOB])), 'u-1');
  assert.equal(controllerUid(ofJob(refused(), [{ ...JOB, uid: 'a\nb' }])), undefined);
});

test('a message is cut to 1024 bytes, between two characters', () => {
  for (const letter of ['x', '\u00e9', '\u20ac', '\u{1f600}'])
    for (const lead of ['', '-', '--', '---']) {
      const long = { ...mutation(refused()), message: `${lead}${letter.repeat(2000)}` };
      const { message = '' } = reviewEvent(long, refused(), 'job') ?? {};
      assert.ok(
        Buffer.byteLength(message) <= 1024 && Buffer.byteLength(message) > 1016,
        `${Buffer.byteLength(message)}`,
      );
      assert.ok(message.isWellFormed() && !message.includes('\ufffd') && message.endsWith('...'));
    }
});

const [first, last] = [new Date('2026-11-22T10:00:00Z'), new Date('2026-11-22T10:05:00Z')];
const occurrence = {
  namespace: 'shop',
  uid: 'u-1',
  count: 3,
  first,
  last,
  nonce: '00ff',
  instance: 'curfew-1',
};

test('the object is a core/v1 Event in the namespace of its subject, under a name of its own', () => {
  const reported = event(ofJob(refused()));
  assert.ok(reported);
  assert.deepEqual(eventObject(reported, occurrence), {
    metadata: { name: 'orders.00ff', namespace: 'shop' },
    involvedObject: { apiVersion: 'batch/v1', kind: 'Job', name: 'orders', namespace: 'shop', uid: 'u-1' },
    type: 'Warning',
    reason: 'CurfewRefused',
    message: reported.message,
    count: 3,
    firstTimestamp: '2026-11-22T10:00:00.000Z',
    lastTimestamp: '2026-11-22T10:05:00.000Z',
    source: { component: 'curfew' },
    reportingComponent: 'curfew',
    reportingInstance: 'curfew-1',
  });
  const longest = `${'a'.repeat(199)}-${'b'.repeat(53)}`;
  const named = eventObject({ ...reported, about: { ...reported.about, name: longest } }, occurrence);
  assert.deepEqual(named.metadata, { name: `${'a'.repeat(199)}.00ff`, namespace: 'shop' });
});

test('W9 for any pod: an Event that the API server can take, or none, and nothing of env or args in it', () => {
  const owners = fc.array(fc.oneof(fc.constant(JOB), fc.object(), fc.anything()), { maxLength: 3 });
  fc.assert(
    fc.property(anyPod, owners, fc.string(), (pod, list, name) => {
      const reported = reviewEvent(
        mutate(pod, POLICY, new Map()),
        { metadata: { ownerReferences: list } },
        name,
      );
      if (reported === undefined) return;
      assert.ok(reported.message.length > 0 && Buffer.byteLength(reported.message) <= 1024);
      assert.match(reported.about.name, /^[a-z0-9][-a-z0-9.]*$/);
    }),
    { numRuns: 500 },
  );
});
