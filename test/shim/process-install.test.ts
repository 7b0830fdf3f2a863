/** The init container's work on real processes: the shim's copy, whole or not at all, and an empty rendezvous. */
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { ACTOR, Pod, SHIM } from './pod.ts';

const same = (one: string, other: string) => readFileSync(one).equals(readFileSync(other));

test('P5 install copies itself whole, for everybody to run and nobody to change', async (t) => {
  const pod = new Pod(t, { mains: ['m'], sidecars: ['s'] });
  assert.deepEqual(readdirSync(pod.bin), ['curfew-shim']);
  assert.equal(statSync(`${pod.bin}/curfew-shim`).mode & 0o7777, 0o555);
  assert.ok(same(`${pod.bin}/curfew-shim`, SHIM));
  assert.deepEqual(readdirSync(pod.run).sort(), ['epoch', 'm.life', 'm.state', 's.life', 's.state']);
});

test('P5 install replaces an older copy that still runs, and one that is half', async (t) => {
  const pod = new Pod(t, { mains: ['m'] });
  const main = pod.start('m', pod.serve('m'));
  await pod.notes('m up');
  const before = statSync(`${pod.bin}/curfew-shim`).ino;
  pod.install();
  assert.notEqual(statSync(`${pod.bin}/curfew-shim`).ino, before);
  await main.signal(15);
  assert.equal(await main.code(), 0, 'the old copy still worked');
  const half = readFileSync(SHIM).subarray(0, 100_000);
  const target = `${pod.folder}/half`;
  mkdirSync(target);
  writeFileSync(`${target}/curfew-shim`, half, { mode: 0o755 });
  const words = ['install', `--to=${target}`, `--run=${pod.run}`, '--containers=m'];
  assert.equal(await pod.begin('init', [SHIM, ...words]).code(), 0);
  assert.ok(same(`${target}/curfew-shim`, SHIM));
});

test('P5 install that is killed leaves a whole copy or none, wherever it was killed', async (t) => {
  const pod = new Pod(t);
  const target = `${pod.folder}/target`;
  const words = [SHIM, 'install', `--to=${target}`, `--run=${pod.run}`, '--containers=m'];
  let killed = 0;
  for (let step = 1, over = false; !over; step++) {
    rmSync(target, { recursive: true, force: true });
    mkdirSync(target);
    over = (await pod.begin('init', [ACTOR, 'kill-at', `${step}`, ...words]).code()) === 0;
    if (!over) killed++;
    if (readdirSync(target).includes('curfew-shim')) {
      assert.ok(same(`${target}/curfew-shim`, SHIM), `a half copy after step ${step}`);
      assert.equal(statSync(`${target}/curfew-shim`).mode & 0o7777, 0o555);
    } else assert.ok(!over);
  }
  assert.ok(killed > 20, `killed ${killed} times`);
  // What a killed one left does not trouble the next.
  await pod.begin('init', [ACTOR, 'kill-at', `${killed - 10}`, ...words]).code();
  assert.equal(await pod.begin('init', words).code(), 0);
  assert.ok(same(`${target}/curfew-shim`, SHIM));
});

test('P5 install into a full volume, or one that is not there, fails by name', async (t) => {
  const pod = new Pod(t);
  const tiny = 'mkdir -p "$0" && mount -t tmpfs -o size=64k none "$0" && shift && exec "$@"';
  const target = `${pod.folder}/tiny`;
  const words = [SHIM, 'install', `--to=${target}`, `--run=${pod.run}`, '--containers=m'];
  const full = pod.begin('init', ['unshare', '--mount', 'sh', '-c', tiny, target, '-', ...words]);
  assert.equal(await full.code(), 125);
  assert.match(full.stderr, /^curfew: cannot write .*tiny.*: no space left on device\n$/);
  const missing = pod.begin('init', [
    SHIM,
    'install',
    `--to=${pod.folder}/none`,
    `--run=${pod.run}`,
    '--containers=m',
  ]);
  assert.equal(await missing.code(), 125);
  assert.match(missing.stderr, /^curfew: cannot create .*none.*: no such file or directory\n$/);
});

test('P5 install into a volume from which nothing may be executed says so, and what to write', async (t) => {
  const pod = new Pod(t);
  const noexec = 'mkdir -p "$0" && mount -t tmpfs -o noexec none "$0" && shift && exec "$@"';
  const target = `${pod.folder}/noexec`;
  const words = [SHIM, 'install', `--to=${target}`, `--run=${pod.run}`, '--containers=m'];
  const install = pod.begin('init', ['unshare', '--mount', 'sh', '-c', noexec, target, '-', ...words]);
  assert.equal(await install.code(), 125);
  assert.match(
    install.stderr,
    /^curfew: cannot execute .*noexec\/curfew-shim: permission denied: its volume is mounted noexec, .*curfew\.dev\/inject: "false"\n$/,
  );
});
