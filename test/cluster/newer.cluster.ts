/** Pod fields of newer Kubernetes versions, where the cluster has them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { V1Container } from '@kubernetes/client-node';
import { exitCodes, Namespace, statusOf, when } from './cluster.ts';
import { mustKubectl } from './kubectl.ts';
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

const POD_RESOURCES = { requests: { cpu: '40m', memory: '40Mi' }, limits: { cpu: '50m', memory: '48Mi' } };

for (const [title, own] of [
  ['that its containers do not have', {}],
  // Each is within the pod's, their sum is not.
  [
    'that are less than its containers’ together',
    { limits: { cpu: '40m', memory: '40Mi' }, requests: { cpu: '10m', memory: '8Mi' } },
  ],
] as const)
  test(`W4 a pod with resources of its own ${title}, in a namespace with a quota`, {
    skip: since(34),
  }, async (t) => {
    const ns = await Namespace.make(t, 'pod-resources');
    const hard = {
      'requests.cpu': '1',
      'requests.memory': '1Gi',
      'limits.cpu': '1',
      'limits.memory': '1Gi',
    };
    const quota = { apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name: 'all' } };
    await ns.create({ ...quota, ...{ spec: { hard } } });
    const containers = [
      steps('main', 'say worked exit 0', { resources: structuredClone(own) }),
      steps('proxy', SIDECAR, { resources: structuredClone(own) }),
    ];
    const spec = { resources: POD_RESOURCES };
    await ns.create(pod('worker', containers, { annotations: sidecars('proxy'), spec }));
    await ns.waitForPhase('worker', 'Succeeded');
    assert.deepEqual(exitCodes(await ns.pod('worker')), { main: 0, proxy: 0 });
  });

test('P5 L6 a pod with users of its own (hostUsers: false)', { skip: since(33) }, async (t) => {
  if (!(await hasUserNamespaces())) {
    t.skip('the container runtime has no user namespaces');
    return;
  }
  const ns = await Namespace.make(t, 'host-users');
  const containers = [
    steps('main', 'id once /scratch/failed 3 say worked exit 0', {
      ...SCRATCH,
      securityContext: { runAsUser: 1000 },
    }),
    steps('proxy', SIDECAR, { securityContext: { runAsUser: 0 } }),
  ];
  const spec = { hostUsers: false, restartPolicy: 'OnFailure', volumes };
  await ns.create(pod('worker', containers, { annotations: sidecars('proxy'), spec }));
  await ns.waitForPhase('worker', 'Succeeded');
  assert.deepEqual(exitCodes(await ns.pod('worker')), { main: 0, proxy: 0 });
  assert.deepEqual(
    (await ns.lines('worker', 'proxy')).map(({ text }) => text),
    ['up', 'got TERM'],
  );
});

/** Whether the kubelet has heard from its container runtime that it can. */
async function hasUserNamespaces(): Promise<boolean> {
  const path = '{.items[0].status.runtimeHandlers[*].features.userNamespaces}';
  return (await mustKubectl(['get', 'nodes', '-o', `jsonpath=${path}`])).includes('true');
}

function rules(action: string) {
  return [{ action, exitCodes: { operator: 'In', values: [42] } }];
}
