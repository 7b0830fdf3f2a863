/** The rights that `curfew check` asks for where namespaces have settings of their own. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkRights, rightsNeeded } from '../../../webhook/cluster/check-install.ts';
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
