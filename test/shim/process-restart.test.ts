/** Rules L9 and L11 on real processes: a sidecar that fails, containers and nodes that start again. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { formatMarker, type Marker } from '../../shim/marker.ts';
import type { Readiness } from '../../shim/protocol.ts';
import { childrenOf, KILL, TERM } from './container.ts';
import { ACTOR, NAMESPACE, Pod } from './pod.ts';

test('L9 a sidecar that ends while a main runs is started again at once, whatever its code and the policy', async (t) => {
  for (const restartPolicy of ['Never', 'OnFailure'] as const) {
    for (const code of [0, 1]) {
      const pod = new Pod(t, { mains: ['m'], sidecars: ['s'], restartPolicy });
      const sidecar = pod.start('s', pod.serve('s', `10=${code}`, '15=0'));
      const main = pod.start('m', pod.serve('m', '12=0'));
      await pod.notes('m up');
      const before = [await sidecar.pid(), await main.childPid()];
      await sidecar.signal(10);
      await pod.notes('s up', 2);
      const line = `curfew: ended with code ${code} while the work goes on: starting it again now\n`;
      await sidecar.says(line);
      assert.equal(sidecar.stderr, line);
      assert.deepEqual(
        [await sidecar.pid(), await main.childPid()],
        before,
        'by the same shim, the main undisturbed',
      );
      await main.signal(12);
      assert.deepEqual([await main.code(), await sidecar.code()], [0, 0]);
      assert.deepEqual(pod.noted.slice(1, 5), ['m up', 's got 10', 's ends', 's up']);
    }
  }
});

test('L9 a sidecar whose end restarts all containers is left to the kubelet, with its code', async (t) => {
  const pod = new Pod(t, { mains: ['m'], sidecars: ['s'] });
  const restartRules = [{ operator: 'In' as const, codes: [42], all: true as const }];
  const sidecar = pod.start('s', pod.serve('s', '10=42'), { options: { restartRules } });
  const main = pod.start('m', pod.serve('m', '12=0'));
  await pod.notes('m up');
  await sidecar.signal(10);
  assert.equal(await sidecar.code(), 42);
  assert.equal(
    sidecar.stderr,
    'curfew: ended with code 42, on which all containers are started again: leaving that to the kubelet\n',
  );
  assert.equal(pod.markerOf('s')?.final, false);
  await main.signal(12);
  assert.equal(await main.code(), 0, 'undisturbed');
});

test('L9 a sidecar that is killed is started again; mains go on', async (t) => {
  const pod = new Pod(t, { mains: ['m'], sidecars: ['s'] });
  const sidecar = pod.start('s', pod.serve('s'));
  const main = pod.start('m', pod.serve('m', '12=0'));
  await pod.notes('m up');
  process.kill(await sidecar.childPid(), KILL);
  await sidecar.says('ended with code 137 while the work goes on: starting it again now');
  await pod.notes('s up', 2);
  await main.signal(12);
  assert.deepEqual([await main.code(), await sidecar.code()], [0, 0]);
  assert.deepEqual(pod.noted, ['s up', 'm up', 's up', 'm got 12', 'm ends', 's got 15', 's ends']);
});

test('L20 under Never a sidecar whose command cannot be started is tried again, at once and then after 10 s', async (t) => {
  const pod = new Pod(t, { mains: ['m'], sidecars: ['s'] });
  const sidecar = pod.start('s', ['/no/such/command']);
  const main = pod.start('m', pod.work('m'));
  await pod.announces('m', 'waiting');
  await sidecar.says('ended with code 127 while the work goes on: starting it again in 10 s');
  assert.equal(sidecar.stderr.split('command not found').length - 1, 2);
  // It is there, in its pause, and the pod's deletion ends that.
  for (const container of [main, sidecar]) await container.signal(TERM);
  assert.equal(await main.code(), 143);
  assert.equal(await sidecar.code(), 0);
  assert.deepEqual(pod.noted, []);
});

test('L20 where the kubelet starts it again a sidecar whose command cannot be started ends with its code, and the next one may run', async (t) => {
  const pod = new Pod(t, { mains: ['m'], sidecars: ['s'], restartPolicy: 'OnFailure' });
  const main = pod.start('m', pod.work('m'));
  await pod.announces('m', 'waiting');
  const command = `${pod.folder}/command`;
  for (const attempt of [1, 2, 3, 4]) {
    const sidecar = pod.start('s', [command]);
    assert.equal(await sidecar.code(), 127, sidecar.words);
    assert.equal((await pod.announces('s', 'ended', attempt)).final, false);
  }
  writeFileSync(command, `#!/bin/sh\nexec ${pod.serve('s').join(' ')}\n`, { mode: 0o755 });
  const sidecar = pod.start('s', [command]);
  assert.deepEqual([await main.code(), await sidecar.code()], [0, 0], pod.story);
});

test('L9 a sidecar that is not yet ready is started again too', async (t) => {
  const pod = new Pod(t, { mains: ['m'], sidecars: ['s'] });
  const ready: Readiness = { kind: 'exec', command: ['test', '-e', `${pod.folder}/ready`] };
  const sidecar = pod.start('s', pod.serve('s', '10=4', '15=0'), { options: { ready } });
  const main = pod.start('m', pod.work('m', 3));
  await pod.notes('s up');
  await pod.announces('m', 'waiting');
  await sidecar.signal(10);
  await pod.notes('s up', 2);
  writeFileSync(`${pod.folder}/ready`, '');
  assert.equal(await main.code(), 3);
  assert.equal(await sidecar.code(), 0);
});

/** A marker of a life that is over. */
const stale = (marker: Partial<Marker>) =>
  formatMarker({
    attempt: 7,
    epoch: 'before',
    phase: 'started',
    code: 0,
    final: false,
    killedIsFinal: true,
    stopping: false,
    stopDoubt: 0,
    ...marker,
  });

test('L11 a stale started sidecar starts no main', async (t) => {
  for (const epoch of ['before', 'same']) {
    const pod = new Pod(t, { mains: ['m'], sidecars: ['s'], restartPolicy: 'OnFailure' });
    const first = pod.start('s', pod.serve('s'));
    const now = (await pod.announces('s', 'started')).epoch;
    await first.signal(KILL);
    await first.code();
    writeFileSync(
      `${pod.run}/s.state`,
      stale({ epoch: epoch === 'same' ? now : epoch, killedIsFinal: false }),
    );
    const main = pod.start('m', pod.work('m', 0));
    await pod.announces('m', 'waiting');
    const second = pod.start('s', pod.serve('s again'));
    assert.equal(await main.code(), 0);
    assert.equal(await second.code(), 0);
    assert.deepEqual(pod.noted.slice(1, 3), ['s again up', 'm runs']);
  }
});

test('L11 a sidecar that comes back is not taken for the one before it, however close a main comes up', async (t) => {
  const ready: Readiness = { kind: 'exec', command: ['false'] };
  // The moment between its life line and its first marker is short: many tries meet it.
  for (let round = 0; round < 25; round++) {
    const pod = new Pod(t, { mains: ['m'], sidecars: ['s'], restartPolicy: 'OnFailure' });
    writeFileSync(`${pod.run}/s.state`, stale({ killedIsFinal: false }));
    const sidecar = pod.start('s', pod.serve('s'), { options: { ready } });
    const main = pod.start('m', pod.work('m'));
    await pod.announces('m', 'waiting');
    await pod.notes('s up');
    assert.deepEqual(pod.noted, ['s up']);
    await Promise.all([sidecar.signal(KILL), main.signal(KILL)]);
    await Promise.all([sidecar.code(), main.code()]);
  }
});

test('L11 a main whose end was final does not work again where the kubelet saw another one, and starts it', async (t) => {
  const pod = new Pod(t, { mains: ['m'], sidecars: ['s'], restartPolicy: 'OnFailure' });
  const sidecar = pod.start('s', pod.serve('s'));
  assert.equal(await pod.start('m', pod.work('m', 0)).code(), 0);
  assert.equal(await sidecar.code(), 0);
  for (let attempt = 2; attempt <= 3; attempt++) {
    const main = pod.start('m', pod.work('m', 0));
    assert.equal(await main.code(), 0);
    assert.equal(
      main.stderr,
      'curfew: ended with 0 before, and that end went unseen: not running it again\n',
    );
    const { code, final } = await pod.announces('m', 'ended', attempt);
    assert.deepEqual([code, final], [0, true]);
  }
  assert.deepEqual(
    pod.noted.filter((line) => line === 'm runs'),
    ['m runs'],
  );
});

test('L11 after a node restart the ends and starts of before count for nothing', async (t) => {
  const pod = new Pod(t, { mains: ['m', 'n'], sidecars: ['s'] });
  for (const [name, marker] of [
    ['m', { phase: 'ended', final: true }],
    ['n', { phase: 'running' }],
    ['s', { phase: 'ended', final: true }],
  ] as const)
    writeFileSync(`${pod.run}/${name}.state`, stale(marker));
  pod.install();
  const sidecar = pod.start('s', pod.serve('s'));
  await pod.notes('s up');
  const m = pod.start('m', pod.serve('m', '12=0'));
  const n = pod.start('n', pod.work('n', 3));
  await pod.notes('m up');
  assert.equal(await n.code(), 3);
  assert.ok(!pod.noted.includes('s got 15'));
  await m.signal(12);
  assert.deepEqual([await m.code(), await sidecar.code()], [0, 0]);
  assert.equal(pod.markerOf('m')?.attempt, 8, 'the next attempt');
});

test('L11 a real first life, then the same pod again after a restart of its node', async (t) => {
  const pod = new Pod(t, { mains: ['m'], sidecars: ['s'], restartPolicy: 'OnFailure' });
  for (const life of [1, 2]) {
    const sidecar = pod.start('s', pod.serve('s'));
    await pod.notes('s up', life);
    const main = pod.start('m', pod.serve('m', '12=0'));
    await pod.notes('m up', life);
    if (life === 1) {
      // The power goes.
      for (const container of [main, sidecar]) await container.signal(KILL);
      await Promise.all([main.code(), sidecar.code()]);
      pod.install();
    } else {
      await main.signal(12);
      assert.deepEqual([await main.code(), await sidecar.code()], [0, 0]);
    }
  }
  assert.equal(pod.noted.filter((line) => line === 's got 15').length, 1);
});

test('L11 the last word of the attempt before is not that of one that died as it came up', async (t) => {
  // The hook may have ended it before a stop that was meant for it alone.
  const pod = new Pod(t, { mains: ['m'], sidecars: ['s'], preStop: ['m'], restartPolicy: 'OnFailure' });
  const epoch = readFileSync(`${pod.run}/epoch`, 'utf8').trim();
  writeFileSync(`${pod.run}/m.state`, stale({ epoch, phase: 'ended', final: true, killedIsFinal: false }));
  // It has its life line, and has not said anything yet.
  const inside = [...NAMESPACE, ACTOR, 'kill-after-open', 'm.life'];
  const killed = pod.start('m', pod.work('m'), { inside });
  assert.equal(await killed.code(), 128 + KILL, killed.words);
  const sidecar = pod.start('s', pod.serve('s'));
  await pod.announces('s', 'started');
  assert.equal(await pod.start('m', pod.work('m')).code(), 0);
  assert.equal(await sidecar.code(), 0);
  assert.deepEqual(pod.noted, ['s up', 'm runs', 's got 15', 's ends']);
});

test('L11 L8 one that dies as it comes up has died for good after a minute, also where the attempt before was to come again', async (t) => {
  // Under Never there is a next attempt after a change of its image, or a node's restart.
  const pod = new Pod(t, { mains: ['m'], sidecars: ['s'] });
  const epoch = readFileSync(`${pod.run}/epoch`, 'utf8').trim();
  writeFileSync(
    `${pod.run}/m.state`,
    stale({ epoch, phase: 'ended', final: true, stopping: true, stopDoubt: 300_000 }),
  );
  const inside = [...NAMESPACE, ACTOR, 'kill-after-open', 'm.life'];
  const killed = pod.start('m', pod.work('m'), { inside });
  assert.equal(await killed.code(), 128 + KILL, killed.words);
  const { attempt, phase, killedIsFinal, stopping, stopDoubt } = pod.markerOf('m') ?? {};
  const seen = { attempt, phase, killedIsFinal, stopping, stopDoubt };
  // Final after a minute, in which it might have been just about to take its life line.
  assert.deepEqual(seen, {
    attempt: 8,
    phase: 'waiting',
    killedIsFinal: true,
    stopping: true,
    stopDoubt: 60_000,
  });
});

test('L11 L5 one that comes up again is not taken for dead before it has its life line', async (t) => {
  const pod = new Pod(t, { mains: ['m'], sidecars: ['s'] });
  const sidecar = pod.start('s', pod.serve('s'));
  const first = pod.start('m', pod.serve('m'));
  await pod.notes('m up');
  await first.signal(TERM);
  assert.equal(await first.code(), 0);
  const inside = [...NAMESPACE, ACTOR, 'kill-before-open', 'm.life'];
  const second = pod.start('m', pod.work('m'), { inside });
  assert.equal(await second.code(), 128 + KILL, second.words);
  // The sidecar has seen that marker: it looks whenever a file is closed.
  assert.equal(await pod.start('m', pod.work('m', 3)).code(), 3);
  assert.equal(await sidecar.code(), 0);
  assert.deepEqual(pod.noted, ['s up', 'm up', 'm got 15', 'm ends', 'm runs', 's got 15', 's ends']);
});

test('L11 torn and foreign markers count for nothing', async (t) => {
  const ended = (epoch: string) => stale({ epoch, phase: 'ended', final: true });
  const texts = [
    () => '',
    () => '\0'.repeat(512),
    () => '{}\n',
    (epoch: string) => ended(epoch).slice(0, 100),
    // Two halves of two markers: as JSON it is whole.
    (epoch: string) => ended(epoch).replace('"code":0', '"code":1'),
  ];
  for (const text of texts) {
    const pod = new Pod(t, { mains: ['m'], sidecars: ['s'] });
    const epoch = readFileSync(`${pod.run}/epoch`, 'utf8').trim();
    for (const name of ['m', 's']) writeFileSync(`${pod.run}/${name}.state`, text(epoch));
    const sidecar = pod.start('s', pod.serve('s'));
    await pod.notes('s up');
    assert.equal(await pod.start('m', pod.work('m', 3)).code(), 3);
    assert.equal(await sidecar.code(), 0);
    assert.deepEqual(pod.noted.slice(0, 2), ['s up', 'm runs']);
  }
});

test('L11 a file that merely lies there is no life: FIFOs are held by the living', async (t) => {
  const pod = new Pod(t, { mains: ['m'], sidecars: ['s'] });
  writeFileSync(`${pod.run}/s.state`, stale({ phase: 'started' }));
  execFileSync('rm', [`${pod.run}/s.life`]);
  writeFileSync(`${pod.run}/s.life`, 'no FIFO');
  const main = pod.start('m', pod.work('m', 3));
  await pod.announces('m', 'waiting');
  assert.deepEqual(childrenOf(await main.pid()), []);
  const sidecar = pod.start('s', pod.serve('s'));
  assert.equal(await main.code(), 3);
  assert.equal(await sidecar.code(), 0);
});
