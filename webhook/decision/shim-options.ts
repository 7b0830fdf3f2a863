import { MAX_DURATION_MS } from '../../shim/duration.ts';
import type { MachineWords } from '../../shim/machine-words.ts';
import {
  type AloneGrace,
  type ContainerOptions,
  MESSAGE_PATH,
  NO_MESSAGE,
  RUN_DIR,
} from '../../shim/protocol.ts';
import { parseSignal, signalName } from '../../shim/signals.ts';
import type { ContainerWishes } from './annotations.ts';
import type { ContainerDetails } from './container.ts';
import type { Decision } from './decide.ts';
import type { PlannedPart } from './planned-part.ts';
import type { PodView } from './pod.ts';
import { deriveReadiness } from './readiness.ts';
import { containerKey, READY, STOP_SIGNAL, STOP_TIMEOUT } from './vocabulary.ts';

/**
 * The shortest grace period that the kubelet gives a pod, also where the pod says 0, in seconds (kubernetes: pod_workers.go,
 * calculateEffectiveGracePeriod; before 1.22 it is 2).
 */
const LEAST_POD_GRACE = 1;

/**
 * What a container has, in seconds, when another one's end restarts all of them: the kubelet stops one after the other with this time
 * each, without hooks (kubernetes: kuberuntime_manager.go, ContainersToReset; minimumGracePeriodInSeconds).
 */
const RESET_GRACE = 2;

/**
 * The options of one container's shim, without the command.
 * @param warn W8: what a probe or a wish loses under the shim
 */
export function containerOptions(
  pod: PodView,
  { wishes, mains, sidecars, startTimeout }: Decision,
  part: PlannedPart,
  preStop: string[],
  {
    words,
    byMachine,
    imageStopSignal,
  }: { words: readonly string[]; byMachine?: readonly MachineWords[]; imageStopSignal: string | undefined },
  warn: (text: string) => void,
): ContainerOptions {
  const { container, details, role } = part;
  const { name } = container;
  const own = wishes.containers.get(name) ?? {};
  const isMain = role === 'main';
  if (isMain && own.ready !== undefined)
    warn(
      `annotation ${containerKey(READY, name)} has no effect: ${name} is a main, and only sidecars are waited for`,
    );
  const { ready, timeout } = isMain
    ? { ready: { kind: 'none' } as const, timeout: 1_000 }
    : deriveReadiness(pod, part, words, own, warn);
  const grace = milliseconds(pod.grace);
  if (own.stopTimeout !== undefined && own.stopTimeout > grace)
    warn(
      `annotation ${containerKey(STOP_TIMEOUT, name)} is longer than the pod's terminationGracePeriodSeconds (${pod.grace}), which ends ` +
        'its process before: raise that',
    );
  const stopSignal = stopSignalOf(part, own, imageStopSignal, warn);
  return {
    role,
    name,
    run: RUN_DIR,
    mains: [...mains],
    sidecars: [...sidecars],
    preStop,
    restartPolicy: details.restartPolicy ?? pod.restartPolicy,
    restartRules: details.restartRules,
    grace,
    ...(isMain && startTimeout !== undefined ? { startTimeout } : {}),
    ...(stopSignal === undefined ? {} : { stopSignal }),
    ...(own.stopTimeout === undefined ? {} : { stopTimeout: own.stopTimeout }),
    // Besides probes, a hook that failed and a resize that restarts make the kubelet stop one container alone.
    probed:
      details.hasLivenessProbe || details.hasStartupProbe || details.hasPostStart || details.restartsOnResize,
    ...(isMain ? {} : aloneGrace(pod, details, grace)),
    hostPid: pod.hostPid,
    ...terminationMessage(details),
    log: wishes.log,
    ready,
    readyTimeout: timeout,
    ...(byMachine === undefined ? {} : { byMachine: [...byMachine] }),
    command: [],
  };
}

function milliseconds(grace: number): number {
  return Math.min(Math.max(grace, LEAST_POD_GRACE) * 1_000, MAX_DURATION_MS);
}

/** L13: what a stop of this container alone leaves it, where a probe has a grace period of its own or all containers may be restarted. */
function aloneGrace(
  pod: PodView,
  { probeGraces, hasPostStart, restartsOnResize }: ContainerDetails,
  grace: number,
): { aloneGrace?: AloneGrace } {
  const ofProbes = probeGraces.map((own) => milliseconds(own ?? pod.grace));
  // A new image may stop it alone as well, and leaves the pod's.
  if (pod.restartsAll) ofProbes.push(Math.min(grace, RESET_GRACE * 1_000), grace);
  // A hook that failed and a resize that restarts leave the pod's.
  const all = hasPostStart || restartsOnResize ? [...ofProbes, grace] : ofProbes;
  return all.every((one) => one === grace)
    ? {}
    : { aloneGrace: { least: Math.min(...all), most: Math.max(...all) } };
}

/** The longest path that the kernel takes (PATH_MAX). */
const MOST_PATH = 4_095;

/**
 * Where the shim's last words go. Under FallbackToLogsOnError nowhere: the end of the log is the message, and they stand there. Nor where the kubelet
 * would expand the path in the shim's command (`$(`), or it is none.
 */
function terminationMessage({ terminationMessagePath: path, terminationMessagePolicy }: ContainerDetails): {
  terminationMessage?: string;
} {
  if (terminationMessagePolicy === 'FallbackToLogsOnError') return { terminationMessage: NO_MESSAGE };
  if (path === undefined || path === '' || path === MESSAGE_PATH) return {};
  const isUsable = path.startsWith('/') && path.length <= MOST_PATH && !path.includes('$(');
  return { terminationMessage: isUsable ? path : NO_MESSAGE };
}

/**
 * The stop signal: `lifecycle.stopSignal`, else the annotation, else the image's, else the catalogue's. The container's own field wins over
 * the annotation because it is what the runtime will send, and the shim must know that as the stop request (P7).
 * @returns the name without SIG; undefined for TERM, the default
 */
function stopSignalOf(
  { container: { name }, details, known }: PlannedPart,
  own: ContainerWishes,
  imageStopSignal: string | undefined,
  warn: (text: string) => void,
): string | undefined {
  const field = canonicalSignal(details.stopSignal);
  if (field !== undefined && own.stopSignal !== undefined && own.stopSignal !== field)
    warn(
      `annotation ${containerKey(STOP_SIGNAL, name)} has no effect: lifecycle.stopSignal says ${field}, which is what the runtime sends`,
    );
  const signal =
    field ?? own.stopSignal ?? canonicalSignal(imageStopSignal) ?? canonicalSignal(known?.stopSignal);
  return signal === 'TERM' ? undefined : signal;
}

function canonicalSignal(text: string | undefined): string | undefined {
  const number = text === undefined ? undefined : parseSignal(text);
  return number === undefined ? undefined : signalName(number);
}
