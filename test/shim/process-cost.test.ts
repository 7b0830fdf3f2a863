/** Rule L16 on real processes: waiting costs nothing, and works without inotify. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Container, KILL, statusOf, TERM } from './container.ts';
import { until } from './patience.ts';
import { NAMESPACE, Pod } from './pod.ts';

/** How often a process has gone to sleep: once for each time that it was woken. */
const sleeps = (pid: number) => Number(statusOf(pid, 'voluntary_ctxt_switches'));

test('L16 shims that wait are not woken: not while they run a process, and not while they wait for others', async (t) => {
  const pod = new Pod(t, { mains: ['m', 'waiting'], sidecars: ['s', 'slow', 'queued'] });
  const containers = [
    pod.start('s', pod.serve('s')),
    pod.start('slow', pod.serve('slow'), {
      options: { ready: { kind: 'exec', command: ['sleep', '1000'] }, readyTimeout: 3_600_000 },
    }),
    pod.start('queued', pod.serve('queued')),
    pod.start('waiting', pod.work('waiting')),
  ];
  const alone = new Pod(t, { mains: ['m'], sidecars: ['s'] });
  containers.push(alone.start('s', alone.serve('s')), alone.start('m', alone.serve('m')));
  await alone.notes('m up');
  await pod.notes('slow up');
  await pod.announces('waiting', 'waiting');
  await pod.announces('queued', 'waiting');
  const pids = await Promise.all(containers.map((container) => container.pid()));
  await until(
    'everybody to be asleep',
    () => pids.every((pid) => statusOf(pid, 'State')?.startsWith('S')) || undefined,
  );
  const before = pids.map(sleeps);
  // The window: a process of another pod, from its start to its end.
  const window = new Pod(t, { mains: ['m'] });
  assert.equal(await window.start('m', ['sleep', '1.4']).code(), 0);
  const woken = pids.map((pid, i) => sleeps(pid) - (before[i] ?? 0));
  // Once in 30 s it looks anyway, and once in 10 s a waiting main speaks.
  for (const [i, count] of woken.entries())
    assert.ok(count <= 1, `${containers[i]?.name} was woken ${count} times`);
});

test('L16 where inotify is refused it looks twice a second, says so once, and everything works', async (t) => {
  const pod = new Pod(t, { mains: ['m'], sidecars: ['a', 'b'] });
  const [unshare = '', ...rest] = NAMESPACE;
  const refuse = 'echo 0 > /proc/sys/user/max_inotify_instances && exec "$@"';
  const inside = [unshare, '--user', '--map-root-user', ...rest, 'sh', '-c', refuse, '-'];
  const start = (name: string, command: string[]) => pod.start(name, command, { inside });
  const m = start('m', pod.serve('m', '10=3'));
  const b = start('b', pod.serve('b', '10=4', `${TERM}=0`));
  const a = start('a', pod.serve('a'));
  await pod.notes('m up');
  assert.deepEqual(pod.noted, ['a up', 'b up', 'm up']);
  await b.signal(10);
  await pod.notes('b up', 2);
  await m.signal(10);
  assert.equal(await m.code(), 3);
  assert.deepEqual([await b.code(), await a.code()], [0, 0]);
  assert.deepEqual(pod.noted.slice(-4), ['b got 15', 'b ends', 'a got 15', 'a ends']);
  const says = (container: Container) => container.stderr.split('inotify').length - 1;
  assert.deepEqual([a, b, m].map(says), [1, 1, 1]);
  assert.match(a.stderr, /^curfew: cannot watch .*: looking twice a second instead\n$/);
});

test('L16 L8 without inotify a main that is killed is noticed too', async (t) => {
  const pod = new Pod(t, { mains: ['m'], sidecars: ['s'] });
  const refuse = 'echo 0 > /proc/sys/user/max_inotify_instances && exec "$@"';
  const inside = ['unshare', '--user', '--map-root-user', ...NAMESPACE.slice(1), 'sh', '-c', refuse, '-'];
  const sidecar = pod.start('s', pod.serve('s'), { inside });
  const main = pod.start('m', pod.serve('m'));
  await pod.notes('m up');
  await main.signal(KILL);
  assert.equal(await sidecar.code(), 0);
  assert.match(sidecar.stderr, /ended without a word/);
});
