/** What a pod keeps of its node: CPU and memory that no other pod can request. Pure. */
import { isRecord, type JsonRecord, member } from '../shared/json.ts';
import { formatCpu, formatMemory, parseQuantity } from '../shared/quantity.ts';

/** CPUs and bytes. */
export interface Requests {
  cpu: number;
  memory: number;
}

export const NOTHING: Requests = { cpu: 0, memory: 0 };

export function add(one: Requests, other: Requests): Requests {
  return { cpu: one.cpu + other.cpu, memory: one.memory + other.memory };
}

/**
 * As the scheduler reckons (kubernetes: pkg/api/v1/resource, PodRequests): the containers and native sidecars together, or what the init
 * containers need at most, and the overhead. What has ended counts until the whole pod has.
 */
export function requestsOf(spec: JsonRecord): Requests {
  let together = NOTHING;
  for (const one of list(spec, 'containers')) together = add(together, ofContainer(one));
  let natives = NOTHING;
  let most = NOTHING;
  for (const one of list(spec, 'initContainers')) {
    const own = ofContainer(one);
    if (member(one, 'restartPolicy') === 'Always') {
      natives = add(natives, own);
      most = larger(most, natives);
    } else most = larger(most, add(natives, own));
  }
  const overhead = member(spec, 'overhead');
  const all = larger(add(together, natives), most);
  return isRecord(overhead) ? add(all, amounts(overhead)) : all;
}

/** `750m CPU and 1Gi memory`; `no requests` where nothing is requested. */
export function formatRequests({ cpu, memory }: Requests): string {
  if (cpu === 0 && memory === 0) return 'no requested CPU or memory';
  return `${formatCpu(cpu)} CPU and ${formatMemory(memory)} memory`;
}

function ofContainer(container: JsonRecord): Requests {
  const resources = member(container, 'resources');
  const requests = isRecord(resources) ? member(resources, 'requests') : undefined;
  return isRecord(requests) ? amounts(requests) : NOTHING;
}

function amounts(record: JsonRecord): Requests {
  return {
    cpu: parseQuantity(member(record, 'cpu')) ?? 0,
    memory: parseQuantity(member(record, 'memory')) ?? 0,
  };
}

function larger(one: Requests, other: Requests): Requests {
  return { cpu: Math.max(one.cpu, other.cpu), memory: Math.max(one.memory, other.memory) };
}

function list(spec: JsonRecord, key: string): readonly JsonRecord[] {
  const value = member(spec, key);
  return Array.isArray(value) ? value.filter(isRecord) : [];
}
