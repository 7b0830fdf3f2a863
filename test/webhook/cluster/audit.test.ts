import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatRequests } from '../../../webhook/cluster/requests.ts';
import { auditOf } from './audit-of.ts';
import {
  ago,
  aJob,
  aNamespace,
  aPod,
  exited,
  MAIN,
  NOW,
  type PodParts,
  PROXY,
  wrapped,
} from './cluster-objects.ts';

const resources = (cpu: string, memory: string) => ({ resources: { requests: { cpu, memory } } });
const HUNG: PodParts = {
  containers: [
    { ...MAIN, spec: { ...MAIN.spec, ...resources('500m', '512Mi') }, state: exited(0) },
    { ...PROXY, spec: { ...PROXY.spec, ...resources('250m', '256Mi') } },
  ],
  job: 'migrate',
};
const ON = aNamespace('shop', { 'curfew.dev/injection': 'enabled' });

test('S2 a pod hangs where all mains have ended for good and a sidecar runs on: since when, and what it holds', () => {
  const report = auditOf(
    aNamespace('shop'),
    aPod(HUNG),
    aPod({ ...HUNG, name: 'older', containers: [{ ...MAIN, state: exited(1, ago(600)) }, PROXY] }),
  );
  assert.deepEqual(
    report.hanging.map(({ pod, since, mains, sidecars, certain }) => ({
      pod,
      since,
      mains,
      sidecars,
      certain,
    })),
    [
      {
        pod: 'older',
        since: NOW - 600 * 60_000,
        mains: [{ name: 'migrate', code: 1 }],
        sidecars: ['cloud-sql-proxy'],
        certain: true,
      },
      {
        pod: 'migrate-x7k2p',
        since: NOW - 30 * 60_000,
        mains: [{ name: 'migrate', code: 0 }],
        sidecars: ['cloud-sql-proxy'],
        certain: true,
      },
    ],
  );
  assert.equal(formatRequests(report.held), '750m CPU and 768Mi memory');
  assert.deepEqual(report.hanging[1]?.because, ['namespace shop has no label curfew.dev/injection']);
});

test('S2 what does not hang: a main that works or comes back, Always, a deletion, what has ended, a shim in its time', () => {
  const failed = { ...MAIN, state: exited(3) };
  for (const parts of [
    { containers: [MAIN, PROXY] },
    { containers: [failed, PROXY], restartPolicy: 'OnFailure' },
    { ...HUNG, restartPolicy: 'Always' },
    { ...HUNG, metadata: { deletionTimestamp: ago(1) } },
    { ...HUNG, phase: 'Succeeded' },
    { containers: [PROXY] },
    {
      containers: [
        { ...MAIN, state: exited(0) },
        { ...PROXY, state: exited(0) },
      ],
    },
    { containers: [{ ...wrapped(MAIN, 'main'), state: exited(0, ago(1)) }, wrapped(PROXY, 'sidecar')] },
    // The kubelet ends a native one.
    {
      containers: [{ ...MAIN, state: exited(0) }],
      initContainers: [{ ...PROXY, spec: { restartPolicy: 'Always' } }],
    },
  ] satisfies PodParts[])
    assert.deepEqual(auditOf(aPod(parts)).hanging, [], JSON.stringify(parts));
  const late = {
    containers: [{ ...wrapped(MAIN, 'main'), state: exited(0, ago(10)) }, wrapped(PROXY, 'sidecar')],
  };
  assert.equal(auditOf(aPod(late)).hanging.length, 1);
});

test('S2 a declared sidecar, one of which only the name is known, and one that nobody knows', () => {
  const done = { ...MAIN, state: exited(0) };
  const helper = { name: 'helper', image: 'own/helper:1' };
  const declared = auditOf(
    aPod({ containers: [done, helper], annotations: { 'curfew.dev/mains': 'migrate' } }),
  );
  assert.deepEqual(
    declared.hanging.map(({ sidecars }) => sidecars),
    [['helper']],
  );
  const likely = auditOf(
    aNamespace('shop'),
    aPod({ containers: [done, { ...helper, name: 'cloud-sql-proxy' }] }),
  );
  assert.deepEqual(
    likely.hanging.map(({ certain }) => certain),
    [false],
  );
  assert.match(String(likely.hanging[0]?.write.at(-1)), /annotation curfew\.dev\/sidecars: cloud-sql-proxy/);
  const unknown = auditOf(aPod({ containers: [done, helper] }));
  assert.deepEqual(
    [unknown.hanging, unknown.unclear],
    [[], [{ namespace: 'shop', pod: 'migrate-x7k2p', containers: ['helper'] }]],
  );
  assert.deepEqual(auditOf(aPod({ containers: [MAIN, helper] })).unclear, []);
});

test('S2 each pod and template: wrapped, native, passed, refused, and what a label would change', () => {
  const cronJob = {
    ...{ apiVersion: 'batch/v1', kind: 'CronJob', metadata: { name: 'nightly', namespace: 'shop' } },
    spec: {
      jobTemplate: {
        spec: {
          template: {
            spec: {
              restartPolicy: 'Never',
              containers: [MAIN, PROXY].map(({ name, image }) => ({ name, image })),
            },
          },
        },
      },
    },
  };
  const ofCronJob = aJob('nightly-1', {
    metadata: { ownerReferences: [{ kind: 'CronJob', name: 'nightly', controller: true }] },
  });
  const report = auditOf(
    aNamespace('shop'),
    cronJob,
    ofCronJob,
    aPod({ name: 'a', containers: [wrapped(MAIN, 'main'), wrapped(PROXY, 'sidecar')] }),
    aPod({
      name: 'b',
      containers: [MAIN],
      initContainers: [{ ...PROXY, spec: { restartPolicy: 'Always' } }],
    }),
    aPod({ name: 'c', containers: [MAIN] }),
    aPod({ name: 'd', containers: [MAIN, PROXY], job: 'nightly-1' }),
    aPod({ name: 'e', containers: [MAIN, PROXY], annotations: { 'curfew.dev/sidecar': 'x' } }),
    aPod({ name: 'f', containers: [MAIN, PROXY], phase: 'Failed' }),
  );
  const counts = report.namespaces.get('shop');
  assert.deepEqual(counts, {
    label: { kind: 'off' },
    pods: 5,
    treatments: { wrapped: 1, native: 1, passed: 1, waits: 1, refused: 1 },
    hanging: 0,
    templates: 1,
  });
  const rows = report.rows.map(
    ({ kind, name, pods, treatment, reason }) => `${kind} ${name} ${pods} ${treatment} ${reason}`,
  );
  assert.deepEqual(rows, [
    'CronJob nightly 1 waits wrapped',
    'Pod a 1 wrapped already-wrapped',
    'Pod b 1 native native-sidecar',
    'Pod c 1 passed no-known-sidecar',
    'Pod e 1 refused unknown-annotation',
  ]);
  assert.equal(auditOf(ON, cronJob).namespaces.get('shop')?.templates, 0);
});

test("S2 N1 the namespace's label says the mode, and audit is none; a converted pod is native", () => {
  const waits = aPod({
    name: 'p',
    containers: [MAIN, { ...PROXY, spec: { ...PROXY.spec, restartPolicy: 'OnFailure' } }],
  });
  const of = (value: string) => auditOf(aNamespace('shop', { 'curfew.dev/injection': value }), waits);
  assert.equal(of('native').rows[0]?.reason, 'native-unavailable');
  assert.notEqual(of('shim').rows[0]?.reason, 'native-unavailable');
  assert.deepEqual(of('audit').namespaces.get('shop')?.label, { kind: 'audit', value: 'audit' });
  const status = JSON.stringify({
    version: '1',
    mode: 'native',
    containers: { 'cloud-sql-proxy': { role: 'sidecar' } },
    author: [],
  });
  const converted = aPod({
    ...{ containers: [MAIN], annotations: { 'curfew.dev/status': status } },
    initContainers: [{ ...PROXY, spec: { ...PROXY.spec, restartPolicy: 'Always' } }],
  });
  assert.deepEqual(
    auditOf(converted).rows.map(({ treatment }) => treatment),
    ['native'],
  );
});

test('S2 the warnings that the webhook would give', () => {
  const prepare = { name: 'prepare', spec: { command: ['/prepare', '--database=127.0.0.1:9090'] } };
  const [row] = auditOf(
    aPod({
      containers: [MAIN, { ...PROXY, spec: { ...PROXY.spec, ports: [{ containerPort: 9090 }] } }],
      initContainers: [{ ...prepare, state: exited(0) }],
    }),
  ).rows;
  assert.match(row?.warnings.join('\n') ?? '', /init container prepare/);
});

test('S2 a Deployment’s pods count for it, and a hash that is not theirs for their ReplicaSet', () => {
  const owned = (hash: string) =>
    aPod({
      ...{ name: hash, containers: [MAIN], restartPolicy: 'Always', labels: { 'pod-template-hash': hash } },
      metadata: { ownerReferences: [{ kind: 'ReplicaSet', name: 'web-abc', controller: true }] },
    });
  const { rows } = auditOf(owned('abc'), owned('xyz'));
  assert.deepEqual(
    rows.map(({ kind, name }) => `${kind} ${name}`),
    ['Deployment web', 'ReplicaSet web-abc'],
  );
});
