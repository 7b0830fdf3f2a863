/** Several replicas that have a reason for the same Event. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KubernetesError } from '../../../webhook/kubernetes/error.ts';
import { type EventFate, Events } from '../../../webhook/server/events.ts';
import { createLog } from '../../../webhook/server/log.ts';
import type { ReviewEvent } from '../../../webhook/server/review-event.ts';
import type { JsonRecord } from '../../../webhook/shared/json.ts';
import { at } from './served-webhook.ts';

const MINUTE = 60_000;
const REFUSED: ReviewEvent = {
  type: 'Warning',
  reason: 'CurfewRefused',
  cause: 'bad-annotation',
  message: 'No.',
  about: { apiVersion: 'batch/v1', kind: 'Job', name: 'orders' },
};

/** An API server, which creates a name once. */
class Store {
  readonly events = new Map<string, JsonRecord>();

  async create(namespace: string, event: JsonRecord): Promise<void> {
    const name = `${namespace}/${at(event, 'metadata', 'name')}`;
    if (this.events.has(name)) throw new KubernetesError('conflict', 'create events', 'it exists');
    this.events.set(name, event);
  }

  counts(): unknown[] {
    return [...this.events.values()].map((event) => event.count);
  }
}

function replica(sink: Store, clock: { now: number }) {
  const fates: EventFate[] = [];
  const lines: string[] = [];
  const log = createLog('debug', { write: (line: string) => void lines.push(line) });
  const events = new Events({ sink, log, ended: (fate) => fates.push(fate), now: () => clock.now });
  const note = async (uid = 'u-1') => {
    const owner = { kind: 'Job', name: 'orders', uid, controller: true };
    const pod = { metadata: { ownerReferences: [owner] } };
    const asked = {
      uid: 'r',
      operation: 'CREATE',
      namespace: 'shop',
      name: '',
      generateName: '',
      dryRun: false,
    };
    events.note({ ...asked, pod }, REFUSED);
    await events.settled();
  };
  return { note, fates, lines };
}

test('O4 of all replicas one writes the Event in five minutes; what the others saw is in the count of their next one', async () => {
  const store = new Store();
  const clock = { now: Date.UTC(2026, 10, 22) };
  const [one, two, three] = [replica(store, clock), replica(store, clock), replica(store, clock)];
  for (const each of [one, two, three, two, one]) {
    await each.note();
    clock.now += MINUTE / 3;
  }
  assert.deepEqual(store.counts(), [1]);
  assert.deepEqual(
    [one.fates, two.fates, three.fates].map((fates) => fates.join(' ')),
    ['written repeated', 'repeated repeated', 'repeated'],
  );
  assert.deepEqual([...one.lines, ...two.lines], [], 'an Event that another replica wrote is no failure');
  clock.now += 5 * MINUTE;
  for (const each of [two, one, three]) await each.note();
  assert.deepEqual(store.counts(), [1, 3]);
});

test('O4 another controller of the same name has an Event of its own', async () => {
  const store = new Store();
  const clock = { now: Date.UTC(2026, 10, 22) };
  await replica(store, clock).note('u-1');
  await replica(store, clock).note('u-2');
  assert.equal(store.events.size, 2);
});
