/** The effect on pods when no replica of the webhook runs, and when it is back. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { exitCodes } from '../cluster.ts';
import { until } from '../kubectl.ts';
import { sidecars, steps } from '../manifests.ts';
import { endlessJob, INJECTED, restrictedNamespace, restrictedPod } from './confined.ts';
import { Release } from './release.ts';

let installed: Promise<Release> | undefined;
function release(): Promise<Release> {
  installed ??= Release.install();
  return installed;
}
after(() => Release.removeAll());

test('while the webhook is down: unlabelled and opted-out pods run, labelled ones are refused, and a Job waits for it', async (t) => {
  const curfew = await release();
  const [plain, shop] = [
    await restrictedNamespace(t, 'plain'),
    await restrictedNamespace(t, 'shop', INJECTED),
  ];
  await curfew.kubectl('scale', 'deployment/curfew', '--replicas=0');
  await until('no pod of the webhook', async () =>
    (await curfew.kubectl('get', 'pods', '-o', 'name')) === '' ? true : undefined,
  );

  const alone = [steps('main', 'say working exit 0')];
  await plain.create(restrictedPod('untouched', alone));
  await plain.waitForPhase('untouched', 'Succeeded');
  await shop.create(restrictedPod('opted-out', alone, { labels: { 'curfew.dev/inject': 'false' } }));
  await shop.waitForPhase('opted-out', 'Succeeded');

  const refused = await shop.tryCreate(
    restrictedPod('refused', [...alone, steps('proxy', 'tick exit 143')], { annotations: sidecars('proxy') }),
  );
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /failed calling webhook "pods\.curfew\.dev"/);
  await shop.create(endlessJob('waits'));
  const event = await until('an event of the Job', async () => {
    const selector = 'involvedObject.name=waits,reason=FailedCreate';
    const text = await shop.kubectl(
      ...['get', 'events', '--field-selector', selector, '-o', 'jsonpath={.items[0].message}'],
    );
    return text === '' ? undefined : text;
  });
  assert.match(event, /failed calling webhook "pods\.curfew\.dev"/);
  assert.deepEqual(await shop.podsOf('waits'), []);

  await curfew.kubectl('scale', 'deployment/curfew', '--replicas=2');
  await curfew.rolledOut();
  await shop.waitForJob('waits');
  assert.deepEqual(exitCodes(await shop.pod(await shop.podOf('waits'))), { main: 0, proxy: 0 });
});
