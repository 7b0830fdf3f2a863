/** Gathers what `curfew why` judges of a pod: its object, its Events, and the shim's own word or its logs. */

import { SHIM_PATH } from '../../shim/protocol.ts';
import type { Scene, Trouble } from '../cluster/finding.ts';
import { type NamespaceLabel, namespaceLabel } from '../cluster/not-wrapped.ts';
import { type PodFacts, part, text, timeAt } from '../cluster/pod-facts.ts';
import { parseShimReport, type ShimReport } from '../cluster/shim-report.ts';
import type { Policy } from '../decision/policy.ts';
import { KubernetesError } from '../kubernetes/error.ts';
import { EVENTS, NAMESPACES, type Reader } from '../kubernetes/reader.ts';
import type { JsonRecord } from '../shared/json.ts';

/** Containers that are asked, one after the other, until one answers. */
const MOST_ASKED = 3;
/** Containers whose logs are read where none answers. */
const MOST_LOGS = 8;
const LOG_LINES = 20;
/** Events of one object. */
const MOST_EVENTS = 200;

/** The label of a namespace; not everybody may read it. */
export async function labelOf(cluster: Reader, namespace: string): Promise<NamespaceLabel> {
  const object = await allowed(() => cluster.object(NAMESPACES, namespace, namespace));
  return namespaceLabel(object);
}

/** Warning Events about an object, the newest last; none where they may not be read. */
export async function troublesOf(cluster: Reader, namespace: string, uid: string): Promise<Trouble[]> {
  const events = await allowed(async () => {
    const found: JsonRecord[] = [];
    const selector = `fieldSelector=${encodeURIComponent(`involvedObject.uid=${uid}`)}`;
    for await (const event of cluster.list(EVENTS, namespace, selector)) {
      if (found.length >= MOST_EVENTS) break;
      found.push(event);
    }
    return found;
  });
  return (events ?? [])
    .filter((event) => text(event, 'type') === 'Warning')
    .map((event) => ({
      reason: text(event, 'reason'),
      message: text(event, 'message'),
      at:
        timeAt(part(event, 'series'), 'lastObservedTime') ??
        timeAt(event, 'lastTimestamp') ??
        timeAt(event, 'eventTime') ??
        timeAt(part(event, 'metadata'), 'creationTimestamp'),
    }))
    .sort((one, other) => (one.at ?? 0) - (other.at ?? 0));
}

/** @throws {KubernetesError} only where nothing at all can be asked */
export async function sceneOf(
  cluster: Reader,
  pod: PodFacts,
  label: NamespaceLabel,
  policy: Policy,
): Promise<Scene> {
  const [troubles, heard] = await Promise.all([
    troublesOf(cluster, pod.namespace, pod.uid),
    hear(cluster, pod),
  ]);
  const logs = heard.unheard === undefined ? new Map() : await readLogs(cluster, pod);
  return { pod, now: Date.now(), label, troubles, logs, policy, ...heard };
}

/** Ask a shim of the pod. */
async function hear(
  cluster: Reader,
  pod: PodFacts,
): Promise<{ shim: ShimReport | undefined; unheard: string | undefined }> {
  const running = pod.containers.filter(({ shim, state }) => shim !== undefined && state.kind === 'running');
  let unheard: string | undefined;
  for (const { name } of running.slice(0, MOST_ASKED)) {
    try {
      const { code, stdout, stderr } = await cluster.execute(pod, name, [
        SHIM_PATH,
        'status',
        '--output=json',
      ]);
      const shim = code === 0 ? parseShimReport(stdout) : undefined;
      if (shim !== undefined) return { shim, unheard: undefined };
      unheard = /unknown role/.test(stderr)
        ? 'this pod has an older shim, which cannot be asked'
        : `curfew-shim status in ${name} gave no report (exit code ${code})`;
    } catch (error) {
      if (!(error instanceof KubernetesError)) throw error;
      unheard =
        error.code === 'forbidden' ? 'your user may not exec into the pod' : `of this: ${error.message}`;
      if (error.code === 'forbidden') break;
    }
  }
  return { shim: undefined, unheard };
}

async function readLogs(cluster: Reader, pod: PodFacts): Promise<Map<string, string[]>> {
  const running = pod.containers.filter(({ shim, state }) => shim !== undefined && state.kind === 'running');
  const read = running.slice(0, MOST_LOGS).map(async ({ name }) => {
    const log = await allowed(() => cluster.log(pod, name, LOG_LINES));
    const lines = (log ?? '').split('\n').filter((line) => line !== '');
    return [name, lines] as const;
  });
  return new Map(await Promise.all(read));
}

/** What may not be read, or is not there, is left out. */
async function allowed<T>(ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof KubernetesError) return undefined;
    throw error;
  }
}
