import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { defaultPolicy } from '../../../webhook/decision/policy.ts';
import { VOCABULARY } from '../../../webhook/decision/vocabulary.ts';
import { app, applied, flag, jobPod, mutation, proxy, wrapped } from './mutated-pod.ts';

const istio = (more: object = {}) =>
  proxy({
    name: 'istio-proxy',
    image: 'docker.io/istio/proxyv2:1.20.0',
    command: undefined,
    args: ['proxy'],
    ...more,
  });

function refusal(annotations: Record<string, string>, containers = [app(), proxy()]) {
  const result = mutation(jobPod(annotations, containers));
  assert.equal(result.outcome, 'refused', result.message);
  assert.deepEqual(result.operations, []);
  return result;
}

describe('V1 mains and sidecars', () => {
  test('V1 sidecars are listed in start order, every other container is a main', () => {
    const pod = wrapped(
      jobPod({ 'curfew.dev/sidecars': 'b, a' }, [proxy({ name: 'a' }), app(), proxy({ name: 'b' })]),
    );
    assert.equal(flag(pod, 'app', 'sidecars'), 'b,a');
    assert.equal(flag(pod, 'a', 'mains'), 'app');
    assert.equal(pod.spec.containers[0]?.command?.[1], 'sidecar');
    assert.equal(pod.spec.containers[1]?.command?.[1], 'main');
  });

  test('V1 with mains every other regular container is a sidecar, in the order of the spec', () => {
    const pod = wrapped(
      jobPod({ 'curfew.dev/mains': 'app' }, [proxy({ name: 'z' }), app(), proxy({ name: 'a' })]),
    );
    assert.equal(flag(pod, 'app', 'sidecars'), 'z,a');
  });

  test('V1 both annotations are refused by name', () => {
    const { reason, message } = refusal({ 'curfew.dev/sidecars': 'proxy', 'curfew.dev/mains': 'app' });
    assert.equal(reason, 'sidecars-and-mains');
    assert.match(message, /curfew\.dev\/sidecars.*curfew\.dev\/mains/);
  });

  test('V1 a name that is no container is refused with the names that are', () => {
    for (const key of ['curfew.dev/sidecars', 'curfew.dev/mains']) {
      const { reason, message } = refusal({ [key]: 'app, proxi' });
      assert.equal(reason, 'no-such-container');
      assert.match(message, new RegExp(`${key} names "proxi".*app, proxy`));
    }
  });

  test('V1 every container a sidecar is refused with what to write', () => {
    const { reason, message } = refusal({ 'curfew.dev/sidecars': 'app, proxy' });
    assert.equal(reason, 'no-main');
    assert.match(message, /curfew\.dev\/sidecars.*curfew\.dev\/mains/);
  });

  test('V1 every container a main passes: a sidecar may come later', () => {
    const result = mutation(jobPod({ 'curfew.dev/mains': 'app, proxy' }));
    assert.deepEqual([result.outcome, result.reason], ['unchanged', 'no-sidecar']);
  });
});

describe('V2 the catalogue', () => {
  test('V2 a container that is known by name and image is a sidecar', () => {
    const pod = wrapped(jobPod({}, [app(), istio()]));
    assert.equal(flag(pod, 'app', 'sidecars'), 'istio-proxy');
    assert.equal(flag(pod, 'istio-proxy', 'ready'), 'http://:15021/healthz/ready');
    assert.deepEqual(pod.spec.containers[1]?.args, ['/usr/local/bin/pilot-agent', 'proxy']);
  });

  test('V2 the name alone or the image alone is not enough, and said', () => {
    for (const stranger of [
      istio({ name: 'proxy' }),
      istio({ image: 'mine/envoy-proxyv2:1' }),
      istio({ image: undefined }),
    ]) {
      const result = mutation(jobPod({}, [app(), stranger]));
      assert.deepEqual([result.outcome, result.reason, result.operations], ['unchanged', 'near-miss', []]);
    }
  });

  test('V2 known sidecars start in the catalogue’s order, whatever the order of the spec', () => {
    const policy = defaultPolicy({
      catalogue: [
        { names: ['late'], images: ['late'], order: 90 },
        { names: ['plain', 'plain-too'], images: ['plain'] },
        { names: ['early'], images: ['early'], order: 1 },
      ],
    });
    const containers = ['late', 'plain-too', 'plain', 'early'].map((name) =>
      proxy({ name, image: name.replace('-too', '') }),
    );
    const pod = wrapped(jobPod({}, [...containers, app()]), {}, policy);
    assert.equal(flag(pod, 'app', 'sidecars'), 'early,plain-too,plain,late');
  });

  test('V2 a pod of nothing but known sidecars passes, and is refused where it asks', () => {
    const gateway = jobPod({}, [istio()]);
    assert.deepEqual(mutation(gateway).reason, 'no-main');
    assert.equal(mutation(gateway).outcome, 'unchanged');
    const asking = { ...gateway, metadata: { labels: { 'curfew.dev/inject': 'true' } } };
    assert.deepEqual([mutation(asking).outcome, mutation(asking).reason], ['refused', 'no-main']);
  });

  test('V2 a pod that asks but has no known sidecar passes with a warning', () => {
    const result = mutation({ ...jobPod({}), metadata: { labels: { 'curfew.dev/inject': 'true' } } });
    assert.deepEqual(
      [result.outcome, result.reason, result.warnings.length],
      ['unchanged', 'no-known-sidecar', 1],
    );
  });
});

describe('V3 restartPolicy Always', () => {
  const always = (annotations: Record<string, string>, labels: Record<string, string> = {}) => ({
    metadata: { annotations, labels },
    spec: { containers: [app(), istio()] },
  });

  test('V3 such a pod passes unchanged, also where the field is not written', () => {
    for (const pod of [always({}), jobPod({}, [app(), istio()], { restartPolicy: 'Always' })])
      assert.deepEqual([mutation(pod).outcome, mutation(pod).reason], ['unchanged', 'restart-policy-always']);
  });

  test('V3 the label "true" or an annotation asks', () => {
    for (const pod of [
      always({}, { 'curfew.dev/inject': 'true' }),
      always({ 'curfew.dev/sidecars': 'istio-proxy' }),
    ])
      assert.equal(flag(applied(pod, mutation(pod)), 'app', 'restart-policy'), 'Always');
  });

  test('V3 the label "false" opts out, whatever the annotations', () => {
    const pod = jobPod({ 'curfew.dev/sidecars': 'nonsense!' });
    const result = mutation({
      ...pod,
      metadata: { ...pod.metadata, labels: { 'curfew.dev/inject': 'false' } },
    });
    assert.deepEqual([result.outcome, result.reason, result.operations], ['unchanged', 'opted-out', []]);
  });
});

describe('V4 what does not parse', () => {
  const S = { 'curfew.dev/sidecars': 'proxy' };
  const wrong: [Record<string, string>, string, RegExp][] = [
    [{ 'curfew.dev/sidecars': '' }, 'bad-annotation', /curfew\.dev\/sidecars is ""/],
    [
      { 'curfew.dev/sidecars': 'Proxy' },
      'bad-annotation',
      /"Proxy" is no container name.*example: curfew\.dev\/sidecars: cloud-sql-proxy/,
    ],
    [{ 'curfew.dev/sidecars': 'proxy,,app' }, 'bad-annotation', /"" is no container name/],
    [{ 'curfew.dev/sidecars': 'proxy, proxy' }, 'bad-annotation', /"proxy" is named twice/],
    [{ 'curfew.dev/mains': 'a b' }, 'bad-annotation', /curfew\.dev\/mains is "a b"/],
    [
      { ...S, 'curfew.dev/start-timeout': '2 minutes' },
      'bad-annotation',
      /start-timeout is "2 minutes".*start-timeout: 2m/,
    ],
    [{ ...S, 'curfew.dev/log': 'trace' }, 'bad-annotation', /curfew\.dev\/log is "trace".*debug/],
    [
      { ...S, 'ready.curfew.dev/proxy': 'https://:1/' },
      'bad-annotation',
      /ready\.curfew\.dev\/proxy is "https:\/\/:1\/".*tcp:\/\/:5432/,
    ],
    [
      { ...S, 'entrypoint.curfew.dev/app': 'migrate' },
      'bad-annotation',
      /entrypoint\.curfew\.dev\/app is "migrate".*\["\/program"/,
    ],
    [{ ...S, 'entrypoint.curfew.dev/app': '[]' }, 'bad-annotation', /entrypoint/],
    [{ ...S, 'entrypoint.curfew.dev/app': '[1]' }, 'bad-annotation', /entrypoint/],
    [
      { ...S, 'stop-signal.curfew.dev/app': 'SIGNOPE' },
      'bad-annotation',
      /stop-signal\.curfew\.dev\/app is "SIGNOPE".*INT/,
    ],
    [
      { ...S, 'stop-timeout.curfew.dev/app': '20' },
      'bad-annotation',
      /stop-timeout\.curfew\.dev\/app is "20".*20s/,
    ],
    [
      { ...S, 'stop-timeout.curfew.dev/app': '0s' },
      'bad-annotation',
      /stop-timeout\.curfew\.dev\/app is "0s": it is no duration from 1ms to 168h; an example: .*20s/,
    ],
    [
      { ...S, 'curfew.dev/start-timeout': '169h' },
      'bad-annotation',
      /curfew\.dev\/start-timeout is "169h": it is no duration from 0s to 168h; an example: .*2m/,
    ],
    [{ ...S, 'stop-timeout.curfew.dev/nobody': '20s' }, 'no-such-container', /nobody.*app, proxy/],
    [
      { 'curfew.dev/sidecar': 'proxy' },
      'unknown-annotation',
      /curfew\.dev\/sidecar means nothing.*curfew\.dev\/sidecars/,
    ],
    [{ ...S, 'redy.curfew.dev/proxy': 'none' }, 'unknown-annotation', /ready\.curfew\.dev\/<container>/],
    [{ ...S, 'curfew.dev/inject': 'true' }, 'unknown-annotation', /is a label/],
    [{ ...S, 'curfew.dev/constructor': 'x' }, 'unknown-annotation', /constructor/],
  ];
  for (const [annotations, reason, message] of wrong)
    test(`V4 ${JSON.stringify(annotations)}`, () => {
      const result = refusal(annotations);
      assert.equal(result.reason, reason);
      assert.match(result.message, message);
    });

  test('V4 a label that is neither true nor false, and a label that should be an annotation', () => {
    const withLabel = (key: string, value: string) => ({
      ...jobPod({}),
      metadata: { labels: { [key]: value } },
    });
    assert.match(
      mutation(withLabel('curfew.dev/inject', 'yes')).message,
      /curfew\.dev\/inject is "yes".*"true"/,
    );
    assert.equal(mutation(withLabel('curfew.dev/inject', 'yes')).reason, 'bad-label');
    const misplaced = mutation(withLabel('curfew.dev/sidecars', 'proxy'));
    assert.deepEqual([misplaced.outcome, misplaced.reason], ['refused', 'unknown-label']);
    assert.match(misplaced.message, /it is an annotation/);
  });

  test('V4 a refused value is shown escaped and cut', () => {
    const { message } = refusal({ 'curfew.dev/sidecars': `a\u001b[31m\n\u202e${'x'.repeat(5_000)}` });
    assert.ok(message.length < 600, `${message.length}`);
    assert.match(message, /^[ -~]*$/, 'nothing unprintable');
    assert.match(message, /\\u001b\[31m\\n\\u\{202e\}xxx/);
  });

  test('V4 values and lists have a longest', () => {
    const long = JSON.stringify(['x'.repeat(70_000)]);
    assert.match(refusal({ ...S, 'entrypoint.curfew.dev/app': long }).message, /more than 65536 characters/);
    const names = Array.from({ length: 129 }, (_, i) => `a${i}`).join();
    assert.match(refusal({ 'curfew.dev/mains': names }).message, /more than 128 names/);
  });

  test('V4 keys of another prefix are not read', () => {
    const pod = jobPod({ 'notcurfew.dev/sidecar': 'x', 'curfew.dev.example.com/x': 'y', 'curfew.dev': 'z' });
    assert.equal(mutation(pod).reason, 'no-known-sidecar');
  });
});

test('V4 every annotation of the vocabulary takes the values that are its examples', () => {
  const lists = ['curfew.dev/sidecars', 'curfew.dev/mains'];
  const containers = ['app', 'cloud-sql-proxy', 'vault-agent'].map((name) => proxy({ name }));
  const policy = defaultPolicy({ mode: 'auto', cluster: { server: 36 } });
  for (const { where, key, perContainer, examples } of VOCABULARY) {
    if (where !== 'pod annotation') continue;
    const mains = lists.includes(key) ? {} : { 'curfew.dev/mains': 'app' };
    for (const example of examples) {
      const annotations = { ...mains, [perContainer ? `${key}/vault-agent` : key]: example };
      const { outcome, message } = mutation(jobPod(annotations, containers), {}, policy);
      assert.match(outcome, /^(?:wrapped|converted)$/, `${key}: ${example}: ${message}`);
    }
  }
});
