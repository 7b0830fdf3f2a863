/** Pod fields of newer Kubernetes versions, where the cluster has them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { V1Container } from '@kubernetes/client-node';
import { exitCodes, Namespace, statusOf, when } from './cluster.ts';
import { pod, sidecars, steps } from './manifests.ts';
import { minorVersion } from './version.ts';

const MINOR = minorVersion();
const SIDECAR = 'say up wait exit 143';
const SCRATCH = { volumeMounts: [{ name: 'scratch', mountPath: '/scratch' }] };
const volumes = [{ name: 'scratch', emptyDir: {} }];
const since = (minor: number) =>
  MINOR < minor && `Kubernetes 1.${MINOR} does not have it: it is on since 1.${minor}`;

/** A main that fails once with this code, and then works. */
const retried = (code: number, more: Partial<V1Container>) =>
  steps('main', `once /scratch/failed ${code} say worked exit 0`, { ...SCRATCH, ...more });

test('L1 L6 a native sidecar beside one of Curfew’s ends last', { skip: since(29) }, async (t) => {
  const ns = await Namespace.make(t, 'native');
  const native = { ...steps('native', SIDECAR), restartPolicy: 'Always' };
  const containers = [steps('main', 'say working exit 0'), steps('proxy', SIDECAR)];
  const spec = { initContainers: [native] };
  await ns.create(pod('worker', containers, { annotations: sidecars('proxy'), spec }));
  await ns.waitForPhase('worker', 'Succeeded');
  assert.deepEqual(exitCodes(await ns.pod('worker')), { main: 0, proxy: 0 });
  const [first, proxy, main] = await Promise.all(
    ['native', 'proxy', 'main'].map((name) => ns.lines('worker', name)),
  );
  const order = [
    when(first ?? [], 'up'),
    when(proxy ?? [], 'up'),
    when(main ?? [], 'working'),
    when(proxy ?? [], 'got TERM'),
    when(first ?? [], 'got TERM'),
  ];
  assert.deepEqual(
    order,
    order.toSorted((a, b) => a - b),
  );
});

for (const [title, restartPolicy, own] of [
  ['a rule for its exit code', 'Never', { restartPolicy: 'Never', restartPolicyRules: rules('Restart') }],
  ['a restartPolicy of its own', 'Never', { restartPolicy: 'OnFailure' }],
] as const)
  test(`L5 a main that ${title} starts again has its sidecar`, { skip: since(35) }, async (t) => {
    const ns = await Namespace.make(t, 'own-policy');
    const containers = [retried(42, structuredClone(own)), steps('proxy', SIDECAR)];
    const spec = { restartPolicy, volumes };
    await ns.create(pod('worker', containers, { annotations: sidecars('proxy'), spec }));
    await ns.waitForPhase('worker', 'Succeeded');
    const ended = await ns.pod('worker');
    assert.deepEqual(exitCodes(ended), { main: 0, proxy: 0 });
    assert.equal(statusOf(ended, 'main')?.restartCount, 1);
    assert.equal(statusOf(ended, 'proxy')?.restartCount, 0);
    const proxy = (await ns.lines('worker', 'proxy')).map((line) => line.text);
    assert.deepEqual(proxy, ['up', 'got TERM']);
  });

test('L5 L6 under OnFailure a main whose own restartPolicy is Never fails once', {
  skip: since(35),
}, async (t) => {
  const ns = await Namespace.make(t, 'own-never');
  const containers = [
    steps('main', 'say working exit 3', { restartPolicy: 'Never' }),
    steps('proxy', SIDECAR),
  ];
  const spec = { restartPolicy: 'OnFailure' };
  await ns.create(pod('worker', containers, { annotations: sidecars('proxy'), spec }));
  await ns.waitForPhase('worker', 'Failed');
  assert.deepEqual(exitCodes(await ns.pod('worker')), { main: 3, proxy: 0 });
});

for (const names of [
  ['main', 'quick', 'proxy'],
  ['quick', 'main', 'proxy'],
  ['proxy', 'quick', 'main'],
])
  test(`L11 a main whose end restarts all containers, in the order ${names}`, {
    skip: since(36),
  }, async (t) => {
    const ns = await Namespace.make(t, 'restart-all');
    const own = { restartPolicy: 'Never', restartPolicyRules: rules('RestartAllContainers') };
    const containers = [
      steps('main', 'sleep 1 once /scratch/failed 42 say worked exit 0', { ...SCRATCH, ...own }),
      steps('quick', 'say worked exit 0'),
      steps('proxy', SIDECAR),
    ];
    const inOrder = names.flatMap((name) => containers.filter((item) => item.name === name));
    await ns.create(pod('worker', inOrder, { annotations: sidecars('proxy'), spec: { volumes } }));
    await ns.waitForPhase('worker', 'Succeeded');
    const ended = await ns.pod('worker');
    assert.deepEqual(exitCodes(ended), { main: 0, quick: 0, proxy: 0 });
    for (const name of names) assert.equal(statusOf(ended, name)?.restartCount, 1, name);
    for (const name of ['main', 'quick'])
      assert.deepEqual(
        (await ns.lines('worker', name)).map((line) => line.text),
        ['worked'],
      );
    const proxy = (await ns.lines('worker', 'proxy')).map((line) => line.text);
    assert.deepEqual(proxy, ['up', 'got TERM']);
  });

function rules(action: string) {
  return [{ action, exitCodes: { operator: 'In', values: [42] } }];
}
