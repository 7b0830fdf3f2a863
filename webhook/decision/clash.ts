import { posix } from 'node:path';
import { BIN_DIR, RUN_DIR } from '../../shim/protocol.ts';
import { quote } from '../shared/wording.ts';
import type { Trouble } from './mutation.ts';
import type { ReadPart } from './planned-part.ts';
import type { PodView } from './pod.ts';
import { BIN_VOLUME, INSTALL_CONTAINER, RUN_VOLUME } from './vocabulary.ts';

const HOME = posix.dirname(BIN_DIR);
const HOME_NAME = posix.basename(HOME);

/**
 * A volume, container or mount of the pod's own with one of our names or paths. Those that an earlier run added are no clash.
 * @param touched an earlier run was here
 */
export function findClash(pod: PodView, parts: readonly ReadPart[], touched: boolean): Trouble | undefined {
  for (const volume of pod.volumes)
    if (isOurVolume(volume.name) && !(touched && volume.emptyDir)) return taken(`volume ${volume.name}`);
  if (pod.containers.some(({ name }) => name === INSTALL_CONTAINER))
    return taken(`container ${INSTALL_CONTAINER}`);
  if (!touched && pod.initContainers.some(({ name }) => name === INSTALL_CONTAINER))
    return taken(`init container ${INSTALL_CONTAINER}`);
  for (const { container, details } of parts) {
    const own = details.mounts.filter(({ name, path }) => !(touched && isOurVolume(name) && isOurPath(path)));
    const path = [...own.map((mount) => mount.path), ...details.devicePaths].find(liesInOurs);
    if (path !== undefined)
      return {
        reason: 'path-taken',
        message: `container ${container.name} mounts something at ${quote(path)}, where Curfew's own volumes go (${BIN_DIR} and ${RUN_DIR}): mount it elsewhere`,
      };
  }
  return undefined;
}

function taken(what: string): Trouble {
  return {
    reason: 'name-taken',
    message: `the pod has a ${what} of its own: rename it, Curfew adds one of that name`,
  };
}

function isOurVolume(name: string): boolean {
  return name === BIN_VOLUME || name === RUN_VOLUME;
}

function isOurPath(path: string): boolean {
  return path === BIN_DIR || path === RUN_DIR;
}

/** At or under one of our folders, or at the folder that holds both, where the runtime could not always create ours. */
function liesInOurs(path: string): boolean {
  if (!path.includes(HOME_NAME)) return false;
  const clean = posix.resolve('/', path);
  return clean === HOME || [BIN_DIR, RUN_DIR].some((dir) => clean === dir || clean.startsWith(`${dir}/`));
}
