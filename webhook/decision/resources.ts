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
 * - LimitRange: it bounds each container's request, limit and their ratio, and its refusal names no container. What holds for each of the
 *   pod's own holds for an amount between their smallest and their greatest, at no higher ratio than theirs. One that some of them do not set
 *   has no bound, or the pod is refused with and without us (kubernetes: plugin/pkg/admission/limitranger, PodValidateLimitFunc).
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
    const all = containers.map((amounts) => amounts[name]);
    const chosen = (kind: keyof Amount, bound?: number) =>
      within(
        policy.shim.resources[`${kind}s`][name],
        boundsOf(all, kind),
        least(own[name][kind], bound),
        name,
      );
    const limit = chosen('limit');
    const request = guaranteed ? limit : atRatio(chosen('request', limit?.amount), limit, ratioOf(all), name);
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

/** Between which amounts ours must be. */
interface Bounds {
  least: number;
  most: number;
}

/** The smallest and the greatest amount where every container sets it, else anything up to their sum; undefined where none sets it. */
function boundsOf(containers: readonly Amount[], kind: keyof Amount): Bounds | undefined {
  const set = containers.flatMap((amount) => amount[kind] ?? []);
  if (set.length === 0) return undefined;
  if (set.length === containers.length) return { least: Math.min(...set), most: Math.max(...set) };
  // What is the least for requests is the least for limits.
  const requests = kind === 'limit' ? boundsOf(containers, 'request') : undefined;
  return { least: requests?.least ?? 0, most: set.reduce((sum, one) => sum + one, 0) };
}

/** The greatest limit in terms of its request; Infinity where a container has only one of the two. */
function ratioOf(containers: readonly Amount[]): number {
  return Math.max(
    ...containers.map(({ request, limit }) =>
      request && limit ? limit / request : Number.POSITIVE_INFINITY,
    ),
  );
}

/** A chosen amount, as it is written and as it counts. */
interface Chosen {
  text: string;
  amount: number;
}

/** The amount that comes nearest to the wanted one. @param bound what counts more than the bounds */
function within(
  wanted: string,
  bounds: Bounds | undefined,
  bound: number | undefined,
  name: ResourceName,
): Chosen | undefined {
  if (bounds === undefined) return undefined;
  const asked = parseQuantity(wanted) ?? 0;
  const most = Math.min(bounds.most, bound ?? Number.POSITIVE_INFINITY);
  const amount = Math.min(Math.max(asked, bounds.least), most);
  return amount === asked ? { text: wanted, amount } : { text: format(name, amount), amount };
}

/** The request, raised where the limit would be more than `ratio` times as much: to less than what the greatest container requests. */
function atRatio(
  request: Chosen | undefined,
  limit: Chosen | undefined,
  ratio: number,
  name: ResourceName,
): Chosen | undefined {
  if (request === undefined || limit === undefined || request.amount * ratio >= limit.amount) return request;
  const unit = name === 'cpu' ? 1_000 : 1;
  const amount = Math.ceil((limit.amount / ratio) * unit - 1e-6) / unit;
  return { text: format(name, amount), amount };
}

function format(name: ResourceName, amount: number): string {
  return name === 'cpu' ? formatCpu(amount) : formatMemory(amount);
}

/** The smaller of those that are there. */
function least(one: number | undefined, other: number | undefined): number | undefined {
  return one === undefined || other === undefined ? (one ?? other) : Math.min(one, other);
}

function hasAny(amounts: Partial<Record<ResourceName, string>>): boolean {
  return amounts.cpu !== undefined || amounts.memory !== undefined;
}
