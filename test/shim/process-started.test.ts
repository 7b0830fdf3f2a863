/** Rule L18 on real processes: a startup probe asked through the shim counts from the command's start. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { createServer } from 'node:net';
import { type TestContext, test } from 'node:test';
import { type StartedOptions, shimFlags } from '../../shim/protocol.ts';
import { KILL } from './container.ts';
import { listenOn } from './listening.ts';
import { ACTOR, Pod } from './pod.ts';

/** A startup probe's try, as the kubelet runs it in the container; here beside it, over the same rendezvous. */
function tryStarted(pod: Pod, name: string, options: Partial<StartedOptions> = {}) {
  const flags = shimFlags({
    ...{ role: 'started', name, run: pod.run, delay: 0, ready: { kind: 'none' }, readyTimeout: 1_000 },
    ...options,
  });
  return pod.begin(`probe of ${name}`, [`${pod.bin}/curfew-shim`, ...flags]);
}

async function listening(t: TestContext, server: ReturnType<typeof createServer>): Promise<number> {
  t.after(() => server.close());
  return await listenOn(server);
}

test('L18 a try blocks while a main waits, and ends when its command runs', async (t) => {
  const pod = new Pod(t, { mains: ['m'], sidecars: ['s'] });
  const probe = tryStarted(pod, 'm');
  const main = pod.start('m', pod.serve('m'));
  await pod.announces('m', 'waiting');
  pod.start('s', pod.serve('s'));
  assert.equal(await probe.code(), 0, pod.story);
  assert.notEqual(pod.markerOf('m')?.phase, 'waiting');
  await pod.notes('m up');
  await main.signal(15);
  assert.equal(await main.code(), 0);
});

test('L18 a try of a sidecar blocks while it waits for the one before it', async (t) => {
  const pod = new Pod(t, { mains: ['m'], sidecars: ['a', 'b'] });
  pod.start('b', pod.serve('b'));
  await pod.announces('b', 'waiting');
  const probe = tryStarted(pod, 'b');
  pod.start('a', pod.serve('a'));
  assert.equal(await probe.code(), 0, pod.story);
  assert.notEqual(pod.markerOf('b')?.phase, 'waiting');
});

test('L18 the delay counts from the command start', async (t) => {
  const pod = new Pod(t, { mains: ['m'] });
  const script = 'echo m begun >>"$1"; sleep 0.5; echo m lasted >>"$1"; exec sleep 1000';
  pod.start('m', ['sh', '-c', script, '-', pod.log]);
  await pod.notes('m begun');
  const probe = tryStarted(pod, 'm', { delay: 4_000 });
  assert.equal(await probe.code(), 0, pod.story);
  assert.ok(pod.noted.includes('m lasted'), pod.story);
});

test('L18 L11 the marker of an attempt before is not taken for the command that is to come', async (t) => {
  const pod = new Pod(t, { mains: ['m'], sidecars: ['s'], restartPolicy: 'OnFailure' });
  const sidecar = pod.start('s', pod.serve('s'));
  const first = pod.start('m', pod.serve('m'));
  await pod.notes('m up');
  await first.signal(KILL);
  await first.code();
  await sidecar.signal(KILL);
  await sidecar.code();
  assert.equal(pod.markerOf('m')?.phase, 'running');
  const probe = tryStarted(pod, 'm');
  let phaseAtEnd: string | undefined;
  const ended = probe.code().then((code) => {
    const marker = pod.markerOf('m');
    phaseAtEnd = `${marker?.phase} in attempt ${marker?.attempt}`;
    return code;
  });
  pod.start('m', pod.serve('m'));
  await pod.announces('m', 'waiting', 2);
  pod.start('s', pod.serve('s'));
  assert.equal(await ended, 0, pod.story);
  assert.equal(phaseAtEnd, 'running in attempt 2');
});

test('L18 the author condition is tried once, and a failure says why on standard output', async (t) => {
  const pod = new Pod(t, { mains: ['m'] });
  pod.start('m', pod.serve('m'));
  await pod.notes('m up');
  let status = 200;
  const http = await listening(
    t,
    createHttpServer((_request, response) => response.writeHead(status).end()),
  );
  const closed = createServer();
  const port = await listening(t, closed);
  closed.close();
  await once(closed, 'close');
  const ready = { kind: 'http', host: '127.0.0.1', port: http, path: '/healthz', headers: [] } as const;
  assert.equal(await tryStarted(pod, 'm', { ready: { ...ready, headers: [] } }).code(), 0);
  status = 503;
  const refused = tryStarted(pod, 'm', { ready: { ...ready, headers: [] } });
  assert.equal(await refused.code(), 1);
  assert.equal(refused.stdout, `http://127.0.0.1:${http}/healthz answered 503\n`);
  const tcp = tryStarted(pod, 'm', { ready: { kind: 'tcp', host: '127.0.0.1', port } });
  assert.equal(await tcp.code(), 1);
  assert.equal(tcp.stdout, `tcp://127.0.0.1:${port}: connection refused\n`);
  const exec = (command: string[]) => tryStarted(pod, 'm', { ready: { kind: 'exec', command } });
  assert.equal(await exec(['true']).code(), 0);
  const failed = exec(['sh', '-c', 'exit 7']);
  assert.equal(await failed.code(), 1);
  assert.equal(failed.stdout, 'sh: exited 7\n');
  const slow = tryStarted(pod, 'm', {
    ready: { kind: 'exec', command: [ACTOR, 'serve', pod.log, 'x'] },
    readyTimeout: 100,
  });
  assert.equal(await slow.code(), 1);
  assert.match(slow.stdout, /no answer within 0.1 s/);
});
