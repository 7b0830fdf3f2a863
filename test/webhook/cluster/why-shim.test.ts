import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Finding } from '../../../webhook/cluster/finding.ts';
import { parseShimReport } from '../../../webhook/cluster/shim-report.ts';
import { ago, exited, MAIN, PROXY, wrapped } from './cluster-objects.ts';
import { all, whyOf } from './why-of.ts';

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
