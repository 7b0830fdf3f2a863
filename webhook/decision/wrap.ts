import { MAX_DURATION_MS } from '../../shim/duration.ts';
import { type MachineWords, othersWords } from '../../shim/machine-words.ts';
import {
  BIN_DIR,
  type ContainerOptions,
  formatReadiness,
  RUN_DIR,
  SHIM_IMAGE_PATH,
  SHIM_PATH,
  shimFlags,
} from '../../shim/protocol.ts';
import { parseSignal, signalName } from '../../shim/signals.ts';
import { isRecord, type JsonRecord, member } from '../shared/json.ts';
import type { ContainerWishes, Wishes } from './annotations.ts';
import type { ContainerDetails } from './container.ts';
import type { Part } from './decide.ts';
import type { MutatedContainer } from './mutation.ts';
import type { PodView } from './pod.ts';
import type { Policy } from './policy.ts';
import { deriveReadiness } from './readiness.ts';
import { type InstallResources, installResources } from './resources.ts';
import { formatStatus, type Original } from './status.ts';
import { BIN_VOLUME, containerKey, INSTALL_CONTAINER, READY, RUN_VOLUME, STOP_SIGNAL } from './vocabulary.ts';

export interface Mount {
  name: string;
  mountPath: string;
  readOnly?: true;
}

/** What every wrapped container mounts. Fresh objects each time: who applies a patch puts its values into a document. */
export function containerMounts(): Mount[] {
  return [
    { name: BIN_VOLUME, mountPath: BIN_DIR, readOnly: true },
    { name: RUN_VOLUME, mountPath: RUN_DIR },
  ];
}

/** What the init container mounts. */
export function installMounts(): Mount[] {
  return [
    { name: BIN_VOLUME, mountPath: BIN_DIR },
    { name: RUN_VOLUME, mountPath: RUN_DIR },
  ];
}

interface InstallSecurity {
  runAsNonRoot: true;
  runAsUser?: number;
  allowPrivilegeEscalation: false;
  capabilities: { drop: string[] };
  readOnlyRootFilesystem: true;
  seccompProfile: { type: string };
}

/**
 * Pod Security "restricted", and no way to write but to the two volumes. The user is the image's (65532), or the pod's own: a number
 * here would be refused where a namespace has a range of its own (OpenShift). Only a pod that says root needs one.
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

/**
 * What the kubelet gives every container at least, also where the pod says 0, in seconds (kubernetes: pod_workers.go,
 * calculateEffectiveGracePeriod; before 1.22 it is 2).
 */
const LEAST_GRACE = 1;

/** A part with everything known that it needs. */
export interface Planned extends Part {
  details: ContainerDetails;
  original: Original;
  words: readonly string[];
  /** Whose words the first are, where machines differ. */
  byMachine?: readonly MachineWords[];
  imageStopSignal: string | undefined;
}

/** The fields that are ours in a wrapped pod, as they must be. */
export interface Desired {
  install: {
    name: typeof INSTALL_CONTAINER;
    image: string;
    imagePullPolicy?: 'Always' | 'IfNotPresent' | 'Never';
    command: readonly string[];
    /** Absent where it would be empty. */
    resources?: InstallResources;
    securityContext: InstallSecurity;
    volumeMounts: readonly Mount[];
  };
  /** In the order of spec.containers. */
  containers: readonly { command: readonly string[]; args: readonly string[] }[];
  status: string;
  report: MutatedContainer[];
}

/** Names in the order of spec.containers, and in start order. */
export interface Order {
  mains: readonly string[];
  sidecars: readonly string[];
}

/**
 * Write down how a wrapped pod's own fields must read.
 * @param warn W8: what a hook, a probe or a wish loses under the shim
 */
export function desire(
  pod: PodView,
  order: Order,
  parts: readonly Planned[],
  wishes: Wishes,
  policy: Policy,
  warn: (text: string) => void,
): Desired {
  const mains = [...order.mains];
  const sidecars = [...order.sidecars];
  const preStop = parts.flatMap((part) => (part.details.hasPreStop ? [part.container.name] : []));
  const report: MutatedContainer[] = [];
  const containers = parts.map((part) => {
    const { name } = part.container;
    const own = wishes.containers.get(name) ?? {};
    const options = { ...containerOptions(pod, part, own, wishes, warn), mains, sidecars, preStop };
    report.push({
      name,
      role: part.role,
      ...commandsOf(part),
      ...(part.role === 'sidecar' ? { ready: formatReadiness(options.ready) } : {}),
      why: part.why,
    });
    return { command: [SHIM_PATH, ...shimFlags(options)], args: part.words };
  });
  return {
    install: install(pod, policy),
    containers,
    status: formatStatus(
      policy.version,
      parts.map(({ container, role, original, words }) => ({
        name: container.name,
        role,
        original,
        words,
      })),
    ),
    report,
  };
}

function install(pod: PodView, policy: Policy): Desired['install'] {
  const { image, imagePullPolicy } = policy.shim;
  const containers = pod.containers.map(({ name }) => name);
  const resources = installResources(pod, policy);
  return {
    name: INSTALL_CONTAINER,
    image,
    ...(imagePullPolicy === undefined ? {} : { imagePullPolicy }),
    command: [SHIM_IMAGE_PATH, ...shimFlags({ role: 'install', to: BIN_DIR, run: RUN_DIR, containers })],
    ...(Object.keys(resources).length > 0 ? { resources } : {}),
    securityContext: installSecurity(pod),
    volumeMounts: installMounts(),
  };
}

function containerOptions(
  pod: PodView,
  part: Planned,
  own: ContainerWishes,
  wishes: Wishes,
  warn: (text: string) => void,
): Omit<ContainerOptions, 'mains' | 'sidecars' | 'preStop'> {
  const { container, details, role } = part;
  const { name } = container;
  const isMain = role === 'main';
  if (isMain && own.ready !== undefined)
    warn(
      `annotation ${containerKey(READY, name)} has no effect: ${name} is a main, and only sidecars are waited for`,
    );
  const { ready, timeout } = isMain
    ? { ready: { kind: 'none' } as const, timeout: 1_000 }
    : deriveReadiness(name, container.raw, details, own, part.known, warn);
  const stopSignal = stopSignalOf(part, own, warn);
  return {
    role,
    name,
    run: RUN_DIR,
    restartPolicy: details.restartPolicy ?? pod.restartPolicy,
    restartRules: details.restartRules,
    grace: Math.min(Math.max(pod.grace, LEAST_GRACE) * 1_000, MAX_DURATION_MS),
    ...(isMain && wishes.startTimeout !== undefined ? { startTimeout: wishes.startTimeout } : {}),
    ...(stopSignal === undefined ? {} : { stopSignal }),
    ...(own.stopTimeout === undefined ? {} : { stopTimeout: own.stopTimeout }),
    // What else makes the kubelet stop one container alone: a hook that failed, a resize that restarts.
    probed:
      details.hasLivenessProbe || details.hasStartupProbe || details.hasPostStart || details.restartsOnResize,
    hostPid: pod.hostPid,
    log: wishes.log,
    ready,
    readyTimeout: timeout,
    ...(part.byMachine === undefined ? {} : { byMachine: [...part.byMachine] }),
    command: [],
  };
}

/** What a person is told that it runs: that of the first machine, and of each. */
function commandsOf({ words, byMachine = [] }: Planned): Pick<MutatedContainer, 'command' | 'byMachine'> {
  const all = byMachine.map(({ machine }) => {
    const command = [...words];
    for (const [at, count] of othersWords(byMachine, machine)) command.splice(at, count);
    return { machine, command };
  });
  const [first] = all;
  return first === undefined ? { command: [...words] } : { command: first.command, byMachine: all };
}

/**
 * The stop signal: `lifecycle.stopSignal`, else the annotation, else the image's, else the catalogue's. The container's own field wins over
 * the annotation because it is what the runtime will send, and the shim must know that as the stop request (P7).
 * @returns the name without SIG; undefined for TERM, the default
 */
function stopSignalOf(part: Planned, own: ContainerWishes, warn: (text: string) => void): string | undefined {
  const { name } = part.container;
  const field = canonicalSignal(part.details.stopSignal);
  if (field !== undefined && own.stopSignal !== undefined && own.stopSignal !== field)
    warn(
      `annotation ${containerKey(STOP_SIGNAL, name)} has no effect: lifecycle.stopSignal says ${field}, which is what the runtime sends`,
    );
  const signal =
    field ??
    own.stopSignal ??
    canonicalSignal(part.imageStopSignal) ??
    canonicalSignal(part.known?.stopSignal);
  return signal === 'TERM' ? undefined : signal;
}

function canonicalSignal(text: string | undefined): string | undefined {
  const number = text === undefined ? undefined : parseSignal(text);
  return number === undefined ? undefined : signalName(number);
}
