import {
  isRecord,
  type JsonRecord,
  member,
  recordAt,
  recordsAt,
  ShapeError,
  textAt,
  textsAt,
  unquoted,
  wholeAt,
} from '../shared/json.ts';
import { quote } from '../shared/wording.ts';
import { isForWindows } from './nodes.ts';
import { isOurs } from './vocabulary.ts';

/** A regular container's name, image and command. `container.ts` reads its details when the pod is to be wrapped. */
export interface ContainerView {
  /** Its place in spec.containers. */
  index: number;
  name: string;
  image: string | undefined;
  /** Empty lists count as absent, as for the kubelet. */
  command: readonly string[] | undefined;
  args: readonly string[] | undefined;
  raw: JsonRecord;
}

export interface InitContainerView {
  index: number;
  name: string;
  image: string | undefined;
  /** restartPolicy Always: a native sidecar (KEP-753). */
  native: boolean;
  raw: JsonRecord;
}

interface VolumeView {
  index: number;
  name: string;
  emptyDir: boolean;
  /** On the node's own disk, as the cluster autoscaler counts (kubernetes/autoscaler: utils/drain, isLocalVolume). */
  local: boolean;
}

/** The typed view of the fields that decide about a pod. A patch applies to the raw object. */
export interface PodView {
  raw: JsonRecord;
  metadata: JsonRecord | undefined;
  spec: JsonRecord;
  annotations: JsonRecord | undefined;
  /** Annotations and labels under our prefix. */
  ourAnnotations: ReadonlyMap<string, string>;
  ourLabels: ReadonlyMap<string, string>;
  mirror: boolean;
  windows: boolean;
  restartPolicy: 'Always' | 'OnFailure' | 'Never';
  hostPid: boolean;
  /** terminationGracePeriodSeconds, in seconds. */
  grace: number;
  /** A container or init container has a rule by which its end restarts all of them (Kubernetes 1.36). */
  restartsAll: boolean;
  /** In the author's order, where an earlier run has moved them. */
  containers: readonly ContainerView[];
  initContainers: readonly InitContainerView[];
  volumes: readonly VolumeView[];
  serviceAccountName: string | undefined;
  imagePullSecrets: readonly string[];
}

/** Far above any pod that runs. The bound keeps the flags small, which name every container in every container. */
export const MAX_CONTAINERS = 128;

/** The action of a restartPolicyRule by which the kubelet stops every container, and starts the pod again from its init containers (KEP-5532). */
export const RESTART_ALL = 'RestartAllContainers';

const NAME = /^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/;

/** Is it a container name, as the API server checks it (a DNS label)? */
export function isContainerName(text: string): boolean {
  return NAME.test(text);
}

/**
 * Read a pod.
 * @param raw any JSON value
 * @throws {ShapeError} for a shape that the API server refuses anyway, with the field's path
 */
export function parsePod(raw: unknown): PodView {
  if (!isRecord(raw)) throw new ShapeError('the pod is not an object');
  const metadata = recordAt(raw, 'metadata', 'pod');
  const spec = recordAt(raw, 'spec', 'pod');
  if (spec === undefined) throw new ShapeError('the pod has no spec');
  const annotations = metadata && recordAt(metadata, 'annotations', 'metadata');
  const labels = metadata && recordAt(metadata, 'labels', 'metadata');
  return {
    raw,
    metadata,
    spec,
    annotations,
    ourAnnotations: ours(annotations, 'metadata.annotations'),
    ourLabels: ours(labels, 'metadata.labels'),
    mirror: annotations !== undefined && Object.hasOwn(annotations, 'kubernetes.io/config.mirror'),
    windows: isForWindows(spec),
    restartPolicy: restartPolicyAt(spec, 'spec') ?? 'Always',
    hostPid: member(spec, 'hostPID') === true,
    grace: wholeAt(spec, 'terminationGracePeriodSeconds', 'spec') ?? 30,
    restartsAll: ['containers', 'initContainers'].some((list) => hasRestartAll(spec, list)),
    containers: containersOf(spec),
    initContainers: initContainersOf(spec),
    volumes: volumesOf(spec),
    serviceAccountName: textAt(spec, 'serviceAccountName', 'spec'),
    imagePullSecrets: (recordsAt(spec, 'imagePullSecrets', 'spec') ?? []).flatMap(
      (reference) => textAt(reference, 'name', 'spec.imagePullSecrets[]') ?? [],
    ),
  };
}

/** The containers' names as they stand in spec.containers, whatever the order of the view. */
export function presentOrder({ containers }: PodView): string[] {
  return containers.toSorted((a, b) => a.index - b.index).map(({ name }) => name);
}

/** A container's or the pod's restartPolicy. @throws {ShapeError} */
export function restartPolicyAt(record: JsonRecord, where: string): PodView['restartPolicy'] | undefined {
  const value = textAt(record, 'restartPolicy', where);
  if (value === undefined || value === '') return undefined;
  if (value === 'Always' || value === 'OnFailure' || value === 'Never') return value;
  throw new ShapeError(`${where}.restartPolicy is none of Always, OnFailure, Never`);
}

function hasRestartAll(spec: JsonRecord, list: string): boolean {
  return (recordsAt(spec, list, 'spec') ?? []).some((container) =>
    (recordsAt(container, 'restartPolicyRules', `spec.${list}[]`) ?? []).some(
      (rule) => member(rule, 'action') === RESTART_ALL,
    ),
  );
}

function ours(map: JsonRecord | undefined, where: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const key in map) {
    if (!isOurs(key)) continue;
    const value = map[key];
    if (typeof value !== 'string')
      throw new ShapeError(`${where}[${quote(key, 100)}] is not a string${unquoted(value)}`);
    found.set(key, value);
  }
  return found;
}

function containersOf(spec: JsonRecord): ContainerView[] {
  const raws = recordsAt(spec, 'containers', 'spec') ?? [];
  if (raws.length === 0) throw new ShapeError('spec.containers is empty');
  const names = new Set<string>();
  return raws.map((raw, index) => {
    const where = `spec.containers[${index}]`;
    const name = nameOf(raw, where, names);
    return {
      index,
      name,
      image: textAt(raw, 'image', where),
      command: some(textsAt(raw, 'command', where)),
      args: some(textsAt(raw, 'args', where)),
      raw,
    };
  });
}

function initContainersOf(spec: JsonRecord): InitContainerView[] {
  const names = new Set<string>();
  return (recordsAt(spec, 'initContainers', 'spec') ?? []).map((raw, index) => {
    const where = `spec.initContainers[${index}]`;
    const name = nameOf(raw, where, names);
    const native = member(raw, 'restartPolicy') === 'Always';
    return { index, name, image: textAt(raw, 'image', where), native, raw };
  });
}

function volumesOf(spec: JsonRecord): VolumeView[] {
  return (recordsAt(spec, 'volumes', 'spec') ?? []).map((volume, index) => {
    const name = textAt(volume, 'name', `spec.volumes[${index}]`) ?? '';
    const dir = member(volume, 'emptyDir');
    const isOnDisk = isRecord(dir) && member(dir, 'medium') !== 'Memory';
    // Without a source it becomes an emptyDir (kubernetes: SetDefaults_Volume).
    const isBare = Object.keys(volume).every((key) => key === 'name');
    const local = isOnDisk || isBare || member(volume, 'hostPath') !== undefined;
    return { index, name, emptyDir: isRecord(dir), local };
  });
}

function nameOf(raw: JsonRecord, where: string, taken: Set<string>): string {
  const name = textAt(raw, 'name', where) ?? '';
  if (!isContainerName(name)) throw new ShapeError(`${where}.name is not a container name`);
  if (taken.has(name)) throw new ShapeError(`${where}.name is the name of two containers`);
  taken.add(name);
  return name;
}

function some(list: readonly string[] | undefined): readonly string[] | undefined {
  return list !== undefined && list.length > 0 ? list : undefined;
}
