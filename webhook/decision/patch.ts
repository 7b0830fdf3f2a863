import { isRecord, type JsonRecord, member } from '../shared/json.ts';
import type { Operation } from '../shared/operations.ts';
import { parseQuantity } from '../shared/quantity.ts';
import type { MountView } from './container.ts';
import type { EarlierRun } from './earlier-run.ts';
import type { InstallContainer, Mount } from './install.ts';
import { append, moveItems, putAnnotations, putMember, putOrRemove } from './json-patch.ts';
import { forbidsShim, repairedMount } from './mount-options.ts';
import type { Plan } from './plan.ts';
import { type PodView, presentOrder } from './pod.ts';
import { OUR_VOLUMES } from './vocabulary.ts';
import { containerMounts, type Desired } from './wrap.ts';

/** The operations that make our fields read as desired; none where they do already (W3). Nothing else is touched. */
export function wrapOperations({ pod, earlier, parts, order }: Plan, desired: Desired): Operation[] {
  const operations: Operation[] = [];
  putVolumes(operations, pod);
  putInstall(operations, pod, earlier.install, desired.install);
  parts.forEach(({ container: { raw, index, name }, details, gate }, i) => {
    const path = `/spec/containers/${index}`;
    const own = desired.containers[i];
    if (own === undefined) return;
    putMember(operations, path, raw, 'command', own.command);
    putMember(operations, path, raw, 'args', own.args);
    if (gate !== undefined) putMember(operations, path, raw, 'startupProbe', gate);
    else if (earlier.startupProbes.has(name))
      putOrRemove(operations, path, raw, 'startupProbe', earlier.startupProbes.get(name));
    putMounts(operations, path, raw, details.mounts, containerMounts());
  });
  moveItems(operations, '/spec/containers', presentOrder(pod), order);
  putAnnotations(operations, pod, desired.annotations);
  return operations;
}

/**
 * What each of our volumes may hold. The kubelet evicts a pod that goes beyond, so it is far above what is there: 0.5 MiB for the shim, and
 * for 128 containers a block each, 8 MiB in all where a block of the file system has 64 KiB.
 */
const VOLUME_SIZE = '32Mi';

function putVolumes(operations: Operation[], pod: PodView): void {
  const missing = OUR_VOLUMES.filter((name) => !pod.volumes.some((volume) => volume.name === name));
  append(
    operations,
    '/spec/volumes',
    member(pod.spec, 'volumes'),
    missing.map((name) => ({ name, emptyDir: { sizeLimit: VOLUME_SIZE } })),
  );
}

function putInstall(
  operations: Operation[],
  pod: PodView,
  present: EarlierRun['install'],
  desired: InstallContainer,
): void {
  if (present === undefined) {
    const list = member(pod.spec, 'initContainers');
    if (Array.isArray(list)) operations.push({ op: 'add', path: '/spec/initContainers/0', value: desired });
    else operations.push({ op: 'add', path: '/spec/initContainers', value: [desired] });
    return;
  }
  const { view, mounts } = present;
  const path = '/spec/initContainers/0';
  // An init container that another webhook put in front would run before the shim is there. A move keeps what they added to ours.
  if (view.index !== 0) operations.push({ op: 'move', from: `/spec/initContainers/${view.index}`, path });
  putInstallFields(operations, path, view.raw, desired);
  putMounts(operations, path, view.raw, mounts, desired.volumeMounts);
}

function putInstallFields(
  operations: Operation[],
  path: string,
  raw: JsonRecord,
  desired: InstallContainer,
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
}

/** Add each of our mounts, found by its path, or put it right. */
function putMounts(
  operations: Operation[],
  path: string,
  raw: JsonRecord,
  present: readonly MountView[],
  wanted: readonly Mount[],
): void {
  const missing: Mount[] = [];
  for (const mount of wanted) {
    const at = present.find((item) => item.path === mount.mountPath);
    if (at === undefined) missing.push(mount);
    else if (!sameMount(at, mount))
      operations.push({
        op: 'replace',
        path: `${path}/volumeMounts/${at.index}`,
        value: repairedMount(at, mount),
      });
  }
  append(operations, `${path}/volumeMounts`, member(raw, 'volumeMounts'), missing);
}

function sameMount(present: MountView, wanted: Mount): boolean {
  return (
    present.name === wanted.name &&
    (member(present.raw, 'readOnly') === true) === (wanted.readOnly === true) &&
    !member(present.raw, 'subPath') &&
    !member(present.raw, 'subPathExpr') &&
    !forbidsShim(present)
  );
}

/** Compares amounts, not texts: the API server writes quantities in its own form (`0.1` comes back as `100m`). */
function sameResources(present: unknown, wanted: InstallContainer['resources']): boolean {
  const has = isRecord(present) ? present : {};
  return (['requests', 'limits'] as const).every((kind) => {
    const amounts = member(has, kind);
    const record = isRecord(amounts) ? amounts : {};
    return (['cpu', 'memory'] as const).every(
      (name) => parseQuantity(member(record, name)) === parseQuantity(wanted?.[kind]?.[name]),
    );
  });
}
