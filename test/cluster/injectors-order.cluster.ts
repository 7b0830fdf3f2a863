/** A second webhook that adds, removes and reorders containers, before Curfew's is asked, after it, and twice (W3). */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { TestContainer, TestPod } from '../webhook/decision/mutated-pod.ts';
import { exitCodes, when } from './cluster.ts';
import { assertAsOneRun, createJob, doing, onceOver, onlyPodOf } from './injected-pods.ts';
import { beside, type OtherWebhook } from './second-webhook.ts';

const container = (name: string, list: string, more: object = {}): TestContainer => ({
  ...doing(list),
  name,
  imagePullPolicy: 'Never',
  ...more,
});

/** A sidecar that is not in the catalogue. Its probe holds a second after its start. */
const late = (name: string, port: number): TestContainer =>
  container(name, `say up sleep 1 listen ${port} wait say gone exit 143`, {
    startupProbe: { tcpSocket: { port }, periodSeconds: 1, failureThreshold: 60 },
  });

const MAIN = container('main', 'say working say done exit 0');
const PROXY = container('proxy', 'say up wait exit 143');

/** A Job's pod, whose author named its mains because more sidecars may come. */
const pod = (...containers: TestContainer[]): TestPod => ({
  metadata: { annotations: { 'curfew.dev/mains': 'main' } },
  spec: { restartPolicy: 'Never', terminationGracePeriodSeconds: 20, containers },
});

const add = (name: string, port: number) => (to: TestPod) => {
  if (!to.spec.containers.some((one) => one.name === name)) to.spec.containers.push(late(name, port));
  return to;
};

const remove = (name: string) => (from: TestPod) => {
  from.spec.containers = from.spec.containers.filter((one) => one.name !== name);
  return from;
};

/** A webhook that adds another container at each call. It must not do that, but some do. */
const addAgain = (to: TestPod) => {
  const port = 7_001 + to.spec.containers.length;
  to.spec.containers.unshift(late(`late-${port}`, port));
  return to;
};

const reorder = ({ metadata, spec }: TestPod) => {
  spec.containers.reverse();
  spec.initContainers = [
    ...(spec.initContainers?.some(({ name }) => name === 'first') ? [] : [container('first', 'say first')]),
    ...(spec.initContainers ?? []),
  ];
  return { metadata, spec };
};

interface Case extends OtherWebhook {
  what: string;
  bare: TestPod;
  /** Exit codes in the order of the spec. */
  codes: Record<string, number>;
  /** The sidecars that are ready before the main works. */
  waitedFor?: string;
  calls: number;
}

const CASES: Case[] = [
  {
    what: 'that adds a sidecar after ours, to a pod that had none',
    asked: 'after',
    mutate: add('late', 7_001),
    bare: pod(MAIN),
    codes: { main: 0, late: 0 },
    waitedFor: 'late',
    calls: 1,
  },
  {
    what: 'that adds a sidecar after ours, to a pod that had one',
    asked: 'after',
    mutate: add('late', 7_001),
    bare: pod(MAIN, PROXY),
    codes: { main: 0, proxy: 0, late: 0 },
    waitedFor: 'late',
    calls: 1,
  },
  {
    what: 'that adds a sidecar before ours',
    asked: 'before',
    mutate: add('late', 7_001),
    bare: pod(MAIN, PROXY),
    codes: { main: 0, proxy: 0, late: 0 },
    waitedFor: 'late',
    calls: 1,
  },
  {
    what: 'that removes one of two sidecars',
    asked: 'after',
    mutate: remove('proxy'),
    bare: pod(MAIN, PROXY, late('late', 7_001)),
    codes: { main: 0, late: 0 },
    waitedFor: 'late',
    calls: 1,
  },
  {
    what: 'that removes the only sidecar',
    asked: 'after',
    mutate: remove('proxy'),
    bare: pod(MAIN, PROXY),
    codes: { main: 0 },
    calls: 1,
  },
  {
    what: 'that reorders the containers and puts an init container first',
    asked: 'after',
    mutate: reorder,
    bare: pod(MAIN, PROXY, late('late', 7_001)),
    codes: { late: 0, proxy: 0, main: 0 },
    waitedFor: 'late',
    calls: 1,
  },
  {
    what: 'that runs twice, after ours',
    asked: 'after',
    reinvocationPolicy: 'IfNeeded',
    mutate: add('late', 7_001),
    bare: pod(MAIN, PROXY),
    codes: { main: 0, proxy: 0, late: 0 },
    waitedFor: 'late',
    calls: 2,
  },
  {
    what: 'that runs twice, before ours, and adds one more each time',
    asked: 'before',
    reinvocationPolicy: 'IfNeeded',
    mutate: addAgain,
    bare: pod(MAIN, PROXY),
    codes: { 'late-7004': 0, 'late-7003': 0, main: 0, proxy: 0 },
    waitedFor: 'late-7004',
    calls: 2,
  },
];

describe('a second webhook', { concurrency: 4 }, () => {
  for (const one of CASES)
    test(`W3 ${one.what}`, async (t) => {
      const { ns, calls } = await beside(t, 'second', one);
      await createJob(ns, one.bare);
      await ns.waitForJob('work');
      const ended = await onlyPodOf(ns);
      assert.equal(ended.status.phase, 'Succeeded');
      assert.deepEqual(exitCodes(ended), one.codes);
      assert.deepEqual(
        ended.spec.containers.map((container) => container.name),
        Object.keys(one.codes),
      );
      if (one.waitedFor !== undefined) {
        const sidecar = await ns.lines(ended.metadata.name, one.waitedFor);
        const main = await ns.lines(ended.metadata.name, 'main');
        const order = [
          when(sidecar, 'listening'),
          when(main, 'working'),
          when(main, 'done'),
          when(sidecar, 'got TERM'),
        ];
        assert.deepEqual(
          order,
          order.toSorted((a, b) => a - b),
        );
      }
      assert.equal(calls(), one.calls);
      // The final pod is the author's after all calls of the other webhook.
      let final = structuredClone(one.bare);
      for (let call = 0; call < one.calls; call++) final = one.mutate(final);
      assertAsOneRun(ended, await onceOver(ns, final));
    });
});

test('W3 a second webhook that adds one more at its last call: Curfew does not see that one', async (t) => {
  // Kubernetes calls the webhooks again at most once, in the same order, so a webhook after Curfew's is called last (docs/limits.md).
  const other: OtherWebhook = { asked: 'after', reinvocationPolicy: 'IfNeeded', mutate: addAgain };
  const { ns } = await beside(t, 'last-word', other);
  const { spec } = await ns.dryRun({
    metadata: { name: 'dry', annotations: { 'curfew.dev/mains': 'main' } },
    spec: pod(MAIN, PROXY).spec,
  });
  assert.deepEqual(
    spec.containers.map(({ name, command }) => [name, command?.[0]]),
    [
      ['late-7004', '/steps'],
      ['late-7003', '/curfew/bin/curfew-shim'],
      ['main', '/curfew/bin/curfew-shim'],
      ['proxy', '/curfew/bin/curfew-shim'],
    ],
  );
});
