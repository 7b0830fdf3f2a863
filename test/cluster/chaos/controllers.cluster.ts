/** Controllers that create many pods: CronJobs that replace, Jobs of fifty pods, Jobs that retry. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { V1Container, V1CronJob, V1Job, V1PodSpec } from '@kubernetes/client-node';
import { z } from 'zod';
import { exitCodes, Namespace, statusOf } from '../cluster.ts';
import { until } from '../kubectl.ts';
import { job, sidecars } from '../manifests.ts';
import { minorVersion } from '../version.ts';
import { assertEnds } from './ending.ts';
import { Store } from './store.ts';
import { mainAndSidecar, Worker } from './worker.ts';

const ROLES = { mains: ['main'], sidecars: ['proxy'] };
// The mains here are so quick that a sidecar must report when it handles TERM: an earlier TERM just ends it.
const annotations = { ...sidecars('proxy'), 'ready.curfew.dev/proxy': 'tcp://:7001' };
const LISTEN = 'listen 7001';
const MINOR = minorVersion();
const NAMES = z.object({ items: z.array(z.object({ metadata: z.object({ name: z.string() }) })) });

/** A Job with more fields than the usual ones of these tests. */
function jobWith(more: object, containers: V1Container[], store: Store, pod: Partial<V1PodSpec> = {}): V1Job {
  const plain = job('migrate', containers, { annotations, spec: { volumes: [store.volume], ...pod } });
  return { ...plain, spec: Object.assign({}, plain.spec, more) };
}

async function jobsIn(ns: Namespace): Promise<string[]> {
  const text = await ns.kubectl('get', 'jobs', '-o', 'json', '--sort-by=.metadata.creationTimestamp');
  return NAMES.parse(JSON.parse(text)).items.map((item) => item.metadata.name);
}

describe('controllers', { concurrency: true }, () => {
  test('L12 a CronJob that replaces: the pod of the minute before ends in order', async (t) => {
    const ns = await Namespace.make(t, 'replaced');
    const store = new Store('replaced');
    const { spec } = jobWith({}, mainAndSidecar(store), store);
    const cron: V1CronJob = {
      apiVersion: MINOR >= 21 ? 'batch/v1' : 'batch/v1beta1',
      kind: 'CronJob',
      metadata: { name: 'nightly' },
      spec: {
        schedule: '* * * * *',
        concurrencyPolicy: 'Replace',
        jobTemplate: spec === undefined ? {} : { spec },
      },
    };
    await ns.create(cron);
    const first = await until('the first Job', async () => (await jobsIn(ns))[0]);
    const worker = await Worker.of(ns, await ns.podOf(first), store);
    const second = await until('the Job that replaces it', async () =>
      (await jobsIn(ns)).find((name) => name !== first),
    );
    await ns.kubectl('patch', 'cronjob/nightly', '-p', JSON.stringify({ spec: { suspend: true } }));
    await worker.assertTakenAway();
    store.touch('go');
    await ns.waitForJob(second);
    assert.deepEqual(await jobsIn(ns), [second]);
  });

  test(`L6 L7 ${MINOR >= 22 ? 'an Indexed Job' : 'a Job'} of 50`, async (t) => {
    const ns = await Namespace.make(t, 'fifty');
    const store = new Store('fifty');
    const env = [{ name: 'POD', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }];
    const containers = [
      store.steps('main', 'say done exit 0'),
      { ...store.steps('proxy', `${LISTEN} wait flush /store/$(POD) exit 143`), env },
    ];
    const indexed = MINOR >= 22 ? { completionMode: 'Indexed' } : {};
    await ns.create(jobWith({ completions: 50, parallelism: 10, ...indexed }, containers, store));
    await ns.waitFor('job/migrate', '{.status.succeeded}', '50', 300_000);
    const pods = await ns.podsOf('migrate');
    assert.equal(pods.length, 50);
    for (const item of pods) {
      assert.deepEqual(exitCodes(item), { main: 0, proxy: 0 });
      assert.equal(store.of(item.metadata.name), 'whole');
    }
  });

  const noPolicy = MINOR < 26 && `Kubernetes 1.${MINOR} has no podFailurePolicy: it came with 1.26`;
  test('L5 L7 podFailurePolicy sees the exit code of the main', { skip: noPolicy }, async (t) => {
    const ns = await Namespace.make(t, 'policy');
    const store = new Store('policy');
    const onExitCodes = { containerName: 'main', operator: 'In', values: [42] };
    const podFailurePolicy = { rules: [{ action: 'FailJob', onExitCodes }] };
    const containers = [store.steps('main', 'say failing exit 42'), store.keeper('proxy', {}, LISTEN)];
    await ns.create(jobWith({ backoffLimit: 6, podFailurePolicy }, containers, store));
    await ns.waitForJob('migrate', 'failed');
    const pods = await ns.podsOf('migrate');
    assert.equal(pods.length, 1, 'another code would have been tried again');
    await assertEnds(ns, pods[0]?.metadata.name ?? '', ROLES, {
      phase: 'Failed',
      codes: { main: 42, proxy: 0 },
      store,
    });
  });

  const TWICE = 'once /store/first 1 once /store/second 2 say worked exit 0';
  const twice = (store: Store) => [store.steps('main', TWICE), store.keeper('proxy', {}, LISTEN)];

  test('L5 L9 under Never a main that fails twice and then works, with backoffLimit 2', async (t) => {
    const ns = await Namespace.make(t, 'twice-never');
    const store = new Store('twice-never');
    await ns.create(jobWith({ backoffLimit: 2 }, twice(store), store));
    await ns.waitForJob('migrate');
    const codes = (await ns.podsOf('migrate')).map(exitCodes);
    assert.deepEqual(codes, [
      { main: 1, proxy: 0 },
      { main: 2, proxy: 0 },
      { main: 0, proxy: 0 },
    ]);
    assert.equal(store.of('proxy'), 'whole');
  });

  test('L5 L9 under OnFailure a main that fails twice and then works', async (t) => {
    const ns = await Namespace.make(t, 'twice-again');
    const store = new Store('twice-again');
    // The controller counts a pod's restarts. Some versions fail a Job whose count equals the limit.
    await ns.create(jobWith({ backoffLimit: 3 }, twice(store), store, { restartPolicy: 'OnFailure' }));
    const name = await ns.podOf('migrate');
    await ns.waitForJob('migrate');
    const codes = { main: 0, proxy: 0 };
    const ended = await assertEnds(ns, name, ROLES, { phase: 'Succeeded', codes, store });
    assert.equal(statusOf(ended, 'main')?.restartCount, 2);
    assert.equal(statusOf(ended, 'proxy')?.restartCount, 0);
  });
});
