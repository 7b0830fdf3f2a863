import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { KubernetesError } from '../../../webhook/kubernetes/error.ts';
import { type EventFate, type EventSink, Events } from '../../../webhook/server/events.ts';
import { createLog } from '../../../webhook/server/log.ts';
import type { ReviewEvent } from '../../../webhook/server/review-event.ts';
import type { JsonRecord } from '../../../webhook/shared/json.ts';
import { curfew } from '../commands/test-terminal.ts';
import { startApiServer } from '../kubernetes/fake-api-server.ts';
import { jobPod, review } from './review-examples.ts';
import { type Connection, certificateFiles, ServedProcess } from './served-process.ts';
import { at, serveWebhook } from './served-webhook.ts';

/** A sink that keeps its Events, and acts as the test says. */
class Sink extends EventEmitter implements EventSink {
  readonly events: { namespace: string; event: JsonRecord }[] = [];
  act: () => Promise<void> = async () => {};

  create(namespace: string, event: JsonRecord): Promise<void> {
    this.events.push({ namespace, event });
    this.emit('event');
    return this.act();
  }

  /** Resolves when there are so many. */
  async reach(count: number): Promise<void> {
    while (this.events.length < count) await once(this, 'event');
  }
}

const REFUSED: ReviewEvent = {
  type: 'Warning',
  reason: 'CurfewRefused',
  cause: 'bad-annotation',
  message: 'No.',
  about: { apiVersion: 'batch/v1', kind: 'Job', name: 'orders' },
};
const about = (name: string): ReviewEvent => ({ ...REFUSED, about: { ...REFUSED.about, name } });
const asked = (namespace = 'shop', dryRun = false) => ({
  uid: 'u',
  operation: 'CREATE',
  namespace,
  name: '',
  generateName: '',
  dryRun,
  pod: {},
});
const MINUTE = 60_000;

function setUp(deadline?: number) {
  const sink = new Sink();
  const fates: EventFate[] = [];
  const lines: string[] = [];
  const clock = { now: Date.UTC(2026, 10, 22) };
  const events = new Events({
    sink,
    log: createLog('debug', { write: (line: string) => void lines.push(line) }),
    ended: (fate) => fates.push(fate),
    now: () => clock.now,
    ...(deadline === undefined ? {} : { deadline }),
  });
  const count = (fate: EventFate) => fates.filter((each) => each === fate).length;
  return { sink, events, clock, count, lines };
}

test('the same Event is written once in five minutes, and then with its count', async () => {
  const { sink, events, clock, count } = setUp();
  for (let i = 0; i < 10; i++) {
    events.note(asked(), REFUSED);
    clock.now += MINUTE / 3;
  }
  await events.settled();
  assert.deepEqual([sink.events.length, count('repeated')], [1, 9]);
  assert.equal(sink.events[0]?.event.count, 1);
  clock.now += 2 * MINUTE;
  events.note(asked(), REFUSED);
  await events.settled();
  const again = sink.events[1]?.event;
  assert.deepEqual(
    [again?.count, again?.firstTimestamp, again?.lastTimestamp],
    [10, '2026-11-22T00:00:20.000Z', '2026-11-22T00:05:20.000Z'],
  );
});

test('another namespace, subject or cause has an Event of its own', async () => {
  const { sink, events } = setUp();
  events.note(asked(), REFUSED);
  events.note(asked('other'), REFUSED);
  events.note(asked(), about('invoices'));
  events.note(asked(), { ...REFUSED, cause: 'no-main' });
  await events.settled();
  assert.deepEqual(
    sink.events.map(({ namespace }) => namespace),
    ['shop', 'other', 'shop', 'shop'],
  );
  const names = sink.events.map(({ event }) => at(event, 'metadata', 'name'));
  assert.equal(new Set(names).size, 4);
});

test('W6 a dry run has no Event, nor has a review without a namespace', async () => {
  const { sink, events } = setUp();
  events.note(asked('shop', true), REFUSED);
  events.note(asked(''), REFUSED);
  await events.settled();
  assert.equal(sink.events.length, 0);
});

test('all together: 25 at once, then one a second; what was dropped is counted by the next', async () => {
  const { sink, events, clock, count } = setUp();
  for (let i = 0; i < 40; i++) events.note(asked(), about(`job-${i}`));
  await events.settled();
  assert.deepEqual([sink.events.length, count('dropped')], [25, 15]);
  clock.now += 2_000;
  for (let i = 30; i < 40; i++) events.note(asked(), about(`job-${i}`));
  await events.settled();
  assert.equal(sink.events.length, 27);
  assert.equal(sink.events[26]?.event.count, 2);
});

test('a sink that hangs is given up one after another, and no more than 100 wait for it', async () => {
  const { sink, events, clock, count, lines } = setUp(1);
  sink.act = () => new Promise(() => {});
  for (let i = 0; i < 150; i++) {
    events.note(asked(), about(`job-${i}`));
    clock.now += 1_000;
  }
  assert.equal(count('dropped'), 49, 'one is being written, 100 wait');
  await events.settled();
  assert.equal(count('failed'), 101);
  assert.equal(lines.length, 1, 'a failure is one line');
  assert.match(lines[0] ?? '', /"msg":"event not written".*|TimeoutError/);
});

test("errors are logged once until one is written again, with the API server's words and no others", async () => {
  const { sink, events, clock, lines, count } = setUp();
  const next = async (act: () => Promise<void>) => {
    sink.act = act;
    clock.now += 1_000;
    events.note(asked(), about(`job-${clock.now}`));
    await events.settled();
  };
  const forbidden = () =>
    Promise.reject(new KubernetesError('forbidden', 'create events in shop', 'allow it'));
  await next(forbidden);
  await next(forbidden);
  assert.equal(lines.length, 1);
  assert.match(lines[0] ?? '', /cannot create events in shop: allow it/);
  await next(async () => {});
  await next(() => {
    throw new Error('secret');
  });
  assert.equal(lines.length, 2);
  assert.doesNotMatch(lines.join(), /secret/);
  assert.deepEqual([count('failed'), count('written')], [3, 1]);
});

test('only so many subjects are remembered: the one that was reported longest ago is forgotten', async () => {
  const { sink, events, clock } = setUp();
  events.note(asked(), REFUSED);
  for (let i = 0; i < 1_000; i++) events.note(asked(), about(`job-${i}`));
  clock.now += MINUTE;
  const before = sink.events.length;
  events.note(asked(), REFUSED);
  await events.settled();
  assert.ok(sink.events.length > before);
  assert.equal(at(sink.events.at(-1)?.event, 'involvedObject', 'name'), 'orders');
});

/** A Job's pod that is refused. */
function refusedPod(ownerUid: string, name = 'migrate'): Record<string, unknown> {
  const owner = { apiVersion: 'batch/v1', kind: 'Job', name, uid: ownerUid, controller: true };
  return {
    ...jobPod(),
    metadata: {
      generateName: 'migrate-',
      annotations: { 'curfew.dev/sidecars': 'nobody' },
      ownerReferences: [owner],
    },
  };
}
const [ONE, OTHER] = ['815ab4f5-6393-11e8-b7cc-42010a800003', '815ab4f5-6393-11e8-b7cc-42010a800004'];
const [FIRST, SECOND] = ['705ab4f5-6393-11e8-b7cc-42010a800001', '705ab4f5-6393-11e8-b7cc-42010a800002'];

test('W6 W9 a review is answered before its Event is written, which is about its own controller', async (t) => {
  const sink = new Sink();
  let now = Date.UTC(2026, 10, 22);
  const served = await serveWebhook(t, { events: sink, now: () => now });
  const held = Promise.withResolvers<void>();
  sink.act = () => held.promise;
  const ask = async (uid: string, owner: string, dryRun = false) => {
    const answer = await served.post(JSON.stringify(review(refusedPod(owner), { uid, dryRun })));
    assert.equal(at(answer.body, 'response', 'allowed'), false);
    return String(at(answer.body, 'response', 'status', 'message'));
  };
  const message = await ask(FIRST, ONE);
  await sink.reach(1);
  const { namespace, event } = sink.events[0] ?? {};
  assert.equal(namespace, 'shop');
  assert.deepEqual(at(event, 'involvedObject'), {
    apiVersion: 'batch/v1',
    kind: 'Job',
    name: 'migrate',
    namespace: 'shop',
    uid: ONE,
  });
  assert.deepEqual([at(event, 'reason'), at(event, 'message')], ['CurfewRefused', message]);
  assert.doesNotMatch(JSON.stringify(event), /hunter2|--all/);
  await ask(SECOND, ONE, true);
  now += 10 * MINUTE;
  held.resolve();
  await ask(SECOND, OTHER);
  await sink.reach(2);
  assert.equal(at(sink.events[1]?.event, 'involvedObject', 'uid'), OTHER);
  assert.equal(sink.events.length, 2, 'not the dry run');
});

test('W6 a sink that fails changes no answer, and is counted', async (t) => {
  const sink = new Sink();
  sink.act = () => {
    throw new Error('broken');
  };
  const served = await serveWebhook(t, { events: sink });
  const answer = await served.post(JSON.stringify(review(refusedPod(ONE))));
  assert.deepEqual([answer.status, at(answer.body, 'response', 'allowed')], [200, false]);
  assert.match((await served.health('/metrics')).text, /^curfew_events_total\{result="failed"\} 1$/m);
});

test('events.enabled: Events go to the API server, also the last ones before the end', async (t) => {
  const server = await startApiServer(t);
  const files = await certificateFiles(t);
  const running = await ServedProcess.start(t, files, {
    config: 'events: { enabled: true }\nshutdown: { delay: 0s }',
    env: server.env,
  });
  const client: Connection = await running.connect();
  const jobs = Array.from({ length: 20 }, (_, i) => `migrate-${i}`);
  for (const name of jobs) await client.ask(JSON.stringify(review(refusedPod(ONE, name))));
  running.child.kill('SIGTERM');
  assert.deepEqual(await running.exited, [0, null]);
  assert.deepEqual(new Set(server.requests), new Set(['POST events']));
  const sent = server.bodies.map((body): unknown => JSON.parse(body));
  assert.deepEqual(
    sent.map((event) => at(event, 'involvedObject', 'name')),
    jobs,
  );
  assert.deepEqual([at(sent[0], 'kind'), at(sent[0], 'reason')], ['Event', 'CurfewRefused']);
});

test('events.enabled where there is no cluster stops the start, and says so', async (t) => {
  const { folder } = await certificateFiles(t);
  const file = join(folder, 'c.yaml');
  await writeFile(file, 'events: { enabled: true }\nlisten: { port: 0, healthPort: 0 }\n');
  const { code, err } = await curfew(['serve', '--config', file]);
  assert.equal(code, 2);
  assert.match(err, /events\.enabled is true, but: .*KUBECONFIG/);
});
