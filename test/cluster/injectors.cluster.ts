/**
 * Istio, Linkerd and Vault: Jobs into which their injectors put a sidecar after Curfew was called, as in a real cluster. The output is
 * the injectors' own (test/webhook/decision/injectors), and the images are stand-ins.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { InjectorOutput } from '../webhook/decision/injector-output.ts';
import { exitCodes, Namespace, type Pod, statusOf, when } from './cluster.ts';
import {
  assertAsOneRun,
  createJob,
  doing,
  onceOver,
  onlyPodOf,
  type Roles,
  runnable,
} from './injected-pods.ts';
import { beside } from './second-webhook.ts';
import { minorVersion } from './version.ts';

const MINOR = minorVersion();

interface Case {
  name: string;
  what: string;
  roles: Roles;
  annotations?: Record<string, string>;
  /** Exit codes at the end; the main's is not 0 where the Job must fail. */
  codes: Record<string, number>;
  /** The sidecars in start order. Each prints `ready` before the main's `working`, and gets TERM after its `done`. */
  sidecars: string[];
  /** A sidecar without a readiness condition: the main waits only until it runs. */
  unready?: true;
}

const SCHEMA = { schema: doing('say checked') };
const MAIN = 'say working sleep 1 say done exit';

const CASES: Case[] = [
  {
    name: 'istio',
    what: 'its defaults, under Never, with the probes of the main sent through its agent',
    roles: { ...SCHEMA, report: doing(`${MAIN} 0`) },
    codes: { report: 0, 'istio-proxy': 0 },
    sidecars: ['istio-proxy'],
  },
  {
    name: 'istio-hold',
    what: 'proxy first, held by its postStart hook; the main calls /quitquitquit and goes on',
    roles: { report: doing('say working quit 15020 sleep 2 reach 15020 say done exit 0') },
    codes: { 'istio-proxy': 0, report: 0 },
    sidecars: ['istio-proxy'],
  },
  {
    name: 'istio-cni',
    what: "a sidecar of the pod's own, whose startup probe is sent through its agent",
    roles: {
      ...SCHEMA,
      migrate: doing(`${MAIN} 0`),
      'cloud-sql-proxy': doing('say ready wait say closed exit 2'),
    },
    annotations: { 'curfew.dev/mains': 'migrate' },
    codes: { 'cloud-sql-proxy': 0, migrate: 0, 'istio-proxy': 0 },
    sidecars: ['istio-proxy', 'cloud-sql-proxy'],
  },
  {
    name: 'linkerd',
    what: 'its proxy last, under Never; the main fails with its own code',
    roles: { ...SCHEMA, report: doing(`${MAIN} 3`) },
    codes: { report: 3, 'linkerd-proxy': 0 },
    sidecars: ['linkerd-proxy'],
  },
  {
    name: 'linkerd-await',
    what: 'its proxy first, held by linkerd-await, with a preStop hook',
    roles: { report: doing(`${MAIN} 0`) },
    codes: { 'linkerd-proxy': 0, report: 0 },
    sidecars: ['linkerd-proxy'],
  },
  {
    name: 'linkerd-cni',
    what: 'its network validator, and its debug sidecar',
    roles: {
      report: doing(`${MAIN} 0`),
      'linkerd-debug': { image: 'localhost/busybox:1', command: ['sleep', '1000'] },
    },
    annotations: { 'curfew.dev/mains': 'report' },
    codes: { 'linkerd-proxy': 0, report: 0, 'linkerd-debug': 0 },
    sidecars: ['linkerd-proxy'],
  },
  {
    name: 'vault',
    what: 'its init container renders the secrets, its agent runs in a shell',
    roles: { ...SCHEMA, report: doing(`have /vault/secrets/database ${MAIN} 0`) },
    codes: { report: 0, 'vault-agent': 0 },
    sidecars: ['vault-agent'],
    unready: true,
  },
  {
    name: 'vault-init-first',
    what: 'its init container first, its configuration in a ConfigMap, under Never',
    roles: {
      schema: doing('have /vault/secrets/database say checked'),
      report: doing(`have /vault/secrets/database ${MAIN} 0`),
    },
    codes: { report: 0, 'vault-agent': 0 },
    sidecars: ['vault-agent'],
    unready: true,
  },
];

/** The objects that the pods mount. In a real cluster the products' controllers create them. */
async function makeConfigMaps(ns: Namespace): Promise<void> {
  await ns.kubectl('create', 'configmap', 'istio-ca-root-cert', '--from-literal=root-cert.pem=x');
  await ns.kubectl(
    ...['create', 'configmap', 'vault-agent', '--from-literal=config.hcl={"exit_after_auth":false}'],
    '--from-literal=config-init.hcl={"exit_after_auth":true}',
  );
}

async function assertRan(
  ns: Namespace,
  { codes, sidecars, unready }: Case,
  mechanism: 'shim' | 'native' = 'shim',
): Promise<Pod> {
  const failed = Object.values(codes).some((code) => code !== 0);
  await ns.waitForJob('work', failed ? 'failed' : 'complete');
  const ended = await onlyPodOf(ns);
  const pod = ended.metadata.name;
  assert.equal(ended.status.phase, failed ? 'Failed' : 'Succeeded');
  if (mechanism === 'shim') {
    assert.deepEqual(exitCodes(ended), codes);
    for (const name of Object.keys(codes)) assert.equal(statusOf(ended, name)?.restartCount, 0, name);
  } else {
    // A native sidecar's own code stands in its status, and the kubelet starts one again that was told to quit.
    const mains = Object.entries(codes).filter(
      ([name]) => !sidecars.includes(name) && name !== 'linkerd-debug',
    );
    for (const [name, code] of mains)
      assert.equal(statusOf(ended, name)?.state.terminated?.exitCode, code, name);
    for (const name of sidecars)
      assert.ok(
        ended.spec.initContainers.some((init) => init.name === name && init.restartPolicy === 'Always'),
        name,
      );
  }
  const [main = ''] = Object.keys(codes).filter((name) => name === 'report' || name === 'migrate');
  const work = await ns.lines(pod, main);
  const lines = await Promise.all(sidecars.map((name) => ns.lines(pod, name)));
  const order = [
    ...(unready ? [] : lines.map((said) => when(said, 'ready'))),
    when(work, 'working'),
    when(work, 'done'),
    ...lines.toReversed().map((said) => when(said, 'got TERM')),
  ];
  assert.deepEqual(
    order,
    order.toSorted((a, b) => a - b),
  );
  return ended;
}

describe('injectors', { concurrency: 4 }, () => {
  for (const one of CASES)
    test(`W3 W5 L1 L6 L7 ${one.name}: ${one.what}`, async (t) => {
      const output: InjectorOutput = runnable(one.name, one.roles, one.annotations);
      const { ns, calls } = await beside(t, one.name, { asked: 'after', mutate: output.inject });
      await makeConfigMaps(ns);
      await createJob(ns, output.before());
      const ended = await assertRan(ns, one);
      assert.equal(calls(), 1);
      // W5: the kubelet also expands variables in the words after the shim's own.
      if (one.name === 'istio')
        when(await ns.lines(ended.metadata.name, 'istio-proxy'), `proxy in ${ns.name}.svc.cluster.local`);
      assertAsOneRun(ended, await onceOver(ns, output.after()));
    });
});

/** Cases whose stand-ins cannot do natively what the programs do. */
const NOT_NATIVELY: Readonly<Record<string, string>> = {
  'istio-hold': 'its main asks the proxy that it told to quit before the kubelet has started that again',
  'istio-cni':
    'the stand-in for cloud-sql-proxy does not answer the startup probe, which Istio sends through its agent only for regular containers',
};

describe('injectors, natively', {
  skip: MINOR < 32 && 'native sidecars are sure from Kubernetes 1.32 on',
  concurrency: 4,
}, () => {
  for (const one of CASES)
    test(`N2 N3 N5 ${one.name}: ${one.what}`, { skip: NOT_NATIVELY[one.name] ?? false }, async (t) => {
      const output: InjectorOutput = runnable(one.name, one.roles, one.annotations);
      const { ns } = await beside(t, one.name, { asked: 'after', label: 'native', mutate: output.inject });
      await makeConfigMaps(ns);
      await createJob(ns, output.before());
      const ended = await assertRan(ns, one, 'native');
      assertAsOneRun(ended, await onceOver(ns, output.after()));
    });
});

test('L9 a proxy that was told to quit is started again, and ends with the work', async (t) => {
  const main = doing('say working quit 15020 sleep 2 reach 15020 quit 15020 say done exit 0');
  const output = runnable('istio-hold', { report: main });
  const ns = await Namespace.make(t, 'quit');
  await createJob(ns, output.after());
  await ns.waitForJob('work');
  const ended = await onlyPodOf(ns);
  assert.deepEqual(exitCodes(ended), { 'istio-proxy': 0, report: 0 });
  assert.equal(statusOf(ended, 'istio-proxy')?.restartCount, 0);
  assert.match(
    await ns.log(ended.metadata.name, 'istio-proxy'),
    /^curfew: ended with code 0 while the work goes on/m,
  );
});
