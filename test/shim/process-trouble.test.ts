/** Rule L17 on real processes: a rendezvous that cannot be used hangs no pod and loses no exit code. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, closeSync, constants, openSync, rmSync, writeFileSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import type { Readiness } from '../../shim/protocol.ts';
import { PAIR, pair, readOnly } from './pair.ts';
import { NAMESPACE, Pod } from './pod.ts';
import { tmpfsPod } from './tmpfs-pod.ts';

test('L17 without the folder every container exits 125 and says why', async (t) => {
  const pod = new Pod(t, PAIR);
  rmSync(pod.run, { recursive: true });
  for (const name of ['m', 's']) {
    const container = pod.start(name, pod.serve(name));
    assert.equal(await container.code(), 125);
    assert.match(container.stderr, /^curfew: cannot \w+ .*\/run\/.*: no such file or directory\n$/);
  }
  assert.deepEqual(pod.noted, []);
});

test('L17 with a folder that this user may not enter: the same', async (t) => {
  const pod = new Pod(t, PAIR);
  chmodSync(pod.run, 0o700);
  const main = pod.start('m', pod.serve('m'), {
    inside: [...NAMESPACE, 'setpriv', '--reuid=1234', '--clear-groups'],
  });
  assert.equal(await main.code(), 125);
  assert.match(main.stderr, /permission denied\n$/);
  assert.deepEqual(pod.noted, []);
});

test('L17 a main whose mount is read-only exits 125 before it starts, and the sidecars hear of it', async (t) => {
  const pod = new Pod(t, PAIR);
  const sidecar = pod.start('s', pod.serve('s'));
  await pod.announces('s', 'started');
  const inside = ['unshare', '--mount', 'sh', '-c', `${readOnly(pod.run)} && exec "$@"`, '-', ...NAMESPACE];
  const main = pod.start('m', pod.work('m'), { inside });
  assert.equal(await main.code(), 125);
  assert.match(main.stderr, /^curfew: cannot .*read-only file system$/m);
  assert.equal(await sidecar.code(), 0);
  assert.ok(!pod.noted.includes('m runs'));
});

test('L17 a main that cannot announce itself and finds its sidecars started exits 125 all the same', async (t) => {
  const pod = new Pod(t, { mains: ['m', 'n'], sidecars: [] });
  const inside = ['unshare', '--mount', 'sh', '-c', `${readOnly(pod.run)} && exec "$@"`, '-', ...NAMESPACE];
  const main = pod.start('m', pod.work('m'), { inside });
  assert.equal(await main.code(), 125);
  assert.deepEqual(pod.noted, []);
});

test('L17 a sidecar whose mount is read-only exits 125, and no main waits for it for ever', async (t) => {
  const pod = new Pod(t, PAIR);
  const main = pod.start('m', pod.work('m'));
  await pod.announces('m', 'waiting');
  const inside = ['unshare', '--mount', 'sh', '-c', `${readOnly(pod.run)} && exec "$@"`, '-', ...NAMESPACE];
  const sidecar = pod.start('s', pod.serve('s'), { inside });
  assert.equal(await sidecar.code(), 125);
  assert.match(sidecar.stderr, /^curfew: cannot .*read-only file system$/m);
  assert.equal(await main.code(), 125);
  assert.ok(!pod.noted.includes('m runs'));
});

test('L17 what a sidecar spoke that could not write does not hide its next start from who waits', async (t) => {
  const pod = new Pod(t, { ...PAIR, restartPolicy: 'OnFailure' });
  const main = pod.start('m', pod.work('m'));
  await pod.announces('m', 'waiting');
  // As a main that runs and looks no more.
  const other = openSync(`${pod.run}/s.life`, constants.O_RDONLY | constants.O_NONBLOCK);
  t.after(() => closeSync(other));
  const inside = ['unshare', '--mount', 'sh', '-c', `${readOnly(pod.run)} && exec "$@"`, '-', ...NAMESPACE];
  assert.equal(await pod.start('s', pod.serve('s'), { inside }).code(), 125);
  const sidecar = pod.start('s', pod.serve('s'));
  assert.equal(await main.code(), 0);
  assert.equal(await sidecar.code(), 0);
});

test('L17 a mount that becomes read-only before a sidecar is ready: it is stopped, exits 125, and no main waits for ever', async (t) => {
  const pod = new Pod(t, PAIR);
  const ready: Readiness = { kind: 'exec', command: ['test', '-e', `${pod.folder}/ready`] };
  const sidecar = pod.start('s', pod.serve('s'), { options: { ready } });
  const main = pod.start('m', pod.work('m'));
  await pod.notes('s up');
  await pod.announces('m', 'waiting');
  execFileSync('nsenter', [`--target=${await sidecar.pid()}`, '--mount', 'sh', '-c', readOnly(pod.run)]);
  writeFileSync(`${pod.folder}/ready`, '');
  assert.equal(await sidecar.code(), 125);
  assert.match(sidecar.stderr, /^curfew: cannot .*read-only file system$/m);
  assert.equal(await main.code(), 125);
  assert.deepEqual(pod.noted, ['s up', 's got 15', 's ends']);
});

test('L17 a mount that becomes read-only while a main runs loses no exit code', async (t) => {
  for (const restartPolicy of ['Never', 'OnFailure'] as const) {
    const pod = new Pod(t, { ...PAIR, restartPolicy });
    const { sidecar, main } = await pair(pod);
    const enter = ['nsenter', `--target=${await main.pid()}`, '--mount', 'sh', '-c', readOnly(pod.run)];
    execFileSync('/usr/bin/env', enter);
    await main.signal(10);
    assert.equal(await main.code(), 7);
    if (restartPolicy === 'OnFailure') assert.equal(await pod.start('m', pod.work('m')).code(), 0);
    assert.equal(await sidecar.code(), 0);
    assert.ok(!sidecar.stderr.includes('without a word'), sidecar.stderr);
    const runs = restartPolicy === 'OnFailure' ? ['m runs'] : [];
    assert.deepEqual(pod.noted.slice(-3 - runs.length), ['m ends', ...runs, 's got 15', 's ends']);
  }
});

test('L17 on a disk that is full before anything starts everything works', async (t) => {
  for (const what of ['blocks', 'inodes'] as const) {
    const { pod, fill } = await tmpfsPod(t, PAIR, what);
    fill();
    const { sidecar, main } = await pair(pod);
    await main.signal(10);
    assert.equal(await main.code(), 7, `no ${what} left`);
    assert.equal(await sidecar.code(), 0);
    assert.deepEqual(pod.noted, ['s up', 'm up', 'm got 10', 'm ends', 's got 15', 's ends']);
    assert.equal(main.stderr + sidecar.stderr, '');
    assert.deepEqual([pod.markerOf('m')?.code, pod.markerOf('m')?.final], [7, true]);
  }
});

test('L17 on a disk that fills up while a main runs its last word is kept', async (t) => {
  for (const restartPolicy of ['Never', 'OnFailure'] as const) {
    const { pod, fill } = await tmpfsPod(t, { ...PAIR, restartPolicy }, 'blocks');
    const { sidecar, main } = await pair(pod);
    fill();
    await main.signal(10);
    assert.equal(await main.code(), 7);
    assert.deepEqual([pod.markerOf('m')?.code, pod.markerOf('m')?.final], [7, restartPolicy === 'Never']);
    if (restartPolicy === 'OnFailure') assert.equal(await pod.start('m', pod.work('m')).code(), 0);
    assert.equal(await sidecar.code(), 0);
    assert.ok(!sidecar.stderr.includes('without a word'), sidecar.stderr);
  }
});

test('L17 a full disk without any room reserved: 125 before it starts, never a hang', async (t) => {
  const { pod, fill } = await tmpfsPod(t, PAIR, 'blocks');
  const sidecar = pod.start('s', pod.serve('s'));
  await pod.notes('s up');
  rmSync(`${pod.runSeen}/m.state`);
  fill();
  const main = pod.start('m', pod.work('m'));
  assert.equal(await main.code(), 125);
  assert.match(main.stderr, /^curfew: cannot write .*no space left on device$/m);
  assert.equal(await sidecar.code(), 0);
  assert.deepEqual(pod.noted, ['s up', 's got 15', 's ends']);
});

test('L17 a limit on the size of files that cuts a marker short: 125 before it starts, never a torn marker', async (t) => {
  const pod = new Pod(t, PAIR);
  const sidecar = pod.start('s', pod.serve('s'));
  await pod.notes('s up');
  const main = pod.start('m', pod.work('m'), { inside: [...NAMESPACE, 'prlimit', '--fsize=256:256'] });
  assert.equal(await main.code(), 125);
  assert.match(main.stderr, /^curfew: cannot write .*: file too large\n$/, 'said once');
  assert.equal(await sidecar.code(), 0);
  assert.equal(sidecar.stderr, '');
  assert.deepEqual(pod.noted, ['s up', 's got 15', 's ends']);
});

test('L17 containers of different users share one rendezvous', async (t: TestContext) => {
  const pod = new Pod(t, { mains: ['m', 'n'], sidecars: ['s'] });
  const as = (user: number) => ({
    inside: [
      ...NAMESPACE,
      'setpriv',
      `--reuid=${user}`,
      `--regid=${user}`,
      '--clear-groups',
      'sh',
      '-c',
      'umask 077; exec "$@"',
      '-',
    ],
  });
  const sidecar = pod.start('s', pod.serve('s'), as(1001));
  const n = pod.start('n', pod.work('n', 4));
  assert.equal(await pod.start('m', pod.work('m', 3), as(1002)).code(), 3);
  assert.equal(await n.code(), 4);
  assert.equal(await sidecar.code(), 0);
  assert.equal(sidecar.stderr, '');
});
