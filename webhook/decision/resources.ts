import { isRecord, type JsonRecord, member } from '../shared/json.ts';
import { formatCpu, formatMemory, parseQuantity } from '../shared/quantity.ts';
import type { PodView } from './pod.ts';
import type { Policy } from './policy.ts';
import { INSTALL_CONTAINER } from './vocabulary.ts';

type ResourceName = 'cpu' | 'memory';
const RESOURCE_NAMES: readonly ResourceName[] = ['cpu', 'memory'];

/** The init container's `resources`, without empty parts. */
export interface InstallResources {
  requests?: Partial<Record<ResourceName, string>>;
  limits?: Partial<Record<ResourceName, string>>;
}

/**
 * The init container's requests and limits (W4): the policy's, so that nothing about the pod changes.
 *
 * - Scheduling and quota: an init container counts by max(it, sum of the containers), so each amount is at most the sum
 *   over the pod's regular containers. An amount that none of them sets is not set here either: where a ResourceQuota or
 *   LimitRange demands one, every container has it by the time a webhook is asked.
 * - QoS class, which counts init containers too: a pod without any amount stays BestEffort, because nothing is set; a pod
 *   whose containers all have requests equal to limits stays Guaranteed, because the request is raised to the limit here
 *   too; every other pod is Burstable already.
 * - Pod-level `spec.resources` (Kubernetes 1.34): the API server refuses a pod in which one container's limit is above the pod's own, or
 *   the requests together are above its requests. The limits together may be, so each amount is at most the pod's own, too. Where only the pod sets an
 *   amount, none is set here: its control group bounds this container as well, its class is the pod's, and no quota asks for more.
 */
export function installResources(pod: PodView, policy: Policy): InstallResources {
  const containers = pod.containers.map(({ raw }) => amountsOf(raw));
  // The class counts the pod's own init containers too, but not ours from an earlier run, whose amounts are decided here.
  const guaranteed =
    containers.every(isGuaranteed) &&
    pod.initContainers.every(({ name, raw }) => name === INSTALL_CONTAINER || isGuaranteed(amountsOf(raw)));
  const own = amountsOf(pod.spec);
  const requests: Partial<Record<ResourceName, string>> = {};
  const limits: Partial<Record<ResourceName, string>> = {};
  for (const name of RESOURCE_NAMES) {
    const limit = atMost(
      policy.shim.resources.limits[name],
      least(sum(containers, name, 'limit'), own[name].limit),
      name,
    );
    const most = least(least(sum(containers, name, 'request'), own[name].request), limit?.amount);
    const request = guaranteed ? limit : atMost(policy.shim.resources.requests[name], most, name);
    if (limit !== undefined) limits[name] = limit.text;
    if (request !== undefined) requests[name] = request.text;
  }
  return {
    ...(hasAny(requests) ? { requests } : {}),
    ...(hasAny(limits) ? { limits } : {}),
  };
}

/** A container's, or the pod's own, request and limit of one resource. */
interface Amount {
  request: number | undefined;
  limit: number | undefined;
}

type ContainerAmounts = Record<ResourceName, Amount>;

function amountsOf(container: JsonRecord): ContainerAmounts {
  const resources = member(container, 'resources');
  if (!isRecord(resources)) return NOTHING;
  const requests = member(resources, 'requests');
  const limits = member(resources, 'limits');
  const amount = (name: ResourceName): Amount => {
    const limit = isRecord(limits) ? parseQuantity(member(limits, name)) : undefined;
    // The API server makes a limit the request where none is given.
    return {
      limit,
      request: (isRecord(requests) ? parseQuantity(member(requests, name)) : undefined) ?? limit,
    };
  };
  return { cpu: amount('cpu'), memory: amount('memory') };
}

const UNSET: Amount = { request: undefined, limit: undefined };
const NOTHING: ContainerAmounts = { cpu: UNSET, memory: UNSET };

function isGuaranteed(amounts: ContainerAmounts): boolean {
  return RESOURCE_NAMES.every((name) => {
    const { request, limit } = amounts[name];
    return limit !== undefined && limit > 0 && request === limit;
  });
}

/** Over the containers that set it; undefined where none does. */
function sum(
  containers: readonly ContainerAmounts[],
  name: ResourceName,
  kind: keyof Amount,
): number | undefined {
  let total: number | undefined;
  for (const amounts of containers) {
    const value = amounts[name][kind];
    if (value !== undefined) total = (total ?? 0) + value;
  }
  return total;
}

/** A chosen amount, as it is written and as it counts. */
interface Chosen {
  text: string;
  amount: number;
}

function atMost(wanted: string, most: number | undefined, name: ResourceName): Chosen | undefined {
  if (most === undefined) return undefined;
  const amount = parseQuantity(wanted) ?? 0;
  if (amount <= most) return { text: wanted, amount };
  return { text: name === 'cpu' ? formatCpu(most) : formatMemory(most), amount: most };
}

/** The amount, where there is one, but not above the bound, where there is one. */
function least(amount: number | undefined, bound: number | undefined): number | undefined {
  return amount === undefined || bound === undefined ? amount : Math.min(amount, bound);
}

function hasAny(amounts: Partial<Record<ResourceName, string>>): boolean {
  return amounts.cpu !== undefined || amounts.memory !== undefined;
}
