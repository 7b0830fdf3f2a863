import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { personalConfig } from '../../../webhook/kubernetes/kubeconfig.ts';
import { readCluster } from '../../../webhook/kubernetes/reader.ts';
import type { JsonRecord } from '../../../webhook/shared/json.ts';
import { aNamespace } from '../cluster/cluster-objects.ts';
import { kubeconfigOf, startCluster } from '../commands/fake-cluster.ts';

async function folderOf(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'curfew-'));
  t.after(() => rm(folder, { recursive: true }));
  return folder;
}

async function write(folder: string, name: string, config: JsonRecord): Promise<string> {
  const file = join(folder, name);
  await writeFile(file, JSON.stringify(config));
  return file;
}

/** One cluster, user and context of the same name. */
const simple = (name: string, server = `https://${name}.example`, more: JsonRecord = {}): JsonRecord => ({
  clusters: [{ name, cluster: { server, ...more } }],
  users: [{ name, user: { token: name } }],
  contexts: [{ name, context: { cluster: name, user: name, namespace: `ns-of-${name}` } }],
});

test('S4 --kubeconfig, KUBECONFIG with several files, the usual file, and the context', async (t) => {
  const folder = await folderOf(t);
  const one = await write(folder, 'one', { ...simple('one'), 'current-context': 'one' });
  const two = await write(folder, 'two', { ...simple('two'), 'current-context': 'two' });
  const again = await write(folder, 'again', simple('one', 'https://again.example'));
  const serverOf = (...args: Parameters<typeof personalConfig>) => {
    const { config, namespace } = personalConfig(...args);
    return [config.getCurrentCluster()?.server, namespace];
  };
  const KUBECONFIG = `${join(folder, 'none')}:${one}:${two}:${again}`;
  assert.deepEqual(serverOf({}, { KUBECONFIG }), ['https://one.example', 'ns-of-one']);
  assert.deepEqual(serverOf({ context: 'two' }, { KUBECONFIG }), ['https://two.example', 'ns-of-two']);
  assert.deepEqual(serverOf({ kubeconfig: two }, { KUBECONFIG }), ['https://two.example', 'ns-of-two']);
  await mkdir(join(folder, '.kube'));
  await write(join(folder, '.kube'), 'config', { ...simple('home'), 'current-context': 'home' });
  assert.deepEqual(serverOf({}, { HOME: folder }), ['https://home.example', 'ns-of-home']);
});

test('S4 a kubeconfig that cannot be used: what is wrong, and nothing of its content', async (t) => {
  const folder = await folderOf(t);
  const secret = 'the-secret-token';
  const file = async (text: string) => {
    const path = join(folder, 'config');
    await writeFile(path, text);
    return path;
  };
  const WRONG: [string, RegExp][] = [
    [`token: ${secret}\n\t}`, /cannot be read as a kubeconfig/],
    [secret, /no current context/],
    [JSON.stringify(simple('a')), /no current context: choose one with --context/],
    [
      JSON.stringify({ ...simple('a', 'https://a', { 'proxy-url': 'http://p' }), 'current-context': 'a' }),
      /proxy-url is not supported/,
    ],
    [JSON.stringify({ ...simple('a', 'http://a'), 'current-context': 'a' }), /server is no https URL/],
  ];
  for (const [text, message] of WRONG) {
    const kubeconfig = await file(text);
    assert.throws(
      () => readCluster({ kubeconfig }, {}),
      (error: Error) => message.test(error.message) && !error.message.includes(secret),
      text,
    );
  }
  assert.throws(() => readCluster({ kubeconfig: join(folder, 'none') }, {}), /cannot be read \(ENOENT\)/);
  assert.throws(
    () => readCluster({}, { HOME: folder }),
    /there is no .*config; name a kubeconfig with --kubeconfig/,
  );
});

test('S4 a credential plugin gets what kubectl gives it, and is asked once', async (t) => {
  const cluster = await startCluster(t);
  cluster.put(aNamespace('shop'));
  const folder = await folderOf(t);
  const plugin = join(folder, 'plugin');
  await writeFile(
    plugin,
    `#!/bin/sh\nprintf '%s %s %s\\n' "$1" "$OWN" "$KUBERNETES_EXEC_INFO" >>${folder}/asked\n` +
      `echo '{"kind":"ExecCredential","status":{"token":"the-token-of-the-test"}}'\n`,
  );
  await chmod(plugin, 0o755);
  const own: JsonRecord = JSON.parse(await readFile(cluster.kubeconfig, 'utf8'));
  const exec = {
    ...{ apiVersion: 'client.authentication.k8s.io/v1', command: plugin, args: ['login'] },
    env: [{ name: 'OWN', value: 'yes' }],
  };
  const kubeconfig = await write(folder, 'config', { ...own, users: [{ name: 'u', user: { exec } }] });
  const reader = readCluster({ kubeconfig }, {});
  for (let i = 0; i < 3; i++) assert.ok(await reader.get('/api/v1/namespaces/shop', 'get it'));
  assert.equal(
    await readFile(join(folder, 'asked'), 'utf8'),
    'login yes {"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","spec":{"interactive":false}}\n',
  );
});

test('S4 a credential plugin that fails says so by name, and nothing that it printed as a credential', async (t) => {
  const folder = await folderOf(t);
  const asked = async (script: string, more: JsonRecord = {}) => {
    const command = script === '' ? join(folder, 'absent') : join(folder, 'plugin');
    await writeFile(join(folder, 'plugin'), `#!/bin/sh\n${script}\n`);
    await chmod(join(folder, 'plugin'), 0o755);
    const kubeconfig = await write(
      folder,
      'config',
      kubeconfigOf('https://localhost:1', 'x', { exec: { command, ...more } }),
    );
    return readCluster({ kubeconfig }, {})
      .get('/', 'get it')
      .then(
        () => '',
        (error: Error) => error.message,
      );
  };
  assert.match(
    await asked('', { installHint: 'install the plugin' }),
    /credential plugin ".*absent" is not found: install the plugin/,
  );
  assert.match(await asked('echo log in first >&2; exit 3'), /plugin ".*plugin" failed: log in first/);
  assert.match(await asked('exit 3'), /failed, or was killed after 60 s/);
  for (const secret of ['echo the-secret {', "echo '{}'", 'echo \'["the-secret"]\'']) {
    const message = await asked(secret);
    assert.match(message, /printed no ExecCredential/);
    assert.doesNotMatch(message, /the-secret/);
  }
});
