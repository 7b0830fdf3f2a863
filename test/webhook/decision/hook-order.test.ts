import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { statusOf } from './compared-pod.ts';
import {
  app,
  applied,
  flag,
  jobPod,
  mutation,
  proxy,
  type TestContainer,
  type TestPod,
  wrapped,
} from './mutated-pod.ts';

const DEFAULT = 'kubectl.kubernetes.io/default-container';
const postStart = { lifecycle: { postStart: { exec: { command: ['/hook'] } } } };
const known = (name: string, image: string, more: object = {}) => proxy({ name, image, ...more });
const AZWI = known('azwi-proxy', 'mcr.microsoft.com/oss/azure/workload-identity/proxy:v1.3.0', postStart);
const SQL = known('cloud-sql-proxy', 'gcr.io/cloud-sql-connectors/cloud-sql-proxy:2.14.0', postStart);
const ISTIO = known('istio-proxy', 'docker.io/istio/proxyv2:1.22.0');

const namesOf = ({ spec }: TestPod) => spec.containers.map(({ name }) => name).join(', ');
const defaultOf = ({ metadata }: TestPod) => metadata.annotations?.[DEFAULT];
const undone = (pod: TestPod) => {
  const opted = { ...pod, metadata: { ...pod.metadata, labels: { 'curfew.dev/inject': 'false' } } };
  return applied(opted, mutation(opted));
};

interface Case {
  what: string;
  containers: TestContainer[];
  annotations?: Record<string, string>;
  /** Names in start order, and as they stand in the spec. */
  starts: string;
  stand: string;
  /** Named for `kubectl logs`, where that is added. */
  named?: string;
  warnings?: RegExp[];
}

const S = { 'curfew.dev/sidecars': 'proxy' };
const WAITS = /main app: its postStart hook may run while it still waits for its sidecars/;
const CASES: Case[] = [
  {
    what: 'a main with a hook in front of its sidecar: the sidecar stands first, and kubectl means the main',
    containers: [app(postStart), proxy()],
    annotations: S,
    starts: 'proxy',
    stand: 'proxy, app',
    named: 'app',
    warnings: [WAITS],
  },
  {
    what: 'a main with a hook behind its sidecar stays',
    containers: [proxy(), app(postStart)],
    annotations: S,
    starts: 'proxy',
    stand: 'proxy, app',
    warnings: [WAITS],
  },
  {
    what: 'a main whose hook only sleeps stays',
    containers: [app({ lifecycle: { postStart: { sleep: { seconds: 5 } } } }), proxy()],
    annotations: S,
    starts: 'proxy',
    stand: 'app, proxy',
  },
  {
    what: 'a known sidecar with a hook in front of a mesh runs at once, and the mesh does not wait for the hook',
    containers: [app(), AZWI, ISTIO],
    starts: 'azwi-proxy, istio-proxy',
    stand: 'app, istio-proxy, azwi-proxy',
  },
  {
    what: 'also behind the mesh',
    containers: [ISTIO, AZWI, app()],
    starts: 'azwi-proxy, istio-proxy',
    stand: 'istio-proxy, azwi-proxy, app',
  },
  ...(
    [
      ['Istio', ISTIO],
      ['Dapr', known('daprd', 'docker.io/daprio/daprd:1.14.0')],
      ['Consul', known('consul-dataplane', 'hashicorp/consul-dataplane:1.5')],
      ['Vault', known('vault-agent', 'hashicorp/vault:1.17')],
    ] as const
  ).map(([what, behind]) => ({
    what: `a cloud-sql-proxy with a hook in front of ${what}`,
    containers: [SQL, app(), behind],
    starts: `cloud-sql-proxy, ${behind.name}`,
    stand: `cloud-sql-proxy, app, ${behind.name}`,
  })),
  {
    what: 'with mains named: a sidecar in front of a hook starts before the next hook',
    containers: [
      ISTIO,
      proxy({ name: 'b', ...postStart }),
      app(),
      proxy({ name: 'a', ...postStart }),
      proxy(),
    ],
    annotations: { 'curfew.dev/mains': 'app' },
    starts: 'b, istio-proxy, a, proxy',
    stand: 'istio-proxy, b, app, proxy, a',
  },
  {
    what: 'a sidecar with a hook in the middle: what the main in front of it waits for stands in front of it too',
    containers: [app(), proxy(postStart), proxy({ name: 'last' })],
    annotations: { 'curfew.dev/sidecars': 'proxy, last' },
    starts: 'proxy, last',
    stand: 'app, last, proxy',
  },
  {
    what: 'two sidecars with hooks behind a main: a circle, so they stay, with a warning',
    containers: [app(), proxy({ name: 'a', ...postStart }), proxy({ name: 'b', ...postStart })],
    annotations: { 'curfew.dev/sidecars': 'a, b' },
    starts: 'a, b',
    stand: 'app, a, b',
    warnings: [
      /sidecar a: its postStart hook has to end before container app can run, which stands in front of it: a hook that needs app running never ends/,
      /sidecar b: its postStart hook may run while it still waits for its turn/,
    ],
  },
  {
    what: 'a main and its sidecar with hooks: a circle, the main gets its sidecar in front, with a warning',
    containers: [app(postStart), proxy(postStart)],
    annotations: S,
    starts: 'proxy',
    stand: 'proxy, app',
    named: 'app',
    warnings: [WAITS, /sidecar proxy: its postStart hook has to end before container app can run/],
  },
  {
    what: 'a listed order that a hook leaves as it is, with a warning where it has to wait for its turn',
    containers: [proxy({ name: 'b' }), proxy({ name: 'a', ...postStart }), app()],
    annotations: { 'curfew.dev/sidecars': 'b, a' },
    starts: 'b, a',
    stand: 'b, a, app',
    warnings: [
      /sidecar a: its postStart hook may run while it still waits.*list a first in curfew\.dev\/sidecars/,
    ],
  },
];

describe('W10 W11 the order of containers with postStart hooks', () => {
  for (const { what, containers, annotations = {}, starts, stand, named, warnings = [] } of CASES)
    test(`W10 ${what}`, () => {
      const pod = jobPod(annotations, containers);
      const result = mutation(pod);
      const after = applied(pod, result);
      for (const { name } of containers)
        assert.equal(flag(after, name, 'sidecars'), starts.replaceAll(', ', ','), result.message);
      assert.equal(namesOf(after), stand);
      assert.equal(defaultOf(after), named);
      assert.equal(result.warnings.length, warnings.length, result.warnings.join('\n'));
      for (const warning of warnings)
        assert.ok(
          result.warnings.some((text) => warning.test(text)),
          `${warning}`,
        );
      assert.deepEqual(mutation(after).operations, [], 'W3 a second run changes nothing');
      assert.deepEqual(mutation(after).warnings, result.warnings);
      const { labels: _, ...metadata } = undone(after).metadata;
      assert.equal(namesOf(undone(after)), namesOf(pod), 'W3 undone');
      assert.equal(metadata.annotations?.[DEFAULT], undefined);
    });

  test('W10 V1 a listed order against a hook is refused, with the order to write', () => {
    const containers = [app(), AZWI, proxy(), ISTIO];
    const refused = mutation(jobPod({ 'curfew.dev/sidecars': 'istio-proxy, proxy, azwi-proxy' }, containers));
    assert.deepEqual([refused.outcome, refused.reason], ['refused', 'post-start-order']);
    assert.match(
      refused.message,
      /sidecars starts istio-proxy before azwi-proxy.*postStart hook of azwi-proxy.*write curfew\.dev\/sidecars: azwi-proxy, istio-proxy, proxy\.$/,
    );
    const written = jobPod({ 'curfew.dev/sidecars': 'azwi-proxy, istio-proxy, proxy' }, containers);
    assert.equal(mutation(written).outcome, 'wrapped');
  });

  test('W10 V1 the refusal names the hook, and moves no other sidecar', () => {
    const containers = [
      proxy({ name: 'y' }),
      proxy({ name: 'h', ...postStart }),
      proxy({ name: 'x' }),
      app(),
    ];
    const { message } = mutation(jobPod({ 'curfew.dev/sidecars': 'x, y, h' }, containers));
    assert.match(message, /starts x before h.*hook of h has ended: write curfew\.dev\/sidecars: h, x, y\.$/);
  });

  test('W11 an author’s default container stays, whatever is moved', () => {
    const pod = jobPod({ ...S, [DEFAULT]: 'proxy' }, [app(postStart), proxy()]);
    const after = wrapped(pod);
    assert.equal(defaultOf(after), 'proxy');
    assert.equal(defaultOf(undone(after)), 'proxy');
  });

  test('W11 W3 another webhook names another default container since: it stays', () => {
    const after = wrapped(jobPod(S, [app(postStart), proxy()]));
    Object.assign(after.metadata.annotations ?? {}, { [DEFAULT]: 'proxy' });
    assert.equal(defaultOf(applied(after, mutation(after))), 'proxy');
    assert.equal(defaultOf(undone(after)), 'proxy');
  });

  test('W10 W3 the hook is gone since: the author’s order is back, and the annotation is gone', () => {
    const after = wrapped(jobPod(S, [app(postStart), proxy()]));
    for (const one of after.spec.containers) delete one.lifecycle;
    const again = applied(after, mutation(after));
    assert.deepEqual([namesOf(again), defaultOf(again)], ['app, proxy', undefined]);
    assert.deepEqual(statusOf(again).order, undefined);
  });

  test('W10 W3 another webhook puts its proxy last again: that order is the author’s', () => {
    const first = wrapped(jobPod({}, [app(), AZWI, ISTIO]));
    assert.equal(namesOf(first), 'app, istio-proxy, azwi-proxy');
    const { containers } = first.spec;
    const late = {
      ...first,
      spec: {
        ...first.spec,
        containers: [containers[0], containers[2], containers[1]].filter((one) => one !== undefined),
      },
    };
    const again = applied(late, mutation(late));
    assert.equal(namesOf(again), 'app, istio-proxy, azwi-proxy');
    assert.equal(namesOf(undone(again)), 'app, azwi-proxy, istio-proxy');
  });

  test('W10 W3 a status with an order that is none of ours is no trouble', () => {
    for (const order of [
      7,
      {},
      { author: ['app', 'app'], written: ['proxy', 'app'] },
      { author: [1], written: [] },
    ]) {
      const after = wrapped(jobPod(S, [app(postStart), proxy()]));
      const text = after.metadata.annotations?.['curfew.dev/status'] ?? '';
      const status = JSON.stringify({ ...JSON.parse(text), order });
      Object.assign(after.metadata.annotations ?? {}, { 'curfew.dev/status': status });
      const again = applied(after, mutation(after));
      assert.equal(namesOf(again), 'proxy, app');
    }
  });
});
