/** Annotations for sidecars that other webhooks add later. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { IMAGES } from '../../../webhook/config/images.ts';
import { createImageService } from '../../../webhook/images/service.ts';
import { storedImage } from '../registry/content.ts';
import { fakeRegistry } from '../registry/fake-registry.ts';
import { review } from '../server/review-examples.ts';
import { at, serveWebhook } from '../server/served-webhook.ts';
import { injectorOutput } from './injector-output.ts';
import { app, applied, flag, jobPod, mutation, named, proxy, type TestPod, wrapped } from './mutated-pod.ts';

const istio = proxy({
  name: 'istio-proxy',
  image: 'istio/proxyv2:1',
  command: undefined,
  args: ['proxy', 'sidecar'],
});

test('L1 with mains named, a mesh that comes last in the spec starts first: it is the network of the others', () => {
  const containers = [app(), proxy({ name: 'cache' }), proxy({ name: 'tunnel' }), istio];
  const pod = wrapped(jobPod({ 'curfew.dev/mains': 'app' }, containers));
  assert.equal(flag(pod, 'app', 'sidecars'), 'istio-proxy,cache,tunnel');
});

test("L1 a startup probe that Istio sends through its agent does not wait for the agent's turn", () => {
  const pod = injectorOutput('istio-cni').after();
  pod.metadata.annotations = { ...pod.metadata.annotations, 'curfew.dev/mains': 'migrate' };
  const after = wrapped(pod);
  assert.match(flag(after, 'cloud-sql-proxy', 'ready') ?? '', /^http:\/\/:15020\//);
  assert.equal(flag(after, 'cloud-sql-proxy', 'sidecars'), 'istio-proxy,cloud-sql-proxy');
});

test('V1 a known sidecar that sidecars does not list is a main, as it says, with a warning', () => {
  const containers = [app(), proxy(), { ...istio, command: ['/pilot-agent'] }];
  const pod = jobPod({ 'curfew.dev/sidecars': 'proxy' }, containers);
  assert.equal(flag(wrapped(pod), 'app', 'mains'), 'app,istio-proxy');
  const [warning = '', ...more] = mutation(pod).warnings;
  assert.deepEqual(more, []);
  assert.match(
    warning,
    /container istio-proxy is a known sidecar that annotation curfew\.dev\/sidecars does not list/,
  );
  assert.match(warning, /name the mains in curfew\.dev\/mains instead$/);
  const meant = jobPod({ 'curfew.dev/mains': 'app, istio-proxy' }, containers);
  assert.deepEqual(mutation(meant).warnings, []);
});

const WISHES = { 'ready.curfew.dev/istio-proxy': 'tcp://:1', 'stop-timeout.curfew.dev/istio-proxy': '5s' };

test('V1 annotations for a known sidecar may come before it, and count when it is there', () => {
  const early = mutation(jobPod(WISHES, [app()]));
  assert.deepEqual([early.outcome, early.reason], ['unchanged', 'no-known-sidecar']);
  const late = wrapped(jobPod(WISHES, [app(), istio]));
  assert.equal(flag(late, 'istio-proxy', 'ready'), 'tcp://:1');
  assert.equal(flag(late, 'istio-proxy', 'stop-timeout'), '5s');
});

test('V1 with mains named, annotations for any other container may come before it, with a warning', () => {
  const annotations = { 'curfew.dev/mains': 'app', 'ready.curfew.dev/mesh': 'tcp://:1' };
  const pod = jobPod(annotations, [app(), proxy()]);
  assert.equal(mutation(pod).outcome, 'wrapped');
  assert.match(
    mutation(pod).warnings.join('\n'),
    /^Curfew: annotations are for container mesh, which the pod does not have/,
  );
  const late = wrapped(jobPod(annotations, [app(), proxy({ name: 'mesh' })]));
  assert.equal(flag(late, 'mesh', 'ready'), 'tcp://:1');
});

test('V1 annotations for an unknown container are refused where the sidecars are named', () => {
  for (const annotations of [
    { 'ready.curfew.dev/mesh': 'tcp://:1' },
    { 'curfew.dev/sidecars': 'proxy', 'ready.curfew.dev/mesh': 'none' },
  ]) {
    const result = mutation(jobPod(annotations, [app(), proxy()]));
    assert.deepEqual([result.outcome, result.reason], ['refused', 'no-such-container']);
  }
});

test("W5 P7 a mesh from a registry of one's own: ENTRYPOINT and STOPSIGNAL from the image, or ENTRYPOINT from the configuration", async (t) => {
  const image = storedImage({ entrypoint: ['/pilot-agent'], cmd: ['help'], stopSignal: 'SIGINT' });
  const registry = await fakeRegistry(t, { 'mesh/sidecar:1': image });
  const looked = { registries: [{ host: registry.host, plainHttp: true }] };
  const configured = {
    mode: 'off',
    entrypoints: [{ image: `${registry.host}/mesh/sidecar`, entrypoint: ['/usr/local/bin/pilot-agent'] }],
  };
  for (const [config, entrypoint, stopSignal] of [
    [looked, '/pilot-agent', 'INT'],
    [configured, '/usr/local/bin/pilot-agent', undefined],
  ] as const) {
    const images = createImageService(IMAGES.parse(config), { env: {} });
    t.after(() => images.close());
    const webhook = await serveWebhook(t, { images });
    const pod: TestPod = jobPod({ 'curfew.dev/mains': 'app' }, [
      app(),
      { ...istio, name: 'mesh', image: `${registry.host}/mesh/sidecar:1` },
    ]);
    const { body } = await webhook.post(JSON.stringify(review(pod)));
    const patch = at(body, 'response', 'patch');
    assert.ok(typeof patch === 'string', JSON.stringify(body));
    const operations = JSON.parse(Buffer.from(patch, 'base64').toString());
    const after = applied(pod, { ...mutation(pod), operations });
    assert.deepEqual(named(after, 'mesh').args, [entrypoint, 'proxy', 'sidecar']);
    assert.equal(flag(after, 'mesh', 'stop-signal'), stopSignal);
  }
});
