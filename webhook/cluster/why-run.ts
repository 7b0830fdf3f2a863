/** What holds a pod whose containers run, by what the kubelet and the logs say. Pure. */
import { READY } from '../decision/vocabulary.ts';
import type { Finding, Judged } from './finding.ts';
import { endOf, hangOf, unclearSidecars } from './hanging.ts';
import { notWrappedBecause } from './not-wrapped.ts';
import type { ContainerFacts, PodFacts } from './pod-facts.ts';
import { SHIM_CODES } from './why-start.ts';
import { both, brief, duration, since, when } from './words.ts';

/** The pod has ended. */
export function ended({ pod, now }: Judged): Finding | undefined {
  if (pod.phase !== 'Succeeded' && pod.phase !== 'Failed') return undefined;
  const why = [pod.reason, brief(pod.message)].filter((text) => text !== '').join(': ');
  return {
    state: 'ended',
    headline: pod.phase === 'Succeeded' ? 'ended, and succeeded' : 'ended, and failed',
    lines: [
      ...(why === '' ? [] : [why]),
      ...pod.containers.filter(({ place }) => place === 'regular').flatMap((one) => endLine(one, now)),
    ].slice(0, 8),
    todo: [],
  };
}

function endLine({ name, state, shim }: ContainerFacts, now: number): string[] {
  if (state.kind !== 'ended') return [];
  const ours = shim !== undefined && state.code in SHIM_CODES ? `: ${SHIM_CODES[state.code]}` : '';
  const said = state.message === '' ? '' : `; it said: ${brief(state.message, 200)}`;
  const reason = state.reason === 'OOMKilled' ? ' (out of memory)' : '';
  return [`${name} ended with ${state.code}${reason}${ours}${when(state.at, now)}${said}`];
}

/** The pod is being deleted. */
export function deleted({ pod, now }: Judged): Finding | undefined {
  if (pod.deletingUntil === undefined) return undefined;
  const left = pod.containers.filter(({ state }) => state.kind === 'running').map(({ name }) => name);
  const late = now - pod.deletingUntil;
  const [holder] = left;
  return {
    state: late > 0 ? 'held' : 'works',
    ...(holder === undefined ? {} : { holder }),
    headline:
      late > 0
        ? `it is being deleted, and its grace period ended ${duration(late)} ago`
        : `it is being deleted; its grace period ends in ${duration(-late)}`,
    lines: [
      ...(left.length > 0 ? [`still running: ${both(left)}`] : []),
      ...(pod.finalizers.length > 0 ? [`kept by the finalizer ${both(pod.finalizers)}`] : []),
      ...(late > 60_000 && left.length > 0 ? ['the node may not answer: kubectl get nodes'] : []),
    ],
    todo: [],
  };
}

/** The work is done, and a sidecar that nobody ends runs on. */
export function hanging(scene: Judged): Finding | undefined {
  const { pod, roles, now } = scene;
  const hang = hangOf(pod, roles, now);
  if (hang === undefined) return undefined;
  const images = new Map(pod.containers.map(({ name, image }) => [name, image]));
  const ends = both(hang.mains.map(({ name, code }) => `${name} ended ${code}`));
  const [holder = ''] = hang.sidecars;
  return {
    state: 'held',
    holder,
    headline: `held by ${both(hang.sidecars)}`,
    lines: [
      `main ${ends}${when(hang.since, now)}`,
      `${both(hang.sidecars)} still run${hang.sidecars.length === 1 ? `s (${images.get(holder) ?? ''})` : ''}${hang.certain ? '' : ', and may be sidecars'}`,
      ...(pod.wrapped
        ? ['the shim should have stopped it by now: see its log']
        : because(scene, hang.sidecars).lines),
    ],
    todo: pod.wrapped
      ? [`kubectl logs -n ${pod.namespace} ${pod.name} -c ${holder}`]
      : [...because(scene, hang.sidecars).todo, ...endIt(pod)],
  };
}

/** One has ended, and nobody knows what the others are. */
export function unclear(scene: Judged): Finding | undefined {
  const { pod, roles, now } = scene;
  const left = unclearSidecars(pod, roles);
  if (left === undefined) return undefined;
  const done = pod.containers.filter(
    (one) => one.place === 'regular' && endOf(one, pod.restartPolicy)?.code === 0,
  );
  const at = done.map(({ state }) => (state.kind === 'ended' ? (state.at ?? 0) : 0));
  const [holder = ''] = left;
  const { lines, todo } = because(scene, left);
  return {
    state: 'held',
    holder,
    headline: `${both(left)} still run${left.length === 1 ? 's' : ''}`,
    lines: [
      `${both(done.map(({ name }) => name))} ended 0${when(Math.max(...at) || undefined, now)}`,
      'a container that works on is a main, and the pod ends with it; one that only serves is a sidecar',
      ...lines,
    ],
    todo,
  };
}

function because(scene: Judged, sidecars: readonly string[]): Pick<Finding, 'lines' | 'todo'> {
  const { pod, judgement, label } = scene;
  const { because: why, write } = notWrappedBecause(judgement, label, {
    namespace: pod.namespace,
    template: templateOf(pod),
    sidecars,
  });
  return {
    lines: why.length === 0 ? [] : [`not wrapped: ${why.join('; ')}`],
    todo: write.map((one) => `for the next pods: ${one}`),
  };
}

/** Where a pod's annotations are written. */
export function templateOf({ owner }: PodFacts): string {
  return owner === undefined ? 'the pod' : `the pod template of ${owner.kind} ${owner.name}`;
}

/** Its work is done, and a Job would do it again if only the pod went. */
function endIt({ owner, namespace, name }: PodFacts): string[] {
  return owner?.kind === 'Job'
    ? [
        `this one, whose work is done: kubectl delete job -n ${namespace} ${owner.name} (deleting only the pod does the work again)`,
      ]
    : [`this one, whose work is done: kubectl delete pod -n ${namespace} ${name}`];
}

/** The last word of a shim that could not be asked, as its log shows it. */
export function saidInLogs(scene: Judged): Finding | undefined {
  const { pod, logs, unheard } = scene;
  if (!pod.wrapped) return undefined;
  const asked = unheard === undefined ? [] : [`from the logs, because ${unheard}`];
  for (const { name, shim } of pod.containers) {
    if (shim !== 'main') continue;
    // What a command prints comes after the shim's own lines, so that the last line tells whether it waits.
    const waits = /^curfew: waiting for (.*)$/.exec(logs.get(name)?.at(-1) ?? '')?.[1];
    if (waits === undefined) continue;
    const sidecar = /^sidecar (\S+)/.exec(waits)?.[1] ?? '';
    const own = logs.get(sidecar)?.findLast((line) => line.startsWith('curfew: '));
    return {
      state: 'held',
      holder: sidecar,
      headline: `main ${name} waits for ${sidecar || brief(waits)}`,
      lines: [
        `${name} says: waiting for ${brief(waits)}`,
        ...(own === undefined ? [] : [`${sidecar} says: ${brief(own.slice('curfew: '.length))}`]),
        ...asked,
      ],
      todo: [
        `kubectl logs -n ${pod.namespace} ${pod.name} -c ${sidecar}`,
        `if it is ready only when the main answers: annotation ${READY}/${sidecar}: none`,
      ],
    };
  }
  return undefined;
}

/** Nothing holds it: its mains work. */
export function working(scene: Judged): Finding {
  const { pod, roles, now } = scene;
  const running = pod.containers.filter(
    ({ place, state }) => place === 'regular' && state.kind === 'running',
  );
  const mains = running.filter(({ name }) => roles.get(name)?.role !== 'sidecar');
  const sidecars = running.filter(({ name }) => roles.get(name)?.role === 'sidecar').map(({ name }) => name);
  const native = pod.containers.filter(({ place }) => place === 'native').map(({ name }) => name);
  const first = mains[0]?.state;
  const started = first?.kind === 'running' ? first.since : undefined;
  const later = pod.restartPolicy !== 'Always' && !pod.wrapped && sidecars.length > 0;
  const why = later ? because(scene, sidecars) : { lines: [], todo: [] };
  const names = both(mains.map(({ name }) => name));
  return {
    state: 'works',
    ...(mains[0] === undefined ? {} : { holder: mains[0].name }),
    headline:
      mains.length === 0
        ? `phase ${pod.phase || 'unknown'}; nothing is known to hold it`
        : `${names} run${mains.length === 1 ? 's' : ''}${since(started, now)}`,
    lines: [
      ...(pod.wrapped ? ['its sidecars are stopped when it ends'] : []),
      ...(scene.unheard === undefined ? [] : [`the shim was not heard: ${scene.unheard}`]),
      ...(native.length > 0
        ? [`${both(native)}: native, the kubelet ends ${native.length === 1 ? 'it' : 'them'} after the work`]
        : []),
      ...(later ? [`when ${names} ends, ${both(sidecars)} will run on`, ...why.lines] : []),
    ],
    todo: why.todo,
  };
}
