import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { app, flag, jobPod, mutation, named, proxy, wrapped } from './mutated-pod.ts';

const S = { 'curfew.dev/sidecars': 'proxy' };
const ready = (fields: object, annotations: Record<string, string> = {}) =>
  flag(wrapped(jobPod({ ...S, ...annotations }, [app(), proxy(fields)])), 'proxy', 'ready');
const warnings = (fields: object) => mutation(jobPod(S, [app(), proxy(fields)])).warnings.join('\n');

const startupProbe = { tcpSocket: { port: 1 } };
const readinessProbe = { tcpSocket: { port: 2 } };

describe('L1 where readiness comes from', () => {
  test('L1 the annotation, else startup, else readiness, else the catalogue, else nothing', () => {
    const known = { name: 'istio-proxy', image: 'istio/proxyv2' };
    const istio = (fields: object, annotations: Record<string, string> = {}) =>
      flag(
        wrapped(
          jobPod({ 'curfew.dev/mains': 'app', ...annotations }, [app(), proxy({ ...known, ...fields })]),
        ),
        'istio-proxy',
        'ready',
      );
    assert.equal(istio({ startupProbe }, { 'ready.curfew.dev/istio-proxy': 'tcp://:9' }), 'tcp://:9');
    assert.equal(istio({ startupProbe }, { 'ready.curfew.dev/istio-proxy': 'none' }), undefined);
    assert.equal(istio({ startupProbe, readinessProbe }), 'tcp://:1');
    assert.equal(istio({ readinessProbe }), 'tcp://:2');
    assert.equal(istio({ livenessProbe: startupProbe }), 'http://:15021/healthz/ready');
    assert.equal(istio({}), 'http://:15021/healthz/ready');
    assert.equal(ready({ startupProbe, readinessProbe }), 'tcp://:1');
    assert.equal(ready({ readinessProbe }), 'tcp://:2');
    assert.equal(ready({ livenessProbe: startupProbe }), undefined);
    assert.equal(ready({ readinessProbe: { timeoutSeconds: 3 } }), undefined);
  });

  test('L1 a main waits and is not waited for', () => {
    const pod = jobPod({ ...S, 'ready.curfew.dev/app': 'tcp://:1' }, [app({ startupProbe }), proxy()]);
    assert.equal(flag(wrapped(pod), 'app', 'ready'), undefined);
    assert.match(mutation(pod).warnings.join(), /ready\.curfew\.dev\/app has no effect/);
  });
});

describe('L1 what becomes of a probe', () => {
  const ports = [{ name: 'admin', containerPort: 9901 }];
  const probe = (handler: object) => ({ ports, readinessProbe: handler });
  const same: [object, string | undefined][] = [
    [{ httpGet: { port: 'admin' } }, 'http://:9901/'],
    [{ httpGet: { port: '80', path: 'healthz?a=b#c', scheme: 'HTTP' } }, 'http://:80/healthz?a=b'],
    [
      { httpGet: { port: 80, path: '/a b/ü$(X)', host: '127.0.0.1' } },
      'http://127.0.0.1:80/a%20b/%C3%BC$$(X)',
    ],
    [{ httpGet: { port: 80, host: '::1' } }, 'http://[::1]:80/'],
    [{ tcpSocket: { port: 'admin', host: '10.0.0.1' } }, 'tcp://10.0.0.1:9901'],
    [{ exec: { command: ['sh', '-c', 'a "b"'] } }, 'exec:["sh","-c","a \\"b\\""]'],
  ];
  for (const [handler, text] of same)
    test(`L1 ${JSON.stringify(handler)}`, () => {
      assert.equal(ready(probe(handler)), text);
      assert.equal(warnings(probe(handler)), '');
    });

  const less: [object, string | undefined, RegExp][] = [
    [
      { httpGet: { port: 443, scheme: 'HTTPS' } },
      'tcp://:443',
      /port 443 is open, not for its https probe.*ready\.curfew\.dev\/proxy/,
    ],
    [{ grpc: { port: 9000, service: 's' } }, 'tcp://:9000', /not for its grpc probe/],
    [{ tcpSocket: { port: 'nowhere' } }, undefined, /does not declare.*ready\.curfew\.dev\/proxy/],
    [{ tcpSocket: { port: 70_000 } }, undefined, /does not declare/],
    [{ httpGet: { port: 80, host: 'db.example' } }, undefined, /cannot resolve/],
  ];
  for (const [handler, text, warning] of less)
    test(`W8 ${JSON.stringify(handler)} gives a warning`, () => {
      assert.equal(ready(probe(handler)), text);
      assert.match(warnings(probe(handler)), warning);
    });

  test('L1 timeoutSeconds is how long one try may take', () => {
    for (const [timeoutSeconds, text] of [
      [5, '5s'],
      [1, undefined],
      [0, undefined],
      [undefined, undefined],
    ] as const) {
      const pod = wrapped(
        jobPod(S, [app(), proxy({ readinessProbe: { ...readinessProbe, timeoutSeconds } })]),
      );
      assert.equal(flag(pod, 'proxy', 'ready-timeout'), text);
    }
  });

  test('W9 headers go along, and their values are in no message', () => {
    const httpHeaders = [
      { name: 'X-Probe', value: 'from $(s3cret)' },
      { name: 'X-Bad', value: 's3cret\r\nX: y' },
    ];
    const pod = jobPod(S, [app(), proxy({ readinessProbe: { httpGet: { port: 1, httpHeaders } } })]);
    const headers = named(wrapped(pod), 'proxy').command?.filter((word) => word.startsWith('--ready-header'));
    assert.deepEqual(headers, ['--ready-header=X-Probe: from $$(s3cret)']);
    const { message, warnings: said, containers } = mutation(pod);
    assert.equal(said.length, 1);
    assert.doesNotMatch(JSON.stringify([message, said, containers]), /s3cret/);
  });

  test('W9 a variable of an exec probe is expanded as the probe’s was, its value never copied', () => {
    const env = [
      { name: 'USER', value: 'old' },
      { name: 'USER', value: 'postgres' },
      { name: 'PASSWORD', valueFrom: { secretKeyRef: { name: 'x', key: 'y' } } },
      { name: 'QUOTED', value: 's3cret "' },
    ];
    const exec = (word: string) => ({ env, readinessProbe: { exec: { command: ['check', word] } } });
    assert.equal(ready(exec('$(USER) $$(X)')), 'exec:["check","$(USER) $$(X)"]');
    assert.equal(
      ready(exec('$(PASSWORD) $(NOBODY) $HOME')),
      'exec:["check","$$(PASSWORD) $$(NOBODY) $HOME"]',
    );
    assert.equal(ready(exec('$(QUOTED)')), undefined);
    assert.match(warnings(exec('$(QUOTED)')), /variable whose value cannot be an argument/);
    assert.doesNotMatch(JSON.stringify(mutation(jobPod(S, [app(), proxy(exec('$(QUOTED)'))]))), /s3cret/);
  });

  test('L1 an annotation’s value holds no variables', () => {
    assert.equal(ready({}, { 'ready.curfew.dev/proxy': 'exec: test $(X)' }), 'exec:["test","$$(X)"]');
    assert.equal(ready({}, { 'ready.curfew.dev/proxy': 'http://:1/$(X)' }), 'http://:1/$$(X)');
  });
});

describe('L5 the effective restart policy', () => {
  test('L5 the container’s own, else the pod’s, with its rules', () => {
    const rules = [
      { action: 'Restart', exitCodes: { operator: 'In', values: [42, 300] } },
      { action: 'RestartAllContainers', exitCodes: { operator: 'NotIn', values: [0] } },
      { action: 'Dance', exitCodes: { operator: 'In', values: [1] } },
      { action: 'Restart' },
      { action: 'Restart', exitCodes: { operator: 'In', values: [] } },
    ];
    const pod = wrapped(jobPod(S, [app({ restartPolicy: 'OnFailure', restartPolicyRules: rules }), proxy()]));
    assert.equal(flag(pod, 'app', 'restart-policy'), 'OnFailure');
    assert.equal(flag(pod, 'proxy', 'restart-policy'), 'Never');
    const written = named(pod, 'app').command?.filter((word) => word.startsWith('--restart-rule'));
    assert.deepEqual(written, ['--restart-rule=In:42', '--restart-rule=all:NotIn:0']);
  });
});

test('W9 a probe whose headers may be secret is not copied into flags: its port must be open', () => {
  const httpHeaders = [{ name: 'Authorization', value: 'Bearer sekret' }];
  const fields = { readinessProbe: { httpGet: { port: 80, path: '/ready', httpHeaders } } };
  assert.equal(ready(fields), 'tcp://:80');
  assert.match(warnings(fields), /headers may be secret/);
  const { operations, warnings: all } = mutation(jobPod(S, [app(), proxy(fields)]));
  assert.equal(JSON.stringify([operations, all]).includes('sekret'), false);
});

test('L5 a container that the kubelet may stop alone has a flag that says so', () => {
  const probed = (fields: object) =>
    named(wrapped(jobPod(S, [app(fields), proxy()])), 'app').command?.includes('--probed');
  assert.equal(probed({}), false);
  assert.equal(probed({ livenessProbe: startupProbe }), true);
  assert.equal(probed({ lifecycle: { postStart: { exec: { command: ['x'] } } } }), true);
  assert.equal(probed({ resizePolicy: [{ resourceName: 'cpu', restartPolicy: 'RestartContainer' }] }), true);
  assert.equal(probed({ resizePolicy: [{ resourceName: 'cpu', restartPolicy: 'NotRequired' }] }), false);
});

test('L7 W6 a sidecar that the kubelet would start again for ever is refused, with the way out', () => {
  const rules = [{ action: 'Restart', exitCodes: { operator: 'In', values: [0] } }];
  for (const own of [{ restartPolicy: 'Always' }, { restartPolicyRules: rules }]) {
    const refused = mutation(jobPod(S, [app(), proxy(own)]));
    assert.equal(refused.reason, 'sidecar-never-ends');
    assert.equal(refused.outcome, 'refused');
    assert.match(refused.message, /Sidecar proxy has restartPolicy.* of its own.*remove it/);
    const forEver = jobPod(S, [app({ restartPolicy: 'Always' }), proxy(own)]);
    assert.equal(mutation(forEver).reason, 'sidecar-never-ends');
  }
  assert.equal(mutation(jobPod(S, [app({ restartPolicy: 'Always' }), proxy()])).outcome, 'wrapped');
});

test('L7 W6 under Always a sidecar of mains that end for good is refused, unless its own policy lets it end', () => {
  const spec = { restartPolicy: 'Always' };
  for (const own of ['Never', 'OnFailure']) {
    const main = app({ restartPolicy: own });
    const refused = mutation(jobPod(S, [main, proxy()], spec));
    assert.deepEqual([refused.outcome, refused.reason], ['refused', 'sidecar-never-ends']);
    assert.match(refused.message, /Sidecar proxy has the pod's restartPolicy: Always.*Never of its own/);
    assert.equal(mutation(jobPod(S, [main, proxy({ restartPolicy: 'Never' })], spec)).outcome, 'wrapped');
    const other = { ...app(), name: 'other' };
    assert.equal(mutation(jobPod(S, [main, other, proxy()], spec)).outcome, 'wrapped');
  }
});
