/** Images in `curfew inject` and `curfew explain`, with the user's own docker credentials. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { curfew } from '../commands/test-terminal.ts';
import { storedImage, storedIndex } from '../registry/content.ts';
import { fakeRegistry } from '../registry/fake-registry.ts';
import { dockerAuths } from './image-lookup.ts';

async function setting(t: TestContext) {
  const folder = await mkdtemp(join(tmpdir(), 'curfew-'));
  const before = process.env.DOCKER_CONFIG;
  process.env.DOCKER_CONFIG = folder;
  t.after(async () => {
    if (before === undefined) delete process.env.DOCKER_CONFIG;
    else process.env.DOCKER_CONFIG = before;
    await rm(folder, { recursive: true });
  });
  const registry = await fakeRegistry(
    t,
    { 'team/app:1': storedImage({ entrypoint: ['/app'] }) },
    (request, response) => {
      if (request.headers.authorization === `Basic ${Buffer.from('me:hunter2').toString('base64')}`)
        return false;
      response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end();
      return true;
    },
  );
  const config = join(folder, 'curfew.yaml');
  await writeFile(config, `images: { registries: [{ host: "${registry.host}", plainHttp: true }] }\n`);
  const login = (pair: string) =>
    writeFile(join(folder, 'config.json'), dockerAuths({ [registry.host]: pair }));
  const job = `apiVersion: v1
kind: Pod
metadata: { name: migrate, annotations: { curfew.dev/sidecars: proxy } }
spec:
  restartPolicy: Never
  containers:
  - { name: app, image: "${registry.host}/team/app:1", args: [up] }
  - { name: proxy, image: b, command: [/proxy] }
`;
  return {
    registry,
    login,
    job,
    run: (...args: string[]) => curfew([...args, '-f', '-', '--config', config], job),
  };
}

test('W5 inject and explain look up the command of an image', async (t) => {
  const { login, run } = await setting(t);
  await login('me:hunter2');
  const injected = await run('inject');
  assert.equal(injected.code, 0);
  assert.equal(
    injected.err,
    '(standard input): document 1, Pod/migrate: Wrapped; mains: app; sidecars in start order: proxy.\n',
  );
  assert.match(injected.out, /args: \[\s*"?\/app"?, "?up"?\s*\]|args:\s+- \/app\s+- up/);
  const explained = await run('explain');
  assert.equal(explained.code, 0);
  assert.match(explained.out, /runs {3}\["\/app","up"\]/);
});

test('W6, W9 credentials that are refused: the pod is refused, and they are not shown', async (t) => {
  const { login, run } = await setting(t);
  await login('me:wr0ng');
  const { code, out, err } = await run('inject');
  assert.deepEqual([code, out], [1, '']);
  assert.match(err, /refused: Container app sets no command.*refused .*config\.json, anonymous/);
  assert.doesNotMatch(err, /wr0ng/);
});

test('W6 where no credential may read an image, the message names docker login, and no imagePullSecret', async (t) => {
  const { run, registry } = await setting(t);
  for (const command of ['inject', 'explain']) {
    const { out, err } = await run(command);
    const said = out + err;
    assert.ok(said.includes(`run "docker login ${registry.host}" as somebody who may read it`), said);
    assert.ok(
      said.includes(`(it goes into ${join(process.env.DOCKER_CONFIG ?? '', 'config.json')}), or set`),
    );
    assert.doesNotMatch(said, /imagePullSecret/);
  }
});

test('explain shows the command of each machine where they differ', async (t) => {
  const { login, run, registry } = await setting(t);
  await login('me:hunter2');
  const arm = storedImage({ entrypoint: ['/arm'], architecture: 'arm64' });
  registry.images.set('team/app:1', storedIndex([storedImage({ entrypoint: ['/amd'] }), arm]));
  const { out } = await run('explain');
  assert.match(out, /runs {3}on amd64: \["\/amd","up"\]\n {10}runs {3}on arm64: \["\/arm","up"\]\n/);
  const { pods } = JSON.parse((await run('explain', '-o', 'json')).out);
  assert.deepEqual(pods[0].containers[0].byMachine, [
    { machine: 'amd64', command: ['/amd', 'up'] },
    { machine: 'arm64', command: ['/arm', 'up'] },
  ]);
});

test('--no-lookup asks no registry', async (t) => {
  const { run, registry } = await setting(t);
  const { code, out } = await run('explain', '--no-lookup');
  assert.equal(code, 1);
  assert.match(out, /refused \(image-lookup-off\)/);
  assert.equal(registry.seen.length, 0);
});

test('where every command is known, neither a configuration nor a credential is read', async (t) => {
  const { job, registry } = await setting(t);
  const known = job.replace('args: [up]', 'command: [/app]');
  await writeFile(join(process.env.DOCKER_CONFIG ?? '', 'config.json'), 'no JSON');
  const { code, err } = await curfew(['explain', '-f', '-'], known);
  assert.deepEqual([code, err], [0, '']);
  assert.equal(registry.seen.length, 0);
});
