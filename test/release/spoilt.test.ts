/** A folder that is not, whole and alone, a release: what `release:verify` and `release:push` say, without a release being made. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { sumsOf, writeSums } from '../../release/archive.ts';
import { checkCommandLine } from '../../release/verify-files.ts';
import { checkSignatureFiles } from '../../release/verify-signature-files.ts';
import { checkSignatures } from '../../release/verify-signatures.ts';
import { checkSums, versionOfRelease } from '../../release/verify-sums.ts';

const VERSION = '1.2.3';

function emptyFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'curfew-spoilt-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

/** A folder with files, each of which holds its own name, and their checksums. */
async function summedFolder(t: TestContext, paths: readonly string[]): Promise<string> {
  const folder = emptyFolder(t);
  for (const path of paths) writeFileSync(join(folder, path), path);
  writeSums(join(folder, 'SHA256SUMS'), await sumsOf(folder, paths));
  return folder;
}

test('R3 the provenance that is missing, doubled or of no version is told', async (t) => {
  const name = (version: string) => `curfew-${version}.provenance.json`;
  const folder = await summedFolder(t, ['curfew.yaml']);
  const file = join(folder, 'curfew.yaml');
  assert.throws(() => versionOfRelease(file), /curfew\.yaml is no folder/);
  assert.throws(() => versionOfRelease(join(folder, 'nothing')), /nothing is no folder/);
  assert.throws(() => versionOfRelease(emptyFolder(t)), /holds no release: "npm run release" makes one/);
  assert.throws(() => versionOfRelease(folder), /has SHA256SUMS, and no curfew-X\.Y\.Z\.provenance\.json/);
  writeFileSync(join(folder, name('0\x1b[31m')), '');
  assert.throws(() => versionOfRelease(folder), /and no curfew-X\.Y\.Z\.provenance\.json/);
  writeFileSync(join(folder, name('1.0.0-rc.1')), '');
  assert.equal(versionOfRelease(folder), '1.0.0-rc.1');
  writeFileSync(join(folder, name('1.0.0')), '');
  assert.throws(() => versionOfRelease(folder), /holds two releases, 1\.0\.0-rc\.1 and 1\.0\.0/);
});

test('R3 a link, a pipe or a folder in the place of a file is told by its name, and not read', async (t) => {
  const folder = await summedFolder(t, ['a', 'b', 'c']);
  assert.equal((await checkSums({ folder })).length, 1);
  for (const name of ['a', 'b', 'c']) rmSync(join(folder, name));
  mkdirSync(join(folder, 'a'));
  symlinkSync('/etc/passwd', join(folder, 'b'));
  execFileSync('mkfifo', [join(folder, 'c'), join(folder, 'd')]);
  symlinkSync('/etc/passwd', join(folder, 'e'));
  await assert.rejects(checkSums({ folder }), ({ message }: Error) => {
    assert.equal(
      message,
      [
        'SHA256SUMS:',
        ...['a', 'b', 'c'].map((name) => `${name} is listed and no plain file`),
        ...['d is not listed', 'e is not listed'],
      ].join('\n'),
    );
    return true;
  });
});

/** Write a blob. @returns what refers to it */
function blob(layout: string, content: object) {
  const text = JSON.stringify(content);
  const hex = createHash('sha256').update(text).digest('hex');
  mkdirSync(join(layout, 'blobs', 'sha256'), { recursive: true });
  writeFileSync(join(layout, 'blobs', 'sha256', hex), text);
  return { digest: `sha256:${hex}` };
}

const named = (ref: { digest: string }, tag: string) => ({
  ...ref,
  annotations: { 'org.opencontainers.image.ref.name': tag },
});

function writeIndex(layout: string, manifests: readonly object[]): void {
  writeFileSync(join(layout, 'index.json'), JSON.stringify({ manifests }));
}

/** Layouts of both images and the chart, and a signature of each: all that is looked at without cosign. */
function layouts(folder: string) {
  const signature = (layout: string) =>
    blob(layout, { config: blob(layout, {}), layers: [blob(layout, { of: layout })] });
  const signed = new Map<string, ReturnType<typeof named>>();
  for (const name of ['curfew', 'curfew-shim', 'charts/curfew']) {
    const layout = join(folder, 'oci', name);
    const manifests = ['amd64', 'arm64'].map((architecture) => ({
      ...blob(layout, { name, architecture }),
      platform: { os: 'linux', architecture },
    }));
    const tagged = blob(layout, { manifests });
    writeIndex(layout, [named(tagged, VERSION)]);
    const signatures = join(folder, 'signatures', name);
    const entry = named(signature(signatures), `${tagged.digest.replace(':', '-')}.sig`);
    writeIndex(signatures, [entry]);
    writeFileSync(join(signatures, 'oci-layout'), '{}');
    signed.set(name, entry);
  }
  return signed;
}

test('R3 what lies among the signatures and is none is told, since all of it is pushed', (t) => {
  const folder = emptyFolder(t);
  const entry = layouts(folder).get('curfew');
  assert.ok(entry !== undefined);
  checkSignatureFiles(folder, VERSION);
  const layout = join(folder, 'signatures', 'curfew');
  const told = (message: RegExp) => assert.throws(() => checkSignatureFiles(folder, VERSION), message);

  writeIndex(layout, [entry, named(entry, 'latest')]);
  told(/^Error: signatures\/curfew\/index\.json has "latest", which signs nothing of this release$/);
  writeIndex(layout, [entry, { digest: entry.digest }]);
  told(/index\.json has "", which signs nothing/);
  writeIndex(layout, [entry, named(entry, `sha256-${'0'.repeat(64)}.sig`)]);
  told(/index\.json has "sha256-0+\.sig", which signs nothing/);
  writeIndex(layout, [entry]);
  for (const path of ['more', 'curfew/more', 'curfew/blobs/more']) {
    writeFileSync(join(folder, 'signatures', path), '');
    told(new RegExp(`signatures/${path} is no part of a signature`));
    rmSync(join(folder, 'signatures', path));
  }
  const { digest } = blob(layout, { another: 'blob' });
  told(new RegExp(`${digest.replace('sha256:', 'signatures/curfew/blobs/sha256/')} is no part`));
  rmSync(join(layout, 'blobs', 'sha256', digest.replace('sha256:', '')));
  symlinkSync('/etc/passwd', join(layout, 'link'));
  told(/signatures\/curfew\/link is no plain file/);
  rmSync(join(layout, 'link'));
  rmSync(join(folder, 'signatures', 'charts'), { recursive: true });
  told(/signatures\/charts\/curfew\/index\.json is not there/);
});

/** A release that is looked at with no program. */
const checked = (folder: string) => ({
  folder,
  version: VERSION,
  work: folder,
  tools: { cosign: 'none', oras: 'none', helm: 'none' },
});
const NOWHERE = { registry: undefined, plainHttp: false };

test('R3 a release whose signature was taken away does not pass for one that was never signed', async (t) => {
  const folder = emptyFolder(t);
  const [said = ''] = await checkSignatures(checked(folder), undefined, NOWHERE);
  assert.match(said, /nothing is signed/);
  await assert.rejects(checkSignatures(checked(folder), 'cosign.pub', NOWHERE), /nothing is signed here/);
  writeFileSync(join(folder, 'cosign.pub'), '');
  const taken = /SHA256SUMS\.sig was taken away: cosign\.pub would not be here without it/;
  await assert.rejects(checkSignatures(checked(folder), undefined, NOWHERE), taken);
  rmSync(join(folder, 'cosign.pub'));
  mkdirSync(join(folder, 'signatures'));
  await assert.rejects(
    checkSignatures(checked(folder), undefined, NOWHERE),
    /was taken away: signatures\/ would/,
  );
});

test('the command line of a release that is not what it says is not run', async (t) => {
  const folder = emptyFolder(t);
  const inside = `curfew-cli-${VERSION}`;
  mkdirSync(join(folder, 'made', inside), { recursive: true });
  const seen = join(folder, 'seen');
  const program = `require('node:fs').writeFileSync(${JSON.stringify(seen)}, '')`;
  for (const name of ['curfew', 'kubectl-curfew']) writeFileSync(join(folder, 'made', inside, name), program);
  execFileSync('tar', ['-C', join(folder, 'made'), '-czf', join(folder, `${inside}.tar.gz`), inside]);
  await assert.rejects(checkCommandLine(checked(folder), true), /does not say that it is curfew 1\.2\.3/);
  assert.ok(existsSync(seen), 'the program runs where it is run');
  rmSync(seen);
  await assert.rejects(checkCommandLine(checked(folder), false), /curfew-cli-1\.2\.3\.tar\.gz is not run/);
  assert.deepEqual(
    readdirSync(folder).filter((name) => name === 'seen'),
    [],
  );
});
