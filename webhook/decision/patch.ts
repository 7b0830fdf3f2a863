import fastJsonPatch, { type Operation } from 'fast-json-patch';
import { isRecord, type JsonRecord, member } from '../shared/json.ts';
import { parseQuantity } from '../shared/quantity.ts';
import type { MountView } from './container.ts';
import { parseMounts } from './container.ts';
import type { EarlierRun } from './earlier-run.ts';
import type { InitContainerView, PodView } from './pod.ts';
import type { Original } from './status.ts';
import { BIN_VOLUME, INSTALL_CONTAINER, RUN_VOLUME, STATUS } from './vocabulary.ts';
import { containerMounts, type Desired, type Mount } from './wrap.ts';

const STATUS_PATH = `/metadata/annotations/${fastJsonPatch.escapePathComponent(STATUS)}`;
const OUR_VOLUMES: readonly string[] = [BIN_VOLUME, RUN_VOLUME];

/** The operations that make our fields read as desired; none where they do already (W3). Nothing else is touched. */
export function wrapOperations(pod: PodView, desired: Desired): Operation[] {
  const operations: Operation[] = [];
  putVolumes(operations, pod);
  putInstall(operations, pod, desired.install);
  pod.containers.forEach(({ raw, index }, i) => {
    const path = `/spec/containers/${index}`;
    const own = desired.containers[i];
    if (own === undefined) return;
    putMember(operations, path, raw, 'command', own.command);
    putMember(operations, path, raw, 'args', own.args);
    putMounts(operations, path, raw, containerMounts());
  });
  putStatus(operations, pod, desired.status);
  return operations;
}

/** The operations that take an earlier run's traces away, so that the pod is as its author wrote it. */
export function unwrapOperations(pod: PodView, earlier: EarlierRun): Operation[] {
  if (!earlier.touched) return [];
  const operations: Operation[] = [];
  for (const container of pod.containers) {
    const path = `/spec/containers/${container.index}`;
    const original = earlier.originals.get(container.name);
    if (original !== undefined) {
      putOriginal(operations, path, container.raw, 'command', original);
      putOriginal(operations, path, container.raw, 'args', original);
    }
    const mounts = parseMounts(container.raw, path);
    removeItems(operations, path, 'volumeMounts', mounts, (mount) => OUR_VOLUMES.includes(mount.name));
  }
  removeItems(
    operations,
    '/spec',
    'initContainers',
    pod.initContainers,
    (init) => init.name === INSTALL_CONTAINER,
  );
  removeItems(operations, '/spec', 'volumes', pod.volumes, (volume) => OUR_VOLUMES.includes(volume.name));
  if (pod.annotations !== undefined && Object.hasOwn(pod.annotations, STATUS))
    operations.push({ op: 'remove', path: STATUS_PATH });
  return operations;
}

function putVolumes(operations: Operation[], pod: PodView): void {
  const missing = OUR_VOLUMES.filter((name) => !pod.volumes.some((volume) => volume.name === name));
  append(
    operations,
    '/spec/volumes',
    member(pod.spec, 'volumes'),
    missing.map((name) => ({ name, emptyDir: {} })),
  );
}

function putInstall(operations: Operation[], pod: PodView, desired: Desired['install']): void {
  const present = pod.initContainers.find((init) => init.name === INSTALL_CONTAINER);
  if (present === undefined) {
    const list = member(pod.spec, 'initContainers');
    if (Array.isArray(list)) operations.push({ op: 'add', path: '/spec/initContainers/0', value: desired });
    else operations.push({ op: 'add', path: '/spec/initContainers', value: [desired] });
    return;
  }
  const path = '/spec/initContainers/0';
  // Whatever others have put in front would run before the shim is there; what they added to ours moves along.
  if (present.index !== 0)
    operations.push({ op: 'move', from: `/spec/initContainers/${present.index}`, path });
  putInstallFields(operations, path, present, desired);
}

function putInstallFields(
  operations: Operation[],
  path: string,
  { raw }: InitContainerView,
  desired: Desired['install'],
): void {
  putMember(operations, path, raw, 'image', desired.image);
  if (desired.imagePullPolicy !== undefined)
    putMember(operations, path, raw, 'imagePullPolicy', desired.imagePullPolicy);
  putMember(operations, path, raw, 'command', desired.command);
  if (member(raw, 'args') !== undefined) operations.push({ op: 'remove', path: `${path}/args` });
  if (!sameResources(member(raw, 'resources'), desired.resources))
    putMember(operations, path, raw, 'resources', desired.resources ?? {});
  const security = member(raw, 'securityContext');
  if (isRecord(security)) {
    for (const [key, value] of Object.entries(desired.securityContext))
      putMember(operations, `${path}/securityContext`, security, key, value);
  } else putMember(operations, path, raw, 'securityContext', desired.securityContext);
  putMounts(operations, path, raw, desired.volumeMounts);
}

/** Each of our mounts by its path: as it must be, or put right. */
function putMounts(operations: Operation[], path: string, raw: JsonRecord, wanted: readonly Mount[]): void {
  const present = parseMounts(raw, path);
  const missing: Mount[] = [];
  for (const mount of wanted) {
    const at = present.find((item) => item.path === mount.mountPath);
    if (at === undefined) missing.push(mount);
    else if (!sameMount(at, mount))
      operations.push({ op: 'replace', path: `${path}/volumeMounts/${at.index}`, value: mount });
  }
  append(operations, `${path}/volumeMounts`, member(raw, 'volumeMounts'), missing);
}

function sameMount(present: MountView, wanted: Mount): boolean {
  return (
    present.name === wanted.name &&
    (member(present.raw, 'readOnly') === true) === (wanted.readOnly === true) &&
    !member(present.raw, 'subPath') &&
    !member(present.raw, 'subPathExpr')
  );
}

function putStatus(operations: Operation[], pod: PodView, status: string): void {
  if (pod.metadata === undefined)
    operations.push({ op: 'add', path: '/metadata', value: { annotations: { [STATUS]: status } } });
  else if (pod.annotations === undefined)
    operations.push({ op: 'add', path: '/metadata/annotations', value: { [STATUS]: status } });
  else if (pod.ourAnnotations.get(STATUS) !== status)
    operations.push({ op: 'add', path: STATUS_PATH, value: status });
}

/** Append to a list that may not be there. */
function append(operations: Operation[], path: string, list: unknown, items: readonly unknown[]): void {
  if (items.length === 0) return;
  if (!Array.isArray(list)) operations.push({ op: 'add', path, value: items });
  else for (const value of items) operations.push({ op: 'add', path: `${path}/-`, value });
}

/** Set a member that may not be there; nothing where it reads so already. */
function putMember(
  operations: Operation[],
  path: string,
  record: JsonRecord,
  key: string,
  value: unknown,
): void {
  // Not `member`: a null is there and can be replaced.
  const present = Object.hasOwn(record, key) ? record[key] : undefined;
  if (present === undefined) operations.push({ op: 'add', path: `${path}/${key}`, value });
  else if (!sameJson(present, value)) operations.push({ op: 'replace', path: `${path}/${key}`, value });
}

function putOriginal(
  operations: Operation[],
  path: string,
  raw: JsonRecord,
  key: 'command' | 'args',
  original: Original,
): void {
  const value = original[key];
  if (value !== undefined) putMember(operations, path, raw, key, value);
  else if (Object.hasOwn(raw, key) && raw[key] !== undefined)
    operations.push({ op: 'remove', path: `${path}/${key}` });
}

/** Remove items from the last to the first, so that indexes stay true; the list itself when nothing is left. */
function removeItems<T extends { index: number }>(
  operations: Operation[],
  path: string,
  key: string,
  items: readonly T[],
  isOurs: (item: T) => boolean,
): void {
  const gone = items.filter(isOurs);
  if (gone.length === 0) return;
  if (gone.length === items.length) operations.push({ op: 'remove', path: `${path}/${key}` });
  else
    for (const { index } of gone.reverse())
      operations.push({ op: 'remove', path: `${path}/${key}/${index}` });
}

/** The API server writes quantities in its own form (`0.1` comes back as `100m`): compare what they say. */
function sameResources(present: unknown, wanted: Desired['install']['resources']): boolean {
  const has = isRecord(present) ? present : {};
  return (['requests', 'limits'] as const).every((kind) => {
    const amounts = member(has, kind);
    const record = isRecord(amounts) ? amounts : {};
    return (['cpu', 'memory'] as const).every(
      (name) => parseQuantity(member(record, name)) === parseQuantity(wanted?.[kind]?.[name]),
    );
  });
}

/** Equal as JSON. Only ever called with one side of our own making, so the depth is ours. */
function sameJson(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (Array.isArray(a) && Array.isArray(b))
    return a.length === b.length && a.every((item, i) => sameJson(item, b[i]));
  if (!isRecord(a) || !isRecord(b)) return false;
  const keys = Object.keys(b);
  return (
    keys.length === Object.keys(a).length &&
    keys.every((key) => Object.hasOwn(a, key) && sameJson(a[key], b[key]))
  );
}
