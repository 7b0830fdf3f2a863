/** Nodes that exist in the API only: what is bound to them is said to run at once, and to be gone as soon as it is deleted. */
import { setTimeout as delay } from 'node:timers/promises';
import type { V1PodSpec } from '@kubernetes/client-node';
import { z } from 'zod';
import { ask, watch } from '../api-server.ts';

const LABEL = 'curfew-test/simulated';
const TAINT = { key: LABEL, value: 'yes', effect: 'NoSchedule' };
const PODS_EACH = 110;
/** The controller takes a node for lost after 40 s without a sign. */
const HEARTBEAT = 10_000;

/** What keeps a pod on the simulated nodes, and all others away. */
export const ON_SIMULATED: Partial<V1PodSpec> = {
  nodeSelector: { [LABEL]: 'yes' },
  tolerations: [{ key: LABEL, operator: 'Exists' }],
};

const POD = z.object({
  metadata: z.object({ name: z.string(), uid: z.string(), deletionTimestamp: z.string().optional() }),
  spec: z.object({ nodeName: z.string().optional(), containers: z.array(z.object({ name: z.string() })) }),
  status: z.object({ phase: z.string().optional() }),
});
type Seen = z.infer<typeof POD>;

/** The nodes' part in a namespace. */
export class SimulatedNodes {
  private readonly over = new AbortController();
  private readonly names: string[];
  private readonly told = new Set<string>();
  private failure: unknown;

  private constructor(names: string[]) {
    this.names = names;
  }

  /** Register as many as hold so many pods, and keep them ready. */
  static async forPods(pods: number): Promise<SimulatedNodes> {
    const names = Array.from({ length: Math.ceil(pods / PODS_EACH) }, (_, i) => `simulated-${i}`);
    for (const name of names) await register(name);
    const nodes = new SimulatedNodes(names);
    void nodes.beat();
    return nodes;
  }

  /** Run what is bound to these nodes in a namespace, until {@link end}. */
  async run(namespace: string): Promise<void> {
    const path = `/api/v1/namespaces/${namespace}/pods`;
    await watch(path, this.over.signal, (type, object) => {
      const pod = POD.parse(object);
      this.see(path, type, pod).catch((error: unknown) => {
        this.failure = error;
      });
    });
  }

  /** @throws what went wrong in the background */
  check(): void {
    if (this.failure !== undefined) throw this.failure;
  }

  end(): void {
    this.over.abort();
  }

  private async see(path: string, type: string, { metadata, spec, status }: Seen): Promise<void> {
    const { name, uid, deletionTimestamp } = metadata;
    if (type === 'DELETED') {
      this.told.delete(`${uid} runs`);
      this.told.delete(`${uid} goes`);
      return;
    }
    if (deletionTimestamp !== undefined) {
      if (this.isNew(`${uid} goes`)) await ask('DELETE', `${path}/${name}`, { gracePeriodSeconds: 0 });
    } else if (spec.nodeName !== undefined && status.phase === 'Pending' && this.isNew(`${uid} runs`)) {
      await ask('PATCH', `${path}/${name}/status`, { status: runningNow(spec.containers) });
    }
  }

  private isNew(fact: string): boolean {
    if (this.told.has(fact)) return false;
    this.told.add(fact);
    return true;
  }

  private async beat(): Promise<void> {
    while (!this.over.signal.aborted) {
      for (const name of this.names) {
        const now = new Date().toISOString().replace('Z', '000Z');
        const path = `/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases`;
        const spec = { holderIdentity: name, leaseDurationSeconds: 40, renewTime: now };
        const lease = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name }, spec };
        const { status } = await ask('PATCH', `${path}/${name}`, lease);
        if (status === 404) await ask('POST', path, lease);
      }
      await delay(HEARTBEAT, undefined, { signal: this.over.signal }).catch(() => {});
    }
  }
}

async function register(name: string): Promise<void> {
  const room = { cpu: '64', memory: '256Gi', pods: String(PODS_EACH) };
  const now = new Date().toISOString();
  const ready = { type: 'Ready', status: 'True', reason: 'Simulated', lastHeartbeatTime: now };
  const node = {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, labels: { [LABEL]: 'yes' } },
    spec: { taints: [TAINT] },
    status: { capacity: room, allocatable: room, conditions: [ready] },
  };
  const made = await ask('POST', '/api/v1/nodes', node);
  if (made.status !== 201) throw new Error(`node ${name}: ${JSON.stringify(made.body)}`);
  await ask('PATCH', `/api/v1/nodes/${name}/status`, { status: node.status });
}

function runningNow(containers: readonly { name: string }[]) {
  const startedAt = new Date().toISOString();
  const conditions = ['Initialized', 'Ready', 'ContainersReady', 'PodScheduled'];
  return {
    phase: 'Running',
    startTime: startedAt,
    conditions: conditions.map((type) => ({ type, status: 'True', lastTransitionTime: startedAt })),
    containerStatuses: containers.map(({ name }) => ({
      name,
      ready: true,
      started: true,
      restartCount: 0,
      image: '',
      imageID: '',
      state: { running: { startedAt } },
    })),
  };
}
