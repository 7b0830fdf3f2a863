/** Rules L12, L13 and L15 on real processes: stop requests from outside, to the whole pod and to one container. */
import assert from 'node:assert/strict';
import { constants } from 'node:os';
import { type TestContext, test } from 'node:test';
import { type Container, KILL, TERM } from './container.ts';
import { until } from './patience.ts';
import { ACTOR, NAMESPACE, Pod, type PodOptions } from './pod.ts';

const { SIGCONT: CONT, SIGSTOP: STOP, SIGUSR2: USR2 } = constants.signals;

/** A running pod whose processes end only with USR2, which the tests send when it is their time. */
async function running(t: TestContext, options: PodOptions) {
  const pod = new Pod(t, { mains: ['m'], sidecars: ['a', 'b'], ...options });
  const start = (name: string) =>
    pod.start(name, pod.serve(name, `${USR2}=0`), { options: { log: 'debug' } });
  const [a, b] = [start('a'), start('b')];
  await pod.notes('b up');
  const m = start('m');
  await pod.notes('m up');
  /** The deletion of the pod, as the kubelet does it: side by side. */
  const remove = () => Promise.all([a, b, m].map((container: Container) => container.signal(TERM)));
  return { pod, a, b, m, remove };
}

const stops = (pod: Pod) => pod.noted.filter((line) => / (got 15|ends)$/.test(line));

test('L12 TERM goes to the main at once, to the sidecars when it has gone, in reverse order', async (t) => {
  const { pod, a, b, m, remove } = await running(t, {});
  await remove();
  await pod.notes('m got 15');
  // The main works on; that the sidecars have had their stop requests, their markers tell.
  for (const name of ['a', 'b'])
    await until(`the stop of ${name}`, () => pod.markerOf(name)?.stopping || undefined);
  await m.signal(USR2);
  assert.equal(await m.code(), 0);
  await pod.notes('b got 15');
  await b.signal(USR2);
  assert.equal(await b.code(), 0);
  await pod.notes('a got 15');
  await a.signal(USR2);
  assert.equal(await a.code(), 0);
  assert.deepEqual(stops(pod), ['m got 15', 'm ends', 'b got 15', 'b ends', 'a got 15', 'a ends']);
});

test('L12 it holds for every main, and under every policy', async (t) => {
  for (const restartPolicy of ['Never', 'OnFailure'] as const) {
    const pod = new Pod(t, { mains: ['m', 'n'], sidecars: ['s'], restartPolicy });
    const sidecar = pod.start('s', pod.serve('s'));
    const [m, n] = ['m', 'n'].map((name) => pod.start(name, pod.serve(name, `${USR2}=7`)));
    await pod.notes('m up');
    await pod.notes('n up');
    for (const container of [sidecar, m, n]) await container?.signal(TERM);
    await pod.notes('m got 15');
    await pod.notes('n got 15');
    await m?.signal(USR2);
    assert.equal(await m?.code(), 7);
    await n?.signal(USR2);
    assert.equal(await n?.code(), 7);
    // Under OnFailure a main that failed when it was stopped may mean that the sandbox died: then it must be started again (L11).
    assert.equal(await sidecar.code(), restartPolicy === 'Never' ? 0 : 128 + TERM);
    assert.deepEqual(stops(pod).slice(-3), ['n ends', 's got 15', 's ends']);
  }
});

test('L12 at the reserve every survivor gets TERM, and KILL follows', async (t) => {
  const { pod, a, b, m, remove } = await running(t, { grace: 4_000 });
  await remove();
  // Nobody ends by itself.
  assert.deepEqual([await b.code(), await a.code()], [0, 0]);
  for (const { stderr } of [a, b]) {
    assert.match(stderr, /^curfew: the grace period is ending: stopping now$/m, pod.story);
    assert.match(stderr, /^curfew: did not end in time: killing it$/m, pod.story);
  }
  assert.deepEqual(stops(pod).sort(), ['a got 15', 'b got 15', 'm got 15']);
  await m.signal(KILL);
});

test('L12 a sidecar that has not yet seen the main when its TERM comes waits for it all the same', async (t) => {
  const pod = new Pod(t, { mains: ['m'], sidecars: ['s'] });
  const s = pod.start('s', pod.serve('s'));
  await pod.announces('s', 'started');
  // Held up, as on a busy node: what happens now it learns all at once.
  await s.signal(STOP);
  const m = pod.start('m', pod.serve('m', `${USR2}=0`));
  await pod.notes('m up');
  await s.signal(TERM);
  await m.signal(TERM);
  await pod.notes('m got 15');
  await s.signal(CONT);
  await pod.notes(`s got ${CONT}`);
  await m.signal(USR2);
  assert.deepEqual([await m.code(), await s.code()], [0, 0]);
  assert.deepEqual(stops(pod), ['m got 15', 'm ends', 's got 15', 's ends']);
});

test('L12 a sidecar that is killed meanwhile does not hold the ones before it', async (t) => {
  const { pod, a, b, m, remove } = await running(t, {});
  await remove();
  await m.signal(USR2);
  await pod.notes('b got 15');
  await b.signal(KILL);
  await pod.notes('a got 15');
  await a.signal(USR2);
  assert.equal(await a.code(), 0);
});

test('L12 a main that dies without a word during the deletion lets the sidecars go', async (t) => {
  const { pod, a, b, m, remove } = await running(t, { restartPolicy: 'OnFailure' });
  await remove();
  await pod.notes('m got 15');
  await m.signal(KILL);
  for (const [name, sidecar] of [
    ['b', b],
    ['a', a],
  ] as const) {
    await pod.notes(`${name} got 15`);
    await sidecar.signal(USR2);
    await sidecar.code();
  }
});

test('L12 a sidecar that ends by itself during the deletion is not started again', async (t) => {
  const { pod, a, b, m, remove } = await running(t, {});
  await remove();
  await pod.notes('m got 15');
  await b.signal(USR2);
  assert.equal(await b.code(), 0);
  await m.signal(USR2);
  await pod.notes('a got 15');
  await a.signal(USR2);
  assert.equal(await a.code(), 0);
  assert.equal(pod.noted.filter((line) => line === 'b up').length, 1);
});

test('L12 where the file system tells nothing, a TERM is not taken for a stop of one container by an old look', async (t) => {
  const pod = new Pod(t, { mains: ['m'], sidecars: ['s'], grace: 3_600_000 });
  const options = { probed: true };
  // Inotify grants its watch there, and stays silent: it looks by itself every 30 s.
  const s = pod.start('s', pod.serve('s'), { options, inside: [...NAMESPACE, ACTOR, 'deaf'] });
  await pod.announces('s', 'started');
  const m = pod.start('m', pod.serve('m', `${USR2}=0`), { inside: [...NAMESPACE, ACTOR, 'deaf'] });
  await pod.notes('m up');
  await s.signal(TERM);
  await until('the stop of s', () => pod.markerOf('s')?.stopping || undefined);
  await m.signal(TERM);
  await until('the stop of m', () => pod.markerOf('m')?.stopping || undefined);
  // The same with somebody who hears, asked at the same time: when he has made up his mind, so has s.
  const other = new Pod(t, { mains: ['m'], sidecars: ['s'], grace: 3_600_000 });
  const alone = other.start('s', other.serve('s'), { options });
  await other.announces('s', 'started');
  const works = other.start('m', other.serve('m', `${USR2}=0`));
  await other.notes('m up');
  await alone.signal(TERM);
  await other.notes('s ends');
  assert.deepEqual(stops(pod), ['m got 15'], 'the main works on, and s waits for it');
  await m.signal(USR2);
  assert.deepEqual([await m.code(), await s.code()], [0, 0]);
  assert.deepEqual(stops(pod), ['m got 15', 'm ends', 's got 15', 's ends']);
  await works.signal(USR2);
  assert.equal(await works.code(), 0);
});

test('L13 TERM for one sidecar alone reaches its process while the mains run on', async (t) => {
  // With an hour of grace, nothing but this rule can be the reason of what happens here.
  const policies = ['Never', 'OnFailure'] as const;
  const runs = policies.map(async (restartPolicy) => {
    const pod = new Pod(t, { mains: ['m'], sidecars: ['a', 'b'], restartPolicy, grace: 3_600_000 });
    const options = { probed: true };
    const a = pod.start('a', pod.serve('a', `${TERM}=0`), { options });
    const b = pod.start('b', pod.serve('b'));
    const m = pod.start('m', pod.serve('m', `${USR2}=0`));
    await pod.notes('m up');
    await a.signal(TERM);
    await pod.notes('a ends');
    const code = await a.code();
    assert.deepEqual(stops(pod), ['a got 15', 'a ends'], 'nobody else');
    if (restartPolicy === 'OnFailure') {
      assert.notEqual(code, 0, 'so that the kubelet starts it again');
      const again = pod.start('a', pod.serve('a'), { options });
      await pod.announces('a', 'started', 2);
      await m.signal(USR2);
      assert.equal(await again.code(), 0);
    } else await m.signal(USR2);
    assert.deepEqual([await m.code(), await b.code()], [0, 0]);
    assert.equal(pod.noted.filter((line) => line === 'b up').length, 1);
    assert.equal(pod.noted.filter((line) => line === 'm up').length, 1);
  });
  await Promise.all(runs);
});

test('L15 sidecars wait for a main whose preStop hook delays its TERM', async (t) => {
  const pods: { pod: Pod; s: Container; m: Container }[] = [];
  for (const preStop of [['m'], []]) {
    const pod = new Pod(t, { mains: ['m'], sidecars: ['s'], grace: 3_600_000 });
    const s = pod.start('s', pod.serve('s'), { options: { preStop, probed: true } });
    const m = pod.start('m', pod.serve('m'), { options: { preStop } });
    await pod.notes('m up');
    pods.push({ pod, s, m });
  }
  for (const { s } of pods) await s.signal(TERM);
  const [hooked, plain] = pods;
  // The same without a hook, asked later: once that one has seen that nobody else is being stopped, so could the first.
  await plain?.pod.notes('s ends');
  assert.ok(hooked !== undefined);
  assert.deepEqual(stops(hooked.pod), [], 'it waits for the hook');
  await hooked.m.signal(TERM);
  assert.deepEqual([await hooked.m.code(), await hooked.s.code()], [0, 0]);
  assert.deepEqual(stops(hooked.pod), ['m got 15', 'm ends', 's got 15', 's ends']);
});
