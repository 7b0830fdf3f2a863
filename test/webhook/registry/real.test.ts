/**
 * The look-up against Debian's docker-registry, with images that Debian's skopeo has pushed. Neither shares code with the look-up, so
 * neither shares its errors.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { createAuthority } from '../certificate/throw-away-certificate.ts';
import { configOf, imageLookup, pullSecret, secretsOf } from '../images/image-lookup.ts';
import { attestation, storedImage, storedIndex, writeLayout } from './content.ts';
import { type DockerRegistry, push, startDockerRegistry } from './docker-registry.ts';
import { startTokenServer, type TokenServer } from './token-server.ts';

const app = storedImage({ entrypoint: ['/app'], cmd: ['serve'], stopSignal: 'SIGINT' });
const shell = ['/bin/sh', '-c', 'echo "$(date) $(HOME)"'];
const both = [
  storedImage({ entrypoint: ['/amd'], architecture: 'amd64' }),
  storedImage({ entrypoint: ['/arm'], architecture: 'arm64', variant: 'v8' }),
];
const IMAGES = {
  app,
  docker: storedImage({ entrypoint: ['/docker'] }),
  shell: storedImage({ cmd: shell, entrypoint: null }),
  nothing: storedImage({}),
  differ: storedIndex(both),
  attested: storedIndex([app, attestation(app)]),
  list: storedIndex(both),
};
const DOCKER_TAGS = ['docker', 'list'];
const OCI_TAGS = Object.keys(IMAGES).filter((tag) => !DOCKER_TAGS.includes(tag));

let folder = '';
let storage = '';
let plain: DockerRegistry;
const stops: (() => Promise<void>)[] = [];

/** Start a registry with the same images, until all tests have ended. */
async function registry(
  name: string,
  options: Partial<Parameters<typeof startDockerRegistry>[0]>,
): Promise<DockerRegistry> {
  const started = await startDockerRegistry({ storage, folder: join(folder, name), ...options });
  stops.push(() => started.stop());
  return started;
}

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'curfew-registry-'));
  storage = join(folder, 'storage');
  await writeLayout(join(folder, 'layout'), IMAGES);
  plain = await registry('plain', {});
  await push(join(folder, 'layout'), OCI_TAGS, plain.host, 'team/app');
  await push(join(folder, 'layout'), DOCKER_TAGS, plain.host, 'team/app', 'v2s2');
});

after(async () => {
  for (const stop of stops) await stop();
  await rm(folder, { recursive: true });
});

describe('over plain HTTP', () => {
  const asked = () => imageLookup({ registries: [{ host: plain.host, plainHttp: true }] });

  test('W5 ENTRYPOINT, CMD and STOPSIGNAL, by tag and by digest', async (t) => {
    const lookup = asked();
    t.after(() => lookup.close());
    const config = { entrypoint: ['/app'], cmd: ['serve'], stopSignal: 'SIGINT' };
    for (const end of [':app', `@${app.descriptor.digest}`, `:other@${app.descriptor.digest}`])
      assert.deepEqual(configOf(await lookup.ask(`${plain.host}/team/app${end}`)), config);
  });

  test('Docker manifests, a shell-form CMD, an attestation beside the image', async (t) => {
    const lookup = asked();
    t.after(() => lookup.close());
    const of = async (tag: string) => configOf(await lookup.ask(`${plain.host}/team/app:${tag}`));
    assert.deepEqual((await of('docker')).entrypoint, ['/docker']);
    assert.deepEqual(await of('shell'), { entrypoint: [], cmd: shell });
    assert.deepEqual(await of('nothing'), { entrypoint: [], cmd: [] });
    assert.deepEqual((await of('attested')).entrypoint, ['/app']);
  });

  test('platforms that differ, in an OCI index and in a Docker list: the pod says which', async (t) => {
    const lookup = asked();
    t.after(() => lookup.close());
    for (const [tag, arch, entrypoint] of [
      ['differ', 'amd64', '/amd'],
      ['differ', 'arm64', '/arm'],
      ['list', 'amd64', '/amd'],
      ['list', 'arm64', '/arm'],
    ]) {
      const image = `${plain.host}/team/app:${tag}`;
      const spec = { nodeSelector: { 'kubernetes.io/arch': arch } };
      assert.deepEqual(configOf(await lookup.ask(image, { spec })).entrypoint, [entrypoint]);
    }
  });

  test('W6 an image, a repository and a registry that do not exist', async (t) => {
    const lookup = asked();
    t.after(() => lookup.close());
    for (const image of ['team/app:gone', 'team/gone:app', `team/app@sha256:${'0'.repeat(64)}`]) {
      const answer = await lookup.ask(`${plain.host}/${image}`);
      assert.ok(!answer.ok && answer.reason === 'image-not-found', JSON.stringify(answer));
      assert.match(answer.message, /entrypoint\.curfew\.dev\/app: '\["\/program"\]'/);
    }
    const down = await startDockerRegistry({ storage, folder: join(folder, 'down') });
    await down.stop();
    const gone = await lookup.ask(`${down.host}/team/app:app`);
    assert.ok(!gone.ok && gone.reason === 'image-unreachable', JSON.stringify(gone));
    assert.match(gone.message, /refuses connections/);
  });

  test('W6 plain HTTP only where it is configured', async (t) => {
    const lookup = imageLookup({});
    t.after(() => lookup.close());
    const answer = await lookup.ask(`${plain.host}/team/app:app`);
    assert.ok(!answer.ok && answer.reason === 'image-unreachable', JSON.stringify(answer));
    assert.match(answer.message, /plainHttp/);
  });
});

describe('over TLS, with users', () => {
  let secure: DockerRegistry;
  let caFile = '';

  before(async () => {
    const authority = await createAuthority();
    const { cert, key } = await authority.issue();
    caFile = join(folder, 'ca.crt');
    const [certFile, keyFile, htpasswd] = [
      join(folder, 'r.crt'),
      join(folder, 'r.key'),
      join(folder, 'htpasswd'),
    ];
    await Promise.all([
      writeFile(caFile, authority.cert),
      writeFile(certFile, cert),
      writeFile(keyFile, key),
    ]);
    await writeFile(htpasswd, await bcryptLine('reader', 's3cret'));
    secure = await registry('secure', { tls: { certFile, keyFile }, htpasswd });
  });

  const asked = (auths: Record<string, string>[], config: object = {}) => {
    const secrets = secretsOf({ shop: auths.map((auth, index) => pullSecret(`s${index}`, auth)) });
    const lookup = imageLookup({ registries: [{ host: secure.host, caFile }], ...config }, { secrets });
    return { lookup, names: auths.map((_, index) => `s${index}`), secrets };
  };

  test('an imagePullSecret', async (t) => {
    const { lookup, names } = asked([{ [secure.host]: 'reader:s3cret' }]);
    t.after(() => lookup.close());
    assert.deepEqual(
      configOf(await lookup.ask(`${secure.host}/team/app:app`, { secrets: names })).entrypoint,
      ['/app'],
    );
  });

  test('two pull secrets for one registry of which one works, in either order', async (t) => {
    const good = { [secure.host]: 'reader:s3cret' };
    const bad = { [secure.host]: 'reader:expired' };
    for (const order of [
      [bad, good],
      [good, bad],
    ]) {
      const { lookup, names } = asked(order);
      t.after(() => lookup.close());
      assert.deepEqual(
        configOf(await lookup.ask(`${secure.host}/team/app:app`, { secrets: names })).entrypoint,
        ['/app'],
      );
    }
  });

  test('W6, W9 no credential that works: the message names the pull secret, and no password', async (t) => {
    const { lookup, names } = asked([{ [secure.host]: 'reader:wr0ng' }]);
    t.after(() => lookup.close());
    const answer = await lookup.ask(`${secure.host}/team/app:app`, { secrets: names });
    assert.ok(!answer.ok && answer.reason === 'image-unauthorized', JSON.stringify(answer));
    assert.match(answer.message, /refused secret shop\/s0, anonymous.*imagePullSecret/);
    assert.doesNotMatch(answer.message, /wr0ng|reader/);
  });

  test('a default pull secret, after the pod’s own', async (t) => {
    const secrets = secretsOf({
      shop: [pullSecret('own', { [secure.host]: 'reader:expired' })],
      curfew: [pullSecret('all', { [secure.host]: 'reader:s3cret' })],
    });
    const config = { registries: [{ host: secure.host, caFile }], defaultPullSecret: 'curfew/all' };
    const lookup = imageLookup(config, { secrets });
    t.after(() => lookup.close());
    configOf(await lookup.ask(`${secure.host}/team/app:app`, { secrets: ['own'] }));
    assert.deepEqual(secrets.reads, ['shop/own', 'curfew/all']);
  });

  test('W6 an authority that is not trusted', async (t) => {
    const lookup = imageLookup({});
    t.after(() => lookup.close());
    const answer = await lookup.ask(`${secure.host}/team/app:app`);
    assert.ok(!answer.ok && answer.reason === 'image-unreachable', JSON.stringify(answer));
    assert.match(answer.message, /caFile/);
  });
});

describe('with a token server', () => {
  let tokens: TokenServer;
  let guarded: DockerRegistry;

  before(async () => {
    tokens = await startTokenServer({ users: { reader: 's3cret' } });
    stops.push(() => tokens.stop());
    const rootcertbundle = join(folder, 'tokens.crt');
    await writeFile(rootcertbundle, tokens.cert);
    const token = { realm: tokens.realm, service: tokens.service, issuer: tokens.issuer, rootcertbundle };
    guarded = await registry('guarded', { token });
  });

  test('the right user gets a token, and with it the image; the token is requested once', async (t) => {
    const secrets = secretsOf({ shop: [pullSecret('s', { [guarded.host]: 'reader:s3cret' })] });
    const lookup = imageLookup({ registries: [{ host: guarded.host, plainHttp: true }] }, { secrets });
    t.after(() => lookup.close());
    const before = tokens.asked.length;
    configOf(await lookup.ask(`${guarded.host}/team/app:app`, { secrets: ['s'] }));
    configOf(await lookup.ask(`${guarded.host}/team/app:shell`, { secrets: ['s'] }));
    assert.deepEqual(tokens.asked.slice(before), [{ user: 'reader', scope: 'repository:team/app:pull' }]);
  });

  test('a wrong password and the anonymous credential are refused', async (t) => {
    const secrets = secretsOf({ shop: [pullSecret('s', { [guarded.host]: 'reader:wrong' })] });
    const lookup = imageLookup({ registries: [{ host: guarded.host, plainHttp: true }] }, { secrets });
    t.after(() => lookup.close());
    const answer = await lookup.ask(`${guarded.host}/team/app:app`, { secrets: ['s'] });
    assert.ok(!answer.ok && answer.reason === 'image-unauthorized', JSON.stringify(answer));
  });
});

describe('behind a mirror', () => {
  test('a mirror answers for a registry that cannot be reached; a mirror that is down is skipped', async (t) => {
    const down = await startDockerRegistry({ storage, folder: join(folder, 'mirror-down') });
    await down.stop();
    const cache = await registry('cache', {
      storage: join(folder, 'cache-storage'),
      proxyOf: `http://${plain.host}`,
    });
    for (const [host, mirrors] of [
      ['registry.invalid', [`http://${cache.host}`]],
      ['registry.invalid', [`http://${down.host}`, `http://${cache.host}`]],
      [plain.host, [`http://${down.host}`]],
    ] as const) {
      const lookup = imageLookup({ registries: [{ host, mirrors, plainHttp: host === plain.host }] });
      t.after(() => lookup.close());
      assert.deepEqual(configOf(await lookup.ask(`${host}/team/app:app`)).entrypoint, ['/app']);
    }
  });
});

/** A line of htpasswd. docker-registry takes only bcrypt, which Debian's crypt can make. */
async function bcryptLine(user: string, password: string): Promise<string> {
  const script = 'print "$ARGV[0]:", crypt($ARGV[1], "\\$2b\\$05\\$abcdefghijklmnopqrstuu"), "\\n"';
  const { stdout } = await promisify(execFile)('perl', ['-e', script, user, password]);
  return stdout;
}
