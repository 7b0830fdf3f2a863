/** Rule P10 on real processes: `curfew-shim status` tells what a pod waits for, in any of its containers, and disturbs nobody. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  closeSync,
  constants,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  statSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { test } from 'node:test';
import { formatMarker } from '../../shim/marker.ts';
import { type Readiness, shimFlags } from '../../shim/protocol.ts';
import type { ContainerStatus } from '../../shim/status-view.ts';
import { KILL, statusOf as procStatus } from './container.ts';
import { until } from './patience.ts';
import { Pod } from './pod.ts';

const NOT_READY = { options: { ready: { kind: 'tcp', host: '127.0.0.1', port: 9 } } } as const;

/** As `kubectl exec` runs it; here beside the containers, over the same rendezvous. */
function status(pod: Pod): ContainerStatus[] {
  const flags = shimFlags({ role: 'status', run: pod.run, output: 'json' });
  const answer: unknown = JSON.parse(execFileSync(`${pod.bin}/curfew-shim`, flags, { encoding: 'utf8' }));
  assert.ok(typeof answer === 'object' && answer !== null && 'version' in answer && 'containers' in answer);
  assert.equal(answer.version, 1);
  assert.ok(Array.isArray(answer.containers));
  return answer.containers;
}

function of(pod: Pod, name: string): ContainerStatus {
  const found = status(pod).find((container) => container.name === name);
  assert.ok(found, pod.story);
  return found;
}

test('P10 it tells who waits for whom and why, from the first container to the last', async (t) => {
  const pod = new Pod(t, { mains: ['m'], sidecars: ['s', 'late'], restartPolicy: 'OnFailure' });
  assert.deepEqual(
    status(pod).map(({ phase, alive }) => [phase, alive]),
    [
      ['absent', false],
      ['absent', false],
      ['absent', false],
    ],
  );
  pod.start('s', pod.serve('s'), NOT_READY);
  pod.start('m', pod.serve('m'));
  await pod.announces('m', 'waiting');
  const refused = 'tcp://127.0.0.1:9: connection refused';
  const sidecar = await until('the reason', () => {
    const found = of(pod, 's');
    return found.why === null ? undefined : found;
  });
  assert.deepEqual(
    [sidecar.role, sidecar.phase, sidecar.alive, sidecar.why],
    ['sidecar', 'starting', true, refused],
  );
  const main = of(pod, 'm');
  assert.deepEqual([main.role, main.phase, main.attempt], ['main', 'waiting', 1]);
  assert.deepEqual(main.waitsFor, [
    { name: 's', why: `running, not ready yet: ${refused}` },
    { name: 'late', why: 'not running yet' },
  ]);
  assert.deepEqual([of(pod, 'late').role, of(pod, 'late').phase], ['sidecar', 'absent']);
});

test('P10 a process that ends, and a container that is killed', async (t) => {
  const pod = new Pod(t, { mains: ['m'], sidecars: ['s'] });
  const sidecar = pod.start('s', pod.serve('s', '10=4', '15=0'));
  const main = pod.start('m', pod.serve('m', '10=3'));
  await pod.notes('m up');
  const { phase, restarts, code, waitsFor } = of(pod, 's');
  assert.deepEqual([phase, restarts, code, waitsFor], ['started', 0, null, [{ name: 'm', why: 'running' }]]);
  await sidecar.signal(10);
  await pod.notes('s up', 2);
  await pod.announces('s', 'started');
  const again = of(pod, 's');
  assert.deepEqual([again.phase, again.restarts, again.code], ['started', 1, 4]);
  await sidecar.signal(KILL);
  await sidecar.code();
  assert.deepEqual([of(pod, 's').phase, of(pod, 's').code, of(pod, 's').alive], ['killed', 137, false]);
  await main.signal(10);
  assert.equal(await main.code(), 3);
  assert.deepEqual([of(pod, 'm').phase, of(pod, 'm').code, of(pod, 'm').final], ['ended', 3, true]);
});

test('P10 L16 nobody wakes because of it, and nothing in the rendezvous changes', async (t) => {
  const pod = new Pod(t, { mains: ['m', 'waiting'], sidecars: ['s', 'slow'] });
  const ready: Readiness = { kind: 'exec', command: ['sleep', '1000'] };
  const slow = { ready, readyTimeout: 3_600_000 };
  const containers = [
    pod.start('s', pod.serve('s')),
    pod.start('slow', pod.serve('slow'), { options: slow }),
    pod.start('waiting', pod.work('waiting')),
  ];
  await pod.notes('slow up');
  await pod.announces('waiting', 'waiting');
  const pids = await Promise.all(containers.map((container) => container.pid()));
  await until(
    'everybody to be asleep',
    () => pids.every((pid) => procStatus(pid, 'State')?.startsWith('S')) || undefined,
  );
  const sleeps = () => pids.map((pid) => Number(procStatus(pid, 'voluntary_ctxt_switches')));
  const files = () =>
    readdirSync(pod.run).map((file) => {
      const { mtimeMs, ctimeMs, size, mode, ino } = statSync(`${pod.run}/${file}`);
      return { file, mtimeMs, ctimeMs, size, mode, ino };
    });
  const [woken, before] = [sleeps(), files()];
  for (let i = 0; i < 20; i++) assert.equal(status(pod).length, 4);
  assert.deepEqual(files(), before);
  for (const [i, count] of sleeps().entries())
    assert.ok(
      count - (woken[i] ?? 0) <= 1,
      `${containers[i]?.name} was woken ${count - (woken[i] ?? 0)} times`,
    );
});

test('P10 L17 last words that lie in a life line are left to those whom they are for', async (t) => {
  const pod = new Pod(t, { mains: ['m'], sidecars: ['s'] });
  const life = openSync(`${pod.run}/m.life`, constants.O_RDWR | constants.O_NONBLOCK);
  t.after(() => closeSync(life));
  const marker = { attempt: 1, epoch: '', phase: 'running', code: 0, final: false } as const;
  const fields = { killedIsFinal: true, stopping: false, stopDoubt: 0 };
  writeFileSync(`${pod.run}/m.state`, formatMarker({ ...marker, ...fields }));
  assert.equal(of(pod, 'm').alive, true, 'somebody holds it');
  const words = Buffer.alloc(4_096, 'cf 0 f-0        ');
  writeSync(life, words);
  for (let i = 0; i < 3; i++) {
    const { phase, alive, code, final } = of(pod, 'm');
    assert.deepEqual([phase, alive, code, final], ['ended', false, null, null], 'it has said its last word');
  }
  const left = Buffer.alloc(8_192);
  assert.equal(readSync(life, left), words.length);
});

test('P10 L19 whatever stands in the rendezvous is no more than misread', async (t) => {
  const pod = new Pod(t, { mains: ['m'], sidecars: ['s'] });
  const file = (name: string) => `${pod.run}/${name}`;
  writeFileSync(`${pod.folder}/secret`, 'secret\n');
  for (const name of ['link.state', 'link.life', 'm.why']) symlinkSync(`${pod.folder}/secret`, file(name));
  mkdirSync(file('folder.state'));
  execFileSync('mkfifo', [file('fifo.state'), file('fifo.why')]);
  for (const name of ['a b.state', '.hidden.state', `${'x'.repeat(64)}.state`, '\u001b[2J.life', 'UP.life'])
    writeFileSync(file(name), 'x');
  writeFileSync(file('large.state'), 'x'.repeat(1_000_000));
  for (let i = 0; i < 1_000; i++) writeFileSync(file(`many-${i}.state`), 'x');
  const text = JSON.stringify(status(pod));
  assert.doesNotMatch(text, /secret|UP|\[2J|hidden|xxx/);
  assert.ok(status(pod).length <= 128);
});

test('P10 a reason that cannot be written changes nothing', async (t) => {
  const pod = new Pod(t, { mains: ['m'], sidecars: ['s'] });
  mkdirSync(`${pod.run}/s.why`);
  mkdirSync(`${pod.run}/s.why.tmp`);
  writeFileSync(`${pod.run}/s.why.tmp/full`, '');
  const ready: Readiness = {
    kind: 'exec',
    command: ['sh', '-c', `echo x >>${pod.folder}/tried; [ $(wc -l <${pod.folder}/tried) -gt 12 ]`],
  };
  const sidecar = pod.start('s', pod.serve('s'), { options: { ready } });
  const main = pod.start('m', pod.work('m', 3));
  assert.deepEqual([await main.code(), await sidecar.code()], [3, 0], pod.story);
  // On a slow machine its tries take longer than the 10 s after which it says why in any case.
  assert.match(sidecar.stderr, /^(?:curfew: not ready yet \([1-9]\d+ s\): sh: exited 1\n)*$/);
});

test('P10 a sidecar that is ready within a second writes no reason', async (t) => {
  const pod = new Pod(t, { mains: ['m'], sidecars: ['s'] });
  const ready: Readiness = { kind: 'exec', command: ['test', '-e', `${pod.folder}/ready`] };
  const script = `sleep 0.2; : >${pod.folder}/ready; exec ${pod.serve('s').join(' ')}`;
  const sidecar = pod.start('s', ['sh', '-c', script], { options: { ready } });
  assert.equal(await pod.start('m', pod.work('m', 3)).code(), 3);
  assert.equal(await sidecar.code(), 0);
  assert.deepEqual(readdirSync(pod.run).sort(), ['epoch', 'm.life', 'm.state', 's.life', 's.state']);
});

test('P10 text, both ways to ask for JSON, and what cannot be asked', async (t) => {
  const pod = new Pod(t, { mains: ['m'] });
  const run = async (...words: string[]) => {
    const asked = pod.begin('status', [`${pod.bin}/curfew-shim`, 'status', `--run=${pod.run}`, ...words]);
    return { code: await asked.code(), stdout: asked.stdout, stderr: asked.stderr };
  };
  assert.equal(
    (await run()).stdout,
    'NAME  ROLE  PHASE   SINCE  CODE  RESTARTS  ATTEMPT\nm     -     absent  -      -     0         0\n',
  );
  const json = (await run('--output=json')).stdout;
  assert.deepEqual(await run('--output', 'json'), { code: 0, stdout: json, stderr: '' });
  assert.match(
    (await run('--output=yaml')).stderr,
    /^curfew: --output=yaml does not parse; an example: --output=text or json\n$/,
  );
  assert.equal((await run('--output')).code, 125);
  const nowhere = pod.begin('status', [`${pod.bin}/curfew-shim`, 'status', '--run=/nowhere']);
  assert.equal(await nowhere.code(), 125);
  assert.equal(nowhere.stderr, 'curfew: cannot read /nowhere: no such file or directory\n');
});
