import type { Operation } from 'fast-json-patch';
import type { JsonRecord } from '../shared/json.ts';
import { parseMounts } from './container.ts';
import type { EarlierRun } from './earlier-run.ts';
import { annotationPath, putMember, removeItems } from './json-patch.ts';
import type { PodView } from './pod.ts';
import type { Original } from './status.ts';
import { INSTALL_CONTAINER, OUR_VOLUMES, STATUS } from './vocabulary.ts';

/**
 * The operations that take an earlier run's traces away, so that the pod is as its author wrote it.
 * @throws {ShapeError}
 */
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
    operations.push({ op: 'remove', path: annotationPath(STATUS) });
  return operations;
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
