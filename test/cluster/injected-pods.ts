/**
 * The output of Istio's, Linkerd's and Vault's injectors (test/webhook/decision/injectors) with images that this node has: their programs are
 * stand-ins (images/injectors), and the pods' own containers run steps. Everything else is the injectors' output.
 */
import assert from 'node:assert/strict';
import { type InjectorOutput, injectorOutput } from '../webhook/decision/injector-output.ts';
import type { TestContainer, TestPod } from '../webhook/decision/mutated-pod.ts';
import type { Namespace, Pod } from './cluster.ts';
import { mustKubectl } from './kubectl.ts';
import { NOT_ASKED } from './second-webhook.ts';

const STAND_INS: readonly [RegExp, string][] = [
  [/^docker\.io\/istio\/proxyv2:.*/, 'localhost/istio/proxyv2:1'],
  [/^cr\.l5d\.io\/linkerd\/proxy:.*/, 'localhost/linkerd/proxy:1'],
  [/^hashicorp\/vault:.*/, 'localhost/hashicorp/vault:1'],
];

/** The steps of the pod's own containers, by name. */
export type Roles = Record<string, Partial<TestContainer>>;

/** A list of steps as a container's image and command. */
export function doing(list: string): Partial<TestContainer> {
  return { image: 'localhost/steps:1', command: ['/steps', ...list.split(' ')], args: [] };
}

/** One of the outputs, with images that exist here. */
export function runnable(
  name: string,
  roles: Roles,
  annotations: Record<string, string> = {},
): InjectorOutput {
  const output = injectorOutput(name);
  const replace = (one: TestContainer) => {
    Object.assign(one, roles[one.name]);
    for (const [real, standIn] of STAND_INS) one.image = one.image?.replace(real, standIn) ?? '';
  };
  const here = (pod: TestPod): TestPod => {
    allOf(pod).forEach(replace);
    const { namespace: _, ...metadata } = pod.metadata;
    return { ...pod, metadata: { ...metadata, annotations: { ...metadata.annotations, ...annotations } } };
  };
  return {
    ...output,
    after: () => here(output.after()),
    before: () => here(output.before()),
    inject: (pod) => {
      const present = new Set(allOf(pod).map((one) => one.name));
      const injected = output.inject(pod);
      for (const one of allOf(injected)) if (!present.has(one.name)) replace(one);
      return injected;
    },
  };
}

function allOf({ spec }: TestPod): TestContainer[] {
  return [...spec.containers, ...(spec.initContainers ?? [])];
}

/** Create a Job `work` of such pods; a failed one is not tried again. */
export async function createJob(ns: Namespace, { metadata, spec }: TestPod): Promise<void> {
  const { annotations = {}, labels = {} } = metadata;
  const job = {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name: 'work' },
    spec: { backoffLimit: 0, template: { metadata: { annotations, labels }, spec } },
  };
  await mustKubectl(['-n', ns.name, 'create', '-f', '-'], JSON.stringify(job));
}

/** The one pod of that Job. */
export async function onlyPodOf(ns: Namespace): Promise<Pod> {
  const [pod, ...more] = await ns.podsOf('work');
  assert.ok(pod !== undefined && more.length === 0, `${more.length + 1} pods`);
  return pod;
}

/** The pod after one call of Curfew alone, in a namespace whose other pods go through both webhooks. */
export function onceOver(ns: Namespace, { metadata, spec }: TestPod): Promise<Pod> {
  const { annotations = {}, labels = {} } = metadata;
  return ns.dryRun({
    metadata: { name: 'once', annotations, labels: { ...labels, [NOT_ASKED]: 'yes' } },
    spec,
  });
}

/** W3: Curfew has changed two pods in the same way, and their annotations are equal. */
export function assertAsOneRun(stored: Pod, once: Pod): void {
  assert.deepEqual(ours(stored), ours(once));
}

function ours({ metadata, spec }: Pod) {
  return {
    status: metadata.annotations['curfew.dev/status'],
    initContainers: spec.initContainers,
    containers: spec.containers,
  };
}
