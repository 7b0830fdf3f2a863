/** Rules P1 and P3 on real processes: a terminal, its session, and what stops a job. Nothing of it reaches a container's process, as nothing does bare. */
import assert from 'node:assert/strict';
import { constants } from 'node:os';
import { test } from 'node:test';
import { report } from './actor.ts';
import { until } from './patience.ts';
import { ACTOR, NAMESPACE, Pod } from './pod.ts';

const { SIGINT, SIGTSTP, SIGTTIN, SIGTTOU, SIGUSR2 } = constants.signals;
/** A terminal whose session's leader is the container's process 1, as with `tty: true`. */
const terminal = (words: string[]) => {
  const quoted = words.map((word) => `'${word}'`).join(' ');
  return ['script', '--quiet', '--return', '--command', `exec ${quoted}`, '/dev/null'];
};
const LEADER = [...NAMESPACE, 'setsid', '--ctty'];
/** How a container runtime starts a container's process: as process 1, and in a pid namespace that the pod shares. */
const STARTS = [
  [...NAMESPACE, 'setsid', '--wait'],
  ['setsid', '--wait'],
];

test('P3 a terminal belongs to the child: it reads from it, and control-C is its', async (t) => {
  const pod = new Pod(t, { mains: ['m'] });

  const main = pod.begin('m', terminal(pod.words('m', [ACTOR, 'read'], { inside: LEADER })), {
    stdin: 'pipe',
  });
  await main.says('reading, foreground 1', 'stdout');
  main.write('hello\n');
  await main.says('read hello', 'stdout');
  main.write('\u0003');
  assert.equal(await main.code(), 128 + SIGINT, main.words);
});

test('P3 control-Z stops no container, not before its process is there either', async (t) => {
  // What the terminal was made for leads its session, also where it is not process 1.
  for (const inside of [LEADER, []]) {
    const pod = new Pod(t, { mains: ['m'], sidecars: ['s'] });
    const main = pod.begin('m', terminal(pod.words('m', [ACTOR, 'read'], { inside })), { stdin: 'pipe' });
    await pod.announces('m', 'waiting');
    main.write('\u001a');
    await main.says('^Z', 'stdout');
    const sidecar = pod.start('s', pod.serve('s'));
    await main.says('reading, foreground 1', 'stdout');
    main.write('\u001a');
    main.write('hello\n');
    await main.says('read hello', 'stdout');
    main.write('end 3\n');
    assert.equal(await main.code(), 3, main.words);
    assert.equal(await sidecar.code(), 0);
  }
});

test('P3 control-Z stops no process that handles or ignores it either, nor a child of such a process', async (t) => {
  for (const command of [
    [ACTOR, 'read', 'handle'],
    [ACTOR, 'read', 'ignore'],
    ['sh', '-c', `trap : TSTP; ${ACTOR} read; exit $?`],
  ]) {
    const pod = new Pod(t, { mains: ['m'] });
    const words = pod.words('m', command, { inside: LEADER });
    const main = pod.begin('m', terminal(words), { stdin: 'pipe' });
    await main.says('reading, foreground 1', 'stdout');
    main.write('\u001a');
    await main.says('^Z', 'stdout');
    main.write('hello\n');
    await main.says('read hello', 'stdout');
    main.write('end 4\n');
    assert.equal(await main.code(), 4, main.words);
  }
});

test('P3 a process that stops itself as a terminal would goes on, without a terminal too', async (t) => {
  const signals = [SIGTSTP, SIGTTIN, SIGTTOU].map(String);
  for (const inside of STARTS) {
    const pod = new Pod(t, { mains: ['m'] });
    const main = pod.start('m', [ACTOR, 'stop-self', ...signals], { inside });
    assert.equal(await main.code(), 0, main.words);
    assert.equal(main.stdout, 'went on\n');
  }
});

test('P3 the terminal changes hands without a signal to the process', async (t) => {
  const pod = new Pod(t, { mains: ['m'] });
  const words = pod.words('m', pod.serve('m', `${SIGUSR2}=5`), { inside: LEADER });
  const main = pod.begin('m', terminal(words), { stdin: 'pipe' });
  await pod.notes('m up');
  await main.signal(SIGUSR2);
  assert.equal(await main.code(), 5, pod.story);
  assert.deepEqual(pod.noted, ['m up', `m got ${SIGUSR2}`, 'm ends']);
});

test('P6 a HUP that came before the terminal changed hands is not taken for the one that this sends', async (t) => {
  const pod = new Pod(t, { mains: ['m'] });
  const inside = [...LEADER, ACTOR, 'pending', '1'];
  // Whether it comes before the process could block it or after, the code is that of HUP.
  const words = pod.words('m', pod.serve('m', '1=129'), { inside });
  const main = pod.begin('m', terminal(words), { stdin: 'pipe' });
  assert.equal(await main.code(), 129, pod.story);
});

test('P3 without a terminal too the child leads a session of its own', async (t) => {
  for (const inside of STARTS) {
    const pod = new Pod(t, { mains: ['m'] });
    const main = pod.start('m', ['sh', '-c', `ps -o sid= -p $$; echo $$`], { inside });
    assert.equal(await main.code(), 0, main.words);
    const [session, pid] = main.stdout.trim().split(/\s+/);
    assert.equal(session, pid, main.words);
  }
});

test('P1 P3 the child leads a session of its own, with the terminal', async (t) => {
  const pod = new Pod(t, { mains: ['m'] });
  const main = pod.begin('m', terminal(pod.words('m', [ACTOR, 'report'], { inside: LEADER })), {
    stdin: 'pipe',
  });
  assert.equal(await main.code(), 0, main.words);
  const seen = report(main);
  assert.equal(seen.session, seen.pid, 'as the command that is process 1 would');
  assert.equal(seen.foreground, seen.pid);
});

test('P1 L9 a sidecar that is started again has the terminal again', async (t) => {
  const pod = new Pod(t, { mains: ['m'], sidecars: ['s'] });
  const words = pod.words('s', [ACTOR, 'read'], { inside: LEADER });
  const sidecar = pod.begin('s', terminal(words), { stdin: 'pipe' });
  const main = pod.start('m', pod.serve('m', `${SIGUSR2}=0`));
  await pod.notes('m up');
  await sidecar.says('reading, foreground 1', 'stdout');
  sidecar.write('end 4\n');
  await sidecar.says('starting it again now', 'stdout');
  await until(
    'the second reader',
    () => sidecar.stdout.split('reading, foreground').length > 2 || undefined,
    () => pod.story,
  );
  assert.equal(sidecar.stdout.split('reading, foreground 1').length - 1, 2, sidecar.words);
  sidecar.write('again\n');
  await sidecar.says('read again', 'stdout');
  await main.signal(SIGUSR2);
  assert.equal(await sidecar.code(), 0, sidecar.words);
});
