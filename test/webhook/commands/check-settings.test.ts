/** What `curfew check` says where namespaces have settings of their own, and the rights that it asks for. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkRights, rightsNeeded } from '../../../webhook/cluster/check-install.ts';
import type { FakeCluster } from './fake-cluster.ts';
import { configMap, start } from './fake-installation.ts';
import { curfew } from './test-terminal.ts';

const NEEDS = { selfManaged: undefined, events: false, pullSecrets: false };

test('S3 V5 the settings of namespaces need list and watch of one name, in all namespaces', () => {
  assert.deepEqual(rightsNeeded({ ...NEEDS, settings: undefined }, 'own', 'shop'), []);
  const rights = rightsNeeded({ ...NEEDS, settings: 'curfew-settings' }, 'own', 'shop');
  const right = { group: '', resource: 'configmaps', name: 'curfew-settings' };
  assert.deepEqual(rights, [
    { verb: 'list', ...right },
    { verb: 'watch', ...right },
  ]);
  assert.equal(checkRights('a', 2, rights).level, 'fail');
});

test('S3 V5 a webhook that may not read the settings which its configuration wants is told', async (t) => {
  const cluster = await start(t);
  cluster.put(configMap('namespaceSettings: {enabled: true}'));
  const check = () => curfew(['check', '--kubeconfig', cluster.kubeconfig, '--no-lookup']);
  assert.equal((await check()).code, 0);
  cluster.denied = /^configmaps$/;
  const { code, out } = await check();
  assert.equal(code, 1);
  assert.match(out, /may not list configmaps\/curfew-settings and watch configmaps\/curfew-settings/);
});

const ON = 'namespaceSettings: {enabled: true}';
const settings = (namespace: string, text: string) => ({
  ...{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'curfew-settings', namespace } },
  data: { 'settings.yaml': text },
});
const lines = async (cluster: FakeCluster) => {
  const { code, out } = await curfew(['check', '--kubeconfig', cluster.kubeconfig, '--no-lookup']);
  return {
    code,
    lines: out.split('\n').filter((line) => /settings: |-> .*(?:mend|namespaceSettings)/.test(line)),
  };
};

test('S3 V5 settings that are wrong fail, with the key and the way out', async (t) => {
  const cluster = await start(t);
  cluster.put(configMap(ON));
  assert.deepEqual(await lines(cluster), { code: 0, lines: ['ok    settings: no namespace has its own'] });
  cluster.put(settings('shop', 'startTimeout: 5m'));
  assert.deepEqual(await lines(cluster), { code: 0, lines: ['ok    settings: shop has its own'] });
  cluster.put(settings('bank', 'startTimeout: soon'));
  const { code, lines: said } = await lines(cluster);
  assert.equal(code, 1);
  assert.match(
    said[0] ?? '',
    /^FAIL {2}settings: ConfigMap curfew-settings of namespace bank: settings\.yaml: startTimeout is "soon"/,
  );
  assert.match(said[1] ?? '', /-> mend it or delete it: pods of that namespace are refused$/);
});

test('S3 V5 settings that nobody reads are told, and where there are none nothing is', async (t) => {
  const cluster = await start(t);
  assert.deepEqual(await lines(cluster), { code: 0, lines: [] });
  cluster.put(settings('shop', 'startTimeout: soon'));
  const { code, lines: said } = await lines(cluster);
  assert.equal(code, 0);
  assert.match(said[0] ?? '', /^warn {2}settings: nobody reads the ConfigMap curfew-settings of shop$/);
  assert.match(said[1] ?? '', /config\.namespaceSettings\.enabled: true, or delete it/);
});

test('S3 V5 who may not list ConfigMaps is told so only where they count', async (t) => {
  const cluster = await start(t);
  cluster.faults.set('/api/v1/configmaps', 403);
  assert.deepEqual(await lines(cluster), { code: 0, lines: [] });
  cluster.put(configMap(ON));
  assert.match((await lines(cluster)).lines[0] ?? '', /^\? {5}settings: cannot list configmaps/);
});
