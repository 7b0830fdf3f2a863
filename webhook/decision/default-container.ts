/** The container that `kubectl logs` and `kubectl exec` mean where they name none: an annotation's, else the first of the spec. */
import { member } from '../shared/json.ts';
import type { EarlierRun } from './earlier-run.ts';
import type { PodView } from './pod.ts';

/** The annotation's value where an earlier run wrote it. */
type Ours = Pick<EarlierRun, 'defaultContainer'>;

export const DEFAULT_CONTAINER = 'kubectl.kubernetes.io/default-container';

/** The annotation's value as the author wrote it; undefined where it is absent, or ours from an earlier run. */
export function authorsDefaultContainer({ annotations }: PodView, { defaultContainer }: Ours): unknown {
  const present = annotations === undefined ? undefined : member(annotations, DEFAULT_CONTAINER);
  return present === defaultContainer ? undefined : present;
}

/**
 * The container that the annotation must name so that it stays the same one.
 * @param order the names of spec.containers in the order that is written
 * @returns undefined where it stays so by itself
 */
export function addedDefaultContainer(
  pod: PodView,
  earlier: Ours,
  order: readonly string[],
): string | undefined {
  const first = pod.containers[0]?.name;
  return first === order[0] || authorsDefaultContainer(pod, earlier) !== undefined ? undefined : first;
}
