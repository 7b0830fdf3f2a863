/** Pods that are removed while they work: evicted, out of time, suspended. The main ends first, then the sidecar, which flushes. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { describe, type TestContext, test } from 'node:test';
import type { V1Container } from '@kubernetes/client-node';
import { Namespace } from '../cluster.ts';
import { mustKubectl } from '../kubectl.ts';
import { job, pod, sidecars } from '../manifests.ts';
import { shimOf } from '../node/local.ts';
import { minorVersion } from '../version.ts';
import { Store } from './store.ts';
import { mainAndSidecar, Worker } from './worker.ts';

const annotations = sidecars('proxy');
/** A deadline that is over at once when it is set on a pod at work. */
const DEADLINE = JSON.stringify({ spec: { activeDeadlineSeconds: 1 } });

/** A Job at work. */
async function jobAtWork(t: TestContext, name: string) {
  const ns = await Namespace.make(t, name);
  const store = new Store(name);
  const work = job('migrate', mainAndSidecar(store), {
    annotations,
    spec: { volumes: [store.volume] },
    backoffLimit: 6,
  });
  await ns.create(work);
  const name_ = await ns.podOf('migrate');
  return { ns, store, name: name_, worker: await Worker.of(ns, name_, store) };
}

/** A pod at work without a Job. */
async function podAtWork(t: TestContext, name: string, main: Partial<V1Container> = {}) {
  const ns = await Namespace.make(t, name);
  const store = new Store(name);
  const containers = mainAndSidecar(store).map((item) =>
    item.name === 'main' ? { ...item, ...main } : item,
  );
  await ns.create(pod('worker', containers, { annotations, spec: { volumes: [store.volume] } }));
  return { ns, worker: await Worker.of(ns, 'worker', store) };
}

describe('removal', { concurrency: true }, () => {
  test('L12 a pod is evicted through the API: its Job makes another, which completes', async (t) => {
    const { ns, store, name, worker } = await jobAtWork(t, 'evicted');
    const apiVersion = minorVersion() >= 22 ? 'policy/v1' : 'policy/v1beta1';
    const eviction = { apiVersion, kind: 'Eviction', metadata: { name, namespace: ns.name } };
    const path = `/api/v1/namespaces/${ns.name}/pods/${name}/eviction`;
    await mustKubectl(['create', '--raw', path, '-f', '-'], JSON.stringify(eviction));
    await worker.assertTakenAway();
    store.touch('go');
    await ns.waitForJob('migrate');
  });

  test('L8 the kubelet evicts a pod that uses more disk than it may: all are killed without TERM', async (t) => {
    const resources = { limits: { 'ephemeral-storage': '1Mi' } };
    const { ns, worker } = await podAtWork(t, 'disk', { resources });
    const shim = shimOf(worker.uid, 'main')?.shim;
    assert.ok(shim);
    writeFileSync(`/proc/${shim.pid}/root/too-much`, Buffer.alloc(4 << 20));
    await ns.waitFor('pod/worker', '{.status.reason}', 'Evicted');
    await ns.waitForPhase('worker', 'Failed');
    await worker.assertGone();
  });

  test('L12 a Job past its activeDeadlineSeconds', async (t) => {
    const { ns, worker } = await jobAtWork(t, 'job-deadline');
    await ns.kubectl('patch', 'job/migrate', '-p', DEADLINE);
    await ns.waitForJob('migrate', 'failed');
    await worker.assertTakenAway();
  });

  test('L12 a pod past its activeDeadlineSeconds', async (t) => {
    const { ns, worker } = await podAtWork(t, 'pod-deadline');
    await ns.kubectl('patch', 'pod/worker', '-p', DEADLINE);
    await ns.waitFor('pod/worker', '{.status.reason}', 'DeadlineExceeded');
    await ns.waitForPhase('worker', 'Failed');
    await worker.assertTakenAway();
  });

  test('L12 a Job is suspended and resumed', async (t) => {
    const { ns, store, worker } = await jobAtWork(t, 'suspended');
    // Before 1.22 a Job cannot be suspended. Parallelism 0 has the same effect on its pods.
    const [no, yes] =
      minorVersion() >= 22
        ? [{ suspend: true }, { suspend: false }]
        : [{ parallelism: 0 }, { parallelism: 1 }];
    const patch = (spec: object) => ns.kubectl('patch', 'job/migrate', '-p', JSON.stringify({ spec }));
    await patch(no);
    await worker.assertTakenAway();
    store.touch('go');
    await patch(yes);
    await ns.waitForJob('migrate');
    // The first pod may count as failed, where the controller sees it failed before it is deleted.
    assert.equal((await ns.job('migrate')).succeeded, 1);
  });
});
