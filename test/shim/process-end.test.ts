/** Rules L5 to L8 and L10 on real processes: the end of the work. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Readiness, RestartPolicy, RestartRule } from '../../shim/protocol.ts';
import { KILL, programOf, TERM } from './container.ts';
import { ACTOR, NAMESPACE, Pod } from './pod.ts';

test('L5 which exit is final: by policy, by code, by the container own rules', async (t) => {
  const pod = new Pod(t, { mains: ['m'] });
  const on = (...codes: number[]): RestartRule[] => [{ operator: 'In', codes }];
  const off = (...codes: number[]): RestartRule[] => [{ operator: 'NotIn', codes }];
  const cases: [RestartPolicy, RestartRule[], number, boolean][] = [
    ['Never', [], 0, true],
    ['Never', [], 3, true],
    ['OnFailure', [], 0, true],
    ['OnFailure', [], 3, false],
    ['OnFailure', [], 127, false],
    ['Always', [], 0, false],
    ['Always', [], 3, false],
    ['Never', on(42, 43), 43, false],
    ['Never', on(42), 43, true],
    ['Never', off(42), 42, true],
    ['Never', off(42), 0, false],
  ];
  for (const [restartPolicy, restartRules, code, final] of cases) {
    pod.install(); // in a new life of the sandbox, where no end before counts
    const main = pod.start('m', [ACTOR, 'exit', `${code}`], {
      inside: [],
      options: { restartPolicy, restartRules },
    });
    assert.equal(await main.code(), code);
    assert.equal(pod.markerOf('m')?.final, final, `${restartPolicy} ${JSON.stringify(restartRules)} ${code}`);
  }
});

test('L5 under OnFailure sidecars serve a main until it ends with 0, through all its attempts', async (t) => {
  const pod = new Pod(t, { mains: ['m'], sidecars: ['s'], restartPolicy: 'OnFailure' });
  const sidecar = pod.start('s', pod.serve('s'));
  for (const code of [1, 143, 255]) assert.equal(await pod.start('m', pod.work('m', code)).code(), code);
  assert.equal(await pod.start('m', pod.work('m', 0)).code(), 0);
  assert.equal(await sidecar.code(), 0);
  assert.deepEqual(pod.noted, ['s up', 'm runs', 'm runs', 'm runs', 'm runs', 's got 15', 's ends']);
});

test('L5 the pod is deleted when a sidecar is told so, and not when a main is', async (t) => {
  const pod = new Pod(t, { mains: ['m'], sidecars: ['s'] });
  const sidecar = pod.start('s', pod.serve('s', '12=0'));
  const first = pod.start('m', pod.serve('m'));
  await pod.notes('m up');
  await first.signal(TERM);
  assert.equal(await first.code(), 0);
  // What the kubelet does with a new image, also under Never.
  const second = pod.start('m', pod.serve('m'));
  await pod.notes('m up', 2);
  for (const container of [second, sidecar]) await container.signal(TERM);
  assert.equal(await second.code(), 0);
  await pod.notes('s got 15');
  await sidecar.signal(12);
  assert.equal(await sidecar.code(), 0);
  const ends = ['m got 15', 'm ends', 'm up', 'm got 15', 'm ends', 's got 15'];
  assert.deepEqual(pod.noted.slice(2, 8), ends);
});

test('L6 when every main is final the sidecars stop in reverse order, each when the last has gone', async (t) => {
  const sidecars = ['a', 'b', 'c'];
  const pod = new Pod(t, { mains: ['m', 'n'], sidecars });
  // A sidecar ends with USR2 (12), so that each keeps the ones before it waiting as long as this test likes.
  const [a, b, c] = ['a', 'b', 'c'].map((name) => pod.start(name, pod.serve(name, '12=0')));
  const n = pod.start('n', pod.serve('n', '12=0'));
  const m = pod.start('m', pod.work('m', 3));
  assert.equal(await m.code(), 3);
  await pod.notes('n up');
  assert.ok(!pod.noted.some((line) => line.endsWith('got 15')), 'one main still works');
  await n.signal(12);
  assert.equal(await n.code(), 0);
  await pod.notes('c got 15');
  await c?.signal(12);
  await pod.notes('b got 15');
  await b?.signal(12);
  await pod.notes('a got 15');
  await a?.signal(12);
  for (const sidecar of [a, b, c]) assert.equal(await sidecar?.code(), 0);
  const ends = pod.noted.filter((line) => /^[abc] (got 15|ends)$/.test(line));
  assert.deepEqual(ends, ['c got 15', 'c ends', 'b got 15', 'b ends', 'a got 15', 'a ends']);
});

test('L6 a sidecar that ignores its stop is killed when the grace period is over, and the others get theirs', async (t) => {
  const pod = new Pod(t, { mains: ['m'], sidecars: ['a', 'deaf'], grace: 2_000 });
  const a = pod.start('a', pod.serve('a', '12=0'));
  const deaf = pod.start('deaf', pod.serve('deaf', '12=0'));
  assert.equal(await pod.start('m', pod.work('m')).code(), 0);
  assert.deepEqual([await deaf.code(), await a.code()], [0, 0]);
  assert.deepEqual(pod.noted.slice(3).sort(), ['a got 15', 'deaf got 15'], 'both were asked');
  for (const { stderr } of [a, deaf]) assert.match(stderr, /^curfew: did not end in time: killing it$/m);
});

test('L6 the known stop signal and the stop-timeout are the sidecar own', async (t) => {
  const pod = new Pod(t, { mains: ['m'], sidecars: ['s'], grace: 3_600_000 });
  const options = { stopSignal: 'INT', stopTimeout: 100 };
  const sidecar = pod.start('s', pod.serve('s', '12=0'), { options });
  assert.equal(await pod.start('m', pod.work('m')).code(), 0);
  assert.equal(await sidecar.code(), 0);
  assert.deepEqual(pod.noted, ['s up', 'm runs', 's got 2']);
  assert.match(sidecar.stderr, /killing it/);
});

test('L7 a sidecar stopped at the end of work exits 0; its real code is on stderr', async (t) => {
  for (const [command, code] of [
    ['serve', 2],
    ['serve', 1],
    ['die', 130],
  ] as const) {
    const pod = new Pod(t, { mains: ['m'], sidecars: ['s'], restartPolicy: 'OnFailure' });
    const words =
      command === 'serve'
        ? pod.serve('s', `${TERM}=${code}`)
        : [
            'sh',
            '-c',
            `trap 'exec ${ACTOR} die 2' TERM; echo "s up" >> ${pod.log}; while :; do read line; done`,
          ];
    const sidecar = pod.start('s', words, { stdin: 'pipe' });
    await pod.notes('s up');
    assert.equal(await pod.start('m', pod.work('m')).code(), 0);
    assert.equal(await sidecar.code(), 0);
    assert.equal(sidecar.stderr, `curfew: ended with code ${code} when it was stopped\n`);
  }
});

test('L8 a main that is killed with all its processes counts as 137 under Never: the sidecar leaves', async (t) => {
  const pod = new Pod(t, { mains: ['m'], sidecars: ['s'] });
  const sidecar = pod.start('s', pod.serve('s'));
  const main = pod.start('m', pod.serve('m'));
  await pod.notes('m up');
  await main.signal(KILL);
  assert.equal(await sidecar.code(), 0);
  assert.match(sidecar.stderr, /^curfew: m ended without a word .*137\n$/);
  assert.deepEqual(pod.noted, ['s up', 'm up', 's got 15', 's ends']);
});

test('L8 under OnFailure the sidecar stays for the next attempt of a main that was killed', async (t) => {
  const pod = new Pod(t, { mains: ['m'], sidecars: ['s'], restartPolicy: 'OnFailure' });
  const sidecar = pod.start('s', pod.serve('s'));
  const main = pod.start('m', pod.serve('m'));
  await pod.notes('m up');
  await main.signal(KILL);
  await sidecar.says('m ended without a word');
  assert.equal(await pod.start('m', pod.work('m')).code(), 0);
  assert.equal(await sidecar.code(), 0);
  assert.deepEqual(pod.noted, ['s up', 'm up', 'm runs', 's got 15', 's ends']);
});

test('L8 no pod hangs, wherever its main is killed', async (t) => {
  let hadMarker = 0;
  let over = false;
  for (let step = 1; !over; step += 3) {
    const pod = new Pod(t, { mains: ['m'], sidecars: ['s'] });
    const sidecar = pod.start('s', pod.serve('s'));
    await pod.announces('s', 'started');
    const inside = [ACTOR, 'kill-at', `${step}`];
    const code = await pod.start('m', pod.work('m', 3), { inside }).code();
    over = code === 3;
    assert.ok(over || code === 137, `step ${step}: ${code}`);
    // Killed before it could say that it is there, it cannot be noticed.
    if (pod.markerOf('m') === undefined) await pod.destroy();
    else {
      hadMarker++;
      assert.equal(await sidecar.code(), 0, `step ${step}`);
    }
  }
  assert.ok(hadMarker > 10, `${hadMarker} kills after its first marker`);
});

test('L8 no main hangs, wherever its sidecar is killed', async (t) => {
  const ends = new Set<number>();
  for (let step = 1; !ends.has(0); step += 4) {
    const pod = new Pod(t, { mains: ['m'], sidecars: ['s'] });
    const main = pod.start('m', pod.work('m', 3));
    await pod.announces('m', 'waiting');
    const ready: Readiness = { kind: 'exec', command: ['true'] };
    const inside = [ACTOR, 'kill-at', `${step}`];
    const sidecar = await pod.start('s', pod.serve('s'), { inside, options: { ready } }).code();
    assert.ok(sidecar === 0 || sidecar === 137, `step ${step}: ${sidecar}`);
    if (pod.markerOf('s') === undefined) await pod.destroy();
    else {
      const code = await main.code();
      assert.ok(code === 3 || code === 125, `step ${step}: ${code}`);
      ends.add(sidecar === 0 ? 0 : code);
    }
  }
  assert.deepEqual([...ends].sort(), [0, 125, 3], 'killed before it was started, after, and not at all');
});

test('L6 P4 a sidecar whose process runs as another user, out of reach, holds up nobody beyond the grace period', async (t) => {
  const pod = new Pod(t, { mains: ['m'], sidecars: ['a', 's'], grace: 1_000 });
  const a = pod.start('a', pod.serve('a'));
  const powerless = [...NAMESPACE, 'setpriv', '--bounding-set=-kill'];
  const other = ['setpriv', '--reuid=65534', '--clear-groups', ...pod.serve('s')];
  const sidecar = pod.start('s', other, { inside: powerless });
  await pod.notes('s up');
  const child = await sidecar.childPid();
  assert.equal(await pod.start('m', pod.work('m')).code(), 0);
  assert.equal(await sidecar.code(), 0, sidecar.words);
  const why = 'it runs as another user, and the container lacks CAP_KILL';
  const said = sidecar.stderr.replaceAll(/process \d+/g, 'process N').split('\n');
  assert.ok(said.includes(`curfew: cannot send TERM to process N: ${why}`), sidecar.stderr);
  assert.ok(said.includes(`curfew: cannot kill process N: ${why}`), sidecar.stderr);
  assert.equal(programOf(child), undefined, 'it went with process 1');
  assert.equal(await a.code(), 0);
});

test('L10 a sidecar that comes up after the end of work runs nothing and exits 0', async (t) => {
  for (const end of ['word', 'silent'] as const) {
    const pod = new Pod(t, {
      mains: ['m'],
      sidecars: ['s'],
      restartPolicy: end === 'word' ? 'OnFailure' : 'Never',
    });
    const first = pod.start('s', pod.serve('s'));
    const main = pod.start('m', pod.serve('m', '12=0'));
    await pod.notes('m up');
    await first.signal(KILL);
    await first.code();
    await main.signal(end === 'word' ? 12 : KILL);
    await main.code();
    const second = pod.start('s', pod.serve('s again'));
    assert.equal(await second.code(), 0);
    assert.deepEqual(
      pod.noted.filter((line) => line.startsWith('s')),
      ['s up'],
    );
  }
});

test('L10 a main that ended before any sidecar came up is seen', async (t) => {
  const pod = new Pod(t, { mains: ['m'], sidecars: ['a', 'b'] });
  const main = pod.start('m', pod.work('m'), { options: { startTimeout: 1 } });
  assert.equal(await main.code(), 124);
  for (const name of ['b', 'a']) assert.equal(await pod.start(name, pod.serve(name)).code(), 0);
  assert.deepEqual(pod.noted, []);
});
