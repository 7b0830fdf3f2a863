import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Policy } from '../../../webhook/decision/policy.ts';
import { wrongFields } from '../../charts/kubernetes-fields.ts';
import { app, jobPod, mutation, named, proxy, type TestPod } from './mutated-pod.ts';
import { AUTO, converted, mode, NATIVE, note, warnings } from './native-pod.ts';

describe('N3 readiness', () => {
  const probe = (annotations: Record<string, string>, fields: object = {}, by: Policy = NATIVE) =>
    named(
      converted(jobPod({ 'curfew.dev/sidecars': 'proxy', ...annotations }, [app(), proxy(fields)]), by),
      'proxy',
    ).startupProbe;
  const TIMES = { timeoutSeconds: 1, periodSeconds: 1, successThreshold: 1, failureThreshold: 2_147_483_647 };
  const READY = 'ready.curfew.dev/proxy';

  test('N3 the annotation becomes a startup probe that asks every second', () => {
    assert.deepEqual(probe({ [READY]: 'http://:15021/healthz?a=$(B)' }), {
      httpGet: { path: '/healthz?a=$(B)', port: 15021, scheme: 'HTTP' },
      ...TIMES,
    });
    assert.deepEqual(probe({ [READY]: 'tcp://:5432' }), { tcpSocket: { port: 5432 }, ...TIMES });
    assert.deepEqual(probe({ [READY]: 'exec: pg_isready $(X)' }), {
      exec: { command: ['pg_isready', '$$(X)'] },
      ...TIMES,
    });
    assert.equal(probe({ [READY]: 'none' }, { readinessProbe: { tcpSocket: { port: 1 } } }), undefined);
  });

  test('N3 the start-timeout is the number of tries', () => {
    const wish = { [READY]: 'tcp://:1', 'curfew.dev/start-timeout': '90s' };
    assert.deepEqual(probe(wish), { tcpSocket: { port: 1 }, ...TIMES, failureThreshold: 90 });
  });

  test('N3 a readiness probe is asked before the start too, whatever its handler', () => {
    for (const handler of [
      { grpc: { port: 9, service: 'x' } },
      { httpGet: { path: '/', port: 'web', scheme: 'HTTPS', future: 1 } },
      { exec: { command: ['a', '$(B)'] } },
    ])
      assert.deepEqual(
        probe(
          {},
          { readinessProbe: { ...handler, initialDelaySeconds: 7, periodSeconds: 9, timeoutSeconds: 4 } },
        ),
        {
          ...handler,
          ...TIMES,
          timeoutSeconds: 4,
        },
      );
  });

  test('N3 a startup probe of its author’s stays', () => {
    const own = { tcpSocket: { port: 7 }, failureThreshold: 3 };
    assert.deepEqual(probe({}, { startupProbe: own }), own);
    assert.deepEqual(probe({ [READY]: 'tcp://:1' }, { startupProbe: own }), own);
    assert.match(
      warnings(jobPod(note(READY, 'tcp://:1'), [app(), proxy({ startupProbe: own })])),
      /ready\.curfew\.dev\/proxy has no effect/,
    );
  });

  test('N3 headers that look secret are not copied: the port must be open', () => {
    const httpGet = { port: 80, httpHeaders: [{ name: 'Authorization', value: 'hush' }] };
    const pod = jobPod(undefined, [app(), proxy({ readinessProbe: { httpGet } })]);
    assert.deepEqual(named(converted(pod), 'proxy').startupProbe, { tcpSocket: { port: 80 }, ...TIMES });
    assert.doesNotMatch(JSON.stringify(mutation(pod, {}, NATIVE)), /hush/);
  });

  test('N3 the catalogue’s endpoint is asked only where the kubelet reaches it', () => {
    const istio = jobPod({}, [app(), proxy({ name: 'istio-proxy', image: 'istio/proxyv2' })]);
    assert.deepEqual(named(converted(istio), 'istio-proxy').startupProbe, {
      httpGet: { path: '/healthz/ready', port: 15021, scheme: 'HTTP' },
      ...TIMES,
    });
    const sql = (...args: string[]) =>
      jobPod({}, [
        app(),
        proxy({
          name: 'cloud-sql-proxy',
          image: 'cloud-sql-connectors/cloud-sql-proxy',
          args: ['--health-check', ...args],
        }),
      ]);
    assert.ok(named(converted(sql('--http-address=0.0.0.0')), 'cloud-sql-proxy').startupProbe);
    assert.equal(named(converted(sql()), 'cloud-sql-proxy').startupProbe, undefined);
    assert.match(warnings(sql()), /kubelet may not reach it.*ready\.curfew\.dev/);
    assert.equal(mode(sql(), AUTO), 'shim');
    assert.equal(mode(sql('--http-address', '0.0.0.0'), AUTO), 'native');
  });

  test('N3 an annotation’s endpoint that the kubelet may not reach is warned of, and auto takes the shim', () => {
    const pod = jobPod(note(READY, 'tcp://:5432'));
    assert.match(warnings(pod), /127\.0\.0\.1 alone the pod stays in Init for ever/);
    assert.equal(mode(pod, AUTO), 'shim');
    const asked = jobPod(note(READY, 'tcp://:5432'), [
      app(),
      proxy({ livenessProbe: { tcpSocket: { port: 5432 } } }),
    ]);
    assert.equal(warnings(asked), '');
    assert.equal(mode(asked, AUTO), 'native');
    assert.equal(mode(jobPod(note(READY, 'exec: true')), AUTO), 'native');
    const loopback = jobPod(note(READY, 'tcp://127.0.0.1:5432'));
    assert.equal(named(converted(loopback), 'proxy').startupProbe, undefined);
    assert.match(warnings(loopback), /address of its node/);
  });

  test('N2 N3 the pod has the fields of the API’s own types alone', () => {
    for (const ready of ['http://:1/x', 'tcp://:1', 'exec: a'])
      assert.deepEqual(wrongFields(converted(jobPod(note(READY, ready))), 'V1Pod'), []);
    const probes = [{ httpGet: { port: 'web' } }, { grpc: { port: 1 } }, { tcpSocket: { port: 1 } }];
    for (const readinessProbe of probes)
      assert.deepEqual(
        wrongFields(converted(jobPod(undefined, [app(), proxy({ readinessProbe })])), 'V1Pod'),
        [],
      );
  });
});

describe('N4 what is lost', () => {
  const lossy: [string, TestPod, RegExp][] = [
    [
      'stop-timeout',
      jobPod(note('stop-timeout.curfew.dev/proxy', '5s')),
      /stop-timeout\.curfew\.dev\/proxy has no effect/,
    ],
    [
      'stop-signal',
      jobPod(note('stop-signal.curfew.dev/proxy', 'INT')),
      /stop-signal\.curfew\.dev\/proxy has no effect.*lifecycle\.stopSignal/,
    ],
    ['start-timeout', jobPod(note('curfew.dev/start-timeout', '5s')), /start-timeout: .* no main exits 124/],
    [
      'entrypoint',
      jobPod(note('entrypoint.curfew.dev/app', '["/x"]')),
      /entrypoint\.curfew\.dev\/app has no effect/,
    ],
    [
      'a preStop hook',
      jobPod(undefined, [app(), proxy({ lifecycle: { preStop: { exec: { command: ['x'] } } } })]),
      /preStop hook runs at once/,
    ],
  ];
  for (const [what, pod, expected] of lossy)
    test(`N4 N7 ${what}: said natively, and a reason for the shim under auto`, () => {
      assert.match(warnings(pod), expected);
      assert.equal(mode(pod, NATIVE), 'native');
      const auto = mutation(pod, {}, AUTO);
      assert.deepEqual([auto.mode, auto.outcome], ['shim', 'wrapped']);
      assert.match(auto.modeWhy ?? '', expected);
    });

  test('N4 nothing is said of a pod that loses nothing', () => {
    assert.equal(warnings(jobPod()), '');
    assert.equal(warnings(jobPod(undefined, [app(), proxy({ lifecycle: { stopSignal: 'SIGINT' } })])), '');
    const same = note('stop-signal.curfew.dev/proxy', 'INT');
    assert.equal(warnings(jobPod(same, [app(), proxy({ lifecycle: { stopSignal: 'SIGINT' } })])), '');
  });

  test('N4 a hook that waits for what natively comes later', () => {
    const hook = { lifecycle: { postStart: { exec: { command: ['wait'] } } } };
    assert.match(
      warnings(jobPod(undefined, [app(), proxy(hook)])),
      /postStart hook has to end before container app is created/,
    );
    assert.equal(warnings(jobPod(undefined, [proxy(hook), app()])), '');
  });
});
