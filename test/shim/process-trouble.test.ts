/** Rule L17 on real processes: a rendezvous that cannot be used hangs no pod and loses no exit code. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { type TestContext, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import type { Readiness } from '../../shim/protocol.ts';
import { type Container, KILL, TERM } from './container.ts';
import { until } from './patience.ts';
import { NAMESPACE, Pod, type PodOptions } from './pod.ts';
import { tmpfsPod } from './tmpfs-pod.ts';

const PAIR: PodOptions = { mains: ['m'], sidecars: ['s'] };
const readOnly = (folder: string) => `mount --bind ${folder} ${folder} && mount -o remount,bind,ro ${folder}`;

/** A sidecar and a main that run, the main until TERM, when it ends with 7. */
async function pair(pod: Pod): Promise<{ sidecar: Container; main: Container }> {
  const sidecar = pod.start('s', pod.serve('s'));
  const main = pod.start('m', pod.serve('m', '10=7'));
  await pod.notes('m up');
  return { sidecar, main };
}

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

/** Somebody else's files under every name that Curfew uses. */
const IN_THE_WAY = ['m.state', 'm.tmp', 'm.life', 's.state', 's.tmp', 's.life', 'epoch', 'epoch.tmp'];
const KINDS: Record<string, (path: string) => void> = {
  'a folder': (path) => mkdirSync(path),
  'a folder with something in it': (path) => {
    mkdirSync(path);
    writeFileSync(`${path}/theirs`, 'kept');
  },
  'a file': (path) => writeFileSync(path, 'theirs'),
  'a link to nowhere': (path) => execFileSync('ln', ['-s', '/no/such/target', path]),
  'a FIFO': (path) => execFileSync('mkfifo', [path]),
};

test('L17 whatever stands in the way of a file is put aside, before the install and after', async (t) => {
  for (const [kind, make] of Object.entries(KINDS)) {
    for (const again of [true, false]) {
      const pod = new Pod(t, PAIR);
      for (const name of IN_THE_WAY) {
        rmSync(`${pod.run}/${name}`, { force: true });
        make(`${pod.run}/${name}`);
      }
      if (again) pod.install();
      const { sidecar, main } = await pair(pod);
      await main.signal(10);
      assert.equal(await main.code(), 7, `${kind}, install ${again ? 'after' : 'before'}\n${pod.story}`);
      assert.equal(await sidecar.code(), 0, kind);
      assert.equal(main.stderr + sidecar.stderr, '', kind);
      await pod.destroy();
    }
  }
});

test('L17 a rendezvous that is emptied, or taken away, while all run loses no exit code', async (t) => {
  for (const how of ['emptied', 'taken away'] as const) {
    const pod = new Pod(t, PAIR);
    const { sidecar, main } = await pair(pod);
    if (how === 'taken away') renameSync(pod.run, `${pod.folder}/away`);
    else execFileSync('sh', ['-c', `rm -r ${pod.run}/*`]);
    await main.signal(10);
    assert.equal(await main.code(), 7, how);
    assert.equal(await sidecar.code(), 0, how);
    assert.deepEqual(pod.noted.slice(-2), [`s got ${TERM}`, 's ends'], how);
  }
});

/** What `rm -rf /curfew/run/*` does. */
const REMOVALS: Record<string, (run: string) => string> = {
  'its marker': (run) => `rm ${run}/a.state`,
  'its life line': (run) => `rm ${run}/a.life`,
  'its marker and its life line, something else of their names': (run) =>
    `cd ${run}; ln -s nowhere x; mv -T x a.state; echo theirs > y; mv y a.life`,
  'its life line, another FIFO of its name': (run) => `cd ${run}; mkfifo x; mv x a.life`,
  everything: (run) => `rm -rf ${run}/*`,
};

test('L17 a sidecar from which something is removed while others wait: it is made anew, once said, and they go on', async (t) => {
  for (const [what, remove] of Object.entries(REMOVALS)) {
    const pod = new Pod(t, { mains: ['m'], sidecars: ['a', 'b'] });
    const a = pod.start('a', pod.serve('a'));
    await pod.announces('a', 'started');
    const m = pod.start('m', pod.work('m', 3));
    await pod.announces('m', 'waiting');
    const epoch = readFileSync(`${pod.run}/epoch`, 'utf8');
    execFileSync('sh', ['-c', remove(pod.run)]);
    await until('the epoch', () => existsSync(`${pod.run}/epoch`) || undefined);
    // One who has never seen it before, after one who has.
    const b = pod.start('b', pod.serve('b'));
    assert.equal(await m.code(), 3, `${what}\n${pod.story}`);
    assert.deepEqual([await b.code(), await a.code()], [0, 0], what);
    assert.deepEqual(pod.noted, ['a up', 'b up', 'm runs', 'b got 15', 'b ends', 'a got 15', 'a ends'], what);
    assert.equal(a.stderr, `curfew: somebody removed files from ${pod.run}: making them anew\n`, what);
    assert.equal(readFileSync(`${pod.run}/epoch`, 'utf8'), epoch, what);
    for (const name of ['a', 'b', 'm']) assert.equal(pod.markerOf(name)?.epoch, epoch.trim(), what);
    await pod.destroy();
  }
});

test('L17 a main that removes everything and fails under OnFailure: its next attempt runs, and the sidecars end well', async (t) => {
  const pod = new Pod(t, { mains: ['m'], sidecars: ['a', 'b'], restartPolicy: 'OnFailure' });
  const sidecars = ['a', 'b'].map((name) => pod.start(name, pod.serve(name)));
  assert.equal(await pod.start('m', ['sh', '-c', `rm -rf ${pod.run}/*; exit 4`]).code(), 4);
  assert.equal(await pod.start('m', pod.work('m')).code(), 0);
  for (const sidecar of sidecars) assert.equal(await sidecar.code(), 0);
  const epoch = pod.markerOf('a')?.epoch;
  assert.notEqual(epoch, '');
  assert.deepEqual(
    [pod.markerOf('m')?.epoch, pod.markerOf('b')?.epoch],
    [epoch, epoch],
    'the epoch is known again',
  );
});

test('L17 that a main has gone for good counts on when what it left is removed', async (t) => {
  const pod = new Pod(t, { mains: ['m', 'n'], sidecars: ['s'], restartPolicy: 'OnFailure' });
  const sidecar = pod.start('s', pod.serve('s'));
  const m = pod.start('m', pod.serve('m'), { options: { restartPolicy: 'Never' } });
  const n = pod.start('n', pod.serve('n', '10=0'));
  await pod.notes('m up');
  await pod.notes('n up');
  await m.signal(KILL);
  await sidecar.says('m died without a word');
  execFileSync('sh', ['-c', `rm -rf ${pod.run}/*`]);
  await n.signal(10);
  assert.deepEqual([await n.code(), await sidecar.code()], [0, 0]);
});

test('L12 L17 a main that removes its own marker while it is stopped is not taken for one that was not', async (t) => {
  const pod = new Pod(t, { mains: ['m'], sidecars: ['s'], grace: 4_000 });
  // A stop of its own would be known after a quarter of the grace period.
  const sidecar = pod.start('s', pod.serve('s'), { options: { probed: true } });
  const cleans = `rm ${pod.run}/m.state; sleep 2; echo m ends >> ${pod.log}; exit 0`;
  const command = `trap '${cleans}' TERM; echo m up >> ${pod.log}; while :; do sleep 0.05; done`;
  const main = pod.start('m', ['sh', '-c', command]);
  await pod.notes('m up');
  for (const container of [sidecar, main]) await container.signal(TERM);
  assert.deepEqual([await main.code(), await sidecar.code()], [0, 0]);
  assert.deepEqual(pod.noted, ['s up', 'm up', 'm ends', 's got 15', 's ends']);
});

test('L17 files that somebody removes again and again cost little, and come back when he ends', async (t) => {
  const pod = new Pod(t, { mains: ['m'], sidecars: ['s'] });
  const sidecar = pod.start('s', pod.serve('s'));
  await pod.announces('s', 'started');
  const path = `${pod.run}/s.state`;
  const end = performance.now() + 2_000;
  let removed = 0;
  while (performance.now() < end) {
    if (existsSync(path)) {
      rmSync(path);
      removed++;
    }
    await pause(1);
  }
  // After 10 ms, 20 ms, 40 ms, ...: a slow machine makes it fewer.
  assert.ok(removed >= 2 && removed <= 10, `${removed} times in 2 s`);
  assert.equal(await pod.start('m', pod.work('m', 3)).code(), 3);
  assert.equal(await sidecar.code(), 0);
  assert.equal(sidecar.stderr.split('\n').length, 2, 'said once');
});

test('L17 what is removed from a mount that is read-only is made anew when it is not, without a word until then', async (t) => {
  const pod = new Pod(t, PAIR);
  const sidecar = pod.start('s', pod.serve('s'));
  await pod.announces('s', 'started');
  const within = (script: string) =>
    execFileSync('nsenter', [`--target=${process.pid}`, `--mount=/proc/${shim}/ns/mnt`, 'sh', '-c', script]);
  const shim = await sidecar.pid();
  within(readOnly(pod.run));
  execFileSync('sh', ['-c', `rm -rf ${pod.run}/*`]);
  const main = pod.start('m', pod.work('m', 3));
  await pod.announces('m', 'waiting');
  assert.equal(sidecar.stderr, '');
  within(`mount -o remount,bind,rw ${pod.run}`);
  assert.equal(await main.code(), 3);
  assert.equal(await sidecar.code(), 0);
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
