/** One pod, described once and run three ways: with ordinary sidecars under Curfew, with Kubernetes' own, and with ordinary ones that Curfew turns into those. */
import { type TestContext, test } from 'node:test';
import type { KubernetesObject, V1Container, V1Pod, V1PodSpec } from '@kubernetes/client-node';
import { linesOf, Namespace, type Pod, statusOf } from '../cluster.ts';
import { kubectl, until } from '../kubectl.ts';
import { type PodOptions, pod, sidecars } from '../manifests.ts';
import { minorVersion } from '../version.ts';

/** `curfew`: ordinary containers, rewritten. `native`: restartable init containers, in a namespace without Curfew. */
export type Way = 'curfew' | 'native';

/** The containers of a pod, by what they are. */
export interface Parts {
  /** Init containers that end; both ways run them before the first sidecar. */
  inits?: V1Container[];
  /** In start order. */
  sidecars: V1Container[];
  /** Init containers that natively stand after the sidecars. Under Curfew no init container can: they run before them. */
  lateInits?: V1Container[];
  mains: V1Container[];
}

/** Native sidecars are on by default from this minor version of Kubernetes 1 on. */
const NATIVE_SINCE = 29;

/** The ways that this cluster knows. */
export const WAYS: readonly Way[] = minorVersion() >= NATIVE_SINCE ? ['curfew', 'native'] : ['curfew'];

/** A pod of these parts. Its name, restart policy, grace and the rest are the same both ways. */
export function podOf(way: Way, name: string, parts: Parts, options: PodOptions = {}): V1Pod {
  const { inits = [], lateInits = [] } = parts;
  if (way === 'curfew') {
    const annotations = { ...sidecars(...parts.sidecars.map((item) => item.name)), ...options.annotations };
    const spec: Partial<V1PodSpec> = {
      ...options.spec,
      ...(inits.length + lateInits.length > 0 ? { initContainers: [...inits, ...lateInits] } : {}),
    };
    return pod(name, [...parts.mains, ...parts.sidecars], { ...options, annotations, spec });
  }
  const restartable = parts.sidecars.map((item) => ({ ...item, restartPolicy: 'Always' }));
  return pod(name, parts.mains, {
    ...options,
    spec: { ...options.spec, initContainers: [...inits, ...restartable, ...lateInits] },
  });
}

/** Exit codes of these containers, wherever a way keeps their statuses; undefined where one has not ended. */
export function codesOf(pod: Pod, ...names: string[]): (number | undefined)[] {
  return names.map((name) => statusOf(pod, name)?.state.terminated?.exitCode);
}

/** The output of `steps` in a container's current attempt. It is empty where the container was not started, or waits under Curfew. */
export async function saidSoFar(ns: Namespace, pod: string, container: string): Promise<string[]> {
  const result = await kubectl(['-n', ns.name, 'logs', pod, '-c', container]);
  return linesOf(result.stdout).map((line) => line.text);
}

/** Wait until the kubelet has started a container again so many times. */
export function restarted(ns: Namespace, pod: string, container: string, times = 1): Promise<Pod> {
  return until(`${container} in ${pod} has been started again ${times} times`, async () => {
    const found = await ns.pod(pod);
    return (statusOf(found, container)?.restartCount ?? 0) >= times ? found : undefined;
  });
}

/** The native pod with ordinary sidecars, as its author would write it for Curfew to convert (N2). */
function asOrdinary(object: KubernetesObject): KubernetesObject {
  if (!isPod(object)) return object;
  const { initContainers = [], containers, ...spec } = object.spec;
  const restartable = initContainers.filter(({ restartPolicy }) => restartPolicy === 'Always');
  const ordinary = initContainers.filter((item) => !restartable.includes(item));
  // An init container that stands after a sidecar may use it.
  const firstSidecar = initContainers.findIndex((item) => restartable.includes(item));
  const isBefore = initContainers.slice(firstSidecar).some((item) => ordinary.includes(item));
  const converted: V1Pod = {
    ...object,
    metadata: {
      ...object.metadata,
      annotations: {
        ...object.metadata?.annotations,
        ...sidecars(...restartable.map(({ name }) => name)),
        ...(isBefore ? { 'curfew.dev/sidecars-before': 'init' } : {}),
      },
    },
    spec: {
      ...spec,
      ...(ordinary.length > 0 ? { initContainers: ordinary } : {}),
      containers: [...containers, ...restartable.map(({ restartPolicy: _policy, ...item }) => item)],
    },
  };
  return converted;
}

function isPod(object: KubernetesObject): object is V1Pod & { spec: V1PodSpec } {
  return object.kind === 'Pod' && 'spec' in object;
}

/** Why a pod is not tested converted: Curfew's sidecars stand together, before or after the ordinary init containers. */
export const INTERLEAVED = {
  notConverted: 'ordinary init containers stand on both sides of a sidecar, which no annotation says',
};

/** How a test's title names the way, its namespace's labels, and what is asserted. */
const RUNS = [
  { name: 'curfew', way: 'curfew', label: 'enabled' },
  { name: 'native', way: 'native', label: undefined },
  { name: 'converted', way: 'native', label: 'native' },
] as const;

/**
 * One test for each way that the cluster knows. A pod whose sidecars Curfew turns into native ones must do what one does that has them.
 * @param title begins with the number of its row in docs/conformance.md
 * @param options notConverted: why the pod cannot be written so that Curfew makes it
 */
export function bothWays(
  title: string,
  run: (t: TestContext, ns: Namespace, way: Way) => Promise<void>,
  options: { notConverted?: string } = {},
): void {
  for (const { name, way, label } of RUNS) {
    if (!WAYS.includes(way)) continue;
    const skip = name === 'converted' && options.notConverted;
    test(`${title} (${name})`, { skip }, async (t) => {
      const labels: Record<string, string> = label === undefined ? {} : { 'curfew.dev/injection': label };
      const ns = await Namespace.make(t, `${title.split(' ')[0]?.toLowerCase()}-${name}`, labels);
      if (name === 'converted') ns.prepare = asOrdinary;
      await run(t, ns, way);
    });
  }
}
