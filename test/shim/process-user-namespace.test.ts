/**
 * The rules on real processes of a pod with `hostUsers: false`: all its containers are in one user namespace, whose users are others
 * outside, and the runtime signals them from outside it. (The kubelet's own mapping of the volumes is for the cluster tests.)
 */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { Container, KILL, statusOf, TERM } from './container.ts';
import { Pod, type PodOptions } from './pod.ts';

/** The first user outside that a user of the pod can be. */
const FIRST = 100_000;

async function userNamespacePod(t: TestContext, options: PodOptions): Promise<Pod> {
  const holder = new Container(
    'users',
    ['unshare', '--user', 'sh', '-c', 'echo there; exec sleep infinity'],
    {},
  );
  t.after(() => holder.destroy());
  await holder.says('there', 'stdout');
  const process = `/proc/${holder.bystander()}`;
  for (const map of ['uid_map', 'gid_map']) writeFileSync(`${process}/${map}`, `0 ${FIRST} 65536\n`);
  return new Pod(t, { ...options, prefix: ['nsenter', `--user=${process}/ns/user`, '--'] });
}

/** Words that make a container's user this one, inside the pod. */
const as = (user: number) => [
  'unshare',
  '--pid',
  '--fork',
  '--kill-child',
  '--mount-proc',
  'setpriv',
  `--reuid=${user}`,
  `--regid=${user}`,
  '--clear-groups',
];

test('P5 L6 in a user namespace containers of different users end as anywhere', async (t) => {
  for (const [mine, other] of [
    [0, 1_000],
    [1_000, 0],
    [65_532, 1_000],
  ] as const) {
    const pod = await userNamespacePod(t, { mains: ['m'], sidecars: ['s'] });
    const sidecar = pod.start('s', pod.serve('s', '15=9'), { inside: as(other) });
    const main = pod.start('m', pod.serve('m', '12=7'), { inside: as(mine) });
    await pod.notes('m up');
    assert.equal(statusOf(await main.childPid(), 'Uid')?.split('\t')[0], `${FIRST + mine}`);
    await main.signal(12);
    assert.deepEqual([await main.code(), await sidecar.code()], [7, 0]);
    assert.deepEqual(pod.noted, ['s up', 'm up', 'm got 12', 'm ends', 's got 15', 's ends']);
    assert.equal(main.stderr, '');
  }
});

test('P7 L12 in a user namespace a stop request from outside is known as one', async (t) => {
  const pod = await userNamespacePod(t, { mains: ['m'], sidecars: ['s'] });
  const sidecar = pod.start('s', pod.serve('s'), { inside: as(1_000) });
  const main = pod.start('m', pod.serve('m', '15=3'), { inside: as(2_000) });
  await pod.notes('m up');
  for (const container of [sidecar, main]) await container.signal(TERM);
  assert.deepEqual([await main.code(), await sidecar.code()], [3, 0]);
  assert.deepEqual(pod.noted, ['s up', 'm up', 'm got 15', 'm ends', 's got 15', 's ends']);
});

test('L8 L9 in a user namespace a death is noticed, and a sidecar started again', async (t) => {
  const pod = await userNamespacePod(t, { mains: ['m'], sidecars: ['s'] });
  const sidecar = pod.start('s', pod.serve('s'), { inside: as(0) });
  const main = pod.start('m', pod.serve('m'), { inside: as(2_000) });
  await pod.notes('m up');
  process.kill(await sidecar.childPid(), KILL);
  await pod.notes('s up', 2);
  process.kill(await main.pid(), KILL);
  await main.exit;
  assert.equal(await sidecar.code(), 0);
  assert.match(sidecar.stderr, /m ended without a word/);
  assert.equal(pod.noted.at(-1), 's ends');
});
