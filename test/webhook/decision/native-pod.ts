/** Pods under native mode and auto, for the tests. */
import assert from 'node:assert/strict';
import type { Mode } from '../../../webhook/decision/mode.ts';
import { defaultPolicy, type Policy } from '../../../webhook/decision/policy.ts';
import { applied, image, mutation, type TestPod } from './mutated-pod.ts';

export const policy = (mode: Mode, server = 36, more: object = {}): Policy =>
  defaultPolicy({ version: '1.2.3', mode, cluster: { server: server || undefined, ...more } });
export const UNKNOWN = 0;
export const NATIVE = policy('native');
export const AUTO = policy('auto');

/** Mutate a pod that must come out converted, and apply. */
export function converted(pod: TestPod, by: Policy = NATIVE): TestPod {
  const result = mutation(pod, {}, by);
  assert.equal(result.outcome, 'converted', result.message);
  assert.equal(result.mode, 'native');
  return applied(pod, result);
}
const names = (list: readonly { name: string }[] | undefined) => (list ?? []).map(({ name }) => name);
export const lists = ({ spec }: TestPod) => [names(spec.initContainers), names(spec.containers)];
export const warnings = (pod: TestPod, by: Policy = NATIVE) => mutation(pod, {}, by).warnings.join('\n');
export const mode = (pod: TestPod, by: Policy) =>
  mutation(pod, { app: image({ entrypoint: ['/a'] }) }, by).mode;
export const note = (key: string, value: string) => ({ 'curfew.dev/sidecars': 'proxy', [key]: value });
