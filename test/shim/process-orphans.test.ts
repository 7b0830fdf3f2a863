/** Rule P4 on real processes: orphans are reaped, and nothing that a container started outlives its shim. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync } from 'node:fs';
import { test } from 'node:test';
import { childrenOf, KILL, programOf } from './container.ts';
import { until, within } from './patience.ts';
import { ACTOR, NAMESPACE, Pod } from './pod.ts';

/** One pid namespace for all containers, as with `shareProcessNamespace`: words that start a shim in it. */
async function sharedNamespace(pod: Pod): Promise<string[]> {
  const pause = pod.begin('pause', [...NAMESPACE, ACTOR, 'pause']);
  // Once it runs its program, everything of the namespace is in place.
  const first = await until('process 1 of the pod', () =>
    childrenOf(pause.bystander()).find((pid) => programOf(pid)?.startsWith('actor')),
  );
  return ['nsenter', `--target=${first}`, '--pid', '--mount'];
}

test('P4 an orphan is reaped by process 1, of a main and of a sidecar', async (t) => {
  const pod = new Pod(t, { mains: ['m', 'n'], sidecars: ['s'] });
  const sidecar = pod.start('s', ['sh', '-c', `${ACTOR} orphan; exec ${pod.serve('s').join(' ')}`]);
  const n = pod.start('n', pod.serve('n', '12=0'));
  const main = pod.start('m', [ACTOR, 'orphan']);
  assert.equal(await main.code(), 0, main.words);
  assert.equal(main.stdout, 'reaped\n');
  await pod.notes('s up');
  await pod.notes('n up');
  await sidecar.says('reaped', 'stdout');
  await n.signal(12);
  assert.equal(await sidecar.code(), 0);
});

test('P4 an orphan is reaped where the shim is not process 1', async (t) => {
  const pod = new Pod(t, { mains: ['m', 'n'] });
  assert.equal(await pod.start('m', [ACTOR, 'orphan'], { inside: [] }).code(), 0);
  const inside = await sharedNamespace(pod);
  assert.equal(await pod.start('n', [ACTOR, 'orphan'], { inside }).code(), 0);
});

test('P8 an init program as the entrypoint is told that orphans come to it; with any other command they stay ours', async (t) => {
  const pod = new Pod(t, { mains: ['m'], restartPolicy: 'Always' });
  for (const [name, subreaper] of [
    ['tini', 1],
    ['tini-static', 1],
    ['docker-init', 1],
    ['tinier', 0],
    ['actor', 0],
  ] as const) {
    copyFileSync(ACTOR, `${pod.folder}/${name}`);
    const main = pod.start('m', [`${pod.folder}/${name}`, 'reaper']);
    assert.equal(await main.code(), 0, main.words);
    assert.equal(main.stdout, `process 1: 0, subreaper: ${subreaper}\n`);
  }
});

test('P8 P4 tini as the entrypoint says nothing, and nothing outlives it', async (t) => {
  const pod = new Pod(t, { mains: ['m'], restartPolicy: 'Always' });
  const quiet = pod.start('m', ['tini', '--', ACTOR, 'exit', '7']);
  assert.equal(await quiet.code(), 7);
  assert.equal(quiet.stderr, '');
  const main = pod.start('m', ['tini', '--', ACTOR, 'litter', '6']);
  assert.equal(await main.code(), 6, main.words);
  assert.equal(main.stdout, 'littered\n');
});

// A container's output stays open as long as any of its processes lives, and code() waits until it is closed.

test('P4 what a process leaves behind ends with it: children, and daemons in sessions of their own', async (t) => {
  const pod = new Pod(t, { mains: ['m'], restartPolicy: 'Always' });
  const shared = await sharedNamespace(pod);
  for (const inside of [NAMESPACE, shared, []]) {
    const main = pod.start('m', [ACTOR, 'litter', '6'], { inside });
    assert.equal(await main.code(), 6, main.words);
    assert.equal(main.stdout, 'littered\n');
  }
});

test('P4 the same for a sidecar that is stopped, and nothing is left over for its next start', async (t) => {
  const pod = new Pod(t, { mains: ['m'], sidecars: ['s'] });
  const shared = await sharedNamespace(pod);
  const sidecar = pod.start(
    's',
    ['sh', '-c', `${ACTOR} litter 0; ${pod.serve('s', '10=4', '15=0').join(' ')}`],
    {
      inside: shared,
    },
  );
  const main = pod.start('m', pod.serve('m', '12=0'));
  await pod.notes('s up');
  await pod.notes('m up');
  const shim = await sidecar.pid();
  // What the litter's own starters leave is reaped in a moment.
  const childrenAre = (count: number) =>
    until(`${count} children`, () => {
      const children = childrenOf(shim);
      return children.length === count ? children : undefined;
    });
  const [first = 0, ...litter] = await childrenAre(3);
  process.kill(first, KILL);
  await pod.notes('s up', 2);
  const now = await childrenAre(3);
  assert.deepEqual(
    now.filter((pid) => pid === first || litter.includes(pid)),
    [],
  );
  await main.signal(12);
  assert.equal(await sidecar.code(), 0, sidecar.words);
});

test('P4 no child outlives a shim that is killed', async (t) => {
  const pod = new Pod(t, { mains: ['m'] });
  const shared = await sharedNamespace(pod);
  for (const [i, inside] of [NAMESPACE, shared, []].entries()) {
    const main = pod.start('m', pod.serve('m'), { inside });
    await pod.notes('m up', i + 1);
    await main.signal(KILL);
    assert.notEqual(await main.code(), 0);
  }
  const main = pod.start('m', [ACTOR, 'litter', '-1']);
  await main.says('littered', 'stdout');
  await main.signal(KILL);
  assert.notEqual(await main.code(), 0, 'as process 1, what its process left goes too');
});

test('P4 no child outlives a shim that is killed while it starts it', async (t) => {
  // Where the shim is not process 1 the kernel ends nobody with it who did not ask for that in time.
  const pod = new Pod(t, { mains: ['m'], restartPolicy: 'Always' });
  const [file = '', ...args] = pod.words('m', ['sleep', '45'], { inside: [] });
  for (let round = 0; round < 300; round++) {
    const shim = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    const closed = once(shim, 'close');
    // It takes about a millisecond to come that far, and no timer is as fine.
    const killAt = performance.now() + Math.random() * 2;
    while (performance.now() < killAt);
    shim.kill('SIGKILL');
    await within('the end of all who hold its output', closed, () => `round ${round}`);
  }
});
