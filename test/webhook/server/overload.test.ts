import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { Agent } from 'node:https';
import { type TestContext, test } from 'node:test';
import { pino } from 'pino';
import { parseConfig } from '../../../webhook/config/config.ts';
import type { ImageAnswer, ImageLookup } from '../../../webhook/decision/images.ts';
import { Overload } from '../../../webhook/server/overload.ts';
import { jobPod, review } from './review-examples.ts';
import { type Answer, at, type Served, serveWebhook } from './served-webhook.ts';

/** A pod whose review waits for an image. */
function unknownImage(note = ''): Record<string, unknown> {
  return {
    metadata: { annotations: { 'curfew.dev/sidecars': 'proxy' }, labels: { note } },
    spec: {
      restartPolicy: 'Never',
      containers: [
        { name: 'a', image: 'x' },
        { name: 'proxy', image: 'y' },
      ],
    },
  };
}

const ordinary = JSON.stringify(review(jobPod()));
const waiting = JSON.stringify(review(unknownImage()));
/** One that waits for an image, of some 700 kB. */
const long = JSON.stringify(review(unknownImage('n'.repeat(700_000))));

/** Image look-ups that end when the test says so. */
class HeldLookups extends EventEmitter implements ImageLookup {
  private held: (() => void)[] = [];
  private free = false;

  lookUp(): Promise<Map<string, ImageAnswer>> {
    return new Promise((resolve) => {
      if (this.free) return resolve(new Map());
      this.held.push(() => resolve(new Map()));
      this.emit('held', this.held.length);
    });
  }

  /** So many are held. */
  async reach(count: number): Promise<void> {
    while (this.held.length < count) await once(this, 'held');
  }

  release(): void {
    this.free = true;
    for (const end of this.held.splice(0)) end();
  }
}

function assertShed({ status, contentType, body }: Answer, key: string): void {
  assert.equal(status, 503);
  assert.match(contentType, /^application\/json/);
  assert.equal(at(body, 'error', 'code'), 'overloaded');
  assert.match(String(at(body, 'error', 'message')), new RegExp(`limits\\.${key}`));
}

async function counted(served: Served): Promise<{ shed: number; inFlight: number }> {
  const { text } = await served.health('/metrics');
  const shed = /^curfew_reviews_total\{outcome="rejected",reason="overloaded"\} (\d+)$/m.exec(text)?.[1];
  return { shed: Number(shed ?? 0), inFlight: Number(/^curfew_reviews_in_flight (\d+)$/m.exec(text)?.[1]) };
}

test('more reviews than limits.concurrentReviews are answered 503 while the others wait; those are all answered', async (t) => {
  const images = new HeldLookups();
  const served = await serveWebhook(t, { images, config: 'limits: { concurrentReviews: 3 }' });
  const taken = [1, 2, 3].map(() => served.post(waiting));
  await images.reach(3);
  for (let i = 0; i < 20; i++) assertShed(await served.post(ordinary), 'concurrentReviews');
  assert.deepEqual(await counted(served), { shed: 20, inFlight: 3 });
  assert.equal((await served.health('/livez')).status, 200, 'a restart would not help');
  assert.equal((await served.health('/readyz')).status, 200, 'a replica less would not help');
  images.release();
  for (const { status, body } of await Promise.all(taken))
    assert.deepEqual([status, at(body, 'response', 'uid')], [200, '705ab4f5-6393-11e8-b7cc-42010a800002']);
  assert.equal((await served.post(ordinary)).status, 200, 'it recovers');
  assert.deepEqual(await counted(served), { shed: 20, inFlight: 0 });
  const lines = served.log().filter(({ reason }) => reason === 'overloaded');
  assert.equal(lines.length, 1, 'a flood is no flood of lines');
  assert.deepEqual([lines[0]?.shed, lines[0]?.excess, lines[0]?.reviews], [1, 'reviews', 3]);
});

test('the API server is told to ask again after a second, on the same connection', async (t) => {
  const images = new HeldLookups();
  const served = await serveWebhook(t, { images, config: 'limits: { concurrentReviews: 1 }' });
  const taken = served.post(waiting);
  await images.reach(1);
  const socket = await served.tls();
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk;
  });
  const request = `POST /mutate?timeout=10s HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${ordinary.length}\r\n\r\n`;
  socket.write(request);
  while (!text.includes('overloaded')) await once(socket, 'data');
  assert.match(text, /^HTTP\/1\.1 503 .*\r\nretry-after: 1\r\n/s, 'before the body was even sent');
  assert.doesNotMatch(text, /connection: close/i);
  images.release();
  await taken;
  text = '';
  socket.write(`${ordinary}${request}${ordinary}`);
  while (!text.includes('"allowed":true')) await once(socket, 'data');
  assert.match(text, /^HTTP\/1\.1 200 /);
});

test('long bodies share limits.concurrentBytes; short ones are taken all the same', async (t) => {
  const images = new HeldLookups();
  const served = await serveWebhook(t, {
    images,
    config: 'limits: { bodyBytes: 1048576, concurrentBytes: 1048576 }',
  });
  const first = served.post(long);
  await images.reach(1);
  assertShed(await served.post(long), 'concurrentBytes');
  assertShed(await served.post(long, { headers: { 'transfer-encoding': 'chunked' } }), 'concurrentBytes');
  assert.equal((await served.post(ordinary)).status, 200);
  images.release();
  assert.equal((await first).status, 200);
  assert.equal((await served.post(long)).status, 200, 'it recovers');
});

test('a body that is announced and never sent holds its bytes until its connection ends', async (t) => {
  const images = new HeldLookups();
  const served = await serveWebhook(t, {
    images,
    config: 'limits: { bodyBytes: 1048576, concurrentBytes: 1048576 }',
  });
  images.release();
  const socket = await served.tls();
  const announced = once(served.servers.webhook.server, 'request');
  socket.write(
    'POST /mutate HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 1048576\r\n\r\n{',
  );
  const [incoming] = await announced;
  assertShed(await served.post(long), 'concurrentBytes');
  assert.equal((await served.post(ordinary)).status, 200);
  const gone = new Promise((resolve) => incoming.on('error', () => {}).on('close', resolve));
  socket.destroy();
  await gone;
  await new Promise(setImmediate);
  assert.equal((await served.post(long)).status, 200);
  assert.deepEqual(await counted(served), { shed: 1, inFlight: 0 });
});

test('a client that ends in the middle of its requests leaves nothing counted', async (t) => {
  const images = new HeldLookups();
  const served = await serveWebhook(t, { images, config: 'limits: { concurrentReviews: 4 }' });
  const head = (length: number) =>
    `POST /mutate HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${length}\r\n\r\n`;
  const requests = `${head(waiting.length)}${waiting}`.repeat(3);
  const socket = await served.tls();
  socket.on('error', () => {});
  socket.write(`${requests}${head(500)}{`);
  await images.reach(3);
  const gone = once(socket, 'close');
  socket.destroy();
  await gone;
  images.release();
  while ((await counted(served)).inFlight > 0) await new Promise(setImmediate);
  const answers = await Promise.all([1, 2, 3, 4].map(() => served.post(waiting)));
  assert.deepEqual(
    answers.map(({ status }) => status),
    [200, 200, 200, 200],
  );
});

/** Image look-ups that keep the processor busy, as reviews do that are hard to decide. */
const BUSY: ImageLookup = {
  lookUp: async () => {
    const end = performance.now() + 60;
    while (performance.now() < end);
    return new Map();
  },
};

/** So many reviews at the same moment, each on a connection that was there before. */
async function burst(t: TestContext, served: Served, count: number, path: string): Promise<Answer[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: count, maxFreeSockets: count });
  t.after(() => agent.destroy());
  const all = (body: string) =>
    Promise.all(Array.from({ length: count }, () => served.post(body, { agent, path })));
  await all(ordinary);
  return await all(waiting);
}

test('reviews that would wait longer than limits.queueTime are answered 503, the first ones are answered', async (t) => {
  const served = await serveWebhook(t, { images: BUSY, config: 'limits: { queueTime: 200ms }' });
  const answers = await burst(t, served, 30, '/mutate?timeout=10s');
  const shed = answers.filter(({ status }) => status !== 200);
  for (const answer of shed) assertShed(answer, 'queueTime');
  // 60 ms each: the fifth has waited 240 ms. How many are read in one turn is the kernel's affair.
  assert.ok(shed.length >= 10, `${shed.length} were shed`);
  assert.ok(shed.length < 30, 'some are taken');
  assert.deepEqual(await counted(served), { shed: shed.length, inFlight: 0 });
  assert.equal((await served.post(ordinary)).status, 200, 'it recovers');
  const [line] = served.log().filter(({ reason }) => reason === 'overloaded');
  assert.equal(line?.excess, 'time');
});

test('a quarter of the timeout that the API server gives is the most, however long limits.queueTime is', async (t) => {
  const served = await serveWebhook(t, { images: BUSY, config: 'limits: { queueTime: 10s }' });
  const short = await burst(t, served, 10, '/mutate?timeout=1s');
  assert.ok(short.some(({ status }) => status === 503));
  const usual = await burst(t, served, 10, '/mutate?timeout=10s');
  assert.ok(usual.every(({ status }) => status === 200));
});

test('more connections than limits.connections are closed, and the log says so; those that are there are served', async (t) => {
  const served = await serveWebhook(t, { config: 'limits: { connections: 10 }' });
  const agent = new Agent({ keepAlive: true, maxSockets: 10 });
  t.after(() => agent.destroy());
  const all = () => Promise.all(Array.from({ length: 10 }, () => served.post(ordinary, { agent })));
  await all();
  await assert.rejects(served.post(ordinary), { code: 'ECONNRESET' });
  for (const { status } of await all()) assert.equal(status, 200);
  const [line] = served.log().filter(({ reason }) => reason === 'overloaded');
  assert.equal(line?.excess, 'connections');
});

test('a client whose review is shed is told to ask again, but not in an overload that lasts', () => {
  let now = 0;
  const overload = new Overload(parseConfig('', 'the defaults').limits, pino({ level: 'silent' }), () => now);
  const shedAt = (ms: number) => {
    now = ms;
    overload.note('reviews');
    return overload.retryAfter();
  };
  assert.deepEqual([0, 1_500, 2_999].map(shedAt), ['1', '1', '1']);
  assert.deepEqual([3_000, 4_900, 6_800].map(shedAt), [undefined, undefined, undefined]);
  assert.equal(shedAt(8_801), '1', 'it was over in between');
});
