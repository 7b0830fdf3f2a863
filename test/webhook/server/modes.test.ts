import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { watchVersion } from '../../../webhook/server/cluster-version.ts';
import type { EventSink } from '../../../webhook/server/events.ts';
import { createLog } from '../../../webhook/server/log.ts';
import { ROUTES } from '../../../webhook/server/routes.ts';
import type { JsonRecord } from '../../../webhook/shared/json.ts';
import { startApiServer } from '../kubernetes/fake-api-server.ts';
import { jobPod, review } from './review-examples.ts';
import { certificateFiles, ServedProcess } from './served-process.ts';
import { at, type Served, type ServeOptions, serveWebhook } from './served-webhook.ts';

const on36 = (options: ServeOptions = {}): ServeOptions => ({
  ...options,
  policy: (policy) => ({ ...policy, cluster: { server: 36 } }),
});
const ask = (served: Served, path: string, pod: object = jobPod(), uid = 'u') =>
  served.post(JSON.stringify(review(pod, { uid })), { path });
const patchOf = (body: unknown) =>
  Buffer.from(String(at(body, 'response', 'patch') ?? ''), 'base64').toString();
const lineOf = (served: Served, uid = 'u') => served.log().find((line) => line.uid === uid) ?? {};
const metrics = async (served: Served) => (await served.health('/metrics')).text;

test('N1 each value of the namespace label has a path, which gives the mode', async (t) => {
  assert.deepEqual(
    ROUTES.map(({ label, path }) => [label, path]),
    [
      ['enabled', '/mutate'],
      ['shim', '/mutate/shim'],
      ['native', '/mutate/native'],
      ['auto', '/mutate/auto'],
      ['audit', '/mutate/audit'],
    ],
  );
  const served = await serveWebhook(t, on36());
  for (const [path, mode] of [
    ['/mutate?timeout=5s', 'shim'],
    ['/mutate/shim?timeout=5s', 'shim'],
    ['/mutate/native', 'native'],
    ['/mutate/auto', 'native'],
  ] as const) {
    const { body } = await ask(served, path, jobPod(), path);
    assert.equal(patchOf(body).includes('curfew-install'), mode === 'shim', path);
    assert.equal(lineOf(served, path).mode, mode, path);
  }
  const text = await metrics(served);
  assert.match(text, /^curfew_reviews_total\{outcome="wrapped",reason="wrapped",mode="shim"\} 2$/m);
  assert.match(text, /^curfew_reviews_total\{outcome="converted",reason="converted",mode="native"\} 2$/m);
  assert.equal((await ask(served, '/mutate/other')).status, 404);
});

test('N1 the configuration’s mode counts where the label only says enabled', async (t) => {
  const served = await serveWebhook(t, on36({ config: 'mode: auto' }));
  await ask(served, '/mutate');
  assert.match(String(lineOf(served).modeWhy), /every kubelet of Kubernetes 1\.36/);
});

class Sink extends EventEmitter implements EventSink {
  readonly events: JsonRecord[] = [];

  create(_namespace: string, event: JsonRecord): Promise<void> {
    this.events.push(event);
    this.emit('event');
    return Promise.resolve();
  }
}

async function audited(t: TestContext, pod: object) {
  const sink = new Sink();
  const served = await serveWebhook(t, on36({ events: sink }));
  const { body } = await ask(served, '/mutate/audit', pod);
  return { served, sink, response: at(body, 'response') };
}
const withOwner = (annotations: Record<string, string>) => ({
  ...jobPod(),
  metadata: {
    name: 'migrate',
    annotations,
  },
});

test('N1 audit decides and changes nothing: warning, Event, log and metric say what would be', async (t) => {
  const { served, sink, response } = await audited(t, withOwner({ 'curfew.dev/sidecars': 'proxy' }));
  assert.equal(at(response, 'patch'), undefined);
  assert.match(String(at(response, 'warnings', 0)), /^Curfew \(audit only\): the pod would be wrapped\./);
  if (sink.events.length === 0) await once(sink, 'event');
  assert.deepEqual([at(sink.events[0], 'reason'), at(sink.events[0], 'type')], ['CurfewAudit', 'Normal']);
  const { outcome, reason, wouldBe, wouldBeReason } = lineOf(served);
  assert.deepEqual([outcome, reason, wouldBe, wouldBeReason], ['unchanged', 'audit', 'wrapped', 'wrapped']);
  const text = await metrics(served);
  assert.match(text, /^curfew_audits_total\{outcome="wrapped",reason="wrapped",mode="shim"\} 1$/m);
  assert.match(text, /^curfew_reviews_total\{outcome="unchanged",reason="audit"\} 1$/m);
});

test('N1 audit refuses nothing', async (t) => {
  const { response, sink } = await audited(t, withOwner({ 'curfew.dev/sidecar': 'proxy' }));
  assert.equal(at(response, 'allowed'), true);
  assert.match(
    String(at(response, 'warnings', 0)),
    /the pod would be refused\. Annotation curfew\.dev\/sidecar/,
  );
  if (sink.events.length === 0) await once(sink, 'event');
  assert.equal(at(sink.events[0], 'type'), 'Warning');
});

test('N1 audit says nothing of a pod that nothing would be done to', async (t) => {
  const pod = {
    metadata: { name: 'x' },
    spec: { restartPolicy: 'Never', containers: [{ name: 'a', image: 'a' }] },
  };
  const { response, sink } = await audited(t, pod);
  assert.deepEqual([at(response, 'warnings'), sink.events.length], [undefined, 0]);
});

test('N7 the version is asked at start and believed until another is heard', async (t) => {
  const closing = new AbortController();
  t.after(() => closing.abort());
  const lines: string[] = [];
  const log = createLog('info', { write: (line: string) => void lines.push(line) });
  const cluster = await watchVersion(() => Promise.resolve(33), 30, log, closing.signal);
  assert.deepEqual(cluster(), { server: 33, leastKubelet: 30 });
  const failing = await watchVersion(() => Promise.reject(new Error('no')), undefined, log, closing.signal);
  assert.deepEqual(failing(), { server: undefined, leastKubelet: undefined });
  assert.deepEqual(
    lines.map((line) => JSON.parse(line).msg),
    ['API server version', 'API server version not read'],
  );
});

test('N7 a webhook asks the API server of its cluster, and serves without an answer', async (t) => {
  const server = await startApiServer(t);
  for (const [version, mode] of [
    ['v1.36.2', 'native'],
    [undefined, 'shim'],
  ] as const) {
    server.version = version;
    const running = await ServedProcess.start(t, await certificateFiles(t), {
      config: 'mode: auto',
      env: server.env,
    });
    const client = await running.connect();
    const answer = await client.ask(JSON.stringify(review(jobPod())));
    assert.ok(answer);
    assert.equal(patchOf(JSON.parse(answer.body)).includes('curfew-install'), mode === 'shim');
    running.child.kill('SIGTERM');
    await running.exited;
  }
});
