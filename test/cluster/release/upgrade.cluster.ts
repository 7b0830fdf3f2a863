/** From one release to the next and back, with pods of both at work. docs/upgrading.md says what is promised. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { z } from 'zod';
import { exitCodes, type Namespace } from '../cluster.ts';
import { endlessJob, INJECTED, restrictedNamespace, restrictedPod } from '../install/confined.ts';
import { mustKubectl } from '../kubectl.ts';
import { sidecars, steps } from '../manifests.ts';
import {
  currentImages,
  currentShim,
  PREVIOUS_SHIM,
  PREVIOUS_VERSION,
  rollback,
  uninstall,
  upgradeToCurrent,
  usePrevious,
  webhookImages,
} from './installation.ts';
import { serveRelease } from './registry.ts';

const PREVIOUS_WEBHOOK = `localhost/curfew:${PREVIOUS_VERSION}`;
const PREVIOUS_SHIM_IMAGE = `localhost/curfew-shim:${PREVIOUS_VERSION}`;
let stop = async () => {};
before(async () => {
  stop = await serveRelease();
  await usePrevious();
});
after(async () => {
  await uninstall();
  await stop();
});

/** A Job whose main works until it is told to end. @returns its pod */
async function startWorking(ns: Namespace, name: string): Promise<string> {
  const job = endlessJob(name, 'say working await /shared/go say done exit 0', {
    spec: { volumes: [{ name: 'shared', emptyDir: {} }] },
  });
  const [main] = job.spec?.template.spec?.containers ?? [];
  if (main !== undefined) main.volumeMounts = [{ name: 'shared', mountPath: '/shared' }];
  await ns.create(job);
  const pod = await ns.podOf(name);
  await ns.said(pod, 'main', 'working');
  return pod;
}

/** Let it end, and see that its sidecar ends with it. */
async function finish(ns: Namespace, name: string, pod: string): Promise<void> {
  await ns.kubectl('exec', pod, '-c', 'main', '--', '/steps', 'touch', '/shared/go');
  await ns.waitForJob(name);
  assert.deepEqual(exitCodes(await ns.pod(pod)), { main: 0, proxy: 0 });
}

/** Run a Job to its end. @returns the image of the shim in its pod */
async function runs(ns: Namespace, name: string): Promise<string | undefined> {
  await ns.create(endlessJob(name));
  await ns.waitForJob(name);
  const pod = await ns.pod(await ns.podOf(name));
  assert.deepEqual(exitCodes(pod), { main: 0, proxy: 0 });
  return pod.spec.initContainers[0]?.image;
}

const authorities = () =>
  mustKubectl([
    'get',
    'mutatingwebhookconfiguration',
    'curfew',
    '-o',
    'jsonpath={.webhooks[0].clientConfig.caBundle}',
  ]);

test('R5 install the release before, upgrade, roll back: pods of both are at work meanwhile, and each ends as it would have', async (t) => {
  const ns = await restrictedNamespace(t, 'shop', INJECTED);
  const [webhook, shim] = currentImages();
  assert.deepEqual(await webhookImages(), [PREVIOUS_WEBHOOK]);
  const trust = await authorities();
  const old = await startWorking(ns, 'before');
  assert.equal(await runs(ns, 'of-the-old'), PREVIOUS_SHIM_IMAGE);

  await upgradeToCurrent();
  assert.deepEqual(await webhookImages(), [webhook]);
  assert.equal(await runs(ns, 'of-the-new'), shim);
  const fresh = await startWorking(ns, 'between');
  assert.equal(await authorities(), trust);

  await rollback(1);
  assert.deepEqual(await webhookImages(), [PREVIOUS_WEBHOOK]);
  assert.equal(await runs(ns, 'of-the-old-again'), PREVIOUS_SHIM_IMAGE);
  assert.equal(await authorities(), trust);
  await finish(ns, 'before', old);
  await finish(ns, 'between', fresh);
});

test('R5 the webhook of one release wraps with the shim of the other, both ways', async (t) => {
  const ns = await restrictedNamespace(t, 'mixed', INJECTED);
  const [, shim] = currentImages();
  await upgradeToCurrent(...PREVIOUS_SHIM);
  assert.equal(await runs(ns, 'new-webhook-old-shim'), PREVIOUS_SHIM_IMAGE);
  await usePrevious(...currentShim());
  assert.equal(await runs(ns, 'old-webhook-new-shim'), shim);
});

const WRAPPED = z.object({
  metadata: z.object({ annotations: z.record(z.string(), z.string()) }),
  spec: z.looseObject({ initContainers: z.array(z.looseObject({ image: z.string() })) }),
});

test('R5 a pod that the release before has wrapped, made anew under this one, runs to its end', async (t) => {
  const ns = await restrictedNamespace(t, 'copied', INJECTED);
  await usePrevious();
  const containers = [steps('main', 'say working exit 0'), steps('proxy', 'say up tick exit 143')];
  const written = restrictedPod('first', containers, { annotations: sidecars('proxy') });
  const flags = ['create', '-f', '-', '--dry-run=server', '-o', 'json'];
  const answer = await mustKubectl(['-n', ns.name, ...flags], JSON.stringify(written));
  const { metadata, spec } = WRAPPED.parse(JSON.parse(answer));
  assert.equal(spec.initContainers[0]?.image, PREVIOUS_SHIM_IMAGE);
  await upgradeToCurrent();
  const { annotations } = metadata;
  await mustKubectl(
    ['-n', ns.name, 'create', '-f', '-'],
    JSON.stringify({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'second', annotations }, spec }),
  );
  await ns.waitForPhase('second', 'Succeeded');
  assert.deepEqual(exitCodes(await ns.pod('second')), { main: 0, proxy: 0 });
});
