/** Pods for the mutation's tests, and what comes out when the patch is applied as the API server would. */
import assert from 'node:assert/strict';
import fastJsonPatch from 'fast-json-patch';
import type { ImageAnswer, ImageConfig } from '../../../webhook/decision/images.ts';
import { type Mutation, mutate } from '../../../webhook/decision/mutate.ts';
import { defaultPolicy, type Policy } from '../../../webhook/decision/policy.ts';

export const POLICY: Policy = defaultPolicy({ version: '1.2.3' });

/** The fields of a container that tests read; any other may be there. */
export interface TestContainer {
  name: string;
  image?: string;
  command?: string[];
  args?: string[];
  volumeMounts?: { name: string; mountPath: string; readOnly?: boolean }[];
  [key: string]: unknown;
}

export interface TestPod {
  metadata: { annotations?: Record<string, string>; labels?: Record<string, string>; [key: string]: unknown };
  spec: {
    containers: TestContainer[];
    initContainers?: TestContainer[];
    volumes?: { name: string; [key: string]: unknown }[];
    [key: string]: unknown;
  };
  [key: string]: unknown;
}

export const app = (more: object = {}): TestContainer => ({
  name: 'app',
  image: 'app:1',
  command: ['migrate'],
  ...more,
});
export const proxy = (more: object = {}): TestContainer => ({
  name: 'proxy',
  image: 'proxy:1',
  command: ['/proxy'],
  ...more,
});

/** A Job's pod with a main `app` and a sidecar `proxy`. */
export function jobPod(
  annotations: Record<string, string> = { 'curfew.dev/sidecars': 'proxy' },
  containers: TestContainer[] = [app(), proxy()],
  spec: object = {},
): TestPod {
  return { metadata: { name: 'job', annotations }, spec: { restartPolicy: 'Never', containers, ...spec } };
}

export function image(config: Partial<ImageConfig>): ImageAnswer {
  return { ok: true, config: { entrypoint: [], cmd: [], ...config } };
}

/** Mutate, and see that the input stays as it was. */
export function mutation(pod: unknown, images: Record<string, ImageAnswer> = {}, policy = POLICY): Mutation {
  const before = JSON.stringify(pod);
  const result = mutate(pod, policy, new Map(Object.entries(images)));
  assert.equal(JSON.stringify(pod), before, 'the pod that came in was changed');
  return result;
}

/** The pod that the API server would store: the patch passes its validation (W2). */
export function applied<T>(pod: T, { operations }: Mutation): T {
  return fastJsonPatch.applyPatch(pod, structuredClone(operations), true, false).newDocument;
}

/** The pod after one run of ours, whatever that makes of it. */
export function afterRun(pod: TestPod): TestPod {
  return applied(pod, mutation(pod));
}

/** Mutate a pod that must come out wrapped, and apply. */
export function wrapped(pod: TestPod, images: Record<string, ImageAnswer> = {}, policy = POLICY): TestPod {
  const result = mutation(pod, images, policy);
  assert.equal(result.outcome, 'wrapped', result.message);
  return applied(pod, result);
}

/** A container of a pod by its name. */
export function named(pod: TestPod, name: string): TestContainer {
  const found = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])].find(
    (item) => item.name === name,
  );
  assert.ok(found, `no container ${name}`);
  return found;
}

/** The value of a shim flag in a wrapped container's command. */
export function flag(pod: TestPod, container: string, name: string): string | undefined {
  const prefix = `--${name}=`;
  return named(pod, container)
    .command?.find((word) => word.startsWith(prefix))
    ?.slice(prefix.length);
}
