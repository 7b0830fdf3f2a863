/** Rule P8 on real processes: what the shim says, and that it says nothing when there is nothing to say. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TERM } from './container.ts';
import { Pod } from './pod.ts';

test('P8 a normal run adds not one byte to any output', async (t) => {
  const pod = new Pod(t, { mains: ['m', 'n'], sidecars: ['a', 'b'] });
  const a = pod.start('a', [
    'sh',
    '-c',
    `echo out; echo err >&2; exec ${pod.serve('a', '15=143').join(' ')}`,
  ]);
  // A process that TERM just kills is a normal end too.
  const b = pod.start('b', ['sh', '-c', 'echo b; exec sleep 1000']);
  const m = pod.start('m', ['sh', '-c', 'echo out; echo err >&2; read line; exit 3'], { stdin: 'pipe' });
  const n = pod.start('n', ['true']);
  await pod.notes('a up');
  await b.says('b', 'stdout');
  m.write('go\n');
  assert.deepEqual([await m.code(), await n.code(), await b.code(), await a.code()], [3, 0, 0, 0]);
  assert.deepEqual([m.stdout, m.stderr], ['out\n', 'err\n']);
  assert.deepEqual([n.stdout, n.stderr], ['', '']);
  assert.deepEqual([a.stdout, a.stderr], ['out\n', 'err\n']);
  assert.deepEqual([b.stdout, b.stderr], ['b\n', '']);
});

test('P8 a pod that is deleted in good order adds not one byte either', async (t) => {
  const pod = new Pod(t, { mains: ['m'], sidecars: ['s'] });
  const sidecar = pod.start('s', pod.serve('s'));
  const main = pod.start('m', pod.serve('m', `${TERM}=143`));
  await pod.notes('m up');
  await sidecar.signal(TERM);
  await main.signal(TERM);
  assert.deepEqual([await main.code(), await sidecar.code()], [143, 0]);
  assert.equal(main.stderr + sidecar.stderr + main.stdout + sidecar.stdout, '');
});

test('P8 what must be known is one line each, curfew first', async (t) => {
  const pod = new Pod(t, { mains: ['m'], sidecars: ['s'], grace: 200 });
  const sidecar = pod.start('s', pod.serve('s', '10=4', '12=0'));
  const main = pod.start('m', pod.serve('m'));
  await pod.notes('m up');
  await sidecar.signal(10);
  await pod.notes('s up', 2);
  await main.signal(9);
  assert.equal(await sidecar.code(), 0);
  assert.deepEqual(sidecar.stderr.split('\n'), [
    'curfew: ended with code 4 while the work goes on: starting it again now',
    'curfew: m ended without a word (killed, out of memory, or unable to write to the rendezvous): its exit counts as 137',
    'curfew: did not end in time: killing it',
    'curfew: ended with code 137 when it was stopped',
    '',
  ]);
});

test('P8 debug tells every step, each on a line of its own', async (t) => {
  const pod = new Pod(t, { mains: ['m'], sidecars: ['s'] });
  const options = { log: 'debug' } as const;
  const sidecar = pod.start('s', pod.serve('s'), { options });
  const main = pod.start('m', pod.work('m', 3), { options });
  assert.deepEqual([await main.code(), await sidecar.code()], [3, 0]);
  for (const line of `${main.stderr}${sidecar.stderr}`.split('\n').slice(0, -1))
    assert.match(line, /^curfew: debug: ./);
  for (const step of ['running', 'started process', 'ended with code 3', 'exit 3'])
    assert.ok(main.stderr.includes(`curfew: debug: ${step}`) || main.stderr.includes(step), step);
  for (const step of ['started', 'the work is done', 'process 2 ended with code 0', 'exit 0'])
    assert.ok(sidecar.stderr.includes(`curfew: debug: ${step}`), step);
});

test('P8 a container without standard output or error runs all the same', async (t) => {
  const pod = new Pod(t, { mains: ['m'], sidecars: ['s'] });
  const inside = [
    'unshare',
    '--pid',
    '--fork',
    '--kill-child',
    '--mount-proc',
    'sh',
    '-c',
    'exec "$@" >&- 2>&-',
    '-',
  ];
  const options = { log: 'debug' } as const;
  const sidecar = pod.start('s', pod.serve('s'), { inside, options });
  assert.equal(await pod.start('m', pod.work('m', 3), { inside, options }).code(), 3);
  assert.equal(await sidecar.code(), 0);
});

test('P8 nobody reading its words does not end it', async (t) => {
  const pod = new Pod(t, { mains: ['m'], sidecars: ['s'] });
  const options = { log: 'debug' } as const;
  // The pipe's reader is gone before the shim begins: each of its words is an EPIPE and a SIGPIPE.
  const inside = ['bash', '-c', 'exec 2> >(exec true); wait $!; exec "$@"', '-'];
  const sidecar = pod.start('s', pod.serve('s'), { inside, options });
  assert.equal(await pod.start('m', pod.work('m', 3), { inside, options }).code(), 3);
  assert.equal(await sidecar.code(), 0);
  assert.deepEqual(pod.noted, ['s up', 'm runs', `s got ${TERM}`, 's ends']);
});
