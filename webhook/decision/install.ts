import { BIN_DIR, RUN_DIR, SHIM_IMAGE_PATH, shimFlags } from '../../shim/protocol.ts';
import { isRecord, type JsonRecord, member } from '../shared/json.ts';
import type { PodView } from './pod.ts';
import type { Policy } from './policy.ts';
import { type InstallResources, installResources } from './resources.ts';
import { BIN_VOLUME, INSTALL_CONTAINER, RUN_VOLUME } from './vocabulary.ts';

export interface Mount {
  name: string;
  mountPath: string;
  readOnly?: true;
}

/** The init container that copies the shim (W4), as its fields must read. */
export interface InstallContainer {
  name: typeof INSTALL_CONTAINER;
  image: string;
  imagePullPolicy?: 'Always' | 'IfNotPresent' | 'Never';
  command: readonly string[];
  /** Absent where it would be empty. */
  resources?: InstallResources;
  securityContext: InstallSecurity;
  volumeMounts: readonly Mount[];
}

interface InstallSecurity {
  runAsNonRoot: true;
  runAsUser?: number;
  allowPrivilegeEscalation: false;
  capabilities: { drop: string[] };
  readOnlyRootFilesystem: true;
  seccompProfile: { type: string };
}

/** @param order the names of spec.containers in the order that is written */
export function installContainer(pod: PodView, order: readonly string[], policy: Policy): InstallContainer {
  const { image, imagePullPolicy } = policy.shim;
  const containers = [...order];
  const resources = installResources(pod, policy);
  return {
    name: INSTALL_CONTAINER,
    image,
    ...(imagePullPolicy === undefined ? {} : { imagePullPolicy }),
    command: [SHIM_IMAGE_PATH, ...shimFlags({ role: 'install', to: BIN_DIR, run: RUN_DIR, containers })],
    ...(Object.keys(resources).length > 0 ? { resources } : {}),
    securityContext: installSecurity(pod),
    volumeMounts: [
      { name: BIN_VOLUME, mountPath: BIN_DIR },
      { name: RUN_VOLUME, mountPath: RUN_DIR },
    ],
  };
}

/**
 * Pod Security "restricted"; only the two volumes can be written. The user is the image's (65532) or the pod's own: a number
 * here would be refused where a namespace has a range of its own (OpenShift). Only a pod whose user is root needs one.
 */
function installSecurity(pod: PodView): InstallSecurity {
  const ours = pod.initContainers.find(({ name }) => name === INSTALL_CONTAINER);
  const isRoot = saysRoot(pod.spec) || (ours !== undefined && saysRoot(ours.raw));
  return {
    runAsNonRoot: true,
    ...(isRoot ? { runAsUser: 65_532 } : {}),
    allowPrivilegeEscalation: false,
    capabilities: { drop: ['ALL'] },
    readOnlyRootFilesystem: true,
    seccompProfile: { type: 'RuntimeDefault' },
  };
}

function saysRoot(record: JsonRecord): boolean {
  const context = member(record, 'securityContext');
  return isRecord(context) && member(context, 'runAsUser') === 0;
}
