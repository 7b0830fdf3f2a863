/** Two whole releases from two clones, one of them signed and pushed: `npm run test:release`, some minutes. */
import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { appendFileSync, cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { fetchClients } from '../../charts/clients.ts';
import { filesOf, sumsOf } from '../../release/archive.ts';
import { toolProgram } from '../../release/build.ts';
import { Debian } from '../../release/debian.ts';
import { readLock } from '../../release/debian-lock.ts';
import { taggedEntry } from '../../release/images.ts';
import { versionOf } from '../../release/source.ts';
import { startDockerRegistry } from '../webhook/registry/docker-registry.ts';
import { npmRun, removeClone, taggedClone } from './tagged-clone.ts';

const PASSWORD = 'throw-away';
const VERSION = versionOf(join(import.meta.dirname, '..', '..'));
const folder = mkdtempSync(join(tmpdir(), 'curfew-release-'));
const [one, other] = [join(folder, 'one'), join(folder, 'a', 'much', 'longer', 'path', 'other')];
const signed = join(one, 'dist', 'release');
const plain = join(other, 'dist', 'release');
const key = join(folder, 'keys', 'cosign.key');
let registry = '';
let stop = async () => {};

before(async () => {
  const lock = readLock();
  const cosign = toolProgram(new Debian(join(folder, 'apt')), lock, 'cosign');
  execFileSync('mkdir', ['-p', join(folder, 'keys'), join(folder, 'a', 'much', 'longer', 'path')]);
  execFileSync(cosign, ['generate-key-pair'], {
    cwd: join(folder, 'keys'),
    env: { ...process.env, COSIGN_PASSWORD: PASSWORD },
    stdio: 'ignore',
  });
  const started = await startDockerRegistry({
    storage: join(folder, 'store'),
    folder: join(folder, 'registry'),
  });
  stop = started.stop;
  registry = `${started.host}/team/tools`;
  taggedClone(one);
  taggedClone(other);
});

after(async () => {
  await stop();
  removeClone(folder);
});

/** A copy of the signed release, to spoil. */
function copied(): string {
  const copy = mkdtempSync(join(folder, 'copy-'));
  cpSync(signed, copy, { recursive: true });
  return copy;
}

const verify = (...args: string[]) => npmRun(one, 'release:verify', args);

test('R3 a release is made from a tag, signed and pushed; every check of it holds', async () => {
  const made = await npmRun(one, 'release', ['--registry', registry, '--plain-http', '--key', key], {
    env: { COSIGN_PASSWORD: PASSWORD, TZ: 'Asia/Tokyo' },
    umask: '077',
  });
  assert.equal(made.code, 0, made.output);
  const { code, output } = await verify(
    '--key',
    key.replace('.key', '.pub'),
    '--registry',
    registry,
    '--plain-http',
  );
  assert.equal(code, 0, output);
  assert.match(output, /All of it holds\.\n$/);
  assert.match(output, /both images and the chart: signed, with signed provenance, by the same key/);
  assert.ok(output.includes(`${registry} has them under ${VERSION}`), output);
});

test('R1 a second clone gives the same bytes, at another path, in another time zone and under another umask', async () => {
  const made = await npmRun(other, 'release', ['--registry', registry, '--plain-http'], {
    env: { TZ: 'UTC' },
  });
  assert.equal(made.code, 0, made.output);
  const ofSignatures = /^signatures\/|^SHA256SUMS\.sig$|^cosign\.pub$/;
  const files = filesOf(signed).filter((path) => !ofSignatures.test(path));
  assert.deepEqual(filesOf(plain), files);
  const [ours, theirs] = [await sumsOf(plain, files), await sumsOf(signed, files)];
  const differing = files.filter((_, index) => ours[index]?.sha256 !== theirs[index]?.sha256);
  assert.deepEqual(differing, []);
  assert.ok(files.length > 30);
});

test('R2 Helm takes the chart out of the registry, with both images by their digests', async () => {
  const { helm } = await fetchClients();
  const chart = [
    'template',
    'curfew',
    `oci://${registry}/charts/curfew`,
    '--version',
    VERSION,
    '--plain-http',
  ];
  const { stdout } = await promisify(execFile)(helm, chart, {
    env: { PATH: process.env.PATH, HOME: folder },
  });
  const images = [...stdout.matchAll(/image: "?(\S+?)"?$/gm)].map(([, image]) => image);
  assert.ok(images.length >= 2, stdout);
  for (const image of images)
    assert.match(image ?? '', new RegExp(`^${registry}/curfew(-shim)?@sha256:[0-9a-f]{64}$`));
});

test('R1 what is not from the tag is refused', async () => {
  const clone = join(folder, 'third');
  taggedClone(clone, false);
  const untagged = await npmRun(clone, 'release', []);
  assert.equal(untagged.code, 1);
  assert.match(untagged.output, new RegExp(`no tag v${VERSION} is on the commit`));
  appendFileSync(join(clone, 'LICENSE'), '\n');
  const changed = await npmRun(clone, 'release', []);
  assert.equal(changed.code, 1);
  assert.match(changed.output, /these files differ:\nM LICENSE/);
  const elsewhere = await npmRun(clone, 'release', ['--out', clone]);
  assert.equal(elsewhere.code, 1);
  assert.match(elsewhere.output, /holds something else than a release/);
  removeClone(clone);
});

test('R3 another key than the one that signed is told', async () => {
  const wrong = join(folder, 'wrong.pub');
  execFileSync('openssl', ['ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', `${wrong}.key`]);
  execFileSync('openssl', ['ec', '-in', `${wrong}.key`, '-pubout', '-out', wrong], { stdio: 'ignore' });
  const { code, output } = await verify('--key', wrong);
  assert.equal(code, 1);
  assert.match(output, /WRONG {2}the signature of SHA256SUMS does not hold/);
});

test('a key that cannot be used is told before anything is made, and the way to name one', async () => {
  const refused = await npmRun(one, 'release', ['--key', key, '--out', join(folder, 'nowhere')], {
    env: { COSIGN_PASSWORD: 'not-it' },
  });
  assert.equal(refused.code, 1);
  assert.match(refused.output, /^release: --key .*cosign\.key cannot be used: .*\n.*COSIGN_PASSWORD/);
  assert.doesNotMatch(refused.output, /not-it/);
  const privateOne = await verify('--key', key);
  assert.equal(privateOne.code, 2);
  assert.match(privateOne.output, /cosign\.key holds no public key, but a private one/);
});

test('R3 a release holds in a folder of any name; another tag among its signatures is told, and not pushed', async () => {
  const copy = join(folder, 'a b:c@d');
  cpSync(signed, copy, { recursive: true });
  const whole = await verify(copy);
  assert.equal(whole.code, 0, whole.output);
  const index = join(copy, 'signatures', 'curfew', 'index.json');
  writeFileSync(index, readFileSync(index, 'utf8').replace(/sha256-[0-9a-f]{64}\.sig/, 'latest'));
  const { code, output } = await verify(copy);
  assert.equal(code, 1);
  assert.match(output, /signatures\/curfew\/index\.json has "latest", which signs nothing of this release/);
  assert.match(output, /curfew-cli-[\d.]+\.tar\.gz is not run/);
  const pushed = await npmRun(one, 'release:push', [copy, '--registry', `${registry}/odd`, '--plain-http']);
  assert.equal(pushed.code, 1);
  assert.match(pushed.output, /^release:push: signatures\/curfew\/index\.json has "latest"/);
});

test('R3 a file that was changed, added or taken away is told by its name', async () => {
  const copy = copied();
  appendFileSync(join(copy, 'curfew.yaml'), '# more\n');
  writeFileSync(join(copy, 'extra'), '');
  rmSync(join(copy, `curfew-${VERSION}.tgz`));
  const { code, output } = await verify(copy);
  assert.equal(code, 1);
  assert.match(output, /curfew\.yaml is not the file that was listed/);
  assert.match(output, /extra is not listed/);
  assert.match(output, new RegExp(`curfew-${VERSION}\\.tgz is listed and not there`));
  assert.match(output, /do not use it\.\n$/);
});

test('R3 files that do not parse, and names that no terminal should get, are told without a stack', async () => {
  const copy = copied();
  writeFileSync(join(copy, `curfew-${VERSION}.provenance.json`), '{');
  writeFileSync(join(copy, `curfew-${VERSION}-amd64.cdx.json`), '[]');
  writeFileSync(join(copy, 'red\x1b[31m'), '');
  const { code, output } = await verify(copy);
  assert.equal(code, 1);
  assert.equal(output.match(/what it reads is damaged/g)?.length, 2, output);
  assert.match(output, /red\?\[31m is not listed/);
  assert.ok(!output.includes('\x1b'), output);
  assert.doesNotMatch(output, /\n {4}at /);
});

test('R3 checksums that were written anew do not pass for the signed ones', async () => {
  const copy = copied();
  appendFileSync(join(copy, 'curfew.yaml'), '# more\n');
  execFileSync('bash', [
    '-c',
    'cd "$1" && sum=$(sha256sum curfew.yaml | cut -d" " -f1) && sed -i "s/^[0-9a-f]*  curfew.yaml$/$sum  curfew.yaml/" SHA256SUMS',
    'bash',
    copy,
  ]);
  const { code, output } = await verify(copy);
  assert.equal(code, 1);
  assert.match(output, /WRONG {2}the signature of SHA256SUMS does not hold/);
  assert.match(output, /WRONG .*provenance\.json does not speak of curfew\.yaml/);
});

test('R3 an archive with another image, and an image of another tag in the registry, are told', async () => {
  const copy = copied();
  cpSync(
    join(copy, `curfew-shim-${VERSION}-arm64.image.tar`),
    join(copy, `curfew-shim-${VERSION}-amd64.image.tar`),
  );
  const elsewhere = ['--registry', `${registry}/elsewhere`, '--plain-http'];
  const { code, output } = await verify(copy, ...elsewhere);
  assert.equal(code, 1);
  assert.match(output, new RegExp(`curfew-shim-${VERSION}-amd64\\.image\\.tar holds another image`));
  assert.match(output, /elsewhere\/curfew:[\d.]+ is not there, or cannot be asked for/);
  const target = `docker://${registry}/elsewhere/curfew:${VERSION}`;
  const another = `oci:${join(signed, 'oci', 'curfew-shim')}:${VERSION}`;
  const copying = ['--insecure-policy', 'copy', '--dest-tls-verify=false', another, target];
  await promisify(execFile)('skopeo', copying);
  for (const released of [signed, plain]) {
    const told = await verify(released, ...elsewhere);
    assert.equal(told.code, 1);
    assert.match(told.output, /elsewhere\/curfew:[\d.]+ is not sha256:[0-9a-f]{64}: sha256:/);
  }
});

test('a release is pushed to another registry, as a user with a password, which is told to nobody else', async () => {
  const htpasswd = join(folder, 'htpasswd');
  const script = 'print "$ARGV[0]:", crypt($ARGV[1], "\\$2b\\$05\\$abcdefghijklmnopqrstuu"), "\\n"';
  writeFileSync(htpasswd, execFileSync('perl', ['-e', script, 'pusher', PASSWORD]));
  const guarded = await startDockerRegistry({
    storage: join(folder, 'guarded-store'),
    folder: join(folder, 'guarded'),
    htpasswd,
  });
  try {
    const flags = [signed, '--registry', `${guarded.host}/mirror`, '--plain-http', '--user', 'pusher'];
    const push = (password: string) =>
      npmRun(one, 'release:push', flags, { env: { REGISTRY_PASSWORD: password } });
    const refused = await push('not-it');
    assert.equal(refused.code, 1);
    assert.doesNotMatch(refused.output, /not-it/);
    const pushed = await push(PASSWORD);
    assert.equal(pushed.code, 0, pushed.output);
    const digest = taggedEntry(join(signed, 'oci', 'charts', 'curfew'), VERSION).digest;
    const answer = await fetch(`http://${guarded.host}/v2/mirror/charts/curfew/manifests/${digest}`, {
      headers: {
        authorization: `Basic ${Buffer.from(`pusher:${PASSWORD}`).toString('base64')}`,
        accept: 'application/vnd.oci.image.manifest.v1+json',
      },
    });
    assert.equal(answer.status, 200);
  } finally {
    await guarded.stop();
  }
});

test('R1 nothing in it names the machine that made it', async () => {
  for (const path of filesOf(signed)) {
    const content = readFileSync(join(signed, path));
    for (const trace of [folder, '/.cache/curfew', one])
      assert.ok(!content.includes(trace), `${path} has ${trace}`);
  }
});
