/** Rule L17 on real processes: what stands in the way in the rendezvous is put aside, and what somebody removes is made anew. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { KILL, TERM } from './container.ts';
import { PAIR, pair, readOnly } from './pair.ts';
import { until } from './patience.ts';
import { Pod } from './pod.ts';

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
  'a link to a file': (path) => execFileSync('ln', ['-s', '/etc/hostname', path]),
  'a device': (path) => execFileSync('mknod', [path, 'c', '1', '5']),
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
  await sidecar.says('m ended without a word');
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
