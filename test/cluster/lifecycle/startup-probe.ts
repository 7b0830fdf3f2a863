/** A startup probe that fails for good. */
import type { Namespace } from '../cluster.ts';
import { until } from '../kubectl.ts';

/**
 * Wait until the kubelet stops a container of a pod whose startup probe fails. The kubelet of 1.20 looks at the result only
 * when something else makes it look at the pod (its syncLoop hears of liveness probes alone), after 90 s at the latest.
 */
export async function stoppedByStartupProbe(ns: Namespace, pod: string): Promise<void> {
  await until(`a failed startup probe in ${pod}`, async () => {
    await ns.kubectl('annotate', '--overwrite', `pod/${pod}`, `example.com/looked-at=${Date.now()}`);
    const killing = `involvedObject.name=${pod},reason=Killing`;
    const events = await ns.kubectl('get', 'events', `--field-selector=${killing}`, '-o', 'name');
    return events === '' ? undefined : true;
  });
}
