/**
 * The cluster autoscaler removes no node on which a pod has a local volume, and our emptyDirs are local volumes. It does not count
 * volumes that an annotation lists, separated by commas without blanks (kubernetes/autoscaler: utils/drain, HasBlockingLocalStorage).
 */
import { member } from '../shared/json.ts';
import type { EarlierRun } from './earlier-run.ts';
import type { PodView } from './pod.ts';
import { OUR_VOLUMES } from './vocabulary.ts';

export const SAFE_TO_EVICT = 'cluster-autoscaler.kubernetes.io/safe-to-evict-local-volumes';

/**
 * The annotation's value for a wrapped pod. Ours are appended to its author's list. Without such a list they are listed where they are
 * the only local volumes, because any other would keep the node all the same.
 * @returns undefined where the annotation is to be absent
 */
export function safeToEvict(pod: PodView, { touched }: EarlierRun): unknown {
  const present = presentValue(pod);
  const names = namesIn(present);
  const authors = names.filter(isAuthors);
  if (authors.length > 0)
    return OUR_VOLUMES.every((name) => names.includes(name))
      ? present
      : [...authors, ...OUR_VOLUMES].join(',');
  if (!pod.volumes.some(({ name, local }) => local && isAuthors(name))) return OUR_VOLUMES.join(',');
  return touched && names.length > 0 ? undefined : present;
}

/** The annotation's value without our volumes; undefined where no other is in it. */
export function safeToEvictWithoutOurs(pod: PodView): unknown {
  const present = presentValue(pod);
  const names = namesIn(present);
  const authors = names.filter(isAuthors);
  if (authors.length === names.length) return present;
  return authors.length > 0 ? authors.join(',') : undefined;
}

function presentValue({ annotations }: PodView): unknown {
  return annotations === undefined ? undefined : member(annotations, SAFE_TO_EVICT);
}

function namesIn(value: unknown): string[] {
  return typeof value === 'string' && value !== '' ? value.split(',') : [];
}

function isAuthors(name: string): boolean {
  return !OUR_VOLUMES.includes(name);
}
