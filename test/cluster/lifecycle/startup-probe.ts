/**
 * Waits for the effect of a startup probe. The kubelet of 1.20 handles the result only when it syncs the pod for another reason (its
 * syncLoop gets only liveness and readiness results), which takes up to 90 s. So these functions change an annotation of the pod.
 */
import type { Namespace } from '../cluster.ts';
import { until } from '../kubectl.ts';

/** Wait until the kubelet stops a container of a pod because its startup probe fails. */
export async function stoppedByStartupProbe(ns: Namespace, pod: string): Promise<void> {
  await until(`a failed startup probe in ${pod}`, async () => {
    await look(ns, pod);
    const killing = `involvedObject.name=${pod},reason=Killing`;
    const events = await ns.kubectl('get', 'events', `--field-selector=${killing}`, '-o', 'name');
    // The kubelet drops events when there are many, and each sync may write one. So the container statuses are checked too.
    const { containerStatuses, initContainerStatuses } = (await ns.pod(pod)).status;
    const restarted = [...containerStatuses, ...initContainerStatuses].some((item) => item.restartCount > 0);
    const ended = containerStatuses.some(({ state }) => state.terminated !== undefined);
    return events !== '' || restarted || ended || undefined;
  });
}

/** Wait until a pod is Ready. */
export async function ready(ns: Namespace, pod: string): Promise<void> {
  await until(`${pod} is ready`, async () => {
    await look(ns, pod);
    const path = '{.status.conditions[?(@.type=="Ready")].status}';
    return (await ns.kubectl('get', 'pod', pod, '-o', `jsonpath=${path}`)) === 'True' || undefined;
  });
}

async function look(ns: Namespace, pod: string): Promise<void> {
  await ns.kubectl('annotate', '--overwrite', `pod/${pod}`, `example.com/looked-at=${Date.now()}`);
}
