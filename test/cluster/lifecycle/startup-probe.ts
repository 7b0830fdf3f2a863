/**
 * What the kubelet makes of a startup probe. That of 1.20 looks at its result only when something else makes it look at the
 * pod (its syncLoop hears of liveness and readiness alone), after 90 s at the latest: so here the pod is touched.
 */
import type { Namespace } from '../cluster.ts';
import { until } from '../kubectl.ts';

/** Wait until the kubelet stops a container of a pod because its startup probe fails. */
export async function stoppedByStartupProbe(ns: Namespace, pod: string): Promise<void> {
  await until(`a failed startup probe in ${pod}`, async () => {
    await look(ns, pod);
    const killing = `involvedObject.name=${pod},reason=Killing`;
    const events = await ns.kubectl('get', 'events', `--field-selector=${killing}`, '-o', 'name');
    // The kubelet drops events where there are many, and each look makes one: the statuses tell it too.
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
