import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { app, flag, jobPod, mutation, proxy, wrapped } from './mutated-pod.ts';

describe('L6, L12 the grace period', () => {
  const cases: [number | undefined, string | undefined][] = [
    [undefined, undefined],
    [30, undefined],
    [3_600, '1h'],
    [2, '2s'],
    [1, '1s'],
    [0, '1s'],
    [-5, '1s'],
  ];
  for (const [seconds, text] of cases)
    test(`L6, L12 terminationGracePeriodSeconds ${seconds}: a sidecar has ${text ?? 'the default'}, as the kubelet gives it`, () => {
      const pod = wrapped(jobPod(undefined, undefined, { terminationGracePeriodSeconds: seconds }));
      for (const name of ['app', 'proxy']) assert.equal(flag(pod, name, 'grace'), text);
      assert.equal(pod.spec.terminationGracePeriodSeconds, seconds);
    });
});

describe('L13 a pod whose containers may all be restarted', () => {
  const restartPolicyRules = [
    { action: 'RestartAllContainers', exitCodes: { operator: 'In', values: [42] } },
  ];
  const ruled = { restartPolicy: 'Never', restartPolicyRules };
  const graceOf = (containers = [app(), proxy()], spec: object = {}) =>
    flag(wrapped(jobPod(undefined, containers, spec)), 'proxy', 'alone-grace');

  test('L13 a sidecar knows that the kubelet may stop it alone, with 2 s, whoever has the rule', () => {
    assert.equal(graceOf(), undefined);
    assert.equal(graceOf([app(ruled), proxy()]), '2s,30s');
    assert.equal(graceOf([app(), proxy(ruled)]), '2s,30s');
    const initContainers = [{ name: 'setup', image: 'setup:1', ...ruled }];
    assert.equal(graceOf(undefined, { initContainers }), '2s,30s');
    const main = wrapped(jobPod(undefined, [app(ruled), proxy()]));
    assert.equal(flag(main, 'app', 'alone-grace'), undefined, 'a main passes each TERM on at once');
  });

  test('L13 a shorter grace period of the pod or of a probe stays the shortest', () => {
    assert.equal(graceOf([app(ruled), proxy()], { terminationGracePeriodSeconds: 1 }), undefined);
    const livenessProbe = { tcpSocket: { port: 80 }, terminationGracePeriodSeconds: 1 };
    assert.equal(graceOf([app(ruled), proxy({ livenessProbe })]), '1s,30s');
  });

  test('L13 a rule that restarts its own container alone changes nothing', () => {
    const own = {
      ...ruled,
      restartPolicyRules: restartPolicyRules.map((rule) => ({ ...rule, action: 'Restart' })),
    };
    assert.equal(graceOf([app(own), proxy()]), undefined);
  });
});

test('V4 a stop-timeout longer than the grace period gets a warning, because the grace period ends the process before', () => {
  const told = (timeout: string, seconds?: number) =>
    mutation(
      jobPod({ 'curfew.dev/sidecars': 'proxy', 'stop-timeout.curfew.dev/proxy': timeout }, undefined, {
        terminationGracePeriodSeconds: seconds,
      }),
    ).warnings;
  assert.deepEqual(told('31s'), [
    "Curfew: annotation stop-timeout.curfew.dev/proxy is longer than the pod's terminationGracePeriodSeconds (30), which ends its process before: raise that",
  ]);
  assert.deepEqual([...told('30s'), ...told('2m', 120), ...told('20s')], []);
  assert.equal(told('121s', 120).length, 1);
});
