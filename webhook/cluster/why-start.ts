/** What holds a pod before its containers run. Pure. */
import { INSTALL_CONTAINER } from '../decision/vocabulary.ts';
import type { Finding, Judged } from './finding.ts';
import { strippedIn } from './judgement.ts';
import type { ContainerFacts } from './pod-facts.ts';
import { brief, duration, since, times, when } from './words.ts';

/** States in which a container waits for somebody, by the kubelet's reason. */
const STUCK: Readonly<Record<string, string>> = {
  ErrImagePull: 'its image cannot be pulled',
  ImagePullBackOff: 'its image cannot be pulled',
  InvalidImageName: "its image's name is wrong",
  ErrImageNeverPull: 'its image is not on the node, and imagePullPolicy is Never',
  ImageInspectError: 'its image cannot be read',
  RegistryUnavailable: 'the registry cannot be reached',
  CreateContainerConfigError: 'a ConfigMap, Secret or key that it names is missing',
  CreateContainerError: 'the container runtime cannot create it',
  RunContainerError: 'the container runtime cannot start it',
};

/** No node has taken the pod. */
export function unscheduled({ pod, now }: Judged): Finding | undefined {
  if (pod.gates.length > 0)
    return {
      state: 'held',
      headline: `not scheduled: it has the scheduling gate ${pod.gates.join(', ')}`,
      lines: [],
      todo: [],
    };
  if (pod.unscheduled === undefined) return undefined;
  return {
    state: 'held',
    headline: 'no node takes it',
    lines: [`${brief(pod.unscheduled)}${since(pod.createdAt, now)}`],
    todo: [],
  };
}

/** An init container or native sidecar that has the others wait. */
export function initialising(scene: Judged): Finding | undefined {
  const { pod } = scene;
  const regular = pod.containers.filter(({ place }) => place === 'regular');
  if (regular.some(({ state }) => state.kind !== 'waiting')) return undefined;
  const first = pod.containers.find((one) => one.place !== 'regular' && !isDone(one));
  return first && (first.place === 'native' ? nativeStart(scene, first) : initRuns(scene, first));
}

function isDone({ place, state, started }: ContainerFacts): boolean {
  if (place === 'init') return state.kind === 'ended' && state.code === 0;
  return state.kind === 'running' && started !== false;
}

function initRuns(scene: Judged, init: ContainerFacts): Finding | undefined {
  const { name, state } = init;
  if (state.kind === 'waiting') return stuck(scene, init, 'init container') ?? creating(scene);
  if (state.kind === 'ended') return failing(scene, init, 'init container');
  if (strippedIn(scene.pod).includes(name))
    return {
      state: 'held',
      holder: name,
      headline: `all wait for the end of sidecar ${name}, which runs on${since(state.since, scene.now)}`,
      lines: [
        'another webhook has dropped its restartPolicy: Always, and so it is an ordinary init container',
        "likely that webhook's Kubernetes client is older than 1.28",
      ],
      todo: ['update that webhook, or set annotation curfew.dev/mode: shim'],
    };
  const sidecars = [...scene.roles].filter(([, { role }]) => role === 'sidecar').map(([sidecar]) => sidecar);
  return {
    state: 'works',
    holder: name,
    headline: `init container ${name} still runs${since(state.since, scene.now)}`,
    lines:
      sidecars.length === 0
        ? []
        : [
            `${sidecars.join(', ')} start${sidecars.length === 1 ? 's' : ''} after all init containers: one that needs it waits in vain`,
          ],
    todo: [],
  };
}

function nativeStart(scene: Judged, sidecar: ContainerFacts): Finding | undefined {
  const { name, state, hasStartupProbe } = sidecar;
  if (state.kind === 'waiting') return stuck(scene, sidecar, 'native sidecar') ?? creating(scene);
  if (state.kind === 'ended') return failing(scene, sidecar, 'native sidecar');
  return {
    state: 'held',
    holder: name,
    headline: `all wait for native sidecar ${name}`,
    lines: [
      `${name} runs${since(state.since, scene.now)}, ${hasStartupProbe ? 'and its startup probe has not held yet' : 'and is not started yet'}`,
      ...lastTrouble(scene, 'Unhealthy'),
    ],
    todo: [`kubectl logs -n ${scene.pod.namespace} ${scene.pod.name} -c ${name}`],
  };
}

/** A container that the kubelet cannot start, or starts again and again. */
export function stuck(scene: Judged, container: ContainerFacts, kind: string): Finding | undefined {
  const { name, state, image } = container;
  if (state.kind !== 'waiting') return undefined;
  if (state.reason === 'CrashLoopBackOff') return failing(scene, container, kind);
  const why = Object.hasOwn(STUCK, state.reason) ? STUCK[state.reason] : undefined;
  if (why === undefined) return undefined;
  const left = [...scene.roles].filter(([other, { role }]) => role === 'sidecar' && other !== name);
  const isMain = scene.roles.get(name)?.role === 'main';
  return {
    state: 'held',
    holder: name,
    headline: `held by ${kind} ${name}: ${why}`,
    lines: [
      `${state.reason}: ${brief(state.message || image)}`,
      ...(isMain && left.length > 0
        ? [
            `${left.map(([other]) => other).join(', ')} ${left.length === 1 ? 'waits' : 'wait'} for it, and so without end: set activeDeadlineSeconds`,
          ]
        : []),
    ],
    todo:
      name === INSTALL_CONTAINER
        ? [`give the nodes the right to pull ${image}, or set shim.image in the webhook's configuration`]
        : [],
  };
}

/** A container that ends with an error again and again. */
export function failing({ pod, now }: Judged, container: ContainerFacts, kind: string): Finding {
  const { name, state, last, restarts, shim } = container;
  const end = state.kind === 'ended' ? state : last;
  const said = end === undefined ? '' : brief(end.message, 200);
  const code =
    end === undefined ? '' : ` with ${end.code}${end.reason === 'OOMKilled' ? ' (out of memory)' : ''}`;
  return {
    state: 'held',
    holder: name,
    headline: `held by ${kind} ${name}, which fails`,
    lines: [
      `${name} ended${code}${when(end?.at, now)}; the kubelet has started it again ${times(restarts)}`,
      ...(said === '' ? [] : [said]),
      ...(shim !== undefined && end !== undefined && end.code in SHIM_CODES
        ? [`${end.code} is the shim's: ${SHIM_CODES[end.code]}`]
        : []),
    ],
    todo: [`kubectl logs -n ${pod.namespace} ${pod.name} -c ${name} --previous`],
  };
}

/** docs/reference/exit-codes.md, in short. */
export const SHIM_CODES: Readonly<Record<number, string>> = {
  124: 'the start-timeout ran out before the sidecars were ready',
  125: 'Curfew cannot work there; the log says why',
  126: 'the command cannot be executed',
  127: 'the command is not found',
};

/** Volumes, the network or the node: only Events say why. */
export function creating(scene: Judged): Finding | undefined {
  const { pod, now } = scene;
  const waits = pod.containers.every(({ state }) => state.kind === 'waiting' || state.kind === 'ended');
  if (!waits || pod.phase !== 'Pending') return undefined;
  const troubles = lastTrouble(scene);
  const age = pod.createdAt === undefined ? 0 : now - pod.createdAt;
  return {
    state: troubles.length > 0 ? 'held' : 'works',
    headline: `its containers are being created${pod.createdAt === undefined ? '' : `, since ${duration(age)}`}`,
    lines: troubles,
    todo: troubles.length > 0 || age < 60_000 ? [] : [`kubectl describe pod -n ${pod.namespace} ${pod.name}`],
  };
}

function lastTrouble({ troubles, now }: Judged, reason?: string): string[] {
  const last = troubles.findLast((one) => reason === undefined || one.reason === reason);
  return last === undefined ? [] : [`${last.reason}: ${brief(last.message)}${when(last.at, now)}`];
}
