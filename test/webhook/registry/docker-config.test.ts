/** `~/.docker/config.json`, and its credential helpers. */
import assert from 'node:assert/strict';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { ImageServiceOptions } from '../../../webhook/images/service.ts';
import { DockerConfigFile } from '../../../webhook/registry/docker-config.ts';
import { deadlineIn } from '../../../webhook/registry/transport.ts';
import { configOf, imageLookup, secretsOf } from '../images/image-lookup.ts';
import { storedImage } from './content.ts';
import { fakeRegistry } from './fake-registry.ts';

/** A folder on the PATH with these credential helpers, which are shell scripts. */
async function helpers(t: TestContext, scripts: Record<string, string>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'curfew-'));
  const path = process.env.PATH;
  process.env.PATH = `${folder}:${path}`;
  t.after(async () => {
    process.env.PATH = path;
    await rm(folder, { recursive: true });
  });
  for (const [name, script] of Object.entries(scripts)) {
    const file = join(folder, `docker-credential-${name}`);
    await writeFile(file, `#!/bin/sh\n${script}\n`);
    await chmod(file, 0o755);
  }
  return folder;
}

async function ask(folder: string, config: unknown, registry: string, ms = 10_000) {
  const file = join(folder, 'config.json');
  await writeFile(file, typeof config === 'string' ? config : JSON.stringify(config));
  const found = await new DockerConfigFile(file).credentials(
    { registry, repository: 'team/app' },
    deadlineIn(ms),
  );
  return found.map(({ auth }) => auth);
}

const auth = (pair: string) => ({ auth: Buffer.from(pair).toString('base64') });
const basic = (username: string, password: string) => ({ kind: 'basic', username, password });
const ECHO = 'read server; printf \'{"Username":"me","Secret":"for %s"}\' "$server"';

test('credHelpers by host, credsStore for the other hosts, and auths as the next to try', async (t) => {
  const folder = await helpers(t, {
    one: ECHO,
    all: 'read s; printf \'{"Username":"<token>","Secret":"t"}\'',
  });
  const config = {
    auths: { 'a.example': auth('u:p'), 'b.example': auth('u:p') },
    credHelpers: { 'a.example': 'one', 'docker.io': 'one' },
  };
  assert.deepEqual(await ask(folder, config, 'a.example'), [basic('me', 'for a.example'), basic('u', 'p')]);
  assert.deepEqual(await ask(folder, config, 'b.example'), [basic('u', 'p')]);
  assert.deepEqual(await ask(folder, config, 'docker.io'), [basic('me', 'for https://index.docker.io/v1/')]);
  assert.deepEqual(await ask(folder, { ...config, credsStore: 'all' }, 'b.example'), [
    { kind: 'identity', token: 't' },
    basic('u', 'p'),
  ]);
});

test('a helper without a credential for the registry', async (t) => {
  const folder = await helpers(t, { none: 'echo "credentials not found in native keychain"; exit 1' });
  assert.deepEqual(await ask(folder, { credsStore: 'none' }, 'a.example'), []);
});

const FAILURES: [what: string, script: string, message: RegExp][] = [
  ['fails', 'echo p4ss; echo p4ss >&2; exit 3', /docker-credential-x failed \(exit code 3\)/],
  ['writes no JSON', 'echo p4ss', /wrote no credential/],
  [
    'floods',
    'while :; do echo aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa; done',
    /more than 65536 bytes/,
  ],
  ['does not read', 'exec <&-; exit 4', /exit code 4/],
];

for (const [what, script, message] of FAILURES)
  test(`a helper that ${what}`, async (t) => {
    const folder = await helpers(t, { x: script });
    await assert.rejects(ask(folder, { credsStore: 'x' }, 'a.example'), (error: Error) => {
      assert.match(error.message, message);
      assert.doesNotMatch(error.message, /p4ss/);
      return true;
    });
  });

test('a helper that hangs is killed at the deadline; one that is missing, and a name that is a path', async (t) => {
  const folder = await helpers(t, { x: 'exec sleep 1000' });
  await assert.rejects(ask(folder, { credsStore: 'x' }, 'a.example', 100), /did not answer in time/);
  await assert.rejects(ask(folder, { credsStore: 'missing' }, 'a.example'), /not on the PATH/);
  assert.deepEqual(await ask(folder, { credsStore: '../../bin/sh' }, 'a.example'), []);
});

test('a file that is missing, or is not JSON', async (t) => {
  const folder = await helpers(t, {});
  const target = { registry: 'a.example', repository: 'x' };
  assert.deepEqual(
    await new DockerConfigFile(join(folder, 'gone'), true).credentials(target, deadlineIn(1_000)),
    [],
  );
  await assert.rejects(
    new DockerConfigFile(join(folder, 'gone')).credentials(target, deadlineIn(1_000)),
    /cannot be read/,
  );
  await assert.rejects(ask(folder, 'p4ss', 'a.example'), /not a JSON object/);
});

test('a pod’s pull secret never runs a helper', async (t) => {
  const folder = await helpers(t, { evil: 'touch "$0.ran"; echo "{}"' });
  const config = { credsStore: 'evil', credHelpers: { 'a.example': 'evil' }, auths: {} };
  const data = { '.dockerconfigjson': Buffer.from(JSON.stringify(config)).toString('base64') };
  const secrets = secretsOf({ shop: [{ name: 's', type: 'kubernetes.io/dockerconfigjson', data }] });
  const registry = await fakeRegistry(t, { 'team/app:1': storedImage({ cmd: ['x'] }) });
  const options: ImageServiceOptions = { secrets };
  const lookup = imageLookup({ registries: [{ host: registry.host, plainHttp: true }] }, options);
  t.after(() => lookup.close());
  configOf(await lookup.ask(`${registry.host}/team/app:1`, { secrets: ['s'] }));
  assert.deepEqual(secrets.reads, ['shop/s']);
  const { existsSync } = await import('node:fs');
  assert.ok(!existsSync(join(folder, 'docker-credential-evil.ran')));
});

test('the configured docker configuration is used after the pull secrets, and before the anonymous credential', async (t) => {
  const folder = await helpers(t, {});
  const registry = await fakeRegistry(
    t,
    { 'team/app:1': storedImage({ cmd: ['x'] }) },
    (request, response) => {
      if (request.headers.authorization === `Basic ${auth('u:p').auth}`) return false;
      response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end();
      return true;
    },
  );
  const file = join(folder, 'config.json');
  await writeFile(file, JSON.stringify({ auths: { [registry.host]: auth('u:p') } }));
  const lookup = imageLookup({ registries: [{ host: registry.host, plainHttp: true }], dockerConfig: file });
  t.after(() => lookup.close());
  configOf(await lookup.ask(`${registry.host}/team/app:1`));
});
