import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { app, applied, jobPod, mutation, named, proxy, type TestContainer } from './mutated-pod.ts';

const S = { 'curfew.dev/sidecars': 'proxy' };
const postStart = { lifecycle: { postStart: { exec: { command: ['x'] } } } };
const warnings = (...containers: TestContainer[]) => mutation(jobPod(S, containers)).warnings;

describe('W8 hooks and probes whose meaning changes', () => {
  test('W8 a plain pod gives none', () => assert.deepEqual(warnings(app(), proxy()), []));

  test('W8 every other field of a wrapped container stays as it was', () => {
    const fields = {
      env: [{ name: 'A', value: 'b' }],
      envFrom: [{ secretRef: { name: 's' } }],
      ports: [{ containerPort: 80 }],
      resources: { limits: { cpu: '1' } },
      securityContext: { runAsUser: 1 },
      livenessProbe: { exec: { command: ['a'] } },
      readinessProbe: { httpGet: { port: 80 } },
      startupProbe: { tcpSocket: { port: 80 } },
      lifecycle: { postStart: { exec: { command: ['b'] } }, preStop: { exec: { command: ['c'] } } },
      stdin: true,
      tty: true,
      workingDir: '/w',
      terminationMessagePath: '/t',
      volumeDevices: [{ name: 'd', devicePath: '/dev/d' }],
    };
    const pod = jobPod(S, [app(fields), proxy(fields)]);
    for (const after of applied(pod, mutation(pod)).spec.containers) {
      // Of the main, which waits, the startup probe is asked through the shim (L18).
      const { command, args, volumeMounts, ...rest } =
        after.name === 'app' ? { ...after, startupProbe: fields.startupProbe } : after;
      const { command: _, ...before } = named(pod, after.name);
      assert.deepEqual(rest, before);
      assert.ok(command && args && volumeMounts?.length === 2);
    }
  });

  const grpc = { grpc: { port: 1 } };

  test('W8 L18 a startup probe that the shim cannot ask, and no other probe of a main', () => {
    const probe = { tcpSocket: { port: 1 } };
    const probed = app({ livenessProbe: probe, readinessProbe: probe, startupProbe: probe });
    assert.deepEqual(warnings(probed, proxy({ livenessProbe: probe })), []);
    for (const startupProbe of [
      grpc,
      { httpGet: { port: 1, scheme: 'HTTPS' } },
      { httpGet: { port: 1, httpHeaders: [{ name: 'Authorization', value: 'x' }] } },
    ])
      assert.match(
        warnings(app({ startupProbe }), proxy()).join(),
        /^Curfew: main app: its startup probe counts already .* cannot ask it/,
      );
  });

  const queued = (fields: object, pod: object = {}, sidecars = 'proxy, second') =>
    mutation(
      jobPod(
        { 'curfew.dev/sidecars': sidecars },
        [app(), proxy(), proxy({ name: 'second', ...fields })],
        pod,
      ),
    ).warnings.filter((text) => text.includes('waits for its turn'));
  const startup = (fields: object) => ({ startupProbe: { ...grpc, ...fields } });

  test('W8 L1 L18 a startup probe that stops a sidecar for good while it waits for its turn', () => {
    const fields = { initialDelaySeconds: 5, periodSeconds: 1, failureThreshold: 3 };
    assert.deepEqual(queued(startup(fields)), [
      'Curfew: sidecar second: its startup probe, which the shim cannot ask, counts already while it waits for its turn, and stops it for good ' +
        '(restartPolicy Never) if that takes more than 7s: give it a longer initialDelaySeconds',
    ]);
    // As the API server reads zeros.
    assert.match(queued(startup({ periodSeconds: 0, failureThreshold: 0 })).join(), /more than 20s/);
    assert.match(
      queued({ ...startup({}), restartPolicy: 'Never' }, { restartPolicy: 'OnFailure' }).join(),
      /second/,
    );
  });

  test('W8 L1 none where it is the first, where the kubelet starts it again, and where the probe leaves minutes', () => {
    assert.deepEqual(queued(startup({}), {}, 'second, proxy'), []);
    assert.deepEqual(queued({ livenessProbe: grpc }), []);
    for (const restartPolicy of ['OnFailure', 'Always'])
      assert.deepEqual(queued(startup({}), { restartPolicy }), []);
    assert.deepEqual(queued({ ...startup({}), restartPolicy: 'OnFailure' }), []);
    assert.deepEqual(queued(startup({ periodSeconds: 1, failureThreshold: 301 })), []);
    assert.match(queued(startup({ periodSeconds: 1, failureThreshold: 300 })).join(), /more than 299s/);
  });

  test('W8 a sidecar’s preStop, and not a main’s', () => {
    const preStop = { lifecycle: { preStop: { sleep: { seconds: 1 } } } };
    assert.match(
      warnings(app(preStop), proxy(preStop)).join(),
      /^Curfew: sidecar proxy: its preStop hook[^;]*$/,
    );
  });

  test('W8 warnings are short, few and printable', () => {
    const long = Array.from({ length: 40 }, (_, i) => app({ name: `${'a'.repeat(58)}-${i}`, ...postStart }));
    const said = warnings(...long, proxy({ name: 'proxy' }));
    assert.ok(said.length <= 12);
    for (const text of said) assert.ok(text.length <= 256);
    assert.match(said.at(-1) ?? '', /and \d+ more warnings/);
    assert.ok(said.join('').length < 4096);
  });
});

describe('W8 L1 a sidecar whose readinessProbe is answered by a container that waits for it', () => {
  const ports = [{ containerPort: 8080 }];
  const probed = (probe: object, more: object = {}, main: object = { ports }, annotations: object = {}) =>
    mutation(jobPod({ ...S, ...annotations }, [app(main), proxy({ readinessProbe: probe, ...more })]))
      .warnings;
  const tcp = { tcpSocket: { port: 8080 } };
  const circle = /^Curfew: sidecar proxy: its readinessProbe asks port 8080, which main app declares/;

  test('W8 L1 a main: the container, the port and the way out are named', () => {
    assert.deepEqual(probed(tcp), [
      'Curfew: sidecar proxy: its readinessProbe asks port 8080, which main app declares: ' +
        'if nobody else opens it before proxy is ready, both wait for ever; set ready.curfew.dev/proxy: none',
    ]);
    for (const probe of [
      { httpGet: { port: '8080', path: '/' } },
      { httpGet: { port: 8080, host: '127.0.0.1' } },
      { tcpSocket: { port: 8080, host: '::1' } },
    ])
      assert.match(probed(probe).join(), circle);
    assert.match(probed({ grpc: { port: 8080 } }).at(-1) ?? '', circle);
  });

  test('W8 L1 a sidecar that comes later, and not one that came before', () => {
    const both = (sidecars: string) =>
      mutation(
        jobPod({ 'curfew.dev/sidecars': sidecars }, [
          app(),
          proxy({ readinessProbe: tcp }),
          proxy({ name: 'behind', ports }),
        ]),
      ).warnings;
    assert.match(both('proxy, behind').join(), /port 8080, which sidecar behind declares/);
    assert.deepEqual(both('behind, proxy'), []);
  });

  test('W8 L1 none where the sidecar has the port itself, where the main has another, or where something else is asked', () => {
    assert.deepEqual(probed(tcp, { ports }), []);
    assert.deepEqual(probed({ httpGet: { port: 'web' } }, { ports: [{ ...ports[0], name: 'web' }] }), []);
    assert.deepEqual(probed(tcp, {}, { ports: [{ containerPort: 80 }] }), []);
    assert.deepEqual(probed(tcp, {}, { ports: [{ containerPort: 8080, protocol: 'UDP' }] }), []);
    assert.deepEqual(probed(tcp, {}, {}), []);
    assert.deepEqual(probed({ exec: { command: ['x'] } }), []);
    assert.deepEqual(probed({ tcpSocket: { port: 8080, host: '10.0.0.1' } }), []);
    assert.deepEqual(probed(tcp, { startupProbe: { exec: { command: ['x'] } } }), []);
    for (const ready of ['none', 'tcp://:8080'])
      assert.deepEqual(probed(tcp, {}, { ports }, { 'ready.curfew.dev/proxy': ready }), []);
    const istio = proxy({ name: 'istio-proxy', image: 'istio/proxyv2', readinessProbe: tcp });
    assert.deepEqual(mutation(jobPod({}, [app({ ports }), istio])).warnings, []);
  });
});

test('W6 an image look-up’s message comes out as one printable line', () => {
  const answer = { ok: false, reason: 'image-not-found', message: 'no\n\u001b[31mimage' } as const;
  const { message } = mutation(jobPod(S, [app({ command: undefined }), proxy()]), { app: answer });
  assert.equal(message, 'No  [31mimage.');
});

test('W9 env values, secrets’ names and commands are in no message', () => {
  const env = [{ name: 'TOKEN', value: 's3cret' }];
  const container = (make: typeof app) => make({ env, command: ['run', '--token=s3cret'], ...postStart });
  for (const annotations of [S, { ...S, 'curfew.dev/typo': 'x' }, {}]) {
    const { message, warnings: said } = mutation(jobPod(annotations, [container(app), container(proxy)]));
    assert.doesNotMatch(JSON.stringify([message, said]), /s3cret/);
  }
});
