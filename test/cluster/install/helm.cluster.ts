/** From `helm install` to `helm uninstall`, with the default values. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { exitCodes } from '../cluster.ts';
import { mustKubectl, until } from '../kubectl.ts';
import { pod } from '../manifests.ts';
import { minorVersion } from '../version.ts';
import { endlessJob, INJECTED, restrictedNamespace } from './confined.ts';
import { inventory, untilGone } from './inventory.ts';
import { Release } from './release.ts';

const MINOR = minorVersion();

let before = new Set<string>();
let installed: Promise<Release> | undefined;
function release(): Promise<Release> {
  installed ??= (async () => {
    const curfew = await Release.prepare();
    before = await inventory();
    await curfew.install();
    return curfew;
  })();
  return installed;
}
after(() => Release.removeAll());

test('helm install, a labelled namespace: a Job with a sidecar that never ends completes', async (t) => {
  await release();
  const ns = await restrictedNamespace(t, 'shop');
  await ns.create(endlessJob('hangs'));
  const hanging = await ns.podOf('hangs');
  assert.equal((await ns.exit(hanging, 'main')).state.terminated?.exitCode, 0);
  await mustKubectl(['label', 'namespace', ns.name, 'curfew.dev/injection=enabled']);
  await ns.create(endlessJob('completes'));
  await ns.waitForJob('completes');
  assert.deepEqual(exitCodes(await ns.pod(await ns.podOf('completes'))), { main: 0, proxy: 0 });
  assert.equal((await ns.pod(hanging)).status.phase, 'Running');
});

test('helm test passes', async () => {
  const said = await (await release()).helm('test', 'curfew', '--timeout=120s');
  assert.match(said, /Phase: +Succeeded/);
});

test("W4 a namespace with a ResourceQuota of the pod's own sum admits the injected pod", async (t) => {
  await release();
  const ns = await restrictedNamespace(t, 'quota', INJECTED);
  const hard = {
    pods: '1',
    'requests.cpu': '20m',
    'requests.memory': '40Mi',
    'limits.cpu': '400m',
    'limits.memory': '80Mi',
  };
  const quota = { apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name: 'sum' } };
  await ns.create({ ...quota, ...{ spec: { hard } } });
  const resources = { requests: { cpu: '10m', memory: '20Mi' }, limits: { cpu: '200m', memory: '40Mi' } };
  const job = endlessJob('migrate');
  for (const container of job.spec?.template.spec?.containers ?? []) container.resources = resources;
  await ns.create(job);
  await ns.waitForJob('migrate');
});

test('W4 the init container itself sets every field that the level "restricted" requires', async (t) => {
  await release();
  const ns = await restrictedNamespace(t, 'strict', INJECTED);
  await ns.create(endlessJob('migrate'));
  const pod = await ns.podOf('migrate');
  const path = 'jsonpath={.spec.initContainers[0].securityContext}';
  const { capabilities, allowPrivilegeEscalation, runAsNonRoot, seccompProfile } = JSON.parse(
    await ns.kubectl('get', 'pod', pod, '-o', path),
  );
  assert.deepEqual(
    { capabilities, allowPrivilegeEscalation, runAsNonRoot, seccompProfile },
    {
      capabilities: { drop: ['ALL'] },
      allowPrivilegeEscalation: false,
      runAsNonRoot: true,
      seccompProfile: { type: 'RuntimeDefault' },
    },
  );
  await ns.waitForJob('migrate');
});

test('upgrade with the same values, upgrade with another, rollback: the trust in the webhook stays', async (t) => {
  const curfew = await release();
  const ns = await restrictedNamespace(t, 'shop', INJECTED);
  const authorities = await curfew.authorities();
  assert.match(authorities, /BEGIN CERTIFICATE/);
  const pods = (await curfew.replicas()).map(({ name }) => name).sort();
  for (const [change, step] of Object.entries({
    none: () => curfew.upgrade(),
    level: () => curfew.upgrade('--set', 'config.log.level=debug'),
    back: () => curfew.helm('rollback', curfew.name, '1', '--wait', '--timeout=120s'),
  })) {
    await step();
    assert.equal(await curfew.authorities(), authorities, change);
    await ns.create(endlessJob(change));
    await ns.waitForJob(change);
    const now = (await curfew.replicas()).map(({ name }) => name).sort();
    // A Deployment that has not changed is not restarted.
    if (change === 'none') assert.deepEqual(now, pods);
  }
});

test('N6 a pod whose native sidecar has lost its restartPolicy is refused, with the likely cause', {
  skip: MINOR < 30 && `Kubernetes 1.${MINOR} has no ValidatingAdmissionPolicy; 1.30 has`,
}, async (t) => {
  await release();
  const ns = await restrictedNamespace(t, 'stripped');
  const [main, proxy] = endlessJob('x').spec?.template.spec?.containers ?? [];
  assert.ok(main !== undefined && proxy !== undefined);
  const status =
    '{"version":"1","mode":"native","containers":{"main":{"role":"main"},"proxy":{"role":"sidecar"}}}';
  const native = (name: string, restartPolicy?: string) =>
    pod(name, [main], {
      annotations: { 'curfew.dev/status': status },
      spec: {
        ...endlessJob('x').spec?.template.spec,
        containers: [main],
        initContainers: [{ ...proxy, ...(restartPolicy === undefined ? {} : { restartPolicy }) }],
      },
    });
  const refused = await until('the policy is in force', async () => {
    const result = await ns.tryCreate(native('stripped'), '--dry-run=server');
    return result.code === 0 ? undefined : result;
  });
  assert.match(
    refused.stderr,
    /init container proxy has lost its restartPolicy: Always.*client is older than 1\.28/,
  );
  await ns.create(native('whole', 'Always'));
  await ns.waitForPhase('whole', 'Succeeded');
});

test('N8 helm uninstall leaves nothing behind, and running pods of both mechanisms go on to their end', async (t) => {
  const curfew = await release();
  const ns = await restrictedNamespace(t, 'shop', INJECTED);
  const volumes = [{ name: 'shared', emptyDir: {} }];
  const job = endlessJob('outlives', 'say working await /shared/go say done exit 0', {
    spec: { volumes },
  });
  const [main] = job.spec?.template.spec?.containers ?? [];
  if (main !== undefined) main.volumeMounts = [{ name: 'shared', mountPath: '/shared' }];
  const native = structuredClone(job);
  native.metadata = { name: 'native' };
  Object.assign(native.spec?.template.metadata?.annotations ?? {}, { 'curfew.dev/mode': 'auto' });
  await ns.create(job, native);
  const pods = [await ns.podOf('outlives'), await ns.podOf('native')];
  for (const name of pods) await ns.said(name, 'main', 'working');
  const status = (await ns.pod(pods[1] ?? '')).metadata.annotations['curfew.dev/status'] ?? '';
  assert.equal(status.includes('"mode":"native"'), MINOR >= 32);
  const isOurs = (object: string) =>
    object.includes(` ${curfew.namespace}/`) || (/curfew/i.test(object) && !object.includes(` ${ns.name}/`));
  assert.notDeepEqual([...(await inventory())].filter(isOurs), []);
  await curfew.uninstall();
  await untilGone(before, isOurs);
  // The main's own program creates the file, because its image has no other.
  for (const name of pods)
    await ns.kubectl('exec', name, '-c', 'main', '--', '/steps', 'touch', '/shared/go');
  for (const name of ['outlives', 'native']) await ns.waitForJob(name);
  assert.deepEqual(exitCodes(await ns.pod(pods[0] ?? '')), { main: 0, proxy: 0 });
});
