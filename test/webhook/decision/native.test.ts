import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Mode } from '../../../webhook/decision/mode.ts';
import { nativeSupport, parseMinor } from '../../../webhook/decision/mode.ts';
import { defaultPolicy, type Policy } from '../../../webhook/decision/policy.ts';
import { wrongFields } from '../../charts/kubernetes-fields.ts';
import { app, applied, image, jobPod, mutation, named, proxy, type TestPod } from './mutated-pod.ts';

const policy = (mode: Mode, server = 36, more: object = {}): Policy =>
  defaultPolicy({ version: '1.2.3', mode, cluster: { server: server || undefined, ...more } });
const UNKNOWN = 0;
const NATIVE = policy('native');
const AUTO = policy('auto');

/** Mutate a pod that must come out converted, and apply. */
function converted(pod: TestPod, by: Policy = NATIVE): TestPod {
  const result = mutation(pod, {}, by);
  assert.equal(result.outcome, 'converted', result.message);
  assert.equal(result.mode, 'native');
  return applied(pod, result);
}
const names = (list: readonly { name: string }[] | undefined) => (list ?? []).map(({ name }) => name);
const lists = ({ spec }: TestPod) => [names(spec.initContainers), names(spec.containers)];
const warnings = (pod: TestPod, by: Policy = NATIVE) => mutation(pod, {}, by).warnings.join('\n');
const mode = (pod: TestPod, by: Policy) => mutation(pod, { app: image({ entrypoint: ['/a'] }) }, by).mode;
const note = (key: string, value: string) => ({ 'curfew.dev/sidecars': 'proxy', [key]: value });

describe('N1 modes', () => {
  const wish = (value?: string) => jobPod(value === undefined ? undefined : note('curfew.dev/mode', value));

  test('N1 the pod’s annotation counts before the namespace’s and the configuration’s', () => {
    assert.equal(mode(wish(), policy('shim')), 'shim');
    assert.equal(mode(wish(), NATIVE), 'native');
    assert.equal(mode(wish('native'), policy('shim')), 'native');
    assert.equal(mode(wish('shim'), NATIVE), 'shim');
    assert.equal(mode(wish('auto'), policy('shim')), 'native');
    assert.equal(mutation(wish('other'), {}, NATIVE).reason, 'bad-annotation');
  });

  test('N1 native is refused, with the reason, where a kubelet may not have it', () => {
    const { outcome, reason, message } = mutation(jobPod(), {}, policy('native', 31));
    assert.deepEqual([outcome, reason], ['refused', 'native-unavailable']);
    assert.match(
      message,
      /API server of 1\.31 a kubelet may be 1\.28.*take mode auto or shim.*minimumKubelet/,
    );
    assert.match(
      mutation(jobPod({}, [app(), proxy({ name: 'dind', image: 'docker' })]), {}, policy('native', 20))
        .message,
      /1\.20 has no native/,
    );
    assert.match(mutation(jobPod(), {}, policy('native', UNKNOWN)).message, /not known/);
  });

  test('N1 who says native on a command line is believed', () => {
    const offline = policy('native', UNKNOWN, { isOffline: true });
    assert.equal(mode(jobPod(), offline), 'native');
    const auto = mutation(jobPod(), {}, policy('auto', UNKNOWN, { isOffline: true }));
    assert.deepEqual([auto.mode, auto.outcome], ['shim', 'wrapped']);
    assert.match(auto.modeWhy ?? '', /--kubernetes-version/);
  });
});

describe('N2 the move', () => {
  const three = (annotations: Record<string, string>) =>
    jobPod(annotations, [proxy(), app(), proxy({ name: 'agent', future: { field: [1] } })], {
      initContainers: [{ name: 'mesh', restartPolicy: 'Always' }, { name: 'setup' }],
    });

  test('N2 sidecars stand behind the init containers in start order, and are otherwise the same', () => {
    const pod = three({ 'curfew.dev/sidecars': 'agent, proxy' });
    const after = converted(pod);
    assert.deepEqual(lists(after), [['mesh', 'setup', 'agent', 'proxy'], ['app']]);
    for (const name of ['agent', 'proxy'])
      assert.deepEqual(named(after, name), { ...named(pod, name), restartPolicy: 'Always' });
    assert.deepEqual(named(after, 'app'), named(pod, 'app'));
    assert.equal(after.spec.volumes, undefined);
  });

  test('N2 in front of the ordinary ones where the pod says so, and behind native ones that stand there', () => {
    const wish = { 'curfew.dev/sidecars': 'agent, proxy', 'curfew.dev/sidecars-before': 'init' };
    assert.deepEqual(lists(converted(three(wish)))[0], ['mesh', 'agent', 'proxy', 'setup']);
    assert.deepEqual(lists(converted(jobPod({ ...wish, 'curfew.dev/sidecars': 'proxy' }))), [
      ['proxy'],
      ['app'],
    ]);
  });

  test('N2 only native mode can put sidecars before init containers', () => {
    const wish = { 'curfew.dev/sidecars': 'proxy', 'curfew.dev/sidecars-before': 'init' };
    for (const by of [policy('shim'), policy('auto', 20)]) {
      const { outcome, reason, message } = mutation(jobPod(wish), {}, by);
      assert.deepEqual([outcome, reason], ['refused', 'needs-native'], message);
    }
    // What it asks for counts more than what it would lose.
    assert.equal(mode(jobPod({ ...wish, 'stop-timeout.curfew.dev/proxy': '5s' }), AUTO), 'native');
  });

  test('N2 a field that a native sidecar cannot have: the named reason, and the shim under auto', () => {
    for (const fields of [
      { restartPolicy: 'OnFailure' },
      { restartPolicyRules: [{ action: 'Restart', exitCodes: { operator: 'In', values: [42] } }] },
    ]) {
      const pod = jobPod(undefined, [app(), proxy(fields)], { restartPolicy: 'Never' });
      const native = mutation(pod, {}, policy('native', 35));
      assert.deepEqual([native.outcome, native.reason], ['refused', 'native-not-allowed']);
      const auto = mutation(pod, {}, policy('auto', 35));
      assert.deepEqual([auto.outcome, auto.mode], ['wrapped', 'shim']);
      assert.match(auto.modeWhy ?? '', /sidecar proxy has restartPolicy/i);
    }
    const resizing = jobPod(undefined, [
      app(),
      proxy({ resizePolicy: [{ resourceName: 'cpu', restartPolicy: 'NotRequired' }] }),
    ]);
    assert.equal(mutation(resizing, {}, policy('native', 32)).reason, 'native-not-allowed');
    assert.equal(mutation(resizing, {}, policy('native', 33)).outcome, 'converted');
    const restartPolicyRules = [
      { action: 'RestartAllContainers', exitCodes: { operator: 'In', values: [42] } },
    ];
    const ruled = jobPod(undefined, [app(), proxy({ restartPolicy: 'Always', restartPolicyRules })]);
    assert.equal(mutation(ruled, {}, policy('native', 36)).outcome, 'converted');
    assert.equal(mutation(ruled, {}, policy('native', 35)).reason, 'native-not-allowed');
    const always = jobPod(undefined, [app(), proxy({ restartPolicy: 'Always' })]);
    assert.equal(mutation(always, {}, NATIVE).outcome, 'converted');
  });

  test('N2 kubectl means the same container as before', () => {
    const key = 'kubectl.kubernetes.io/default-container';
    const first = converted(jobPod(undefined, [proxy(), app()]));
    assert.equal(first.metadata.annotations?.[key], 'proxy');
    assert.equal(converted(jobPod()).metadata.annotations?.[key], undefined);
  });

  test('N2 no secret and no container’s own value is in the patch', () => {
    const env = [{ name: 'TOKEN', value: 'hush' }];
    const { operations } = mutation(jobPod(undefined, [app(), proxy({ env })]), {}, NATIVE);
    assert.doesNotMatch(JSON.stringify(operations), /hush/);
  });

  test('N2 a pod that is none is left to the API server', () => {
    const twice = jobPod(undefined, undefined, { initContainers: [{ name: 'proxy' }] });
    assert.equal(mutation(twice, {}, NATIVE).reason, 'invalid-pod');
  });
});

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

describe('N5 twice, and late', () => {
  const ready = note('ready.curfew.dev/proxy', 'exec: true');

  test('N5 a second run changes nothing', () => {
    const second = mutation(converted(jobPod(ready)), {}, NATIVE);
    assert.deepEqual(
      [second.outcome, second.reason, second.operations],
      ['unchanged', 'already-converted', []],
    );
  });

  test('N5 a sidecar that comes late is moved too', () => {
    const pod = converted(jobPod({ 'curfew.dev/mains': 'app' }));
    pod.spec.containers.push(proxy({ name: 'late' }));
    assert.deepEqual(lists(converted(pod)), [['proxy', 'late'], ['app']]);
  });

  test('N5 an injector that adds its container again: the newer one takes the older’s place', () => {
    const pod = converted(
      jobPod({ 'curfew.dev/sidecars': 'proxy, agent' }, [app(), proxy(), proxy({ name: 'agent' })]),
    );
    pod.spec.containers.push(proxy({ image: 'proxy:2' }));
    const after = converted(pod);
    assert.deepEqual(lists(after), [['proxy', 'agent'], ['app']]);
    assert.equal(named(after, 'proxy').image, 'proxy:2');
  });

  test('N5 another mode undoes it, and is what one run would have given', () => {
    for (const pod of [
      jobPod(ready),
      jobPod(ready, [proxy({ restartPolicy: 'Always' }), app()], { restartPolicy: 'Never' }),
    ]) {
      const native = converted(pod);
      const direct = mutation(pod, {}, policy('shim'));
      if (direct.outcome === 'wrapped') {
        const shim = applied(pod, direct);
        assert.deepEqual(applied(native, mutation(native, {}, policy('shim'))), shim);
        assert.deepEqual(applied(shim, mutation(shim, {}, NATIVE)), native);
      }
      native.metadata.labels = { 'curfew.dev/inject': 'false' };
      assert.deepEqual(applied(native, mutation(native, {}, NATIVE)), {
        ...pod,
        metadata: { ...pod.metadata, labels: native.metadata.labels },
      });
    }
  });

  test('N5 a startup probe that another webhook wrote since stays', () => {
    const pod = converted(jobPod(ready));
    const theirs = { tcpSocket: { port: 9 } };
    Object.assign(named(pod, 'proxy'), { startupProbe: theirs });
    const after = converted(pod);
    assert.deepEqual(named(after, 'proxy').startupProbe, theirs);
    assert.deepEqual(mutation(after, {}, NATIVE).operations, []);
  });

  test('N5 a status that is anything else is none, and stops nobody', () => {
    for (const status of [
      '{',
      '[]',
      '{"mode":"native"}',
      '{"mode":"native","containers":[],"author":[1]}',
      '{"mode":"native","containers":{"proxy":null},"author":["proxy","gone"]}',
    ]) {
      const pod = jobPod({ 'curfew.dev/sidecars': 'proxy', 'curfew.dev/status': status });
      assert.deepEqual(lists(converted(pod)), [['proxy'], ['app']]);
    }
  });
});

describe('N6 strippers', () => {
  test('N6 a restartPolicy that was dropped is put back, with a warning and nothing else', () => {
    const pod = converted(jobPod());
    delete named(pod, 'proxy').restartPolicy;
    const result = mutation(pod, {}, NATIVE);
    assert.deepEqual(result.operations, [
      { op: 'add', path: '/spec/initContainers/0/restartPolicy', value: 'Always' },
    ]);
    assert.match(
      result.warnings.join(),
      /init container proxy: another webhook dropped its restartPolicy.*older than 1\.28/,
    );
  });
});

describe('N7 auto', () => {
  test('N7 native where the skew policy leaves no kubelet without it', () => {
    assert.equal(mode(jobPod(), policy('auto', 32)), 'native');
    assert.equal(mode(jobPod(), policy('auto', 31)), 'shim');
    assert.equal(mode(jobPod(), policy('auto', 31, { leastKubelet: 29 })), 'native');
    assert.equal(mode(jobPod(), policy('auto', 36, { leastKubelet: 28 })), 'shim');
    assert.equal(mode(jobPod(), policy('auto', 28, { leastKubelet: 29 })), 'shim');
    assert.equal(nativeSupport({ server: undefined }).available, false);
    assert.deepEqual(['v1.32.4-gke.1', '1.29', '1.29+', 'v2.1', '', '1.x'].map(parseMinor), [
      32,
      29,
      29,
      undefined,
      undefined,
      undefined,
    ]);
  });

  test('N7 native for what the shim cannot do, even where something is lost', () => {
    const lossy = note('stop-timeout.curfew.dev/proxy', '5s');
    const windows = jobPod(lossy, undefined, { os: { name: 'windows' } });
    assert.equal(mode(windows, AUTO), 'native');
    assert.equal(mutation(windows, {}, policy('shim')).reason, 'windows');
    assert.equal(mutation(windows, {}, policy('auto', 20)).reason, 'windows');
    const power = jobPod(lossy, undefined, { nodeSelector: { 'kubernetes.io/arch': 'ppc64le' } });
    assert.equal(mode(power, AUTO), 'native');
    const unknown = jobPod(lossy, [app({ command: undefined }), proxy()]);
    const notFound = { app: { ok: false, reason: 'image-not-found', message: 'gone' } } as const;
    assert.equal(mutation(unknown, notFound, AUTO).mode, 'native');
    assert.equal(mutation(unknown, notFound, policy('shim')).reason, 'image-not-found');
  });

  test('N7 the reason stands in the status', () => {
    const status = (pod: TestPod) => JSON.parse(pod.metadata.annotations?.['curfew.dev/status'] ?? '{}');
    assert.match(status(converted(jobPod(), AUTO)).why, /every kubelet of Kubernetes 1\.36/);
    const shim = jobPod();
    assert.match(status(applied(shim, mutation(shim, {}, policy('auto', 20)))).why, /1\.20 has no native/);
    assert.equal(status(converted(jobPod())).why, undefined);
  });
});
