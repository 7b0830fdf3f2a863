/** Restarts of the kubelet and of containerd while Jobs run. */
import { type TestContext, test } from 'node:test';
import { Namespace } from '../cluster.ts';
import { job, sidecars } from '../manifests.ts';
import { restartContainerd, restartKubelet } from '../node.ts';
import { assertEnds } from './ending.ts';
import { Store } from './store.ts';

const ROLES = { mains: ['main'], sidecars: ['proxy'] };
const POLICIES = ['Never', 'OnFailure'] as const;

/** One Job of each restart policy, with a main that works until the test releases it, and a sidecar that takes as long to end. */
class Jobs {
  readonly ns: Namespace;
  private readonly members: { pod: string; store: Store }[] = [];

  private constructor(ns: Namespace) {
    this.ns = ns;
  }

  static async atWork(t: TestContext, name: string): Promise<Jobs> {
    const jobs = new Jobs(await Namespace.make(t, name));
    for (const restartPolicy of POLICIES) {
      const store = new Store(`${name}-${restartPolicy}`);
      const main = store.steps('main', 'say working await /store/go say done exit 0');
      const proxy = store.keeper('proxy', {}, '', 'say stopping await /store/end');
      const spec = { restartPolicy, volumes: [store.volume] };
      const work = restartPolicy.toLowerCase();
      await jobs.ns.create(job(work, [main, proxy], { annotations: sidecars('proxy'), spec }));
      jobs.members.push({ pod: await jobs.ns.podOf(work), store });
    }
    await jobs.said('main', 'working');
    return jobs;
  }

  touch(...names: string[]): void {
    for (const { store } of this.members) store.touch(...names);
  }

  async said(container: string, text: string): Promise<void> {
    for (const { pod } of this.members) await this.ns.said(pod, container, text);
  }

  async assertComplete(): Promise<void> {
    const codes = { main: 0, proxy: 0 };
    for (const { pod, store } of this.members) {
      await assertEnds(this.ns, pod, ROLES, { phase: 'Succeeded', codes, store });
    }
    for (const restartPolicy of POLICIES) await this.ns.waitForJob(restartPolicy.toLowerCase());
  }
}

test('L6 L7 the kubelet is restarted in mid-Job', async (t) => {
  const jobs = await Jobs.atWork(t, 'kubelet');
  await restartKubelet();
  jobs.touch('go', 'end');
  await jobs.assertComplete();
});

test('L6 L7 all of the work ends while the node has no kubelet', async (t) => {
  const jobs = await Jobs.atWork(t, 'unseen');
  await restartKubelet(() => jobs.touch('go', 'end'));
  await jobs.assertComplete();
});

test('L6 L7 containerd is restarted in mid-Job', async (t) => {
  const jobs = await Jobs.atWork(t, 'containerd');
  await restartContainerd();
  jobs.touch('go', 'end');
  await jobs.assertComplete();
});

test('L6 L7 kubelet and containerd are restarted while the sidecars are stopping', async (t) => {
  const jobs = await Jobs.atWork(t, 'stopping');
  jobs.touch('go');
  await jobs.said('proxy', 'stopping');
  await restartKubelet(() => restartContainerd());
  jobs.touch('end');
  await jobs.assertComplete();
});
