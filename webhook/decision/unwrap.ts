import type { Operation } from '../shared/operations.ts';
import { parseMounts } from './container.ts';
import { authorsDefaultContainer, DEFAULT_CONTAINER } from './default-container.ts';
import type { EarlierRun } from './earlier-run.ts';
import { moveItems, putAnnotations, putOrRemove, removeItems } from './json-patch.ts';
import { SAFE_TO_EVICT, safeToEvictWithoutOurs } from './local-volumes.ts';
import { type PodView, presentOrder } from './pod.ts';
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
      putOrRemove(operations, path, container.raw, 'command', original.command);
      putOrRemove(operations, path, container.raw, 'args', original.args);
    }
    if (earlier.startupProbes.has(container.name)) {
      const own = earlier.startupProbes.get(container.name);
      putOrRemove(operations, path, container.raw, 'startupProbe', own);
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
  const authors = pod.containers.map(({ name }) => name);
  moveItems(operations, '/spec/containers', presentOrder(pod), authors);
  putAnnotations(operations, pod, {
    [DEFAULT_CONTAINER]: authorsDefaultContainer(pod, earlier),
    [SAFE_TO_EVICT]: safeToEvictWithoutOurs(pod),
    [STATUS]: undefined,
  });
  return operations;
}
