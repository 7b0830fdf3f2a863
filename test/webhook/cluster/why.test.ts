import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Finding, Scene } from '../../../webhook/cluster/finding.ts';
import { podFacts } from '../../../webhook/cluster/pod-facts.ts';
import { parseShimReport } from '../../../webhook/cluster/shim-report.ts';
import { why } from '../../../webhook/cluster/why.ts';
import { defaultPolicy } from '../../../webhook/decision/policy.ts';
import {
  ago,
  aPod,
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

/** Judge a pod of a namespace without the label. */
function whyOf(parts: PodParts, more: Partial<Scene> = {}): Finding {
  return why({
    pod: podFacts(aPod(parts)),
    now: NOW,
    label: { kind: 'off' },
    troubles: [],
    shim: undefined,
    unheard: undefined,
    logs: new Map(),
    policy: defaultPolicy(),
    ...more,
  });
}

const all = ({ headline, lines, todo }: Finding) => [headline, ...lines, ...todo].join('\n');
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

/** A wrapped pod, of which the shim says this. */
function saidByShim(containers: object[], states: { main?: object; proxy?: object } = {}): Finding {
  const shim = parseShimReport(JSON.stringify({ version: 1, containers }));
  assert.ok(shim);
  return whyOf(
    {
      containers: [
        { ...wrapped(MAIN, 'main'), ...states.main },
        { ...wrapped(PROXY, 'sidecar'), ...states.proxy },
      ],
    },
    { shim },
  );
}

const proxy = { name: 'cloud-sql-proxy', role: 'sidecar', waitsFor: [{ name: 'migrate', why: 'waiting' }] };
const main = {
  name: 'migrate',
  role: 'main',
  phase: 'waiting',
  sinceMs: 150_000,
  waitsFor: [{ name: 'cloud-sql-proxy', why: 'running, not ready yet' }],
};

test('S1 the shim says for whom a main waits and why', () => {
  const why_ = 'tcp://127.0.0.1:5432: connection refused';
  const finding = saidByShim([{ ...proxy, phase: 'starting', sinceMs: 140_000, why: why_ }, main]);
  assert.deepEqual([finding.state, finding.holder], ['held', 'cloud-sql-proxy']);
  assert.deepEqual(
    [finding.headline, finding.lines[0]],
    [
      'main migrate waits for cloud-sql-proxy, since 2 min',
      'cloud-sql-proxy runs and is not ready: tcp://127.0.0.1:5432: connection refused, since 2 min',
    ],
  );
  assert.match(all(finding), /annotation ready\.curfew\.dev\/cloud-sql-proxy: none/);
});

test('S1 the one at the end of the chain is named, and a crash loop inside the shim', () => {
  const second = {
    name: 'agent',
    role: 'sidecar',
    phase: 'waiting',
    waitsFor: [{ name: 'cloud-sql-proxy', why: 'ended with code 1' }],
  };
  const waits = { ...main, waitsFor: [{ name: 'agent', why: 'waiting for its turn' }] };
  const finding = saidByShim([{ ...proxy, phase: 'resting', restarts: 4, code: 1 }, second, waits]);
  assert.equal(finding.holder, 'cloud-sql-proxy');
  assert.match(
    all(finding),
    /CrashLoop inside the shim: cloud-sql-proxy ended with 1, 5 times\nin turn: migrate waits for agent waits for cloud-sql-proxy/,
  );
  const circle = saidByShim([{ ...second, waitsFor: [{ name: 'agent', why: '' }] }, waits]);
  assert.equal(circle.holder, 'agent');
});

test('S1 a sidecar that fails while the main works, a main that has not come up, and the end of work', () => {
  const works = { ...main, phase: 'running', waitsFor: [] };
  const failing = saidByShim([{ ...proxy, phase: 'resting', restarts: 1, code: 9 }, works]);
  assert.deepEqual([failing.state, failing.holder], ['held', 'cloud-sql-proxy']);
  const fine = saidByShim([{ ...proxy, phase: 'started' }, works]);
  assert.deepEqual([fine.state, fine.headline], ['works', 'main migrate runs, since 2 min']);
  const absent = saidByShim([
    { ...proxy, phase: 'started' },
    { ...main, phase: 'absent', waitsFor: [] },
  ]);
  assert.deepEqual([absent.state, absent.holder], ['held', 'migrate']);
  const ended = { ...main, phase: 'ended', code: 0, final: true, waitsFor: [] };
  const leaving = saidByShim([{ ...proxy, phase: 'started', stopping: true }, ended], {
    main: { state: exited(0, ago(0)) },
  });
  assert.deepEqual([leaving.state, leaving.holder], ['works', 'cloud-sql-proxy']);
  const back = saidByShim([
    { ...proxy, phase: 'started' },
    { ...ended, code: 3, final: false },
  ]);
  assert.deepEqual([back.state, back.holder], ['held', 'migrate']);
});

test('S1 where the shim cannot be asked, the last line of a log tells whether the main waits', () => {
  const containers = [wrapped(MAIN, 'main'), wrapped(PROXY, 'sidecar')];
  const lines = ['curfew: waiting for sidecar cloud-sql-proxy (running, not ready yet) (40 s)'];
  const own = [
    'listening',
    'curfew: not ready yet (40 s): tcp://127.0.0.1:5432: connection refused',
    'still there',
  ];
  const asked = (migrate: string[]) =>
    whyOf(
      { containers },
      {
        unheard: 'your user may not exec into the pod',
        logs: new Map([
          ['migrate', migrate],
          ['cloud-sql-proxy', own],
        ]),
      },
    );
  const finding = asked(lines);
  assert.deepEqual([finding.state, finding.holder], ['held', 'cloud-sql-proxy']);
  assert.match(
    all(finding),
    /cloud-sql-proxy says: not ready yet \(40 s\): tcp:.*refused\nfrom the logs, because your user may not exec/,
  );
  assert.equal(asked([...lines, 'migrating']).state, 'works');
});

test('S1 a report that is none, or is hostile, is bounded and misleads nobody but about itself', () => {
  for (const text of [
    '',
    'null',
    '[]',
    '{"version":2,"containers":[]}',
    '{"version":1}',
    '{"version":1,"containers":{}}',
  ])
    assert.equal(parseShimReport(text), undefined, text);
  const long = 'x'.repeat(5_000);
  const report = parseShimReport(
    JSON.stringify({
      version: 1,
      containers: [
        { name: '../evil', phase: 'started' },
        { name: 'a', phase: 'dancing' },
        'b',
        {
          name: 'c',
          phase: 'ended',
          code: 1e9,
          restarts: -1,
          role: 'king',
          sinceMs: 'x',
          why: `a\u001b[2J\n${long}`,
          waitsFor: [{ name: '*' }, 7],
        },
        ...Array.from({ length: 500 }, (_, i) => ({ name: `d${i}`, phase: 'started' })),
      ],
    }),
  );
  assert.ok(report && report.containers.length <= 128);
  const [first] = report.containers;
  assert.deepEqual(
    { ...first, why: undefined },
    {
      ...{
        name: 'c',
        role: undefined,
        phase: 'ended',
        restarts: 0,
        code: undefined,
        final: undefined,
        stopping: false,
      },
      ...{ sinceMs: undefined, why: undefined, waitsFor: [] },
    },
  );
  assert.ok((first?.why ?? '').length <= 300);
});
