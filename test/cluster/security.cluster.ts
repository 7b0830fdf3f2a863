/** Empty images, and users without any right. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exitCodes, Namespace } from './cluster.ts';
import { job, pod, sidecars, steps } from './manifests.ts';

function confined(user: number) {
  return {
    securityContext: {
      runAsNonRoot: true,
      runAsUser: user,
      runAsGroup: user,
      readOnlyRootFilesystem: true,
      allowPrivilegeEscalation: false,
      capabilities: { drop: ['ALL'] },
    },
  };
}

test('P1 P5 a scratch image, users without a name, a read-only root, no capability', async (t) => {
  const ns = await Namespace.make(t, 'scratch');
  const containers = [
    steps('main', 'id refused /written exit 0', confined(12_345)),
    steps('proxy', 'id tick exit 2', confined(54_321)),
  ];
  await ns.create(job('migrate', containers, { annotations: sidecars('proxy') }));
  const name = await ns.podOf('migrate');
  await ns.waitForPhase(name, 'Succeeded');
  assert.deepEqual(exitCodes(await ns.pod(name)), { main: 0, proxy: 0 });
  const main = (await ns.lines(name, 'main')).map((line) => line.text);
  assert.deepEqual(main, ['user 12345 group 12345', 'Read-only file system']);
  assert.equal((await ns.lines(name, 'proxy'))[0]?.text, 'user 54321 group 54321');
});

test("W4 a ResourceQuota of just the pod's own sum admits the wrapped pod", async (t) => {
  const ns = await Namespace.make(t, 'quota');
  const hard = {
    'requests.cpu': '20m',
    'requests.memory': '40Mi',
    'limits.cpu': '400m',
    'limits.memory': '80Mi',
  };
  const quota = { apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name: 'sum' } };
  await ns.create({ ...quota, ...{ spec: { hard } } });
  const resources = { requests: { cpu: '10m', memory: '20Mi' }, limits: { cpu: '200m', memory: '40Mi' } };
  const containers = [
    steps('main', 'say working exit 0', { resources }),
    steps('proxy', 'tick exit 143', { resources }),
  ];
  await ns.create(pod('worker', containers, { annotations: sidecars('proxy') }));
  await ns.waitForPhase('worker', 'Succeeded');
});

test('P2 a command that is not there: 127, and the sidecar ends', async (t) => {
  const ns = await Namespace.make(t, 'not-found');
  const containers = [
    steps('main', '', { command: ['no-such-program', '--flag'] }),
    steps('proxy', 'tick exit 143'),
  ];
  await ns.create(job('migrate', containers, { annotations: sidecars('proxy') }));
  const name = await ns.podOf('migrate');
  await ns.waitForPhase(name, 'Failed');
  assert.deepEqual(exitCodes(await ns.pod(name)), { main: 127, proxy: 0 });
  assert.match(await ns.log(name, 'main'), /^curfew: .*no-such-program/);
});

test('P4 P7 a pod whose containers share one process namespace', async (t) => {
  const ns = await Namespace.make(t, 'shared-pids');
  const containers = [steps('main', 'say working exit 0'), steps('proxy', 'tick exit 143')];
  const spec = { shareProcessNamespace: true };
  await ns.create(job('migrate', containers, { annotations: sidecars('proxy'), spec }));
  const name = await ns.podOf('migrate');
  await ns.waitForPhase(name, 'Succeeded');
  assert.deepEqual(exitCodes(await ns.pod(name)), { main: 0, proxy: 0 });
});
