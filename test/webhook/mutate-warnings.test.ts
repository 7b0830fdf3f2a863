import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { app, applied, jobPod, mutation, proxy, type TestContainer } from './mutated-pod.ts';

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
    for (const [i, after] of applied(pod, mutation(pod)).spec.containers.entries()) {
      const { command, args, volumeMounts, ...rest } = after;
      const { command: _, ...before } = pod.spec.containers[i] ?? app();
      assert.deepEqual(rest, before);
      assert.ok(command && args && volumeMounts?.length === 2);
    }
  });

  test('W8 a main’s probes', () => {
    const probe = { tcpSocket: { port: 1 } };
    assert.match(
      warnings(app({ livenessProbe: probe }), proxy({ livenessProbe: probe })).join(),
      /^Curfew: main app: its liveness probe counts/,
    );
    assert.match(
      warnings(app({ livenessProbe: probe, startupProbe: probe }), proxy()).join(),
      /startup and liveness probes count/,
    );
  });

  test('W8 a sidecar’s preStop, and not a main’s', () => {
    const preStop = { lifecycle: { preStop: { sleep: { seconds: 1 } } } };
    assert.match(
      warnings(app(preStop), proxy(preStop)).join(),
      /^Curfew: sidecar proxy: its preStop hook[^;]*$/,
    );
  });

  test('W8 a postStart hook before a sidecar that its container waits for', () => {
    assert.match(
      warnings(app(postStart), proxy()).join(),
      /main app: its postStart hook runs before container proxy is created.*list proxy first/,
    );
    assert.match(
      warnings(proxy(), app(postStart)).join(),
      /main app: its postStart hook may run while it still waits/,
    );
    assert.deepEqual(warnings(proxy(postStart), app()), []);
    const order = (sidecars: string) =>
      mutation(
        jobPod({ 'curfew.dev/sidecars': sidecars }, [
          proxy({ name: 'a', ...postStart }),
          proxy({ name: 'b' }),
          app(),
        ]),
      ).warnings;
    assert.deepEqual(order('a, b'), []);
    assert.match(order('b, a').join(), /sidecar a: its postStart hook runs before container b/);
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
