import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { JsonRecord } from '../../../webhook/shared/json.ts';
import { ago, aJob, aNamespace, aPod, exited, MAIN, PROXY } from '../cluster/cluster-objects.ts';
import { type FakeCluster, startCluster } from './fake-cluster.ts';
import { curfew } from './test-terminal.ts';

const HUNG = aPod({
  containers: [{ ...MAIN, state: exited(0, ago(90, Date.now())) }, PROXY],
  job: 'migrate',
});

async function start(t: TestContext, ...objects: JsonRecord[]): Promise<FakeCluster> {
  const cluster = await startCluster(t);
  for (const object of [aNamespace('shop'), aNamespace('other'), ...objects]) cluster.put(object);
  return cluster;
}

const audit = ({ kubeconfig }: FakeCluster, ...args: string[]) =>
  curfew(['audit', '--kubeconfig', kubeconfig, ...args]);

test('S2 curfew audit: exit code 1 where a pod hangs, 0 where none does', async (t) => {
  const cluster = await start(
    t,
    HUNG,
    aJob('migrate'),
    aPod({ namespace: 'other', name: 'fine', containers: [MAIN] }),
  );
  const shop = await audit(cluster);
  assert.equal(shop.code, 1, shop.err);
  assert.match(shop.out, /^NAMESPACE +LABEL +PODS .*\nshop +- +1 /);
  assert.match(
    shop.out,
    /Hanging: 1 pod, which holds no requested CPU or memory\n {2}shop\/migrate-x7k2p \(Job migrate\): migrate ended 0 90 min ago; cloud-sql-proxy still runs; holds .*\n {4}not wrapped: namespace shop has no label curfew\.dev\/injection\n {4}write: kubectl label namespace shop curfew\.dev\/injection=enabled\n/,
  );
  assert.doesNotMatch(shop.out, /other/);
  const other = await audit(cluster, '-n', 'other');
  assert.deepEqual([other.code, other.err], [0, '']);
  const all = await audit(cluster, '-A', '-o', 'json');
  assert.equal(all.code, 1);
  const { namespaces, hanging } = JSON.parse(all.out);
  assert.deepEqual(
    namespaces.map(({ name, pods, hanging: count }: Record<string, unknown>) => [name, pods, count]),
    [
      ['other', 1, 0],
      ['shop', 1, 1],
    ],
  );
  assert.equal(hanging[0].owner.name, 'migrate');
});

test('S2 lists are read in pages, and no object may be endless', async (t) => {
  const cluster = await start(t);
  for (let i = 0; i < 1_200; i++) cluster.put(aPod({ name: `p-${i}`, containers: [MAIN] }));
  const { code, out } = await audit(cluster, '-A', '-o', 'json');
  assert.equal(code, 0);
  assert.equal(JSON.parse(out).namespaces.find(({ name }: { name: string }) => name === 'shop').pods, 1_200);
  const pages = cluster.requests.filter((line) => line.startsWith('GET /api/v1/pods?'));
  assert.deepEqual(pages, [
    'GET /api/v1/pods?limit=500',
    'GET /api/v1/pods?limit=500&continue=500',
    'GET /api/v1/pods?limit=500&continue=1000',
  ]);
  cluster.put(aPod({ name: 'p-0', containers: [MAIN], annotations: { long: 'x'.repeat(5_000_000) } }));
  const long = await audit(cluster, '-A');
  assert.deepEqual([long.code, long.out], [5, '']);
  assert.match(long.err, /cannot list pods: an object of the list is too long/);
});

test('S2 what may not be listed is said, and the rest is audited', async (t) => {
  const cluster = await start(t, aPod({ containers: [MAIN] }));
  cluster.faults.set('/apis/apps/v1/namespaces/shop/deployments', 403);
  const { code, out, err } = await audit(cluster);
  assert.equal(code, 3);
  assert.match(
    err,
    /^curfew: warning: cannot list deployments in namespace shop: the API server says 403 .*told to\n$/,
  );
  assert.match(out, /^NAMESPACE/);
  cluster.faults.set('/api/v1/namespaces/shop/pods', 403);
  const none = await audit(cluster);
  assert.deepEqual([none.code, none.out], [5, '']);
});

test('S2 an older cluster has CronJobs in v1beta1', async (t) => {
  const template = {
    spec: { restartPolicy: 'Never', containers: [MAIN, PROXY].map(({ name, image }) => ({ name, image })) },
  };
  const cluster = await start(t, {
    ...{ apiVersion: 'batch/v1beta1', kind: 'CronJob', metadata: { name: 'nightly', namespace: 'shop' } },
    spec: { jobTemplate: { spec: { template } } },
  });
  cluster.faults.set('/apis/batch/v1/namespaces/shop/cronjobs', 404);
  const { code, out, err } = await audit(cluster, '-o', 'json');
  assert.deepEqual([code, err], [0, '']);
  assert.equal(JSON.parse(out).workloads[0].name, 'nightly');
});

test('S2 what objects are called commands no terminal', async (t) => {
  const evil = 'a\u001b[2J\u202e';
  const cluster = await start(
    t,
    aNamespace('odd', { 'curfew.dev/injection': evil }),
    aPod({ name: 'p', containers: [MAIN], annotations: { [`curfew.dev/${evil}`]: 'x' } }),
  );
  const { out } = await audit(cluster, '-A');
  assert.match(out, /Would be refused/);
  assert.ok(!out.includes('\u001b') && !out.includes('\u202e'), out);
});

test('S2 wrong arguments', async (t) => {
  const cluster = await start(t);
  for (const [args, message] of [
    [['-A', '-n', 'shop'], /give either -n or -A/],
    [['-n', 'none'], /there is no namespace none/],
    [['shop'], /"shop" is no flag/],
  ] as const) {
    const { code, err } = await audit(cluster, ...args);
    assert.equal(code, 2);
    assert.match(err, message);
  }
});
