/** The settings of namespaces, from the API server to a review. */
import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { stringify } from 'yaml';
import { defaultPolicy } from '../../../webhook/decision/policy.ts';
import { connectConfigMaps } from '../../../webhook/kubernetes/config-maps.ts';
import { SettingsOfNamespaces } from '../../../webhook/server/namespace-settings.ts';
import { startApiServer } from '../kubernetes/fake-api-server.ts';
import { jobPod, review } from './review-examples.ts';
import { certificateFiles, ServedProcess } from './served-process.ts';
import { at } from './served-webhook.ts';

const POLICY = defaultPolicy({ startTimeout: 60_000 });
const data = (settings: object) => ({ 'settings.yaml': stringify(settings) });
const WRONG = data({ startTimeout: 'soon' });
const SIDECAR = { names: ['mine'], images: ['local/mine'] };

test('V5 a webhook decides about a namespace’s pods by its settings', async (t) => {
  const api = await startApiServer(t);
  const images = {
    entrypoints: [{ image: 'registry.local/migrate', entrypoint: ['/migrate'], cmd: ['up'] }],
  };
  const extra = [{ names: ['proxy'], images: ['proxy'] }];
  api.setConfigMap('shop', data({ startTimeout: '5m', catalogue: { extra }, images }));
  const running = await ServedProcess.start(t, await certificateFiles(t), {
    config: "namespaceSettings: { enabled: true }\nevents: { enabled: true }\nimages: { mode: 'off' }",
    env: api.env,
  });
  await running.line('settings of namespaces read');
  const client = await running.connect();
  const ask = async () => {
    const pod = jobPod();
    const [migrate = {}] = Object(pod.spec).containers;
    Object.assign(migrate, { command: undefined, args: undefined });
    Object.assign(pod, { metadata: { generateName: 'migrate-' } });
    const answer = await client.ask(JSON.stringify(review(pod)));
    return at(JSON.parse(answer?.body ?? ''), 'response');
  };
  const patch = Buffer.from(String(at(await ask(), 'patch')), 'base64').toString();
  assert.match(patch, /"--start-timeout=5m"/);
  assert.match(patch, /args","value":\["\/migrate","up"\]/);
  api.setConfigMap('shop', data({ startTimeout: 5 }));
  const line = await running.line('settings of a namespace are wrong');
  assert.match(
    String(line.message),
    /^ConfigMap curfew-settings of namespace shop: settings\.yaml: startTimeout is 5, /,
  );
  const refusal = await ask();
  assert.equal(at(refusal, 'allowed'), false);
  assert.match(
    String(at(refusal, 'status', 'message')),
    /startTimeout is 5, which is not allowed.*; mend it or delete it\.$/,
  );
  await api.until(() => api.requests.includes('POST events'));
  const event: unknown = JSON.parse(api.bodies[api.requests.indexOf('POST events')] ?? '');
  assert.deepEqual(
    [
      at(event, 'reason'),
      at(event, 'type'),
      at(event, 'involvedObject', 'kind'),
      at(event, 'involvedObject', 'uid'),
    ],
    ['CurfewSettingsWrong', 'Warning', 'ConfigMap', 'uid-of-shop'],
  );
  running.child.kill('SIGTERM');
  assert.deepEqual(await running.exited, [0, null]);
});

/** Settings that are kept until the test ends, with a clock that stands still. */
async function kept(t: TestContext, before: Record<string, unknown> = {}) {
  const api = await startApiServer(t);
  for (const [namespace, content] of Object.entries(before)) api.setConfigMap(namespace, content);
  const closing = new AbortController();
  t.after(() => closing.abort());
  const heard: string[] = [];
  const hear = (text: string) => {
    heard.push(text);
    api.notice();
  };
  const clock = { now: 0, due: [] as (() => void)[] };
  let counted = { used: 0, wrong: 0 };
  const settings = new SettingsOfNamespaces(
    await connectConfigMaps(api.env, 'curfew-settings', closing.signal),
    POLICY,
    {
      counted: (namespaces) => {
        counted = namespaces;
        api.notice();
      },
      wrong: (namespace, uid, message) => hear(`wrong ${namespace} ${uid} ${message}`),
      read: () => {},
      readFailed: () => hear('failed'),
      failure: (message) => hear(message),
      recovered: (what) => hear(`recovered ${what}`),
      unexpected: (error) => hear(String(error)),
    },
    { now: () => clock.now, later: (_ms, run) => void clock.due.push(run) },
  );
  const until = (used: number, wrong = 0) =>
    api.until(() => counted.used === used && counted.wrong === wrong);
  const start = () => void settings.keep(closing.signal);
  return { api, settings, heard, clock, until, start };
}

/** A webhook that watches. */
async function watching(t: TestContext, before: Record<string, unknown> = {}) {
  const scene = await kept(t, before);
  scene.start();
  await scene.api.until(() => scene.api.requests.includes('WATCH configmaps'));
  return scene;
}

test('V5 no review is answered before the settings are read', async (t) => {
  const { api, settings, start, heard } = await kept(t, { shop: data({ startTimeout: '5m' }) });
  assert.equal(settings.unready(), 'the settings of the namespaces are not read yet');
  let refusals = 1;
  api.fault = (request) => (request === 'GET configmaps' && refusals-- > 0 ? 403 : undefined);
  start();
  await api.until(() => heard.includes('failed'));
  assert.match(
    settings.unready() ?? '',
    /not read yet; cannot list configmaps\/curfew-settings in all namespaces: the API server says 403/,
  );
  await api.until(() => settings.unready() === undefined);
  assert.deepEqual(settings.policyOf('shop'), { startTimeout: 300_000 });
  assert.equal(settings.policyOf('other'), undefined);
});

test('V5 list and watch ask for one name, which RBAC can grant', async (t) => {
  const { api } = await watching(t);
  for (const url of api.urls)
    assert.match(url, /^\/api\/v1\/configmaps\?.*fieldSelector=metadata\.name%3Dcurfew-settings/);
});

test('V5 a namespace’s sidecars come before the others, and its images are known', async (t) => {
  const { settings, api, until } = await watching(t);
  api.setConfigMap(
    'shop',
    data({
      catalogue: { extra: [SIDECAR] },
      images: { entrypoints: [{ image: 'local/app', entrypoint: ['/app'] }] },
    }),
  );
  await until(1);
  const { catalogue = [], startTimeout } = settings.policyOf('shop') ?? {};
  assert.deepEqual(catalogue, [SIDECAR, ...POLICY.catalogue]);
  assert.equal(startTimeout, undefined);
  const reference = { registry: 'docker.io', repository: 'local/app', tag: '1' };
  assert.deepEqual(settings.imagesOf('shop')?.find(reference)?.entrypoint, ['/app']);
  assert.equal(settings.imagesOf('other'), undefined);
});

test('V5 wrong settings are told once, with the ConfigMap, the key and the way out, and count until they are mended', async (t) => {
  const { settings, heard, api, until, clock } = await watching(t, { shop: WRONG });
  await until(0, 1);
  const words =
    /^ConfigMap curfew-settings of namespace shop: settings\.yaml: startTimeout is "soon", .*; mend it or delete it$/;
  assert.match(settings.policyOf('shop')?.unusable ?? '', words);
  assert.equal(heard.length, 1);
  assert.match(heard[0] ?? '', /^wrong shop uid-of-shop ConfigMap curfew-settings of namespace shop: /);
  clock.now += 5_000;
  api.setConfigMap('shop', data({ startTimeout: '2m' }));
  await until(1);
  assert.deepEqual(settings.policyOf('shop'), { startTimeout: 120_000 });
  api.setConfigMap('shop', undefined);
  await until(0);
  assert.equal(settings.policyOf('shop'), undefined);
});

describe('V5 a ConfigMap that changes all the time', () => {
  test('V5 is parsed once in five seconds, the newest text', async (t) => {
    const { settings, heard, api, until, clock } = await watching(t, { shop: data({ startTimeout: '1m' }) });
    await until(1);
    for (const seconds of [1, 2, 3]) api.setConfigMap('shop', data({ startTimeout: `${seconds}s` }));
    api.setConfigMap('shop', WRONG);
    api.setConfigMap('shop', undefined);
    await until(0);
    api.setConfigMap('shop', data({ startTimeout: '4s' }));
    // What comes behind it has been seen.
    api.setConfigMap('bank', data({}));
    await until(1);
    assert.equal(settings.policyOf('shop'), undefined);
    assert.equal(clock.due.length, 1);
    clock.now += 5_000;
    clock.due[0]?.();
    assert.deepEqual(settings.policyOf('shop'), { startTimeout: 4_000 });
    assert.deepEqual(heard, []);
  });
});

test('V5 what is deleted while nobody watches is gone after the next list; what cannot be watched is counted', async (t) => {
  const { settings, heard, api, until } = await watching(t, { shop: data({}), bank: data({}) });
  await until(2);
  api.fault = (request) => (request === 'WATCH configmaps' ? 500 : undefined);
  api.cutWatches();
  await api.until(() => heard.filter((text) => text === 'failed').length >= 2);
  api.setConfigMap('bank', undefined);
  api.fault = () => undefined;
  await until(1);
  assert.notEqual(settings.policyOf('shop'), undefined);
  assert.equal(settings.unready(), undefined);
});

test('V5 an expired watch starts anew from a list, without a word', async (t) => {
  const { heard, api, until } = await watching(t);
  const status = { code: 410, reason: 'Expired' };
  let times = 1;
  api.fault = (request) =>
    request === 'WATCH configmaps' && times-- > 0 ? { event: { type: 'ERROR', object: status } } : undefined;
  api.cutWatches();
  await api.until(() => times < 1);
  api.setConfigMap('shop', data({}));
  await until(1);
  assert.deepEqual(
    heard.filter((text) => text === 'failed').length,
    1,
    'the connection that was cut is counted, and no more',
  );
});

test('V5 the settings of a thousand namespaces are taken, and those of one more are wrong', async (t) => {
  const closing = new AbortController();
  t.after(() => closing.abort());
  const found = Array.from({ length: 1_001 }, (_, i) => ({
    ...{ namespace: `n${i}`, uid: `u${i}`, resourceVersion: '1' },
    data: data({}),
  }));
  const read = Promise.withResolvers<void>();
  const told: string[] = [];
  const ignore = () => {};
  const settings = new SettingsOfNamespaces(
    { list: async () => ({ found, resourceVersion: '1' }), watch: () => new Promise(ignore) },
    POLICY,
    {
      ...{ counted: ignore, readFailed: ignore, failure: ignore, recovered: ignore, unexpected: ignore },
      wrong: (namespace, _uid, message) => void told.push(`${namespace}: ${message}`),
      read: read.resolve,
    },
  );
  void settings.keep(closing.signal);
  await read.promise;
  assert.equal(told.length, 1);
  assert.match(
    told[0] ?? '',
    /^n1000: .*the webhook takes the settings of 1000 namespaces, and there are more$/,
  );
  assert.deepEqual(settings.policyOf('n999'), {});
});
