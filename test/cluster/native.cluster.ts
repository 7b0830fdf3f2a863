/** Native mode and auto: what the webhook makes of pods on this Kubernetes, and how those end. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { TestPod } from '../webhook/decision/mutated-pod.ts';
import { exitCodes, Namespace, statusOf, when } from './cluster.ts';
import { job, pod, sidecars, steps } from './manifests.ts';
import { beside } from './second-webhook.ts';
import { minorVersion } from './version.ts';

const MINOR = minorVersion();
/** By the version skew policy no kubelet of such a cluster is without native sidecars (N7). */
const SURE = 32;
const skip =
  MINOR < SURE &&
  `Kubernetes 1.${MINOR} may have kubelets without native sidecars: they are sure from 1.${SURE} on`;
const SIDECAR = 'say up wait say gone exit 143';
const MAIN = 'say working exit 0';
const labelled = (label: string) => ({ 'curfew.dev/injection': label });
const names = (list: readonly { name: string }[] | undefined) => (list ?? []).map(({ name }) => name);
const worker = (annotations: Record<string, string> = sidecars('proxy')) =>
  pod('worker', [steps('main', MAIN), steps('proxy', SIDECAR)], { annotations });

test('N1 N7 auto: the mechanism follows the version, and the work ends either way', async (t) => {
  const ns = await Namespace.make(t, 'auto', labelled('auto'));
  await ns.create(worker());
  await ns.waitForPhase('worker', 'Succeeded');
  const ended = await ns.pod('worker');
  const isNative = MINOR >= SURE;
  assert.deepEqual(names(ended.spec.containers), isNative ? ['main'] : ['main', 'proxy']);
  assert.equal(exitCodes(ended).main, 0);
  assert.match(
    ended.metadata.annotations['curfew.dev/status'] ?? '',
    isNative ? /"mode":"native"/ : /"why":"Kubernetes 1\.\d+ has no|a kubelet may be/,
  );
});

test('N1 native on a cluster that may not have it is refused, with the reason', {
  skip: MINOR >= SURE && 'it has them',
}, async (t) => {
  const ns = await Namespace.make(t, 'too-old', labelled('native'));
  const { code, stderr } = await ns.tryCreate(worker());
  assert.notEqual(code, 0);
  assert.match(stderr, /mode is native, and .*take mode auto or shim/);
});

test('N1 audit changes nothing, and a warning says what would be', async (t) => {
  const ns = await Namespace.make(t, 'audit', labelled('audit'));
  const { code, stderr } = await ns.tryCreate(worker());
  assert.equal(code, 0, stderr);
  assert.match(stderr, /Curfew \(audit only\): the pod would be wrapped/);
  assert.deepEqual(names((await ns.pod('worker')).spec.initContainers), []);
});

describe('native', { skip, concurrency: 4 }, () => {
  test('N2 N3 an init container uses the proxy that starts before it, and the Job completes', async (t) => {
    const ns = await Namespace.make(t, 'before-init', labelled('native'));
    const volumeMounts = [{ name: 'scratch', mountPath: '/scratch' }];
    const annotations = {
      ...sidecars('proxy'),
      'curfew.dev/sidecars-before': 'init',
      'ready.curfew.dev/proxy': 'exec: /steps have /scratch/ready',
    };
    const containers = [
      steps('main', MAIN),
      steps('proxy', 'say up sleep 1 touch /scratch/ready wait say gone exit 0', { volumeMounts }),
    ];
    const initContainers = [steps('schema', 'have /scratch/ready say migrated exit 0', { volumeMounts })];
    const spec = { volumes: [{ name: 'scratch', emptyDir: {} }], initContainers };
    await ns.create(job('work', containers, { annotations, spec }));
    await ns.waitForJob('work');
    const name = await ns.podOf('work');
    const [proxy, schema, main] = await Promise.all(
      ['proxy', 'schema', 'main'].map((one) => ns.lines(name, one)),
    );
    const order = [
      when(proxy ?? [], 'up'),
      when(schema ?? [], 'migrated'),
      when(main ?? [], 'working'),
      when(proxy ?? [], 'got TERM'),
      when(proxy ?? [], 'gone'),
    ];
    assert.deepEqual(
      order,
      order.toSorted((a, b) => a - b),
    );
  });

  test('N3 the next container waits for the condition', async (t) => {
    const ns = await Namespace.make(t, 'ready', labelled('native'));
    const annotations = {
      ...sidecars('proxy'),
      'ready.curfew.dev/proxy': 'exec: /steps have /ready',
      'curfew.dev/start-timeout': '60s',
    };
    await ns.create(pod('worker', [steps('main', MAIN), steps('proxy', SIDECAR)], { annotations }));
    await ns.said('worker', 'proxy', 'up');
    const waiting = await ns.pod('worker');
    assert.equal(waiting.status.phase, 'Pending');
    assert.equal(statusOf(waiting, 'main')?.state.running, undefined);
  });

  for (const asked of ['before', 'after'] as const) {
    test(`N5 a webhook asked ${asked} adds a sidecar: it is moved too`, async (t) => {
      const late = steps('late', SIDECAR);
      const { ns } = await beside(t, 'adds', { asked, label: 'native', mutate: adding(late) });
      await ns.create(worker({ 'curfew.dev/mains': 'main' }));
      await ns.waitForPhase('worker', 'Succeeded');
      const ended = await ns.pod('worker');
      assert.deepEqual(names(ended.spec.containers), ['main']);
      assert.deepEqual(names(ended.spec.initContainers).toSorted(), ['late', 'proxy']);
    });

    test(`N5 a webhook asked ${asked} looks for its container where it was, and adds it again: there is one`, async (t) => {
      const again = steps('proxy', SIDECAR, { env: [{ name: 'AGAIN', value: 'yes' }] });
      const { ns } = await beside(t, 'again', {
        asked,
        label: 'native',
        mutate: adding(again),
        // One that is asked after Curfew and again has the last word: see docs/limits.md.
        reinvocationPolicy: asked === 'before' ? 'IfNeeded' : 'Never',
      });
      await ns.create(worker());
      await ns.waitForPhase('worker', 'Succeeded');
      const ended = await ns.pod('worker');
      assert.deepEqual(
        [names(ended.spec.containers), names(ended.spec.initContainers)],
        [['main'], ['proxy']],
      );
    });

    test(`N5 a webhook asked ${asked} orders the containers anew`, async (t) => {
      const turn = (one: TestPod) => {
        one.spec.containers.reverse();
        one.spec.initContainers?.reverse();
        return one;
      };
      const { ns } = await beside(t, 'turns', { asked, label: 'native', mutate: turn });
      const containers = [steps('main', MAIN), steps('first', SIDECAR), steps('second', SIDECAR)];
      await ns.create(pod('worker', containers, { annotations: sidecars('first', 'second') }));
      await ns.waitForPhase('worker', 'Succeeded');
      assert.deepEqual(names((await ns.pod('worker')).spec.initContainers), ['first', 'second']);
    });

    test(`N6 a webhook asked ${asked} drops restartPolicy of init containers: it is put back`, async (t) => {
      const strip = (one: TestPod) => {
        for (const init of one.spec.initContainers ?? []) delete init.restartPolicy;
        return one;
      };
      const { ns } = await beside(t, 'strips', { asked, label: 'native', mutate: strip });
      const { code, stderr } = await ns.tryCreate(worker());
      assert.equal(code, 0, stderr);
      if (asked === 'after') assert.match(stderr, /another webhook dropped its restartPolicy/);
      await ns.waitForPhase('worker', 'Succeeded');
      const { initContainers } = (await ns.pod('worker')).spec;
      assert.deepEqual(
        initContainers.map(({ restartPolicy }) => restartPolicy),
        ['Always'],
      );
    });
  }

  test('N8 a pod whose namespace opts out, or changes its mode, ends as it began', async (t) => {
    const ns = await Namespace.make(t, 'changes', labelled('native'));
    const volumeMounts = [{ name: 'scratch', mountPath: '/scratch' }];
    const spec = { volumes: [{ name: 'scratch', emptyDir: {} }] };
    const going = (name: string) =>
      pod(
        name,
        [steps('main', 'say working await /scratch/go exit 0', { volumeMounts }), steps('proxy', SIDECAR)],
        { annotations: sidecars('proxy'), spec },
      );
    const let1 = (name: string) =>
      ns.kubectl('exec', name, '-c', 'main', '--', '/steps', 'touch', '/scratch/go');
    await ns.create(going('native'));
    await ns.said('native', 'main', 'working');
    await ns.kubectl('label', 'namespace', ns.name, '--overwrite', 'curfew.dev/injection=shim');
    await ns.create(going('wrapped'));
    await ns.said('wrapped', 'main', 'working');
    await ns.kubectl('label', 'namespace', ns.name, 'curfew.dev/injection-');
    for (const name of ['native', 'wrapped']) {
      await let1(name);
      await ns.waitForPhase(name, 'Succeeded');
    }
  });
});

function adding(container: object & { name: string }) {
  return (one: TestPod): TestPod => {
    if (!one.spec.containers.some(({ name }) => name === container.name))
      one.spec.containers.push(structuredClone(container));
    return one;
  };
}
