/** The two images that are built from the Dockerfile. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pod } from '../manifests.ts';
import { restrictedNamespace, restrictedPod } from './confined.ts';
import { type ImageArchive, readBuilds, readImage } from './image-archive.ts';

function assertLabelled({ config }: ImageArchive, title: string): void {
  assert.equal(config.User, '65532:65532');
  assert.equal(config.Labels['org.opencontainers.image.title'], title);
  for (const key of ['description', 'version', 'revision', 'licenses']) {
    assert.notEqual(config.Labels[`org.opencontainers.image.${key}`] ?? '', '', key);
  }
}

test('two builds of the same files are the same image, on both architectures', () => {
  const builds = readBuilds();
  assert.deepEqual(
    builds.map(({ target, architecture }) => `${target} ${architecture}`),
    ['shim amd64', 'shim arm64', `webhook ${process.arch === 'arm64' ? 'arm64' : 'amd64'}`],
  );
  for (const { target, ids } of builds) {
    assert.match(ids[0], /^sha256:[0-9a-f]{64}$/);
    assert.equal(ids[0], ids[1], target);
  }
});

test('P5 the image of the shim holds one executable, and its licences', () => {
  const image = readImage('shim');
  assertLabelled(image, 'curfew-shim');
  assert.deepEqual(image.config.Entrypoint, ['/curfew-shim']);
  assert.deepEqual(image.files, ['curfew-shim', 'licenses/LICENSE', 'licenses/curfew-shim.licenses.txt']);
});

test('the image of the webhook holds Node and one file of JavaScript, no shell and no node_modules', () => {
  const image = readImage('curfew');
  assertLabelled(image, 'curfew');
  assert.deepEqual(
    image.files.filter((path) => /node_modules|\.m?js$|(^|\/)s?bin\//.test(path)),
    ['usr/local/bin/node', 'usr/local/lib/curfew/curfew.js'],
  );
});

test("the image of the webhook runs where only restricted pods may, as the image's own user", async (t) => {
  const ns = await restrictedNamespace(t, 'image');
  const container = { name: 'curfew', image: 'localhost/curfew:1', args: ['--version'] };
  const securityContext = { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } };
  await ns.create(restrictedPod('version', [container], { spec: { securityContext } }));
  await ns.waitForPhase('version', 'Succeeded');
  assert.match(await ns.log('version', 'curfew'), /^curfew \d+\.\d+\.\d+\n$/);
});

test("the session's cluster refuses what is not restricted", async (t) => {
  const ns = await restrictedNamespace(t, 'image');
  const refused = await ns.tryCreate(pod('free', [{ name: 'curfew', image: 'localhost/curfew:1' }]));
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /PodSecurity/);
});
