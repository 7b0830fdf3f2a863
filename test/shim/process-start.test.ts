/** Rules L1 to L4 and L14 on real processes: the start, in order, and what ends it early. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer as createHttpServer, type IncomingMessage } from 'node:http';
import { createServer, type Server } from 'node:net';
import { networkInterfaces } from 'node:os';
import { type TestContext, test } from 'node:test';
import type { Readiness } from '../../shim/protocol.ts';
import { KILL, TERM } from './container.ts';
import { listenOn } from './listening.ts';
import { SLOWNESS } from './patience.ts';
import { Pod } from './pod.ts';

/** Listen on a port of this machine, which the containers share. */
async function listen(t: TestContext, server: Server, port = 0, host = '127.0.0.1'): Promise<number> {
  t.after(() => server.close());
  return await listenOn(server, port, host);
}

/** A sidecar with this condition, and a main that waits for it. */
function waitingPod(t: TestContext, ready: Readiness, readyTimeout = 1_000) {
  const pod = new Pod(t, { mains: ['m'], sidecars: ['s'] });
  const main = pod.start('m', pod.work('m', 3));
  const sidecar = pod.start('s', pod.serve('s'), { options: { ready, readyTimeout } });
  return { pod, main, sidecar };
}

test('L1 L2 sidecars start in their listed order, and a main runs nothing before the last is started', async (t) => {
  const sidecars = ['a', 'b', 'c'];
  const pod = new Pod(t, { mains: ['m', 'n'], sidecars });
  // In the opposite order: each waits for the one that comes after it here.
  const mains = ['m', 'n'].map((name) => pod.start(name, pod.work(name, 3)));
  for (const name of ['m', 'n']) await pod.announces(name, 'waiting');
  const c = pod.start('c', pod.serve('c'));
  await pod.announces('c', 'waiting');
  const b = pod.start('b', pod.serve('b'));
  await pod.announces('b', 'waiting');
  const a = pod.start('a', pod.serve('a'));
  for (const container of [...mains]) assert.equal(await container.code(), 3, pod.story);
  for (const container of [a, b, c]) assert.equal(await container.code(), 0, pod.story);
  assert.deepEqual(pod.noted.slice(0, 3), ['a up', 'b up', 'c up']);
  assert.deepEqual(pod.noted.slice(3, 5).sort(), ['m runs', 'n runs']);
});

test('L1 a TCP condition holds when the port takes a connection', async (t) => {
  const server = createServer((socket) => socket.destroy());
  const port = await listen(t, server);
  server.close();
  await once(server, 'close');
  const { pod, main, sidecar } = waitingPod(t, { kind: 'tcp', port });
  await pod.announces('s', 'starting');
  await pod.notes('s up');
  assert.equal(pod.markerOf('m')?.phase, 'waiting');
  await listen(t, server, port);
  assert.equal(await main.code(), 3);
  assert.equal(await sidecar.code(), 0);
});

const IPV6 = Object.values(networkInterfaces()).some((list) =>
  list?.some(({ address }) => address === '::1'),
);

test('L1 a TCP condition without a host holds on IPv6 too', {
  skip: IPV6 ? false : 'this machine has no IPv6 loopback address',
}, async (t) => {
  const server = createServer((socket) => socket.destroy());
  const port = await listen(t, server, 0, '::1');
  const { main } = waitingPod(t, { kind: 'tcp', port });
  assert.equal(await main.code(), 3);
});

test('L1 an HTTP condition holds with a status from 200 to 399, and sends path and headers', async (t) => {
  const asked: IncomingMessage[] = [];
  const statuses = [503, 404, 500, 307];
  const server = createHttpServer((request, response) => {
    asked.push(request);
    response.writeHead(statuses[asked.length - 1] ?? 200).end('x'.repeat(10_000));
  });
  const port = await listen(t, server);
  const headers = ['X-Probe: curfew', 'Host: sidecar.example'];
  const { main, sidecar } = waitingPod(t, { kind: 'http', port, path: '/healthz/ready?full=1', headers });
  assert.equal(await main.code(), 3);
  assert.equal(await sidecar.code(), 0);
  assert.equal(asked.length, 4, 'until the first that held, and never again');
  const [first] = asked;
  assert.equal(first?.url, '/healthz/ready?full=1');
  assert.equal(first?.headers['x-probe'], 'curfew');
  assert.equal(first?.headers.host, 'sidecar.example');
});

test('L1 an HTTP server that takes the connection and says nothing, or nonsense, is not ready', async (t) => {
  let connections = 0;
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    connections++;
    if (connections === 2) socket.end('SSH-2.0-nonsense 200 200 200\r\n');
    if (connections === 3) socket.end();
    // Byte by byte, and split in the middle of the status.
    if (connections >= 4) for (const part of ['HT', 'TP/1.1 2', '00 OK\r\n\r\n']) socket.write(part);
    t.after(() => socket.destroy());
  });
  const port = await listen(t, server);
  // So long the first is waited for; on a busy machine this process may be late with its answer, too.
  const { main } = waitingPod(t, { kind: 'http', port, path: '/', headers: [] }, 100 * SLOWNESS);
  assert.equal(await main.code(), 3);
  assert.ok(connections >= 4, `${connections} connections`);
});

test('L1 an exec condition holds when its command ends with 0; one that hangs is killed', async (t) => {
  const flag = (pod: Pod, name: string) => `${pod.folder}/${name}`;
  const pod = new Pod(t, { mains: ['m'], sidecars: ['s'] });
  const script = `echo "tried $PPID" >> ${pod.log}; test -e ${flag(pod, 'hang')} || exec sleep 1000; test -e ${flag(pod, 'ready')}`;
  const ready: Readiness = { kind: 'exec', command: ['sh', '-c', script] };
  const main = pod.start('m', pod.work('m', 3));
  const sidecar = pod.start('s', pod.serve('s'), { options: { ready, readyTimeout: 150 } });
  // The second try begins only when the first, which hangs, was given up.
  await pod.notes('tried 1', 2);
  writeFileSync(flag(pod, 'hang'), '');
  await pod.notes('tried 1', pod.noted.filter((line) => line === 'tried 1').length + 2);
  assert.equal(pod.markerOf('m')?.phase, 'waiting');
  writeFileSync(flag(pod, 'ready'), '');
  assert.equal(await main.code(), 3);
  assert.equal(await sidecar.code(), 0);
  assert.equal(sidecar.stdout + sidecar.stderr, '', 'a condition is silent');
});

test('L1 the next sidecar waits for the condition of the one before', async (t) => {
  const pod = new Pod(t, { mains: ['m'], sidecars: ['a', 'b'] });
  const ready: Readiness = { kind: 'exec', command: ['test', '-e', `${pod.folder}/ready`] };
  const b = pod.start('b', pod.serve('b'));
  const a = pod.start('a', pod.serve('a'), { options: { ready } });
  const main = pod.start('m', pod.work('m', 3));
  await pod.announces('a', 'starting');
  await pod.notes('a up');
  await pod.announces('b', 'waiting');
  await pod.announces('m', 'waiting');
  writeFileSync(`${pod.folder}/ready`, '');
  assert.equal(await main.code(), 3);
  assert.deepEqual([await a.code(), await b.code()], [0, 0]);
  assert.deepEqual(pod.noted.slice(0, 3), ['a up', 'b up', 'm runs']);
});

test('P8 L2 a sidecar whose condition does not hold says why, on one line', async (t) => {
  const busy = createHttpServer((_, response) => response.writeHead(503).end());
  const rude = createServer((socket) => socket.on('error', () => undefined).end());
  const foreign = createServer((socket) =>
    socket.on('error', () => undefined).end('SSH-2.0-\u001b[31mnonsense\r\n'),
  );
  const mute = createServer(
    (socket) => socket.on('error', () => undefined) && t.after(() => socket.destroy()),
  );
  const http = (port: number): Readiness => ({
    kind: 'http',
    port,
    path: '/healthz?token=secret',
    headers: [],
  });
  const gone = createServer();
  const gonePort = await listen(t, gone);
  gone.close();
  const ports = [
    await listen(t, busy),
    await listen(t, rude),
    await listen(t, foreign),
    await listen(t, mute),
  ];
  const [busyPort = 0, rudePort = 0, foreignPort = 0, mutePort = 0] = ports;
  const cases: [Readiness, string, number?][] = [
    [http(busyPort), `http://127.0.0.1:${busyPort}/healthz answered 503`],
    [http(rudePort), `http://127.0.0.1:${rudePort}/healthz: closed the connection without an answer`],
    [http(foreignPort), `http://127.0.0.1:${foreignPort}/healthz answered something that is no HTTP`],
    [http(mutePort), `http://127.0.0.1:${mutePort}/healthz: no answer within 0.2 s`, 200],
    [http(gonePort), `http://:${gonePort}/healthz: connection refused`],
    [{ kind: 'tcp', port: gonePort }, `tcp://:${gonePort}: connection refused`],
    [{ kind: 'tcp', host: '127.0.0.1', port: gonePort }, `tcp://127.0.0.1:${gonePort}: connection refused`],
    [{ kind: 'exec', command: ['pg_isredy'] }, 'pg_isredy: command not found in PATH'],
    [{ kind: 'exec', command: ['\n/no\u001b[31m'] }, '\\n/no\\u001b[31m: command not found'],
    [{ kind: 'exec', command: ['/etc'] }, '/etc: cannot execute: permission denied'],
    [{ kind: 'exec', command: ['sh', '-c', 'exit 3'] }, 'sh: exited 3'],
    [{ kind: 'exec', command: ['sleep', '1000'] }, 'sleep: no answer within 0.2 s', 200],
  ];
  const sidecars = cases.map(([ready, why, readyTimeout = 1_000]) => {
    const pod = new Pod(t, { mains: ['m'], sidecars: ['s'] });
    return { sidecar: pod.start('s', pod.serve('s'), { options: { ready, readyTimeout } }), why };
  });
  for (const { sidecar, why } of sidecars) {
    await sidecar.says('\n');
    const [, said] = sidecar.stderr.match(/^curfew: not ready yet \(\d+ s\): (.*)\n$/) ?? [];
    assert.equal(said, why, sidecar.stderr);
  }
});

test('L3 TERM while waiting: 143, and the command never runs', async (t) => {
  for (const [stopSignal, signal] of [
    [undefined, TERM],
    ['INT', 2],
  ] as const) {
    const pod = new Pod(t, { mains: ['m'], sidecars: ['s'], restartPolicy: 'OnFailure' });
    const main = pod.start('m', pod.work('m'), stopSignal === undefined ? {} : { options: { stopSignal } });
    await pod.announces('m', 'waiting');
    await main.signal(signal);
    assert.equal(await main.code(), 128 + signal);
    assert.deepEqual([pod.markerOf('m')?.code, pod.markerOf('m')?.stopping], [128 + signal, true]);
    assert.deepEqual(pod.noted, []);
  }
});

test('L4 a start-timeout that runs out: 124 with the name of the sidecar', async (t) => {
  const pod = new Pod(t, { mains: ['m'], sidecars: ['fast', 'slow'] });
  const fast = pod.start('fast', pod.serve('fast'));
  const ready: Readiness = { kind: 'exec', command: ['false'] };
  const slow = pod.start('slow', pod.serve('slow'), { options: { ready } });
  await pod.notes('slow up');
  const main = pod.start('m', pod.work('m'), { options: { startTimeout: 100 } });
  assert.equal(await main.code(), 124);
  assert.match(main.stderr, /^curfew: start-timeout: .*slow \(running, not ready yet\)\n$/);
  assert.doesNotMatch(main.stderr, /fast/);
  assert.deepEqual([await slow.code(), await fast.code()], [0, 0], 'no pod hangs');
  assert.ok(!pod.noted.includes('m runs'));
});

test('L2 L8 a sidecar that will never come back ends the wait of a main', async (t) => {
  const pod = new Pod(t, { mains: ['m'], sidecars: ['s'] });
  const ready: Readiness = { kind: 'exec', command: ['false'] };
  const sidecar = pod.start('s', pod.serve('s'), { options: { ready } });
  await pod.notes('s up');
  const main = pod.start('m', pod.work('m'));
  await pod.announces('m', 'waiting');
  await sidecar.signal(KILL);
  assert.equal(await main.code(), 125);
  assert.match(
    main.stderr,
    /^curfew: sidecar s was killed and will not be started again \(see its log\): cannot start/,
  );
});

test('L14 deletion during start ends every container, and nothing starts after TERM', async (t) => {
  const pod = new Pod(t, { mains: ['m'], sidecars: ['a', 'b', 'c'] });
  const ready: Readiness = { kind: 'exec', command: ['test', '-e', `${pod.folder}/ready`] };
  const main = pod.start('m', pod.work('m'));
  const c = pod.start('c', pod.serve('c'));
  const b = pod.start('b', pod.serve('b'), { options: { ready } });
  const a = pod.start('a', pod.serve('a'));
  await pod.notes('b up');
  await pod.announces('c', 'waiting');
  await pod.announces('m', 'waiting');
  for (const container of [a, b, c, main]) await container.signal(TERM);
  assert.equal(await main.code(), 143);
  writeFileSync(`${pod.folder}/ready`, '');
  for (const container of [c, b, a]) assert.equal(await container.code(), 0);
  const order = ['a up', 'b up', 'b got 15', 'b ends', 'a got 15', 'a ends'];
  assert.deepEqual(pod.noted, order, 'neither c nor m ran');
});

test('L14 a sidecar that got TERM before its turn runs nothing when its turn comes', async (t) => {
  const pod = new Pod(t, { mains: ['m'], sidecars: ['first', 's'] });
  const late = pod.start('s', pod.serve('s'));
  await pod.announces('s', 'waiting');
  await late.signal(TERM);
  assert.equal(await late.code(), 0);
  pod.start('first', pod.serve('first'));
  await pod.notes('first up');
  assert.deepEqual(pod.noted, ['first up']);
});
