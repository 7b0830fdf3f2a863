import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { app, applied, flag, jobPod, mutation, named, proxy, type TestPod } from './mutated-pod.ts';

const S = { 'curfew.dev/sidecars': 'proxy, second' };
const tcp = { tcpSocket: { port: 5432 } };
const SHIM = '/curfew/bin/curfew-shim';
const YEAR = 31_536_000;

const podOf = (main: object, second: object = {}, first: object = {}): TestPod =>
  jobPod(S, [app(main), proxy(first), proxy({ name: 'second', ...second })]);
const wrap = (pod: TestPod) => applied(pod, mutation(pod));
const gateOf = (pod: TestPod, name = 'app') => named(wrap(pod), name).startupProbe;

describe('L18 probes count from the start of the command', () => {
  test('L18 a liveness probe without a startup probe gets one that ends when the command has run for its delay', () => {
    const gate = (...flags: string[]) => ({
      exec: { command: [SHIM, 'started', '--name=app', ...flags] },
      ...{ periodSeconds: 1, successThreshold: 1, failureThreshold: 3, timeoutSeconds: YEAR },
    });
    assert.deepEqual(
      gateOf(podOf({ livenessProbe: { ...tcp, initialDelaySeconds: 10 } })),
      gate('--for=10s'),
    );
    assert.deepEqual(gateOf(podOf({ livenessProbe: tcp })), gate());
  });

  test('L18 a startup probe is asked through the shim, with the author’s own times', () => {
    const times = { periodSeconds: 2, failureThreshold: 30, terminationGracePeriodSeconds: 5 };
    const asked = (handler: object, more: object = {}) =>
      gateOf(
        podOf({ ...more, startupProbe: { ...handler, ...times, initialDelaySeconds: 3, timeoutSeconds: 4 } }),
      );
    const gate = (...flags: string[]) => ({
      exec: { command: [SHIM, 'started', '--name=app', '--for=3s', ...flags, '--ready-timeout=4s'] },
      ...times,
      timeoutSeconds: YEAR,
    });
    assert.deepEqual(asked(tcp), gate('--ready=tcp://:5432'));
    assert.deepEqual(
      asked(
        { httpGet: { port: 'web', path: '/up', httpHeaders: [{ name: 'X', value: 'y' }] } },
        { ports: [{ name: 'web', containerPort: 80 }] },
      ),
      gate('--ready=http://:80/up', '--ready-header=X: y'),
    );
    assert.deepEqual(
      asked({ exec: { command: ['pg_isready', '-q'] } }),
      gate('--ready=exec:["pg_isready","-q"]'),
    );
  });

  test('L18 variables of an exec probe stand for what they stood for', () => {
    const env = [{ name: 'KNOWN', value: 'v' }];
    const probe = { exec: { command: ['sh', '-c', '$(KNOWN) $(OTHER) $$(KNOWN)'] } };
    const { exec } = gateOf(podOf({ env, startupProbe: probe })) as { exec: { command: string[] } };
    assert.equal(exec.command.at(-1), '--ready=exec:["sh","-c","$(KNOWN) $$(OTHER) $$(KNOWN)"]');
  });

  test('L18 a sidecar that waits for another has one, the first and containers without such probes have none', () => {
    const pod = podOf(
      { readinessProbe: tcp },
      { livenessProbe: tcp },
      { livenessProbe: tcp, startupProbe: tcp },
    );
    assert.equal(gateOf(pod), undefined);
    assert.deepEqual(gateOf(pod, 'proxy'), tcp);
    assert.match(JSON.stringify(gateOf(pod, 'second')), /"started","--name=second"/);
  });

  test('L18 W9 a probe that the shim cannot ask, or whose headers look secret, stays', () => {
    for (const startupProbe of [
      { grpc: { port: 1 } },
      { httpGet: { port: 1, scheme: 'HTTPS' } },
      { httpGet: { port: 1, host: 'example.com' } },
      { httpGet: { port: 1, httpHeaders: [{ name: 'Authorization', value: 'x' }] } },
      { httpGet: { port: 'missing' } },
    ])
      assert.deepEqual(gateOf(podOf({ startupProbe, livenessProbe: tcp })), startupProbe);
  });

  test('L18 L1 the sidecar’s own condition is still its author’s', () => {
    const pod = podOf({}, { startupProbe: tcp });
    assert.equal(flag(wrap(pod), 'second', 'ready'), 'tcp://:5432');
    const again = wrap(wrap(pod));
    assert.equal(flag(again, 'second', 'ready'), 'tcp://:5432');
  });

  test('L18 W3 run twice nothing changes, and a pod that is not to be wrapped any more has its own probe back', () => {
    for (const fields of [{ livenessProbe: tcp }, { startupProbe: { ...tcp, periodSeconds: 7 } }]) {
      const pod = podOf(fields);
      const once = wrap(pod);
      assert.deepEqual(mutation(once).operations, []);
      const out = { ...once, metadata: { ...once.metadata, labels: { 'curfew.dev/inject': 'false' } } };
      const { startupProbe } = named(wrap(out), 'app');
      assert.deepEqual(startupProbe, pod.spec.containers[0]?.startupProbe);
    }
  });

  test('L18 W3 a startup probe that another webhook put in the place of ours is the container’s own', () => {
    const once = wrap(podOf({ startupProbe: tcp }));
    named(once, 'app').startupProbe = { exec: { command: ['true'] } };
    assert.match(JSON.stringify(gateOf(once)), /--ready=exec:\[\\"true\\"\]/);
  });

  test('L18 W3 a probe through the shim without the annotation that keeps its own is refused', () => {
    const once = wrap(podOf({ startupProbe: tcp }));
    delete once.metadata.annotations?.['curfew.dev/status'];
    const { outcome, reason, message } = mutation(once);
    assert.deepEqual([outcome, reason], ['refused', 'half-wrapped']);
    assert.match(message, /startupProbe/);
    const added = wrap(podOf({ livenessProbe: tcp }));
    delete added.metadata.annotations?.['curfew.dev/status'];
    assert.equal(mutation(added).outcome, 'wrapped');
  });
});

describe('L13 a grace period that a probe has for itself', () => {
  const graceOf = (fields: object, pod: object = {}) =>
    flag(
      applied2(jobPod({ 'curfew.dev/sidecars': 'proxy' }, [app(), proxy(fields)], pod)),
      'proxy',
      'alone-grace',
    );
  const applied2 = (pod: TestPod) => applied(pod, mutation(pod));
  const liveness = (terminationGracePeriodSeconds?: number) => ({
    livenessProbe: { ...tcp, terminationGracePeriodSeconds },
  });

  test('L13 the shortest and the longest that a stop of this container alone can leave it', () => {
    assert.equal(graceOf(liveness(1)), '1s');
    assert.equal(graceOf(liveness(60)), '1m');
    assert.equal(graceOf(liveness(30)), undefined);
    assert.equal(graceOf(liveness()), undefined);
    assert.equal(
      graceOf({ ...liveness(1), startupProbe: { ...tcp, terminationGracePeriodSeconds: 90 } }),
      '1s,1m30s',
    );
    assert.equal(graceOf({ ...liveness(1), startupProbe: tcp }), '1s,30s');
    assert.equal(
      graceOf({ ...liveness(1), lifecycle: { postStart: { exec: { command: ['x'] } } } }),
      '1s,30s',
    );
    assert.equal(graceOf(liveness(10), { terminationGracePeriodSeconds: 10 }), undefined);
    assert.equal(graceOf({}), undefined);
  });
});
