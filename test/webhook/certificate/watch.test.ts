/** Watches that an API server answers with an error: as a status, or with 200 and an event. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { KubernetesError } from '../../../webhook/kubernetes/error.ts';
import { WatchEvents } from '../../../webhook/kubernetes/watch-events.ts';
import { type FakeApiServer, startApiServer } from '../kubernetes/fake-api-server.ts';
import { bundleTrusts, isReady, type Replica, started } from './replica.ts';

const CONFIGURATION = 'WATCH mutatingwebhookconfigurations';
const status = (code: number, reason: string, more: object = {}) => ({
  event: { type: 'ERROR', object: { kind: 'Status', code, reason, message: 'do not repeat this', ...more } },
});
/** What an API server says whose cache is behind (apiserver, NewTooLargeResourceVersionError). */
const TOO_LARGE = status(504, 'Timeout', { details: { causes: [{ reason: 'ResourceVersionTooLarge' }] } });

const ofWatch = (replica: Replica) => replica.told.filter((line) => line.includes('cannot watch'));
const failures = (replica: Replica) => replica.told.filter((line) => line.startsWith('watchFailed'));
const watchUrls = (api: FakeApiServer) =>
  api.urls.filter((_, index) => api.requests[index] === CONFIGURATION);

describe('O1 an error that comes as an event of a watch', () => {
  for (const [name, fault] of Object.entries({
    '410 Gone': status(410, 'Gone'),
    '410 Expired': status(410, 'Expired'),
    'a version that is too large': TOO_LARGE,
    'a status 410 instead of 200': 410,
  }))
    test(`${name}: the watch starts anew from the cache, without a word`, async (t) => {
      const api = await startApiServer(t);
      let faults = 0;
      api.fault = (words) => (words === CONFIGURATION && faults++ === 0 ? fault : undefined);
      const replica = await started(t, api);
      await api.until(() => isReady(replica) && watchUrls(api).length > 1);
      const [first = '', second = ''] = watchUrls(api);
      assert.doesNotMatch(first, /resourceVersion/);
      assert.match(second, /&resourceVersion=0$/);
      assert.deepEqual([...ofWatch(replica), ...failures(replica)], []);
      api.bundles = new Map([['pods.curfew.dev', '']]);
      await api.until(() => bundleTrusts(api, replica));
    });

  test('410 again, from the cache too: reported and counted', async (t) => {
    const api = await startApiServer(t);
    api.fault = (words) => (words === CONFIGURATION ? status(410, 'Expired') : undefined);
    const replica = await started(t, api);
    await api.until(() => failures(replica).length > 0);
    assert.equal(watchUrls(api).length, 2);
    assert.equal(ofWatch(replica).length, 1);
  });

  test('any other: reported once, each counted; the objects are read, so an emptied caBundle is restored', async (t) => {
    const api = await startApiServer(t);
    api.fault = (words) => (words === CONFIGURATION ? status(500, 'InternalError') : undefined);
    const replica = await started(t, api);
    await api.until(() => isReady(replica) && failures(replica).length > 2);
    assert.deepEqual(ofWatch(replica), [
      'failure cannot watch mutatingwebhookconfigurations/curfew: the API server says 500 InternalError: tried again later',
    ]);
    assert.equal(failures(replica)[0], 'watchFailed configuration');
    assert.ok(!replica.told.some((line) => line.startsWith('recovered watch')), 'a 200 alone is no recovery');
    api.bundles = new Map([['pods.curfew.dev', '']]);
    await api.until(() => bundleTrusts(api, replica));
    api.fault = () => undefined;
    await api.until(() => replica.told.includes('recovered watch the configuration'));
    assert.doesNotMatch(replica.told.join('\n'), /do not repeat this/);
  });
});

describe('O1 the events of a watch', () => {
  const ACTION = 'watch secrets/x';
  const events = ['ADDED', 'BOOKMARK', 'MODIFIED', 'DELETED'].map((type) =>
    JSON.stringify({ type, object: { name: 'ü' } }),
  );
  const text = Buffer.from(`${events.join('\n')}\n\n`);

  test('are found wherever the parts end; a bookmark is no change', () => {
    for (let size = 1; size <= text.length; size++) {
      const watch = new WatchEvents(ACTION);
      let changes = 0;
      for (let at = 0; at < text.length; at += size)
        changes += watch.take(text.subarray(at, at + size)).length;
      assert.equal(changes, 3, `in parts of ${size} bytes`);
    }
  });

  for (const [name, line, words] of [
    ['no JSON', 'nothing', /an event is not a JSON object with a type/],
    ['JSON without a type', '{}', /an event is not a JSON object with a type/],
    ['an error without a status', '{"type":"ERROR"}', /the API server says 500: tried again later/],
    [
      'a reason that is no word',
      '{"type":"ERROR","object":{"code":410,"reason":"\\u001b[31m"}}',
      /says 410$/,
    ],
  ] as const)
    test(`that are ${name}: ${words.source}`, () => {
      assert.throws(
        () => new WatchEvents(ACTION).take(Buffer.from(`${line}\n`)),
        (error) => error instanceof KubernetesError && words.test(error.message),
      );
    });

  test('are bounded: one without end is refused', () => {
    const watch = new WatchEvents(ACTION);
    const piece = Buffer.alloc(65_536, 'x');
    let pieces = 0;
    assert.throws(() => {
      for (; pieces < 1_000; pieces++) watch.take(piece);
    }, /an event is longer than 4194304 bytes/);
    assert.equal(pieces, 64);
  });
});
