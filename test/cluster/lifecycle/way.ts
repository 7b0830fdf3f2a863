/** One pod, described once and run two ways: with ordinary sidecars under Curfew, and with Kubernetes' own. */
import { type TestContext, test } from 'node:test';
import type { V1Container, V1Pod, V1PodSpec } from '@kubernetes/client-node';
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

/**
 * One test for each way that the cluster knows.
 * @param title begins with the number of its row in docs/conformance.md
 */
export function bothWays(
  title: string,
  run: (t: TestContext, ns: Namespace, way: Way) => Promise<void>,
): void {
  for (const way of WAYS) {
    test(`${title} (${way})`, async (t) => {
      const labels = way === 'curfew' ? { 'curfew.dev/injection': 'enabled' } : {};
      await run(t, await Namespace.make(t, `${title.split(' ')[0]?.toLowerCase()}-${way}`, labels), way);
    });
  }
}
