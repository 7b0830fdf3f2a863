import { isRecord, type JsonRecord, member } from './json.ts';
import type { PodView } from './pod.ts';
import type { Policy } from './policy.ts';
import { formatCpu, formatMemory, parseQuantity } from './quantity.ts';
import { INSTALL_CONTAINER } from './vocabulary.ts';

export type ResourceName = 'cpu' | 'memory';
export const RESOURCE_NAMES: readonly ResourceName[] = ['cpu', 'memory'];

type Amounts = Partial<Record<ResourceName, string>>;

/** The init container's `resources`, without empty parts. */
export interface InstallResources {
  requests?: Amounts;
  limits?: Amounts;
}

/**
 * The init container's requests and limits (W4): the policy's, so that nothing about the pod changes.
 *
 * - Scheduling and quota: an init container counts by max(it, sum of the containers), so each amount is at most the sum
 *   over the pod's regular containers. What none of them sets is not set here either: where a ResourceQuota or LimitRange
 *   demands an amount, every container has it by the time a webhook is asked.
 * - QoS class, which counts init containers too: a pod without any amount stays BestEffort, because nothing is set; a pod
 *   whose containers all have requests equal to limits stays Guaranteed, because the request is raised to the limit here
 *   too; every other pod is Burstable already.
 * - Pod-level `spec.resources` (newer Kubernetes) bound their containers' sums, so this stays within them as well.
 */
export function installResources(pod: PodView, policy: Policy): InstallResources {
  const guaranteed = isGuaranteed(pod);
  const requests: Amounts = {};
  const limits: Amounts = {};
  for (const name of RESOURCE_NAMES) {
    const mostLimit = sum(pod, (container) => amount(container, 'limits', name));
    // The API server makes a limit the request where none is given.
    const mostRequest = sum(
      pod,
      (container) => amount(container, 'requests', name) ?? amount(container, 'limits', name),
    );
    const limit = atMost(policy.shim.resources.limits[name], mostLimit, name);
    if (limit !== undefined) limits[name] = limit;
    const request = guaranteed
      ? limit
      : atMost(policy.shim.resources.requests[name], least(mostRequest, parseQuantity(limit)), name);
    if (request !== undefined) requests[name] = request;
  }
  return {
    ...(Object.keys(requests).length > 0 ? { requests } : {}),
    ...(Object.keys(limits).length > 0 ? { limits } : {}),
  };
}

/** Every container, our own init container aside, has requests equal to limits for cpu and memory. */
function isGuaranteed(pod: PodView): boolean {
  const all = [
    ...pod.containers,
    ...pod.initContainers.filter((container) => container.name !== INSTALL_CONTAINER),
  ];
  return all.every(({ raw }) =>
    RESOURCE_NAMES.every((name) => {
      const limit = amount(raw, 'limits', name);
      return limit !== undefined && limit > 0 && (amount(raw, 'requests', name) ?? limit) === limit;
    }),
  );
}

function amount(container: JsonRecord, kind: 'requests' | 'limits', name: ResourceName): number | undefined {
  const resources = member(container, 'resources');
  const amounts = isRecord(resources) ? member(resources, kind) : undefined;
  return isRecord(amounts) ? parseQuantity(member(amounts, name)) : undefined;
}

function sum(pod: PodView, of: (container: JsonRecord) => number | undefined): number | undefined {
  let total: number | undefined;
  for (const { raw } of pod.containers) {
    const value = of(raw);
    if (value !== undefined) total = (total ?? 0) + value;
  }
  return total;
}

function atMost(wanted: string, most: number | undefined, name: ResourceName): string | undefined {
  if (most === undefined) return undefined;
  if ((parseQuantity(wanted) ?? 0) <= most) return wanted;
  return name === 'cpu' ? formatCpu(most) : formatMemory(most);
}

function least(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined ? undefined : b === undefined ? a : Math.min(a, b);
}
