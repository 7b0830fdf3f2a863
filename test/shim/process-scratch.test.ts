/** Rule P5 on real processes: the shim needs nothing in the image, no rights and no writable root. */
import assert from 'node:assert/strict';
import { chmodSync, copyFileSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { test } from 'node:test';
import { report } from './actor.ts';
import { ACTOR, NAMESPACE, Pod, SHIM } from './pod.ts';

/** A root file system with the two volumes and one static program, and a pod whose containers live in it. */
function scratch(pod: Pod): { root: string; inside: string[]; readOnly: string[] } {
  const root = `${pod.folder}/root`;
  for (const folder of ['', '/curfew', '/curfew/bin', '/curfew/run']) mkdirSync(`${root}${folder}`);
  copyFileSync(ACTOR, `${root}/actor`);
  chmodSync(`${root}/actor`, 0o555);
  // Not even /proc: that is what --mount-proc would add.
  const inside = ['unshare', '--pid', '--fork', '--kill-child', `--root=${root}`];
  const mounts = [
    `mount --bind ${root} ${root}`,
    `mount -o remount,bind,ro ${root}`,
    `mount --bind ${pod.bin} ${root}/curfew/bin && mount -o remount,bind,ro ${root}/curfew/bin`,
    `mount --bind ${pod.run} ${root}/curfew/run`,
    'exec "$@"',
  ].join(' && ');
  return { root, inside, readOnly: ['unshare', '--mount', 'sh', '-c', mounts, '-', ...inside] };
}

/** As a kubelet mounts them: the shim's own defaults, so that no --run stands in the command line. */
const AT_HOME = { run: '/curfew/run' };
const shimAtHome = (words: string[], pod: Pod) =>
  words.map((word) => (word === `${pod.bin}/curfew-shim` ? '/curfew/bin/curfew-shim' : word));

test('P5 P10 in an image that holds nothing, as nobody, with a read-only root and without /proc', async (t) => {
  const pod = new Pod(t, { mains: ['m'], sidecars: ['s'] });
  const { readOnly } = scratch(pod);
  // The two containers as two users, none of them root, and without a single capability.
  const as = (user: number) => [...readOnly, '/actor', 'user', `${user}`];
  const start = (name: string, user: number, command: string[]) => {
    const words = pod.words(name, command, { inside: as(user), options: AT_HOME });
    return pod.begin(name, shimAtHome(words, pod), { env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' } });
  };
  const sidecar = start('s', 1001, ['/actor', 'pause']);
  const flags = ['status', '--output=json'];
  const status = pod.begin('status', [...as(4_321), '/curfew/bin/curfew-shim', ...flags]);
  assert.equal(await status.code(), 0, status.words);
  assert.match(status.stdout, /"name":"m","role":(null|"main"),"phase":"absent"/);
  const main = start('m', 65534, ['/actor', 'report']);
  assert.equal(await main.code(), 0, main.words);
  assert.equal(report(main).uid, 65534);
  assert.equal(report(main).cwd, '/');
  assert.equal(await sidecar.code(), 0, sidecar.words);
  assert.deepEqual(readdirSync(`${pod.folder}/root`).sort(), ['actor', 'curfew']);
});

test('P5 install runs in such an image too, as any user', async (t) => {
  const pod = new Pod(t, { mains: ['m'] });
  const { root, inside } = scratch(pod);
  copyFileSync(SHIM, `${root}/curfew-shim`);
  for (const folder of ['bin', 'run']) chmodSync(`${root}/curfew/${folder}`, 0o777);
  const init = pod.begin('init', [
    ...inside,
    '/actor',
    'user',
    '1234',
    '/curfew-shim',
    'install',
    '--containers=m',
  ]);
  assert.equal(await init.code(), 0, init.words);
  assert.equal(init.stdout + init.stderr, '');
  const { mode, uid } = statSync(`${root}/curfew/bin/curfew-shim`);
  assert.deepEqual([mode & 0o7777, uid], [0o555, 1234]);
  const words = pod.words('m', ['/actor', 'exit', '5'], { inside, options: AT_HOME });
  assert.equal(await pod.begin('m', shimAtHome(words, pod)).code(), 5);
});

test('P5 without a network', async (t) => {
  const pod = new Pod(t, { mains: ['m'], sidecars: ['s'] });
  const inside = ['unshare', '--net', ...NAMESPACE.slice(1)];
  const sidecar = pod.start('s', pod.serve('s'), { inside });
  assert.equal(await pod.start('m', pod.work('m', 3), { inside }).code(), 3);
  assert.equal(await sidecar.code(), 0);
});

test('P5 with few open files, little stack and no new privileges', async (t) => {
  const pod = new Pod(t, { mains: ['m'], sidecars: ['s'] });
  const inside = [
    ...NAMESPACE,
    ...['prlimit', '--nofile=16', '--stack=131072', '--core=0', '--'],
    ...['setpriv', '--no-new-privs', '--bounding-set=-all', '--inh-caps=-all'],
  ];
  const sidecar = pod.start('s', pod.serve('s'), { inside });
  assert.equal(await pod.start('m', pod.work('m', 3), { inside }).code(), 3);
  assert.equal(await sidecar.code(), 0);
});

test('P5 the shim is one static executable', async (t) => {
  const pod = new Pod(t);
  const seen = pod.begin('readelf', ['readelf', '--program-headers', SHIM]);
  assert.equal(await seen.code(), 0);
  assert.doesNotMatch(seen.stdout, /INTERP|DYNAMIC/);
});
