/** Rules P3, P6 and P7 on real processes: signals from inside, from outside, before there is a child, and a terminal's. */
import assert from 'node:assert/strict';
import { constants } from 'node:os';
import { test } from 'node:test';
import { keepEarly, spawnWith } from '../../shim/lifecycle.ts';
import { statusOf, TERM } from './container.ts';
import { until } from './patience.ts';
import { ACTOR, NAMESPACE, Pod } from './pod.ts';

const { SIGCONT, SIGINT, SIGQUIT, SIGSTOP, SIGTSTP, SIGUSR1, SIGUSR2, SIGWINCH } = constants.signals;
test('P3 every signal that can be caught, sent inside the container, comes to the child once', async (t) => {
  const pod = new Pod(t, { mains: ['m'] });
  const main = pod.start('m', [ACTOR, 'bounce']);
  assert.equal(await main.code(), 0, main.words);
  assert.equal(main.stdout, 'bounced, 0 wrong\n');
  assert.equal(main.stderr, '');
});

test('P3 the same where the shim is not process 1', async (t) => {
  const pod = new Pod(t, { mains: ['m'] });
  const main = pod.start('m', [ACTOR, 'bounce'], { inside: [] });
  assert.equal(await main.code(), 0, main.words);
});

test('P3 signals from outside come to the child too', async (t) => {
  const pod = new Pod(t, { mains: ['m'] });
  const main = pod.start('m', pod.serve('m', `${SIGUSR2}=9`));
  await pod.notes('m up');
  const sent = [1, 2, 3, 10, 28, 34, 50, 64];
  for (const signal of sent) {
    await main.signal(signal);
    await pod.notes(`m got ${signal}`);
  }
  await main.signal(SIGUSR2);
  assert.equal(await main.code(), 9);
  assert.deepEqual(pod.noted, ['m up', ...[...sent, SIGUSR2].map((signal) => `m got ${signal}`), 'm ends']);
});

test('P3 a child that is stopped goes on, and the shim does not take its stop for its end', async (t) => {
  for (const inside of [NAMESPACE, []]) {
    const pod = new Pod(t, { mains: ['m'] });
    const main = pod.start('m', pod.serve('m', `${SIGUSR2}=9`), { inside });
    await pod.notes('m up');
    const child = await main.childPid();
    process.kill(child, SIGSTOP);
    await until('the child to stop', () => statusOf(child, 'State')?.startsWith('T') || undefined);
    await main.signal(SIGUSR1);
    await main.signal(SIGCONT);
    await pod.notes(`m got ${SIGUSR1}`);
    await pod.notes(`m got ${SIGCONT}`);
    await main.signal(SIGUSR2);
    assert.equal(await main.code(), 9, pod.story);
    assert.equal(pod.noted.filter((line) => line === `m got ${SIGCONT}`).length, 1, 'once');
  }
});

test('P3 a stop signal from outside stops the child, and a continue signal lets it go on', async (t) => {
  const pod = new Pod(t, { mains: ['m'] });
  const main = pod.start('m', ['sh', '-c', `trap 'exit 5' USR1; echo up; while :; do read line; done`], {
    stdin: 'pipe',
  });
  await main.says('up', 'stdout');
  const child = await main.childPid();
  await main.signal(SIGTSTP);
  await until('the child to stop', () => statusOf(child, 'State')?.startsWith('T') || undefined);
  await main.signal(SIGUSR1);
  await main.signal(SIGCONT);
  assert.equal(await main.code(), 5, main.words);
});

test('P3 a signal that sigqueue sent comes with its value and its sender', async (t) => {
  for (const inside of [NAMESPACE, []]) {
    const pod = new Pod(t, { mains: ['m'] });
    const main = pod.start('m', [ACTOR, 'echo'], { inside });
    assert.equal(await main.code(), 0, main.words);
  }
});

test('P3 20,000 queued signals all come, in order, with their values', async (t) => {
  const pod = new Pod(t, { mains: ['m'] });
  const inside = ['prlimit', '--sigpending=50000', ...NAMESPACE];
  const main = pod.start('m', [ACTOR, 'values', '40', '20000'], { inside });
  assert.equal(await main.code(), 0, main.words);
  assert.equal(main.stdout, '20000 values in order\n');
});

test('P6 20,000 signals that were queued before the start are not too many', async (t) => {
  const pod = new Pod(t, { mains: ['m'] });
  const inside = ['prlimit', '--sigpending=50000', ...NAMESPACE, ACTOR, 'queued', '40', '20000'];
  const main = pod.start('m', endsWith(pod, 40), { inside });
  assert.equal(await main.code(), 128 + 40, main.words);
});

test('P6 no more than 32,768 signals wait for the process', () => {
  let early = keepEarly(undefined, { signal: 34 });
  for (let i = 1; i < 40_000; i++) early = keepEarly(early, { signal: i < 32_768 ? 35 : 36 });
  const kept = spawnWith(early).map((action) => (action.type === 'signal' ? action.signal : 0));
  assert.equal(kept.length, 1 + 32_768);
  assert.deepEqual([kept[0], kept[1], kept[2], kept.includes(36)], [0, 34, 35, false]);
});

test('P6 a signal that waits for the process costs the same however many wait already', () => {
  const first = keepEarly(undefined, { signal: 40 });
  const second = keepEarly(first, { signal: 41, queued: { sender: 7, user: 8, value: 'f' } });
  assert.equal(second.before, first, 'none is copied');
  assert.deepEqual(spawnWith(second), [
    { type: 'spawn' },
    { type: 'signal', signal: 40 },
    { type: 'signal', signal: 41, queued: { sender: 7, user: 8, value: 'f' } },
  ]);
});

/** Whether it comes before the child could block it or after, the exit code is that of this signal. */
const endsWith = (pod: Pod, signal: number) => pod.serve('m', `${signal}=${128 + signal}`);

test('P6 a signal from before the shim began is not lost', async (t) => {
  const pod = new Pod(t, { mains: ['m'] });
  const inside = [...NAMESPACE, ACTOR, 'pending', `${SIGUSR2}`];
  const main = pod.start('m', endsWith(pod, SIGUSR2), { inside });
  assert.equal(await main.code(), 128 + SIGUSR2, pod.story);
});

test('P6 a signal that comes while a main waits reaches its process', async (t) => {
  for (const signal of [SIGUSR1, SIGUSR2, 34, 64]) {
    const pod = new Pod(t, { mains: ['m'], sidecars: ['s'] });
    const main = pod.start('m', endsWith(pod, signal));
    await pod.announces('m', 'waiting');
    await main.signal(signal);
    const sidecar = pod.start('s', pod.serve('s'));
    assert.equal(await main.code(), 128 + signal, pod.story);
    assert.equal(await sidecar.code(), 0);
  }
});

test('P6 a signal that comes while a sidecar waits for its turn reaches its process', async (t) => {
  const pod = new Pod(t, { mains: ['m'], sidecars: ['a', 'b'] });
  const b = pod.start('b', pod.serve('b', `${SIGUSR1}=${128 + SIGUSR1}`));
  await pod.announces('b', 'waiting');
  await b.signal(SIGUSR1);
  pod.start('a', pod.serve('a'));
  await b.says(`ended with code ${128 + SIGUSR1} while the work goes on`);
});

test('P7 the known stop signal from outside is the stop request, and the child gets that one', async (t) => {
  for (const [name, number] of [
    ['INT', SIGINT],
    ['QUIT', SIGQUIT],
    ['WINCH', SIGWINCH],
    ['RTMIN+3', 37],
  ] as const) {
    const pod = new Pod(t, { mains: ['m'], restartPolicy: 'OnFailure' });
    const main = pod.start('m', pod.serve('m', `${number}=3`, `${SIGUSR2}=9`), {
      options: { stopSignal: name },
    });
    await pod.notes('m up');
    await main.signal(number);
    assert.equal(await main.code(), 3);
    assert.equal(pod.markerOf('m')?.stopping, true, `${name} is a stop request`);
    assert.deepEqual(pod.noted, ['m up', `m got ${number}`, 'm ends']);
  }
});

test('P7 TERM from outside is a stop request beside the known one', async (t) => {
  const pod = new Pod(t, { mains: ['m'], restartPolicy: 'OnFailure' });
  const main = pod.start('m', pod.serve('m', `${TERM}=3`), { options: { stopSignal: 'INT' } });
  await pod.notes('m up');
  await main.signal(TERM);
  assert.equal(await main.code(), 3);
  assert.equal(pod.markerOf('m')?.stopping, true);
});

test('P7 the same signal from inside is just forwarded', async (t) => {
  const pod = new Pod(t, { mains: ['m'], restartPolicy: 'OnFailure' });
  const main = pod.start('m', ['sh', '-c', "trap 'exit 3' TERM; kill -TERM 1; while :; do read line; done"], {
    stdin: 'pipe',
  });
  assert.equal(await main.code(), 3);
  assert.deepEqual([pod.markerOf('m')?.stopping, pod.markerOf('m')?.final], [false, false]);
});

test('P7 another signal from outside is no stop request', async (t) => {
  const pod = new Pod(t, { mains: ['m'], restartPolicy: 'OnFailure' });
  const main = pod.start('m', pod.serve('m', `${SIGUSR1}=3`));
  await pod.notes('m up');
  await main.signal(SIGUSR1);
  assert.equal(await main.code(), 3);
  assert.equal(pod.markerOf('m')?.stopping, false);
});

test('P7 where no stop signal is known, what images usually have is one; where one is known, only that', async (t) => {
  for (const signal of [SIGINT, SIGQUIT, SIGWINCH]) {
    for (const [options, stopping] of [
      [{}, true],
      [{ stopSignal: 'TERM' }, false],
    ] as const) {
      const pod = new Pod(t, { mains: ['m'], restartPolicy: 'OnFailure' });
      const main = pod.start('m', pod.serve('m', `${signal}=3`), { options });
      await pod.notes('m up');
      await main.signal(signal);
      assert.equal(await main.code(), 3);
      assert.equal(pod.markerOf('m')?.stopping, stopping);
    }
  }
});

test('P7 in the host process namespace any sender may ask for the stop; elsewhere not', async (t) => {
  for (const hostPid of [true, false]) {
    const pod = new Pod(t, { mains: ['m'], restartPolicy: 'OnFailure' });
    const main = pod.start('m', pod.serve('m', `${TERM}=3`), { inside: [], options: { hostPid } });
    await pod.notes('m up');
    await main.signal(TERM);
    assert.equal(await main.code(), 3);
    assert.equal(pod.markerOf('m')?.stopping, hostPid);
  }
});
