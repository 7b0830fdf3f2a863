/** Pods without what Curfew writes, or what makes no difference, to be compared. */
import assert from 'node:assert/strict';
import type { TestContainer, TestPod } from './mutated-pod.ts';

export const DEFAULT = 'kubectl.kubernetes.io/default-container';
export const EVICT = 'cluster-autoscaler.kubernetes.io/safe-to-evict-local-volumes';

/** What Curfew keeps in its annotation, as far as tests read it. */
interface TestStatus {
  containers?: Record<string, TestContainer>;
  order?: { author: string[]; written: string[] };
  defaultContainer?: string;
}

export function statusOf({ metadata }: Pick<TestPod, 'metadata'>): TestStatus {
  return JSON.parse(metadata.annotations?.['curfew.dev/status'] ?? '{}');
}

function hasHook(lifecycle: unknown): boolean {
  return typeof lifecycle === 'object' && lifecycle !== null && 'postStart' in lifecycle;
}

/** A pod without what makes no difference: the order of volumes, mounts and listed volumes, empty lists and maps. */
export function normalised(pod: TestPod): unknown {
  const copy = structuredClone(pod);
  copy.spec.volumes?.sort((a, b) => (a.name < b.name ? -1 : 1));
  const list = copy.metadata.annotations?.[EVICT];
  if (list) Object.assign(copy.metadata.annotations ?? {}, { [EVICT]: list.split(',').sort().join() });
  for (const one of [...copy.spec.containers, ...(copy.spec.initContainers ?? [])])
    one.volumeMounts?.sort((a, b) => (a.mountPath < b.mountPath ? -1 : 1));
  return JSON.parse(JSON.stringify(copy, (_, value: unknown) => (isEmpty(value) ? undefined : value)));
}

function isEmpty(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}

/** The pod without everything that Curfew writes, its containers by name: what must be as it was. */
export function withoutOurs(pod: TestPod): unknown {
  const copy = structuredClone(pod);
  const isOurs = ({ name }: { name: string }) => name === 'curfew-bin' || name === 'curfew-run';
  copy.spec.volumes = (copy.spec.volumes ?? []).filter((volume) => !isOurs(volume));
  copy.spec.initContainers = (copy.spec.initContainers ?? []).filter(({ name }) => name !== 'curfew-install');
  const { order, defaultContainer } = statusOf(copy);
  if (order !== undefined) assert.ok(pod.spec.containers.some(({ lifecycle }) => hasHook(lifecycle)));
  if (defaultContainer !== undefined && copy.metadata.annotations?.[DEFAULT] === defaultContainer)
    delete copy.metadata.annotations[DEFAULT];
  copy.spec.containers.sort((a, b) => (a.name < b.name ? -1 : 1));
  delete copy.metadata.annotations?.['curfew.dev/status'];
  withoutOurVolumes(copy);
  for (const one of copy.spec.containers) {
    delete one.command;
    delete one.args;
    delete one.startupProbe;
    one.volumeMounts = (one.volumeMounts ?? []).filter((mount) => !isOurs(mount));
  }
  return copy;
}

function withoutOurVolumes({ metadata: { annotations } }: TestPod): void {
  const list = annotations?.[EVICT]
    ?.split(',')
    .filter((name) => name !== 'curfew-bin' && name !== 'curfew-run');
  if (annotations === undefined || list === undefined) return;
  if (list.length > 0) annotations[EVICT] = list.join();
  else delete annotations[EVICT];
}
