import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import { jobPod, review } from './review-examples.ts';
import { Connection, certificateFiles, ServedProcess } from './served-process.ts';

const REVIEW = JSON.stringify(review(jobPod()));

const served = async (t: TestContext, config: string) =>
  await ServedProcess.start(t, await certificateFiles(t), { config });

test('after SIGTERM readiness fails first, reviews are still taken, and each answer ends its connection', async (t) => {
  const curfew = await served(t, 'shutdown: { delay: 5m }');
  const old = await curfew.connect();
  assert.doesNotMatch((await old.ask(REVIEW))?.head ?? '', /connection: close/i);
  await curfew.terminate();
  assert.equal(await curfew.ready(), 503);
  const last = await old.ask(REVIEW);
  assert.match(last?.head ?? '', /^HTTP\/1\.1 200 .*^connection: close$/ims);
  assert.match(last?.body ?? '', /"patch"/);
  await old.end();
  const fresh = await curfew.connect();
  const refused = await fresh.ask('no review');
  assert.match(refused?.head ?? '', /^HTTP\/1\.1 400 .*^connection: close$/ims);
  await fresh.end();
});

test('idle connections, used or never used, do not delay the end, and are not cut before it', async (t) => {
  const curfew = await served(t, 'shutdown: { delay: 500ms, gracePeriod: 1h }');
  const [used, unused] = [await curfew.connect(), await curfew.connect()];
  await used.ask(REVIEW);
  await curfew.terminate();
  assert.deepEqual([used.ended, unused.ended], [false, false]);
  assert.deepEqual(await curfew.exited, [0, null]);
  await Promise.all([used.end(), unused.end()]);
});

test('a review that is on its way when the port closes is answered, however slowly it comes', async (t) => {
  const curfew = await served(t, 'shutdown: { delay: 0s, gracePeriod: 1h }');
  const slow = await curfew.connect();
  slow.write(`${Connection.head(REVIEW.length)}${REVIEW.slice(0, 10)}`);
  const late = await curfew.connect();
  late.write('POST /mutate HTTP/1.1\r\nhost: cur');
  await curfew.connect().then((other) => other.ask(REVIEW));
  await curfew.terminate();
  // The port is closed when nobody can connect any more.
  while (
    await curfew.connect().then(
      (more) => more.socket.destroy(),
      () => undefined,
    )
  );
  slow.write(REVIEW.slice(10));
  assert.match((await slow.answer())?.head ?? '', /^HTTP\/1\.1 200 .*^connection: close$/ims);
  late.write(`few\r\ncontent-type: application/json\r\ncontent-length: ${REVIEW.length}\r\n\r\n${REVIEW}`);
  assert.match((await late.answer())?.head ?? '', /^HTTP\/1\.1 200 .*^connection: close$/ims);
  assert.deepEqual(await curfew.exited, [0, null]);
});

test('at the end of the grace period a review that is still not there is given up: exit code 1, and the log counts it', async (t) => {
  const curfew = await served(t, 'shutdown: { delay: 0s, gracePeriod: 300ms }');
  const stalled = await curfew.connect();
  stalled.write(`${Connection.head(REVIEW.length)}{`);
  await curfew.connect().then((other) => other.ask(REVIEW));
  curfew.child.kill('SIGTERM');
  assert.deepEqual(await curfew.exited, [1, null]);
  const line = await curfew.line('the grace period is over: ending without the last answers');
  assert.equal(line.reviews, 1);
  await stalled.end();
});

test('a second signal ends it at once, with exit code 1 and a log line', async (t) => {
  const curfew = await served(t, 'shutdown: { delay: 5m }');
  await curfew.terminate();
  curfew.child.kill('SIGINT');
  assert.deepEqual(await curfew.exited, [1, null]);
  await curfew.line('second signal: ending at once');
});

/** A Service: new connections go to the ready endpoints in turn. */
class Service {
  private readonly endpoints: ServedProcess[] = [];
  private turn = 0;

  add(endpoint: ServedProcess): void {
    this.endpoints.push(endpoint);
  }

  remove(endpoint: ServedProcess): void {
    this.endpoints.splice(this.endpoints.indexOf(endpoint), 1);
  }

  connect(): Promise<Connection> {
    const endpoint = this.endpoints[this.turn++ % this.endpoints.length];
    if (endpoint === undefined) throw new Error('no endpoint');
    return endpoint.connect();
  }
}

/**
 * Ask again and again over a connection that is kept, as an API server does: a new one is made when an answer says so, or when the old one was
 * closed before anything was sent on it. A review that was sent and not answered is lost, because no client sends a POST twice.
 */
async function keepAsking(
  service: Service,
  restMs: number,
  signal: AbortSignal,
): Promise<{ answered: number; lost: number }> {
  let connection: Connection | undefined;
  const count = { answered: 0, lost: 0 };
  while (!signal.aborted) {
    connection = connection === undefined || connection.ended ? await service.connect() : connection;
    const answer = await connection.ask(REVIEW);
    if (answer?.head.startsWith('HTTP/1.1 200 ') === true) count.answered++;
    else count.lost++;
    if (answer === undefined || /^connection: close$/im.test(answer.head)) {
      connection.socket.destroy();
      connection = undefined;
    }
    if (restMs > 0) await pause(restMs);
  }
  connection?.socket.destroy();
  return count;
}

test('a rolling restart loses no review', async (t) => {
  const files = await certificateFiles(t);
  const start = () => ServedProcess.start(t, files, { config: 'shutdown: { delay: 1s, gracePeriod: 1h }' });
  const service = new Service();
  const old = [await start(), await start()];
  for (const one of old) service.add(one);
  const stop = new AbortController();
  const clients = [0, 0, 0, 0, 5, 20, 100, 300].map((rest) => keepAsking(service, rest, stop.signal));
  for (const one of old) {
    service.add(await start());
    await one.terminate();
    service.remove(one);
    assert.deepEqual(await one.exited, [0, null]);
  }
  stop.abort();
  const counts = await Promise.all(clients);
  for (const { answered, lost } of counts) {
    assert.equal(lost, 0);
    assert.ok(answered > 0);
  }
});

/** A libc without IPv6, as where the kernel has none. */
const NO_IPV6 = `
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <sys/socket.h>
int socket(int domain, int type, int protocol) {
  if (domain == AF_INET6) { errno = EAFNOSUPPORT; return -1; }
  int (*next)(int, int, int) = (int (*)(int, int, int))dlsym(RTLD_NEXT, "socket");
  return next(domain, type, protocol);
}
`;

test('on a machine without IPv6 it listens on 0.0.0.0', async (t) => {
  const files = await certificateFiles(t);
  const [source, library] = [join(files.folder, 'no-ipv6.c'), join(files.folder, 'no-ipv6.so')];
  await writeFile(source, NO_IPV6);
  await promisify(execFile)('gcc', ['-shared', '-fPIC', '-o', library, source, '-ldl']);
  const curfew = await ServedProcess.start(t, files, {
    host: '::',
    config: 'shutdown: { delay: 0s }',
    env: { LD_PRELOAD: library },
  });
  assert.match((await (await curfew.connect()).ask(REVIEW))?.head ?? '', /^HTTP\/1\.1 200 /);
  assert.equal(await curfew.ready(), 200);
  curfew.child.kill('SIGTERM');
  await once(curfew.child, 'exit');
});
