/** Whose word counts for how long the mains wait (L4). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultPolicy } from '../../../webhook/decision/policy.ts';
import { flag, jobPod, mutation, named, wrapped } from './mutated-pod.ts';
import { AUTO, converted, NATIVE } from './native-pod.ts';

const READY = { 'curfew.dev/sidecars': 'proxy', 'ready.curfew.dev/proxy': 'tcp://:1' };
const OWN = { ...READY, 'curfew.dev/start-timeout': '90s' };
const POLICY = defaultPolicy({ version: '1.2.3', startTimeout: 300_000 });

test('L4 a pod without the annotation has the configuration’s start-timeout, and the annotation counts more', () => {
  assert.equal(flag(wrapped(jobPod(READY), {}, POLICY), 'app', 'start-timeout'), '5m');
  assert.equal(flag(wrapped(jobPod(OWN), {}, POLICY), 'app', 'start-timeout'), '1m30s');
  assert.equal(flag(wrapped(jobPod(READY)), 'app', 'start-timeout'), undefined);
});

test('L4 only a main gives up', () => {
  assert.equal(flag(wrapped(jobPod(READY), {}, POLICY), 'proxy', 'start-timeout'), undefined);
});

test('L4 N3 natively the configuration’s start-timeout is the number of tries', () => {
  const tries = (annotations: Record<string, string>) =>
    named(converted(jobPod(annotations), { ...NATIVE, startTimeout: 300_000 }), 'proxy').startupProbe;
  assert.equal(Object(tries(READY)).failureThreshold, 300);
  assert.equal(Object(tries(OWN)).failureThreshold, 90);
});

test('L4 N4 N7 the configuration’s start-timeout is no loss for which auto takes the shim, as the pod’s own is', () => {
  const policy = { ...AUTO, startTimeout: 300_000 };
  const known = { 'curfew.dev/sidecars': 'proxy', 'ready.curfew.dev/proxy': 'exec: true' };
  assert.equal(mutation(jobPod(known), {}, policy).mode, 'native');
  assert.deepEqual(mutation(jobPod(known), {}, policy).warnings, []);
  assert.equal(mutation(jobPod({ ...known, 'curfew.dev/start-timeout': '5m' }), {}, policy).mode, 'shim');
});
