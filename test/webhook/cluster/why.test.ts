import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Scene } from '../../../webhook/cluster/finding.ts';
import { formatNativeStatus } from '../../../webhook/decision/native/record.ts';
import {
  ago,
  exited,
  MAIN,
  NOW,
  type Part,
  type PodParts,
  PROXY,
  running,
  waiting,
  wrapped,
} from './cluster-objects.ts';
import { all, whyOf } from './why-of.ts';

const done = { ...MAIN, state: exited(0) };
const envoy: Part = { name: 'envoy', image: 'envoyproxy/envoy:v1.30', spec: { command: ['/envoy'] } };

test('S1 a known sidecar that runs on after the main holds a pod that is not wrapped', () => {
  const finding = whyOf({ containers: [done, PROXY], job: 'migrate' });
  assert.equal(finding.state, 'held');
  assert.equal(finding.holder, 'cloud-sql-proxy');
  assert.equal(finding.headline, 'held by cloud-sql-proxy');
  assert.deepEqual(finding.lines, [
    'main migrate ended 0 at 11:30 UTC, 30 min ago',
    'cloud-sql-proxy still runs (gcr.io/cloud-sql-connectors/cloud-sql-proxy:2)',
    'not wrapped: namespace shop has no label curfew.dev/injection',
  ]);
  assert.deepEqual(finding.todo, [
    'for the next pods: kubectl label namespace shop curfew.dev/injection=enabled',
    'this one, whose work is done: kubectl delete job -n shop migrate (deleting only the pod does the work again)',
  ]);
});

test('S1 why it is not wrapped: the label, its value, the opt-out, the time', () => {
  const containers = [done, PROXY];
  const said = (parts: Partial<PodParts>, label: Scene['label']) =>
    all(whyOf({ containers, ...parts }, { label }));
  assert.match(
    said({}, { kind: 'wrong', value: 'yes' }),
    /label curfew\.dev\/injection is "yes", which means nothing; it is enabled, shim, native, auto or audit/,
  );
  assert.match(
    said({ labels: { 'curfew.dev/inject': 'false' } }, { kind: 'on', value: 'enabled', mode: undefined }),
    /not wrapped: label curfew\.dev\/inject is "false"/,
  );
  assert.match(
    said({}, { kind: 'on', value: 'enabled', mode: undefined }),
    /created before the label, or while the webhook did not answer/,
  );
  assert.match(said({}, { kind: 'unknown' }), /would wrap it where its namespace has label/);
});

test('S1 a namespace whose label is audit changes nothing', () => {
  const finding = whyOf({ containers: [done, PROXY] }, { label: { kind: 'audit', value: 'audit' } });
  assert.match(
    all(finding),
    /not wrapped: label curfew\.dev\/injection of namespace shop is "audit", which changes nothing/,
  );
});

test('S1 a container of which only the name is known may be the sidecar; the annotation is said', () => {
  const finding = whyOf({ containers: [done, { ...PROXY, image: 'own/proxy:1' }], job: 'migrate' });
  assert.equal(finding.holder, 'cloud-sql-proxy');
  assert.match(all(finding), /may be sidecars?/);
  assert.match(
    all(finding),
    /annotation curfew\.dev\/sidecars: cloud-sql-proxy into the pod template of Job migrate/,
  );
});

test('S1 a container that nobody knows, beside one that ended 0, is named with the annotation to write', () => {
  const finding = whyOf({ containers: [done, { ...envoy, name: 'helper', image: 'own/helper:1' }] });
  assert.deepEqual([finding.state, finding.holder], ['held', 'helper']);
  assert.match(all(finding), /annotation curfew\.dev\/sidecars: helper into the pod/);
});

test('S1 a declared sidecar holds a pod also under OnFailure, but not while the main is to come again', () => {
  const annotations = { 'curfew.dev/sidecars': 'envoy' };
  const parts = (code: number): PodParts => ({
    ...{ annotations, restartPolicy: 'OnFailure' },
    containers: [{ ...MAIN, state: exited(code) }, envoy],
  });
  assert.equal(whyOf(parts(0)).holder, 'envoy');
  const failed = whyOf(parts(3));
  assert.deepEqual([failed.holder, failed.headline], ['migrate', 'held by main migrate, which fails']);
});

test('S1 a main that works is nobody held up; what will be is said before', () => {
  const finding = whyOf({ containers: [MAIN, PROXY] });
  assert.deepEqual([finding.state, finding.headline], ['works', 'migrate runs, since 60 min']);
  assert.match(all(finding), /when migrate ends, cloud-sql-proxy will run on/);
});

test('S1 N6 a sidecar that another webhook has made an ordinary init container again holds the pod', () => {
  const pod = {
    containers: [{ ...MAIN, state: waiting('PodInitializing') }],
    initContainers: [{ ...PROXY, state: running(ago(3)) }],
    phase: 'Pending',
    annotations: {
      'curfew.dev/status': formatNativeStatus('1', {
        containers: [
          { name: MAIN.name, role: 'main' },
          { name: PROXY.name, role: 'sidecar' },
        ],
      }),
    },
  };
  const finding = whyOf(pod);
  assert.deepEqual([finding.state, finding.holder], ['held', 'cloud-sql-proxy']);
  assert.match(
    all(finding),
    /runs on, since 3 min\nanother webhook has dropped its restartPolicy: Always.*\nlikely .* older than 1\.28\nupdate that webhook/,
  );
  assert.equal(whyOf({ ...pod, annotations: {} }).state, 'works', 'an init container of its author');
});

test('S1 native sidecars: the one that has not started is named, and one that has holds nobody', () => {
  const native = { ...PROXY, spec: { restartPolicy: 'Always', startupProbe: { tcpSocket: { port: 5432 } } } };
  const main = { ...MAIN, state: waiting('PodInitializing') };
  const slow = whyOf(
    {
      containers: [main],
      initContainers: [{ ...native, started: false, state: running(ago(3)) }],
      phase: 'Pending',
    },
    {
      troubles: [
        { reason: 'Unhealthy', message: 'Startup probe failed: connection refused', at: NOW - 1_000 },
      ],
    },
  );
  assert.deepEqual([slow.state, slow.holder], ['held', 'cloud-sql-proxy']);
  assert.match(
    all(slow),
    /runs, since 3 min, and its startup probe has not held yet\nUnhealthy: Startup probe failed/,
  );
  const works = whyOf({ containers: [MAIN], initContainers: [{ ...native, started: true }] });
  assert.equal(works.state, 'works');
  assert.match(all(works), /cloud-sql-proxy: native, the kubelet ends it after the work/);
  const failing = whyOf({
    ...{ containers: [main], phase: 'Pending' },
    initContainers: [
      { ...native, state: waiting('CrashLoopBackOff'), lastState: exited(1), restartCount: 5 },
    ],
  });
  assert.match(
    all(failing),
    /held by native sidecar cloud-sql-proxy, which fails\ncloud-sql-proxy ended with 1 at .*started it again 5 times/,
  );
});

test('S1 before the containers: no node, an init container, an image, the volumes', () => {
  const containers = [{ ...MAIN, state: waiting('PodInitializing') }];
  const noNode = whyOf({
    ...{ containers, phase: 'Pending' },
    status: {
      conditions: [
        {
          type: 'PodScheduled',
          status: 'False',
          reason: 'Unschedulable',
          message: '0/3 nodes: insufficient cpu',
        },
      ],
    },
  });
  assert.match(all(noNode), /^no node takes it\n0\/3 nodes: insufficient cpu, since 2 h/);
  const init = whyOf({
    containers: [...containers, { ...PROXY, state: waiting('PodInitializing') }],
    initContainers: [{ name: 'prepare' }],
    phase: 'Pending',
  });
  assert.equal(init.holder, 'prepare');
  assert.match(
    all(init),
    /init container prepare still runs, since 60 min\ncloud-sql-proxy starts after all init containers/,
  );
  const shim = {
    name: 'curfew-install',
    image: 'r/shim:1',
    state: waiting('ImagePullBackOff', 'Back-off pulling image "r/shim:1"'),
  };
  assert.match(
    all(whyOf({ containers, initContainers: [shim], phase: 'Pending' })),
    /held by init container curfew-install: its image cannot be pulled\n.*\n.*right to pull r\/shim:1/,
  );
  const main = whyOf({
    containers: [{ ...MAIN, state: waiting('ImagePullBackOff', 'not found') }, PROXY],
    phase: 'Pending',
  });
  assert.match(
    all(main),
    /held by main migrate: its image cannot be pulled\n.*\ncloud-sql-proxy waits for it.*activeDeadlineSeconds/,
  );
  const volume = whyOf(
    { containers: [{ ...MAIN, state: waiting('ContainerCreating') }], phase: 'Pending' },
    { troubles: [{ reason: 'FailedMount', message: 'secret "db" not found', at: NOW }] },
  );
  assert.match(all(volume), /FailedMount: secret "db" not found/);
});

test('S1 the end and the deletion', () => {
  const failed = whyOf({ containers: [{ ...wrapped(MAIN, 'main'), state: exited(124) }], phase: 'Failed' });
  assert.equal(failed.state, 'ended');
  assert.match(
    all(failed),
    /migrate ended with 124: the start-timeout ran out before the sidecars were ready/,
  );
  const late = whyOf({ containers: [MAIN], metadata: { deletionTimestamp: ago(5), finalizers: ['x/y'] } });
  assert.deepEqual([late.state, late.holder], ['held', 'migrate']);
  assert.match(all(late), /grace period ended 5 min ago\nstill running: migrate\nkept by the finalizer x\/y/);
  assert.equal(whyOf({ containers: [MAIN], metadata: { deletionTimestamp: ago(-1) } }).state, 'works');
});
