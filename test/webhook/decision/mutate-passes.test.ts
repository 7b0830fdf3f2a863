import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { prepare } from '../../../webhook/decision/mutate.ts';
import { MAX_CONTAINERS } from '../../../webhook/decision/pod.ts';
import { app, applied, flag, jobPod, mutation, POLICY, proxy, wrapped } from './mutated-pod.ts';

const istio = (more: object = {}) =>
  proxy({ name: 'istio-proxy', image: 'istio/proxyv2:1', args: ['proxy'], ...more });

function outcome(pod: unknown): string {
  const { outcome: what, reason, operations } = mutation(pod);
  assert.deepEqual(operations, []);
  return `${what} ${reason}`;
}

describe('W7 pods that are left alone', () => {
  test('W7 Windows, by os or by node selector', () => {
    for (const spec of [
      { os: { name: 'windows' } },
      { nodeSelector: { 'kubernetes.io/os': 'windows' } },
      { nodeSelector: { 'beta.kubernetes.io/os': 'windows' } },
    ])
      assert.equal(outcome(jobPod(undefined, undefined, spec)), 'unchanged windows');
    assert.equal(mutation(jobPod(undefined, undefined, { os: { name: 'linux' } })).outcome, 'wrapped');
  });

  test('W7 mirror pods', () => {
    const annotations = { 'curfew.dev/sidecars': 'proxy', 'kubernetes.io/config.mirror': '0' };
    assert.equal(outcome(jobPod(annotations)), 'unchanged mirror-pod');
    // What a node runs already may have been wrapped by `curfew inject`.
    const injected = wrapped(jobPod({ 'curfew.dev/sidecars': 'proxy' }));
    Object.assign(injected.metadata.annotations ?? {}, annotations);
    assert.deepEqual(mutation(injected).operations, []);
  });

  test('W7 a sidecar that is a native one already', () => {
    const native = { initContainers: [istio({ restartPolicy: 'Always' })] };
    assert.equal(outcome(jobPod({}, [app()], native)), 'unchanged native-sidecar');
    assert.equal(
      outcome(jobPod({ 'curfew.dev/sidecars': 'istio-proxy' }, [app()], native)),
      'unchanged native-sidecar',
    );
  });

  test('W7 a native sidecar beside an ordinary one: the ordinary one is wrapped', () => {
    const native = { initContainers: [istio({ restartPolicy: 'Always' })] };
    for (const sidecars of ['proxy', 'istio-proxy, proxy']) {
      const annotations = { 'curfew.dev/sidecars': sidecars, 'ready.curfew.dev/istio-proxy': 'none' };
      const pod = wrapped(jobPod(annotations, [app(), proxy()], native));
      assert.equal(flag(pod, 'app', 'sidecars'), 'proxy');
      assert.deepEqual(
        pod.spec.initContainers?.map(({ name }) => name),
        ['curfew-install', 'istio-proxy'],
      );
      assert.deepEqual(pod.spec.initContainers?.[1], native.initContainers[0]);
    }
  });

  test('V1 an init container that ends by itself is no sidecar', () => {
    const init = { initContainers: [{ name: 'setup', image: 'setup:1' }] };
    const result = mutation(jobPod({ 'curfew.dev/sidecars': 'setup' }, [app()], init));
    assert.deepEqual([result.outcome, result.reason], ['refused', 'no-such-container']);
    assert.match(result.message, /init container/);
  });
});

describe('what the API server refuses anyway', () => {
  const bad: [string, unknown][] = [
    ['null', null],
    ['a list', []],
    ['no spec', {}],
    ['no containers', { spec: { containers: [] } }],
    ['containers a string', { spec: { containers: 'app' } }],
    ['a container null', { spec: { containers: [null] } }],
    ['a container without a name', { spec: { containers: [{}] } }],
    ['two of one name', jobPod(undefined, [app(), app()])],
    ['a name that is none', jobPod(undefined, [app({ name: '__proto__' })])],
    ['a command that is no list', jobPod(undefined, [app({ command: 'migrate' }), proxy()])],
    ['our annotation a number', { ...jobPod(), metadata: { annotations: { 'curfew.dev/sidecars': 1 } } }],
    ['annotations a list', { ...jobPod(), metadata: { annotations: [] } }],
    ['metadata a string', { ...jobPod(), metadata: 'x' }],
    ['mounts an object', jobPod(undefined, [app({ volumeMounts: {} }), proxy()])],
    ['a probe that is text', jobPod(undefined, [app(), proxy({ readinessProbe: 'yes' })])],
    ['a port that is none', jobPod(undefined, [app(), proxy({ readinessProbe: { tcpSocket: {} } })])],
    ['a grace period that is text', jobPod(undefined, undefined, { terminationGracePeriodSeconds: '30' })],
    ['a restartPolicy that is none', jobPod(undefined, undefined, { restartPolicy: 'Sometimes' })],
  ];
  for (const [what, pod] of bad)
    test(`W2 ${what}: unchanged, and the field is named`, () => {
      assert.equal(outcome(pod), 'unchanged invalid-pod');
      assert.deepEqual(prepare(pod, POLICY).images, []);
    });

  test('W2 members that are null count as absent', () => {
    const pod = jobPod(undefined, [app({ args: null, volumeMounts: null, lifecycle: null }), proxy()], {
      volumes: null,
      initContainers: null,
      nodeSelector: null,
    });
    assert.equal(wrapped(pod).spec.volumes?.length, 2);
  });

  test('W2 a pod without metadata, or without annotations, gets what it needs', () => {
    for (const metadata of [undefined, {}, { annotations: null }]) {
      const pod = JSON.parse(JSON.stringify({ metadata, spec: jobPod({}, [app(), istio()]).spec }));
      const result = mutation(pod);
      assert.equal(result.outcome, 'wrapped');
      assert.ok(applied(pod, result).metadata.annotations['curfew.dev/status']);
    }
  });

  test('W2 ten thousand containers are too many: refused where asked, else passed with a warning', () => {
    const many = Array.from({ length: 10_000 }, (_, i) => app({ name: `app-${i}` }));
    assert.equal(outcome(jobPod({ 'curfew.dev/sidecars': 'app-1' }, many)), 'refused too-many-containers');
    assert.equal(outcome(jobPod({}, [...many, istio()])), 'unchanged too-many-containers');
    const most = many.slice(0, MAX_CONTAINERS);
    assert.equal(mutation(jobPod({ 'curfew.dev/sidecars': 'app-1' }, most)).outcome, 'wrapped');
  });

  test('W2 `__proto__` keys are data', () => {
    const text = JSON.stringify(jobPod())
      .replace('{', '{"__proto__":{"spec":1},')
      .replace('"spec":{', '"spec":{"__proto__":{"volumes":[]},');
    const pod: unknown = JSON.parse(text);
    const result = mutation(pod);
    assert.equal(result.outcome, 'wrapped');
    assert.equal(JSON.stringify(applied(pod, result)).match(/"__proto__":\{"spec":1\}/g)?.length, 1);
  });

  test('W2 a status that would break the pod is not written', () => {
    const script = 'x'.repeat(256 * 1024);
    assert.equal(outcome(jobPod(undefined, [app({ args: [script] }), proxy()])), 'refused status-too-long');
    assert.equal(outcome(jobPod({}, [app({ args: [script] }), istio()])), 'unchanged status-too-long');
  });
});

describe('names and paths that are taken', () => {
  const mount = (mountPath: string) => ({ volumeMounts: [{ name: 'data', mountPath }] });
  const taken: [string, string, (annotations: Record<string, string>) => unknown][] = [
    [
      'a volume',
      'name-taken',
      (a) => jobPod(a, [app(), istio()], { volumes: [{ name: 'curfew-run', emptyDir: {} }] }),
    ],
    [
      'an init container',
      'name-taken',
      (a) => jobPod(a, [app(), istio()], { initContainers: [{ name: 'curfew-install' }] }),
    ],
    ['a container', 'name-taken', (a) => jobPod(a, [app({ name: 'curfew-install' }), istio()])],
    ...['/curfew/bin', '/curfew/run/', '/curfew//bin/x', '/x/../curfew/run/a', '/curfew', 'curfew/bin'].map(
      (path): [string, string, (annotations: Record<string, string>) => unknown] => [
        path,
        'path-taken',
        (a) => jobPod(a, [app(mount(path)), istio()]),
      ],
    ),
    [
      'a device',
      'path-taken',
      (a) => jobPod(a, [app({ volumeDevices: [{ name: 'd', devicePath: '/curfew/run' }] }), istio()]),
    ],
  ];
  for (const [what, reason, make] of taken)
    test(`W4 ${what}: refused where asked, else passed with a warning`, () => {
      assert.equal(outcome(make({ 'curfew.dev/sidecars': 'istio-proxy' })), `refused ${reason}`);
      const passed = mutation(make({}));
      assert.deepEqual([passed.outcome, passed.reason, passed.warnings.length], ['unchanged', reason, 1]);
    });

  test('W4 paths that only look like ours, and two mounts of the pod’s own at one path, stay', () => {
    const mounts = ['/curfew/binary', '/data', '/data', '/run'].map((mountPath) => ({
      name: 'data',
      mountPath,
    }));
    const pod = wrapped(jobPod(undefined, [app({ volumeMounts: mounts }), proxy()]));
    assert.deepEqual(pod.spec.containers[0]?.volumeMounts?.slice(0, 4), mounts);
  });
});
