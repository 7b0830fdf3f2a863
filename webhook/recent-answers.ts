/**
 * The answers to recent pods, for the next pod of the same template.
 *
 * Pods come in bursts from one template (a Job's parallelism, a CronJob, retries), and differ in what no decision looks
 * at: names, uids, other people's labels, environment, the random name of the service account's token volume. To compare a pod with
 * the last one of its kind takes a fraction of deciding anew and encoding the patch.
 */
import type { OutcomeReason } from './metrics.ts';
import { isOurs } from './vocabulary.ts';

/** What a review is answered with, but for its uid. */
export interface PodAnswer {
  outcome: 'wrapped' | 'unchanged' | 'refused';
  reason: OutcomeReason;
  operations: number;
  /** The members of the response, as JSON text. */
  members: string;
}

interface Kept {
  pod: object;
  answer: PodAnswer;
}

/** Templates that are remembered, and the longest review that is: a few megabytes in all. */
const MAX_TEMPLATES = 64;
export const MAX_REVIEW_BYTES = 64 * 1024;
/** No pod that the API server knows is nested as deep; what is, is decided anew each time. */
const MAX_DEPTH = 32;
/** The ServiceAccount admission plugin mounts the token under this name and five random letters. */
const TOKEN_VOLUME = 'kube-api-access-';

/** One policy's answers; whoever changes the policy begins with a new one. */
export class RecentAnswers {
  /** By what is cheap to compare, in the order in which they came. */
  private readonly kept = new Map<string, Kept>();

  /** The answer to a pod that no decision can tell from this one. */
  find(pod: object): PodAnswer | undefined {
    const key = kindOf(pod);
    const found = key === undefined ? undefined : this.kept.get(key);
    return found !== undefined && isSameTemplate(found.pod, pod) ? found.answer : undefined;
  }

  keep(pod: object, answer: PodAnswer): void {
    const key = kindOf(pod);
    if (key === undefined) return;
    this.kept.delete(key);
    this.kept.set(key, { pod, answer });
    if (this.kept.size <= MAX_TEMPLATES) return;
    for (const oldest of this.kept.keys()) {
      this.kept.delete(oldest);
      return;
    }
  }
}

/** The first container's name and image: different templates seldom share them. */
function kindOf(pod: object): string | undefined {
  const containers = own(own(pod, 'spec'), 'containers');
  const first = Array.isArray(containers) ? containers[0] : undefined;
  const [name, image] = [own(first, 'name'), own(first, 'image')];
  return typeof name === 'string' ? `${name} ${typeof image === 'string' ? image : ''}` : undefined;
}

type Json = Record<string, unknown>;
type Keys = ReadonlySet<string>;

const NONE: Keys = new Set();
/** Members of a spec and of a container that no decision looks at, long or different in pods of one template. */
const SPEC_UNREAD: Keys = new Set([
  ...['affinity', 'tolerations', 'topologySpreadConstraints', 'schedulerName', 'nodeName', 'priority'],
  ...['hostname', 'subdomain', 'hostAliases', 'dnsConfig', 'dnsPolicy', 'enableServiceLinks'],
]);
const CONTAINER_UNREAD: Keys = new Set(['envFrom', 'terminationMessagePath', 'terminationMessagePolicy']);
/** The environment is read only for the `$(VAR)` of a probe's command. */
const CONTAINER_UNREAD_BUT_BY_EXEC: Keys = new Set([...CONTAINER_UNREAD, 'env']);

/** Whether two pods are alike in all that a decision can depend on: their specs, their annotations, our labels. */
export function isSameTemplate(a: object, b: object): boolean {
  const [mine, theirs] = [own(a, 'metadata'), own(b, 'metadata')];
  return (
    isObject(mine) &&
    isObject(theirs) &&
    isSame(own(mine, 'annotations'), own(theirs, 'annotations'), 0) &&
    isSame(ourLabels(own(mine, 'labels')), ourLabels(own(theirs, 'labels')), 0) &&
    isSameSpec(own(a, 'spec'), own(b, 'spec'))
  );
}

function isSameSpec(a: unknown, b: unknown): boolean {
  if (!isObject(a) || !isObject(b) || Array.isArray(a) || Array.isArray(b)) return false;
  return isSameRecord(a, b, SPEC_UNREAD, (key, x, y) => {
    if (key === 'volumes') return isSameList(x, y, isSameVolume);
    if (key === 'containers' || key === 'initContainers') return isSameList(x, y, isSameContainer);
    return isSame(x, y, 2);
  });
}

function isSameContainer(a: Json, b: Json): boolean {
  const unread = hasExecProbe(a) || hasExecProbe(b) ? CONTAINER_UNREAD : CONTAINER_UNREAD_BUT_BY_EXEC;
  return isSameRecord(a, b, unread, (key, x, y) =>
    key === 'volumeMounts' ? isSameList(x, y, isSameVolume) : isSame(x, y, 4),
  );
}

/** A volume or a mount: one token volume's name is as good as another's. */
function isSameVolume(a: Json, b: Json): boolean {
  return isSameRecord(
    a,
    b,
    NONE,
    (key, x, y) => (key === 'name' && isTokenVolume(x) && isTokenVolume(y)) || isSame(x, y, 4),
  );
}

function isTokenVolume(name: unknown): boolean {
  return typeof name === 'string' && name.startsWith(TOKEN_VOLUME);
}

function hasExecProbe(container: Json): boolean {
  return (
    own(own(container, 'startupProbe'), 'exec') !== undefined ||
    own(own(container, 'readinessProbe'), 'exec') !== undefined
  );
}

/** JSON values. */
function isSame(a: unknown, b: unknown, depth: number): boolean {
  if (a === b) return true;
  if (depth > MAX_DEPTH || !isObject(a) || !isObject(b)) return false;
  if (Array.isArray(a)) {
    if (!Array.isArray(b) || a.length !== b.length) return false;
    for (let i = 0; i < a.length; i++) if (!isSame(a[i], b[i], depth + 1)) return false;
    return true;
  }
  return !Array.isArray(b) && isSameRecord(a, b, NONE, (_, x, y) => isSame(x, y, depth + 1));
}

function isSameList(a: unknown, b: unknown, same: (a: Json, b: Json) => boolean): boolean {
  if (!Array.isArray(a) || !Array.isArray(b)) return isSame(a, b, 2);
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) {
    const [x, y]: [unknown, unknown] = [a[i], b[i]];
    const both = isObject(x) && isObject(y) && !Array.isArray(x) && !Array.isArray(y);
    if (!(both ? same(x, y) : isSame(x, y, 3))) return false;
  }
  return true;
}

function isSameRecord(
  a: Json,
  b: Json,
  unread: Keys,
  same: (key: string, a: unknown, b: unknown) => boolean,
): boolean {
  let members = 0;
  for (const key in a) {
    if (unread.has(key)) continue;
    if (!Object.hasOwn(b, key) || !same(key, a[key], b[key])) return false;
    members++;
  }
  for (const key in b) if (!unread.has(key)) members--;
  return members === 0;
}

/** Our labels alone; what is no map of labels is compared as it is. */
function ourLabels(labels: unknown): unknown {
  if (!isObject(labels) || Array.isArray(labels)) return labels;
  let found: Json | undefined;
  for (const key in labels) {
    if (!isOurs(key)) continue;
    found ??= {};
    found[key] = labels[key];
  }
  return found;
}

function own(value: unknown, key: string): unknown {
  return isObject(value) && Object.hasOwn(value, key) ? value[key] : undefined;
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null;
}
