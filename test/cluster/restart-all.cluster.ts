/** Containers whose end starts the whole pod again: restartPolicyRules with the action RestartAllContainers (1.36). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { V1Container } from '@kubernetes/client-node';
import { exitCodes, Namespace, statusOf } from './cluster.ts';
import { pod, sidecars, steps } from './manifests.ts';
import { minorVersion } from './version.ts';

const MINOR = minorVersion();
const skip = MINOR < 36 && `Kubernetes 1.${MINOR} does not have it: it is on since 1.36`;
const SIDECAR = 'say up wait exit 143';
const SCRATCH = { volumeMounts: [{ name: 'scratch', mountPath: '/scratch' }] };
const volumes = [{ name: 'scratch', emptyDir: {} }];

/** An end with 42 starts the whole pod again. */
const RESTARTS_ALL = {
  restartPolicy: 'Never',
  restartPolicyRules: [{ action: 'RestartAllContainers', exitCodes: { operator: 'In', values: [42] } }],
};

for (const names of [
  ['main', 'quick', 'proxy'],
  ['quick', 'main', 'proxy'],
  ['proxy', 'quick', 'main'],
])
  test(`L11 a main whose end restarts all containers, in the order ${names}`, { skip }, async (t) => {
    const ns = await Namespace.make(t, 'restart-all');
    const containers = [
      steps('main', 'sleep 1 once /scratch/failed 42 say worked exit 0', { ...SCRATCH, ...RESTARTS_ALL }),
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

test('L11 a main that was started again before, and then restarts all containers', { skip }, async (t) => {
  const ns = await Namespace.make(t, 'restart-all');
  const own = { ...SCRATCH, ...RESTARTS_ALL, restartPolicy: 'OnFailure' };
  const containers = [
    steps('main', 'once /scratch/first 1 once /scratch/second 42 say worked exit 0', own),
    steps('proxy', SIDECAR),
  ];
  await ns.create(pod('worker', containers, { annotations: sidecars('proxy'), spec: { volumes } }));
  await ns.waitForPhase('worker', 'Succeeded');
  const ended = await ns.pod('worker');
  assert.deepEqual(exitCodes(ended), { main: 0, proxy: 0 });
  assert.equal(statusOf(ended, 'main')?.restartCount, 2);
  assert.equal(statusOf(ended, 'proxy')?.restartCount, 1);
});

/** A sidecar that notes that it works and, where the next life finds it, its stop signal. */
const proxy = (name = 'proxy') =>
  steps(name, `say up touch /scratch/${name}-up wait touch /scratch/${name} exit 143`, SCRATCH);
/** Works until it is stopped in its first life; in the second it fails where one of these sidecars was not told to end. */
const main = (...noted: string[]) => {
  const checks = noted.map((name) => `have /scratch/${name} `).join('');
  return steps('main', `until /scratch/again ${checks}say worked exit 0`, SCRATCH);
};
/** Tells the lives apart. */
const lives = steps('lives', 'once /scratch/begun 0 touch /scratch/again exit 0', SCRATCH);
/** Ends with 42, once, when these sidecars work. */
const watch = (more: Partial<V1Container>, ...sidecars: string[]) => {
  const awaited = sidecars.map((name) => `await /scratch/${name}-up `).join('');
  return steps('watch', `${awaited}once /scratch/failed 42 ${SIDECAR}`, {
    ...SCRATCH,
    ...RESTARTS_ALL,
    ...more,
  });
};

const CASES: readonly { source: string; containers: V1Container[]; initContainers?: V1Container[] }[] = [
  { source: 'a sidecar', containers: [watch({}, 'proxy'), proxy(), main('proxy')] },
  { source: 'the last sidecar', containers: [main('proxy'), proxy(), watch({}, 'proxy')] },
  {
    source: 'a native sidecar',
    containers: [proxy('first'), proxy('second'), main('first', 'second')],
    initContainers: [watch({ restartPolicy: 'Always' }, 'first', 'second')],
  },
];

for (const { source, containers, initContainers = [] } of CASES)
  for (const restartPolicy of ['Never', 'OnFailure'])
    test(`L9 L11 L13 ${source} whose end restarts all containers, under ${restartPolicy}: no other code is lost, and each had its TERM`, {
      skip,
    }, async (t) => {
      const ns = await Namespace.make(t, 'restart-all');
      const names = containers.map(({ name }) => name);
      const annotations = sidecars(...names.filter((name) => name !== 'main'));
      const spec = { volumes, initContainers: [lives, ...initContainers], restartPolicy };
      await ns.create(pod('worker', containers, { annotations, spec }));
      await ns.waitForPhase('worker', 'Succeeded');
      const ended = await ns.pod('worker');
      assert.deepEqual(exitCodes(ended), Object.fromEntries(names.map((name) => [name, 0])));
      for (const name of names) assert.equal(statusOf(ended, name)?.restartCount, 1, name);
      assert.deepEqual(
        (await ns.lines('worker', 'main')).map((line) => line.text),
        ['worked'],
      );
    });

test('L11 an init container whose end restarts all containers: the shim is there again', {
  skip,
}, async (t) => {
  const ns = await Namespace.make(t, 'restart-all');
  const setup = steps('setup', 'once /scratch/failed 42 exit 0', { ...SCRATCH, ...RESTARTS_ALL });
  const containers = [steps('main', 'say worked exit 0'), steps('proxy', SIDECAR)];
  const spec = { volumes, initContainers: [setup] };
  await ns.create(pod('worker', containers, { annotations: sidecars('proxy'), spec }));
  await ns.waitForPhase('worker', 'Succeeded');
  const ended = await ns.pod('worker');
  assert.deepEqual(exitCodes(ended), { main: 0, proxy: 0 });
  assert.equal(statusOf(ended, 'curfew-install')?.restartCount, 1);
});
