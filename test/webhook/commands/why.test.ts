import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { JsonRecord } from '../../../webhook/shared/json.ts';
import {
  ago,
  aJob,
  aNamespace,
  aPod,
  aWarning,
  exited,
  MAIN,
  PROXY,
  running,
  wrapped,
} from '../cluster/cluster-objects.ts';
import { type FakeCluster, type Program, startCluster } from './fake-cluster.ts';
import { curfew } from './test-terminal.ts';

const now = Date.now();
const HUNG = {
  containers: [
    { ...MAIN, state: exited(0, ago(30, now)) },
    { ...PROXY, state: running(ago(40, now)) },
  ],
  job: 'migrate',
};
const WRAPPED = { name: 'wrapped', containers: [wrapped(MAIN, 'main'), wrapped(PROXY, 'sidecar')] };
const REPORT = {
  version: 1,
  containers: [
    {
      name: 'cloud-sql-proxy',
      role: 'sidecar',
      phase: 'starting',
      why: 'tcp://:5432: connection refused',
      waitsFor: [],
    },
    {
      name: 'migrate',
      role: 'main',
      phase: 'waiting',
      sinceMs: 5_000,
      waitsFor: [{ name: 'cloud-sql-proxy', why: '' }],
    },
  ],
};

/** A cluster with a pod that hangs and its Job, and a wrapped pod. */
async function start(t: TestContext, ...objects: JsonRecord[]): Promise<FakeCluster> {
  const cluster = await startCluster(t);
  for (const object of [aNamespace('shop'), aPod(HUNG), aPod(WRAPPED), aJob('migrate'), ...objects])
    cluster.put(object);
  return cluster;
}

const why = ({ kubeconfig }: FakeCluster, ...args: string[]) =>
  curfew(['why', '--kubeconfig', kubeconfig, ...args]);

test('S1 curfew why POD, JOB and CRONJOB: ten lines at most, exit code 1 where something holds it', async (t) => {
  const active = { status: { active: [{ name: 'migrate' }] } };
  const cronJob = {
    ...{ apiVersion: 'batch/v1', kind: 'CronJob', ...active },
    metadata: { name: 'nightly', namespace: 'shop', uid: 'uid-nightly' },
    spec: { concurrencyPolicy: 'Forbid', schedule: '0 3 * * *' },
  };
  const cluster = await start(t, cronJob);
  cluster.put(aJob('migrate', { metadata: { ownerReferences: [{ kind: 'CronJob', uid: 'uid-nightly' }] } }));
  const pod = await why(cluster, 'migrate-x7k2p');
  assert.equal(pod.code, 1, pod.err);
  assert.match(
    pod.out,
    /^Pod shop\/migrate-x7k2p: held by cloud-sql-proxy\n {2}main migrate ended 0 at .*30 min ago\n/,
  );
  const job = await why(cluster, 'job/migrate');
  assert.equal(job.code, 1);
  assert.match(job.out, /^Job shop\/migrate: pod migrate-x7k2p: held by cloud-sql-proxy\n/);
  assert.equal((await why(cluster, 'migrate')).out, job.out);
  const cron = await why(cluster, 'cj/nightly');
  assert.equal(cron.code, 1);
  assert.match(cron.out, /^CronJob shop\/nightly: Job migrate: pod migrate-x7k2p: held by cloud-sql-proxy\n/);
  assert.match(cron.out, /no other run begins before it ends \(concurrencyPolicy Forbid\)/);
  for (const { out } of [pod, job, cron]) assert.ok(out.split('\n').length <= 11, out);
});

test('S1 a Job whose pods are refused says with whose words', async (t) => {
  const cluster = await start(
    t,
    aJob('refused'),
    aWarning(
      'uid-refused',
      'FailedCreate',
      'admission webhook "pods.curfew.dev" denied the request: annotation x',
    ),
  );
  const { code, out } = await why(cluster, 'job/refused');
  assert.equal(code, 1);
  assert.match(
    out,
    /its pods are not created\n {2}FailedCreate: admission webhook "pods\.curfew\.dev" denied the request: annotation x/,
  );
  cluster.put(
    aJob('over', {
      status: { conditions: [{ type: 'Failed', status: 'True', reason: 'BackoffLimitExceeded' }] },
    }),
  );
  const over = await why(cluster, 'job/over');
  assert.deepEqual([over.code, over.out], [0, 'Job shop/over: failed\n  BackoffLimitExceeded\n']);
  cluster.put(aJob('paused', { spec: { suspend: true } }));
  assert.match(
    (await why(cluster, 'job/paused')).out,
    /it is suspended\n {2}do: kubectl patch job -n shop paused/,
  );
});

test("S1 a wrapped pod's shim is asked in any of its containers, and JSON says the same", async (t) => {
  const cluster = await start(t);
  const asked: string[] = [];
  cluster.execute = (target, command) => {
    asked.push(`${target}: ${command.join(' ')}`);
    return target.endsWith('/migrate')
      ? { code: 125, stderr: 'no rendezvous' }
      : { stdout: JSON.stringify(REPORT) };
  };
  const { code, out } = await why(cluster, 'pod/wrapped', '-o', 'json');
  assert.equal(code, 1);
  assert.deepEqual(JSON.parse(out), {
    ...{
      kind: 'Pod',
      namespace: 'shop',
      name: 'wrapped',
      state: 'held',
      pod: 'wrapped',
      holder: 'cloud-sql-proxy',
    },
    headline: 'main migrate waits for cloud-sql-proxy, since 5 s',
    lines: ['cloud-sql-proxy runs and is not ready: tcp://:5432: connection refused'],
    todo: [
      'kubectl logs -n shop wrapped -c cloud-sql-proxy',
      'if it is ready only when the main answers: annotation ready.curfew.dev/cloud-sql-proxy: none',
    ],
  });
  assert.deepEqual(asked, [
    'shop/wrapped/migrate: /curfew/bin/curfew-shim status --output=json',
    'shop/wrapped/cloud-sql-proxy: /curfew/bin/curfew-shim status --output=json',
  ]);
});

test('S1 where exec is not allowed, or answers badly, the logs are read', async (t) => {
  const cluster = await start(t);
  cluster.logs.set(
    'shop/wrapped/migrate',
    'curfew: waiting for sidecar cloud-sql-proxy (running, not ready yet) (20 s)\n',
  );
  const answers: [Program | undefined, RegExp][] = [
    [undefined, /because your user may not exec into the pod/],
    [
      { code: 125, stderr: 'curfew: unknown role "status": it is install, main, sidecar or started\n' },
      /because this pod has an older shim/,
    ],
    [{ stdout: 'a\u001b[2J' }, /because curfew-shim status in cloud-sql-proxy gave no report/],
    [{ fault: 'endless' }, /the output is longer than 1048576 bytes/],
    [{ fault: 'hang-up' }, /the connection ended without a result/],
  ];
  for (const [program, because] of answers) {
    cluster.execute = () => program;
    const { code, out } = await why(cluster, 'wrapped');
    assert.equal(code, 1);
    assert.match(out, /^Pod shop\/wrapped: main migrate waits for cloud-sql-proxy\n/);
    assert.match(out, because);
    assert.ok(!out.includes('\u001b'));
  }
});

test('S1 what a cluster says commands no terminal; colours are for a terminal', async (t) => {
  const evil = 'a\u001b[2J\u009b\u202eb';
  const cluster = await start(t);
  cluster.put(
    aPod({
      name: 'evil',
      containers: [
        { ...MAIN, state: exited(0) },
        { ...PROXY, image: `cloud-sql-connectors/cloud-sql-proxy:${evil}` },
      ],
    }),
  );
  cluster.put(
    aPod({ name: 'late', containers: [MAIN], metadata: { deletionTimestamp: ago(5), finalizers: [evil] } }),
  );
  for (const name of ['evil', 'late']) {
    const { out } = await why(cluster, name);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    assert.doesNotMatch(out, /[\u001b\u009b\u202e]/u);
  }
  const coloured = await curfew(['why', '--kubeconfig', cluster.kubeconfig, 'migrate'], '', true);
  assert.ok(coloured.out.includes('\u001b[31m'));
});

test('S1 S4 what is not there, cannot be asked or is mistyped: its own exit code and a way out', async (t) => {
  const cluster = await start(t);
  const WRONG: [string[], number, RegExp][] = [
    [
      ['nobody'],
      2,
      /there is no pod, Job or CronJob nobody in namespace shop; another one is chosen with -n/,
    ],
    [[], 2, /name a pod, a Job or a CronJob/],
    [['deployment/x'], 2, /"deployment" is no kind that it knows; it is pod, job or cronjob/],
    [['UPPER'], 2, /"UPPER" is no name/],
    [['a', 'b'], 2, /"b" is no flag/],
    [['migrate', '-n', '../x'], 2, /is no name of a namespace/],
    [['migrate', '--context', 'nowhere'], 2, /no context "nowhere"; it has x, other/],
    [['migrate', '-o', 'yaml'], 2, /it is text or json/],
    [['migrate', '--contxt', 'x'], 2, /did you mean --context\?/],
  ];
  for (const [args, code, message] of WRONG) {
    const run = await why(cluster, ...args);
    assert.deepEqual([run.code, run.out], [code, ''], run.err);
    assert.match(run.err, message);
  }
  cluster.faults.set('/api/v1/namespaces/shop/pods/migrate', 403);
  const forbidden = await why(cluster, 'migrate');
  assert.equal(forbidden.code, 5);
  assert.match(
    forbidden.err,
    /^curfew: cannot get pods\/migrate: the API server says 403 Forbidden: your user lacks this right.*: the fake API server was told to\n$/,
  );
});
