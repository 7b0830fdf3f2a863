/** `kubectl apply -f charts/curfew.yaml`: a whole installation without Helm. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { exitCodes } from '../cluster.ts';
import { endlessJob, INJECTED, restrictedNamespace } from './confined.ts';
import { inventory, untilGone } from './inventory.ts';
import { AppliedManifest } from './release.ts';

let before = new Set<string>();
let applied: Promise<AppliedManifest> | undefined;
function installation(): Promise<AppliedManifest> {
  applied ??= (async () => {
    before = await inventory();
    return AppliedManifest.fromFile();
  })();
  return applied;
}
after(() => AppliedManifest.removeAll());

test('kubectl apply -f charts/curfew.yaml: a Job with a sidecar that never ends completes', async (t) => {
  await installation();
  const ns = await restrictedNamespace(t, 'shop', INJECTED);
  await ns.create(endlessJob('migrate'));
  await ns.waitForJob('migrate');
  assert.deepEqual(exitCodes(await ns.pod(await ns.podOf('migrate'))), { main: 0, proxy: 0 });
});

test('applied again, it does not change the caBundle, and does not restart the pods', async (t) => {
  const curfew = await installation();
  const authorities = await curfew.authorities();
  assert.match(authorities, /BEGIN CERTIFICATE/);
  const pods = (await curfew.replicas()).map(({ name }) => name).sort();
  await curfew.applyAgain();
  await curfew.rolledOut();
  assert.equal(await curfew.authorities(), authorities);
  assert.deepEqual((await curfew.replicas()).map(({ name }) => name).sort(), pods);
  const ns = await restrictedNamespace(t, 'shop', INJECTED);
  await ns.create(endlessJob('migrate'));
  await ns.waitForJob('migrate');
});

test('kubectl delete -f charts/curfew.yaml leaves nothing behind', async () => {
  const curfew = await installation();
  const isOurs = (object: string) => /curfew/i.test(object);
  assert.ok([...(await inventory())].filter((object) => !before.has(object)).some(isOurs));
  await curfew.deleteAll();
  await untilGone(before, isOurs);
});
