/** What the shims of a wrapped pod say of who waits for whom. Pure. */
import type { Finding, Judged } from './finding.ts';
import type { ShimContainer, ShimReport } from './shim-report.ts';
import { both, duration, times } from './words.ts';

/** From the shims' own word; undefined where they were not heard, or where nothing follows. */
export function saidByShim(scene: Judged): Finding | undefined {
  const { shim } = scene;
  if (shim === undefined) return undefined;
  const byName = new Map(shim.containers.map((one) => [one.name, one]));
  const mains = shim.containers.filter(({ role }) => role === 'main');
  const waiting = mains.find(({ phase }) => phase === 'waiting');
  if (waiting !== undefined) return mainWaits(scene, waiting, byName);
  const back = mains.find(({ phase, final }) => (phase === 'ended' || phase === 'killed') && final === false);
  const running = mains.filter(({ phase }) => phase === 'running');
  if (running.length > 0) return mainsRun(scene, running, shim);
  if (back !== undefined)
    return {
      state: 'held',
      holder: back.name,
      headline: `held by main ${back.name}, which ended${codeOf(back)} and is to be started again`,
      lines: agreed(back.why),
      todo: [logOf(scene, back.name, true)],
    };
  const absent = mains.find(({ phase }) => phase === 'absent');
  if (absent !== undefined)
    return {
      state: 'held',
      holder: absent.name,
      headline: `its sidecars wait for main ${absent.name}, which has not come up`,
      lines: troublesOf(scene).slice(0, 2),
      todo: [describeOf(scene)],
    };
  return sidecarsLeave(scene, shim);
}

/** The first of those that a main waits for which does not itself wait for another. */
function mainWaits(scene: Judged, main: ShimContainer, byName: ReadonlyMap<string, ShimContainer>): Finding {
  const chain: string[] = [main.name];
  let last: ShimContainer | undefined = main;
  let said = '';
  while (last?.phase === 'waiting') {
    const next: { name: string; why: string } | undefined = last.waitsFor[0];
    if (next === undefined || chain.includes(next.name)) break;
    chain.push(next.name);
    said = next.why;
    last = byName.get(next.name);
  }
  const holder = chain.at(-1) ?? main.name;
  const others = main.waitsFor.slice(1).map(({ name }) => name);
  if (chain.length === 1)
    return { state: 'works', headline: `main ${main.name} is about to start`, lines: [], todo: [] };
  return {
    state: 'held',
    holder,
    headline: `main ${main.name} waits for ${holder}${ageOf(main)}`,
    lines: [
      last === undefined ? `${holder}: ${said}` : stateOf(last),
      ...(chain.length > 2 ? [`in turn: ${chain.join(' waits for ')}`] : []),
      ...(others.length > 0 ? [`then for ${both(others.filter((name) => name !== holder))}`] : []).filter(
        (line) => line !== 'then for ',
      ),
    ],
    todo: [last?.phase === 'absent' ? describeOf(scene) : logOf(scene, holder), ...readyHint(last)],
  };
}

/** A sidecar's state, with why. */
function stateOf(one: ShimContainer): string {
  const { name, phase, why, restarts } = one;
  const reason = why === undefined ? '' : `: ${why}`;
  const again =
    restarts === 0
      ? ''
      : ` (started again ${times(restarts)} by the shim; its last process ended${codeOf(one)})`;
  switch (phase) {
    case 'absent':
      return `${name} has not come up`;
    case 'starting':
      return `${name} runs and is not ready${reason}${ageOf(one)}${again}`;
    case 'resting':
      return `CrashLoop inside the shim: ${name} ended${codeOf(one)}, ${times(restarts + 1)}${reason}`;
    case 'ended':
    case 'killed':
      return `${name} ended${codeOf(one)}${one.final === false ? ', to be started again by the kubelet' : ''}${reason}`;
    default:
      return `${name} is ${phase}${reason}${ageOf(one)}`;
  }
}

function readyHint(one: ShimContainer | undefined): string[] {
  return one?.phase === 'starting'
    ? [`if it is ready only when the main answers: annotation ready.curfew.dev/${one.name}: none`]
    : [];
}

function mainsRun(scene: Judged, running: readonly ShimContainer[], { containers }: ShimReport): Finding {
  const [first] = running;
  const resting = containers.filter(({ phase }) => phase === 'resting');
  return {
    state: resting.length > 0 ? 'held' : 'works',
    ...(resting[0] === undefined ? { holder: first?.name ?? '' } : { holder: resting[0].name }),
    headline:
      resting[0] === undefined
        ? `main ${both(running.map(({ name }) => name))} run${running.length === 1 ? 's' : ''}${first === undefined ? '' : ageOf(first)}`
        : `sidecar ${resting[0].name} fails while main ${both(running.map(({ name }) => name))} runs`,
    lines: [
      ...resting.map(stateOf),
      ...containers.filter(({ phase }) => phase === 'starting').map(stateOf),
      ...(resting.length > 0 ? [] : ['its sidecars are stopped when it ends']),
    ],
    todo: resting.map(({ name }) => logOf(scene, name)),
  };
}

/** The mains have ended for good. */
function sidecarsLeave({ pod }: Judged, { containers }: ShimReport): Finding | undefined {
  const up = containers.filter(({ role, phase }) => role === 'sidecar' && isUp(phase));
  const [last] = up.toReversed();
  if (last === undefined) return undefined;
  const ends = containers
    .filter(({ role }) => role === 'main')
    .map((main) => `${main.name} ended${codeOf(main)}`);
  return {
    state: last.stopping ? 'works' : 'held',
    holder: last.name,
    headline: `${both(ends)}; ${last.stopping ? `${last.name} is being stopped` : `${last.name} is not stopped yet`}${ageOf(last)}`,
    lines: [
      last.stopping
        ? 'it is killed when the grace period is over'
        : 'a main that was stopped alone may come back: its sidecars wait for that up to 5 min',
    ],
    todo: last.stopping ? [] : [`kubectl logs -n ${pod.namespace} ${pod.name} -c ${last.name}`],
  };
}

function isUp(phase: ShimContainer['phase']): boolean {
  return phase === 'waiting' || phase === 'starting' || phase === 'started' || phase === 'resting';
}

function codeOf({ code, phase }: ShimContainer): string {
  if (code === undefined) return phase === 'killed' ? ' killed' : '';
  return ` with ${code}${phase === 'killed' ? ' (killed)' : ''}`;
}

function ageOf({ sinceMs }: ShimContainer): string {
  return sinceMs === undefined ? '' : `, since ${duration(sinceMs)}`;
}

function agreed(why: string | undefined): string[] {
  return why === undefined ? [] : [why];
}

function troublesOf({ troubles }: Judged): string[] {
  return troubles.map(({ reason, message }) => `${reason}: ${message}`);
}

function describeOf({ pod }: Judged): string {
  return `kubectl describe pod -n ${pod.namespace} ${pod.name}`;
}

function logOf({ pod }: Judged, container: string, previous = false): string {
  return `kubectl logs -n ${pod.namespace} ${pod.name} -c ${container}${previous ? ' --previous' : ''}`;
}
