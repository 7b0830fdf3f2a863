/** What a shim does by itself, and what its container's process does (environment.ts tells what is modelled). */
import { LEAST_GRACE } from '../../shim/sidecar-leave.ts';
import { SIGTERM } from '../../shim/signals.ts';
import { type Case, lagOf, RESET_GRACE, stopDoubt, type Trouble } from './case.ts';
import { BEFORE_BELIEF } from './clock.ts';
import type { Draft } from './draft.ts';
import { isWorkDone } from './ends.ts';
import type { Happening } from './happening.ts';
import { type Box, isUp, type World } from './pod.ts';
import * as rules from './rules.ts';
import type { Scene } from './scene.ts';

/** shim/change-watch.ts, LOOK_ANYWAY. */
const LOOK_ANYWAY = 30_000;

/** What a shim does by itself. */
export function addOwn(list: Happening[], scene: Scene, view: Draft, who: number, box: Box): void {
  const name = scene.names[who] ?? '';
  const own = (text: string, apply: (draft: Draft) => void) =>
    list.push({ text: `${name} ${text}`, own: true, fair: true, apply });
  const others = scene.others[who] ?? [];
  if (box.life === 'taken') {
    own('looks for the first time', (draft) => draft.begin(who));
    return;
  }
  if (box.torn !== undefined) {
    const unread = others.filter((other) => !box.torn?.peers.has(scene.names[other] ?? ''));
    own('looks at the rest', (draft) => draft.look(who, unread));
    return;
  }
  if (box.process === 'dying') own('learns that its process was killed', (draft) => exit(draft, who, 137));
  const wakeAt = box.main?.wakeAt ?? box.sidecar?.wakeAt;
  if (wakeAt !== undefined && wakeAt <= 0) {
    own('is woken by its timer', (draft) => draft.tick(who));
  }
  // A main that runs watches nobody (machine.ts, needsOthers).
  if (box.main?.phase === 'running' || !view.isBehind(who)) return;
  if (box.missedUntil !== undefined && box.missedUntil > 0) return;
  own('looks', (draft) => draft.look(who));
  if (box.missedUntil === undefined && !hearsHangUp(scene, view, who, box)) {
    list.push({
      text: `${name} is not told of a change`,
      own: false,
      fair: false,
      trouble: 'change-missed',
      apply: (draft) => draft.set(who, { missedUntil: LOOK_ANYWAY }),
    });
  }
  for (let read = 1; read < others.length; read++) {
    const some = others.slice(0, read);
    list.push({
      text: `${name} looks at ${some.map((other) => scene.names[other]).join(' and ')} first`,
      own: false,
      fair: false,
      trouble: 'look-torn',
      apply: (draft) => {
        const { peers, saw, ...seen } = draft.read(who, some, undefined);
        draft.set(who, { torn: { peers, saw }, missedUntil: undefined, ...seen });
      },
    });
  }
}

/** A life line that is let go of wakes its watchers by itself. */
function hearsHangUp(scene: Scene, view: Draft, who: number, box: Box): boolean {
  const peers = box.main?.peers ?? box.sidecar?.peers;
  return (scene.others[who] ?? []).some((other) => {
    const seen = peers?.get(scene.names[other] ?? '');
    return (seen?.alive === true || (box.cameUp & (1 << other)) !== 0) && !isUp(view.get(other));
  });
}

/**
 * How long the kubelet may take to start a container again that it has stopped alone, whatever its code. Without a probe its image was
 * changed; a probe's victim stays ended under Never. Two cases no shim can tell from others, and they are left out (docs/limits.md):
 * a new image for a container with a probe under Never, and one that ends before its stop request comes, by itself or by its preStop hook.
 */
function againTime(pod: Case): number | undefined {
  const doubt = stopDoubt(pod);
  return doubt === 0 ? undefined : doubt - BEFORE_BELIEF;
}

/** The container's process, its readiness condition, and stop requests that arrive. */
export function addProcess(list: Happening[], scene: Scene, world: World, who: number, box: Box): void {
  const name = scene.names[who] ?? '';
  const { pod } = scene;
  const add = (text: string, fair: boolean, apply: (draft: Draft) => void, trouble?: Trouble) =>
    list.push({ text, own: false, fair, apply, ...(trouble === undefined ? {} : { trouble }) });
  if (box.torn !== undefined) return;
  // Signals wait until the shim has begun; it reads them after its first look (driver.ts, run).
  if (box.life !== 'begun') return;
  if (box.term !== undefined) {
    const { alone } = box.term;
    add(`the runtime's stop request reaches ${name}`, true, (draft) => {
      const deletedAt = world.truth.deletedAt ?? 0;
      const hooked = pod.preStop.includes(name) && !alone;
      const own = world.truth.reset === 'going' ? RESET_GRACE : (pod.aloneGrace ?? pod.grace);
      const granted = alone ? own : pod.grace;
      const killAt = hooked ? Math.max(LEAST_GRACE, deletedAt + pod.grace) : granted;
      draft.set(who, {
        term: undefined,
        killAt: Math.min(box.killAt ?? killAt, killAt),
        stopped: box.stopped ?? { alone, at: 0 },
        again: alone && world.truth.reset === undefined ? againTime(pod) : undefined,
      });
      // The rules' view of it is set first: what the machine does now, it does knowing.
      draft.deliver(who, { type: 'stop-request', at: 0, signal: SIGTERM });
      rules.checkStopped(draft, who);
    });
  }
  add(
    `a TERM from inside reaches ${name}`,
    false,
    (draft) => draft.deliver(who, { type: 'signal', at: 0, signal: SIGTERM }),
    'term-inside',
  );
  if (box.probing && !pod.neverReady) {
    add(`${name} is ready`, true, (draft) => {
      draft.set(who, { probing: false, held: true });
      draft.deliver(who, { type: 'ready', at: 0 });
    });
  }
  if (box.process !== 'runs' && box.process !== 'asked') return;
  const isMain = who < pod.mains.length;
  if (!isMain && box.term !== undefined && box.process === 'runs' && pod.preStop.includes(name)) {
    const { alone, by } = box.term;
    add(`${name}'s preStop hook ends its process`, false, (draft) => {
      draft.set(who, { byHook: true, term: { alone, by: alone ? Math.min(by, lagOf(pod) / 2) : by } });
      exit(draft, who, 0);
    });
  }
  const ends = (code: number, fair: boolean, trouble?: Trouble) =>
    add(`${name}'s process ends with ${code}`, fair, (draft) => exit(draft, who, code), trouble);
  // What the first one left is in the way of the second: not another trouble.
  if (!isMain && box.ends === 1 && box.process === 'runs' && !isEndUnwritten(pod, world.boxes))
    add(`${name}'s process fails on what the last one left`, false, (draft) => exit(draft, who, 1));
  if (box.process === 'asked') {
    ends(0, isMain);
    ends(143, false);
    if (pod.restartsAll) ends(1, false);
    return;
  }
  if (isMain) ends(0, true);
  else ends(0, false, 'fails');
  ends(1, false, 'fails');
  add(`${name}'s process is killed alone`, false, (draft) => exit(draft, who, 137), 'child-killed');
}

/**
 * Whether a main's last word is not, or will not be, written while others still work: a sidecar that leaves itself to the kubelet then is exchanged
 * for a newcomer that cannot know of it (docs/limits.md).
 */
function isEndUnwritten(pod: Case, boxes: readonly Box[]): boolean {
  const unwritten = boxes.some(({ mute, spoken }) => mute || spoken !== undefined);
  return unwritten && !isWorkDone(pod, boxes, false);
}

function exit(draft: Draft, who: number, code: number): void {
  const box = draft.get(who);
  const works = !draft.isMain(who) && box.stopped === undefined;
  draft.set(who, {
    process: 'none',
    held: false,
    ...(works ? rules.restartDelay(draft, who, box, code) : {}),
  });
  draft.deliver(who, { type: 'exit', at: 0, code });
}
