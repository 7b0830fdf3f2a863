/** A release out of a registry, as the README says: `helm install oci://`. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { exitCodes } from '../cluster.ts';
import { endlessJob, INJECTED, restrictedNamespace } from '../install/confined.ts';
import { runProgram } from '../kubectl.ts';
import {
  currentImages,
  installCurrent,
  RELEASES,
  uninstall,
  VERSION,
  webhookImages,
} from './installation.ts';
import { serveRelease } from './registry.ts';
import { REGISTRY } from './releases.ts';

let stop = async () => {};
before(async () => {
  stop = await serveRelease();
});
after(async () => {
  await uninstall();
  await stop();
});

test('R3 the release that was pushed passes every check, with the signatures that the registry has', async () => {
  const verify = join(import.meta.dirname, '..', '..', '..', 'release', 'verify.ts');
  const flags = ['--key', RELEASES.key, '--registry', REGISTRY, '--plain-http'];
  const { code, stdout: said } = await runProgram(process.execPath, [verify, RELEASES.current, ...flags]);
  assert.equal(code, 0, said);
  assert.ok(said.includes(`${REGISTRY} has them under ${VERSION}, with these signatures`), said);
});

test('R2 helm install oci://: the images are pulled by their digests, and a Job with a sidecar that never ends completes', async (t) => {
  await installCurrent();
  const [curfew, shim] = currentImages();
  assert.deepEqual(await webhookImages(), [curfew]);
  const ns = await restrictedNamespace(t, 'shop', INJECTED);
  await ns.create(endlessJob('completes'));
  await ns.waitForJob('completes');
  const pod = await ns.pod(await ns.podOf('completes'));
  assert.deepEqual(exitCodes(pod), { main: 0, proxy: 0 });
  assert.equal(pod.spec.initContainers[0]?.image, shim);
});

test('the archives of the images are taken by ctr, under their tags', () => {
  for (const name of ['curfew', 'curfew-shim']) {
    const archive = join(
      RELEASES.current,
      `${name}-${VERSION}-${process.arch === 'arm64' ? 'arm64' : 'amd64'}.image.tar`,
    );
    const socket = ['-a', join(process.env.STATE ?? '', 'containerd.sock'), '-n', 'archives'];
    const said = execFileSync('ctr', [...socket, 'images', 'import', archive], { encoding: 'utf8' });
    assert.ok(said.includes(`${REGISTRY}/${name}:${VERSION}`), said);
  }
});
