/** What is done to a container or to the whole pod from outside (environment.ts tells what is modelled). */

import { aloneLagOf, restarts, type Trouble } from './case.ts';
import type { Draft } from './draft.ts';
import { comesBack } from './ends.ts';
import type { Happening } from './happening.ts';
import { type Box, isUp, type World } from './pod.ts';
import * as rules from './rules.ts';
import type { Scene } from './scene.ts';

/** What is done to a whole container. */
export function addFate(list: Happening[], scene: Scene, world: World, who: number, box: Box): void {
  const name = scene.names[who] ?? '';
  const { pod, names } = scene;
  const add = (text: string, fair: boolean, apply: (draft: Draft) => void, trouble?: Trouble) =>
    list.push({ text, own: false, fair, apply, ...(trouble === undefined ? {} : { trouble }) });
  if (box.killAt !== undefined && box.killAt <= 0) {
    add(`the runtime kills ${name}: its grace period is over`, true, (draft) => {
      rules.checkRuntimeKill(draft, who);
      draft.gone(who, true);
    });
  }
  if (box.marker !== undefined || isWatchedByAll(scene, world, who)) {
    add(`${name} is killed, shim and process`, false, (draft) => draft.gone(who, true), 'killed');
  }
  const { deletedAt, reset } = world.truth;
  const isCalm =
    box.term === undefined && box.stopped === undefined && deletedAt === undefined && reset === undefined;
  if (isCalm && isKnownToNewcomers(world)) {
    const hooked = pod.preStop.includes(names[who] ?? '');
    add(
      `the kubelet stops ${name} alone`,
      false,
      (draft) => {
        draft.set(who, { term: { alone: true, by: hooked ? pod.grace : 0 } });
        if (pod.preStop.length > 0) draft.truth = { ...draft.truth, stoppedAlone: true };
      },
      'stopped-alone',
    );
  }
  if (canBecomeUnwritable(scene, world, who, box)) {
    add(
      `${name} can write to the rendezvous no more`,
      false,
      (draft) => {
        draft.set(who, { mute: true });
        // Nothing else goes wrong: who is exchanged for a newcomer does not hear what is said once (docs/limits.md).
        draft.truth = { ...draft.truth, troubles: pod.trouble, had: 0 };
      },
      'unwritable',
    );
  }
  if (box.life === 'begun' && !box.frozen) {
    add(
      `${name} is not scheduled for a while`,
      false,
      (draft) => {
        draft.set(who, { frozen: true });
        draft.truth = { ...draft.truth, irregular: true };
      },
      'frozen',
    );
  }
}

/**
 * A container that was killed before its very first trace, while somebody was not there to see its life line, is to that one a
 * container that was never started; so is it to one who is exchanged for a newcomer. No shim can tell, and under Never its pod waits: docs/limits.md.
 */
function isWatchedByAll(scene: Scene, world: World, who: number): boolean {
  return (scene.others[who] ?? []).every((other) => {
    const box = world.boxes[other];
    const stays = box?.life === 'begun' && box.term === undefined && box.again === undefined;
    return stays && (box.lived & (1 << who)) !== 0;
  });
}

/** A main that runs, and says its last word to those who are all there; none of them is stopped, so that none is exchanged. */
function canBecomeUnwritable(scene: Scene, world: World, who: number, box: Box): boolean {
  if (
    who >= scene.pod.mains.length ||
    scene.pod.restartsAll ||
    box.process === 'none' ||
    box.mute ||
    world.truth.deletedAt !== undefined
  )
    return false;
  return world.boxes.every(({ life, term, stopped, again, main, sidecar, process, unrunnable }, other) => {
    // Such a sidecar leaves its next start to the kubelet, and a newcomer takes its place.
    if (unrunnable) return false;
    if (other === who) return term === undefined && stopped === undefined;
    // It is about to be exchanged, or may be when its process has ended.
    if (sidecar?.leaveWith !== undefined || (sidecar !== undefined && process === 'asked')) return false;
    const listens = life === 'begun' && (other >= scene.pod.mains.length || main?.phase === 'running');
    return listens && term === undefined && stopped === undefined && again === undefined;
  });
}

/** Nobody who may know of such a death is exchanged for a newcomer afterwards ({@link isWatchedByAll}). */
function isKnownToNewcomers(world: World): boolean {
  return !world.boxes.some((box) => box.life === 'down' && box.marker === undefined);
}

/** A sidecar's command is not there when it is started next, and is there again later. */
export function addCommand(list: Happening[], scene: Scene, world: World, who: number, box: Box): void {
  if (who < scene.pod.mains.length) return;
  const name = scene.names[who] ?? '';
  if (box.unrunnable)
    list.push({
      text: `${name}'s command is there again`,
      own: false,
      fair: true,
      apply: (draft) => draft.set(who, { unrunnable: false }),
    });
  else if (box.process === 'none' && box.life !== 'taken' && world.truth.deletedAt === undefined)
    list.push({
      text: `${name}'s command is not there`,
      own: false,
      fair: false,
      trouble: 'cannot-run',
      apply: (draft) => draft.set(who, { unrunnable: true }),
    });
}

/** A main's shim is killed between its last word and its exit: all that the kubelet sees is the KILL. */
export function addLateKill(list: Happening[], scene: Scene, world: World, who: number, box: Box): void {
  const { pod, names } = scene;
  if (who >= pod.mains.length || box.life !== 'down' || world.truth.deletedAt !== undefined) return;
  if (world.truth.reset !== undefined) return;
  if (box.marker?.phase !== 'ended' || comesBack(pod, box) || pod.preStop.includes(names[who] ?? '')) return;
  if (box.marker.stopping || box.marker.epoch !== 'now' || !restarts(pod.policy, true)) return;
  list.push({
    text: `${names[who]} was killed after its last word, and that is all the kubelet has seen`,
    own: false,
    fair: false,
    trouble: 'killed-late',
    apply: (draft) => draft.set(who, { failed: true, done: true }),
  });
}

/** What is done to the whole pod. */
export function addPod(list: Happening[], scene: Scene, world: World): void {
  const { pod } = scene;
  if (world.truth.dying && !world.boxes.some(isUp)) addNewSandbox(list);
  if (world.truth.deletedAt !== undefined) return;
  list.push({
    text: 'the pod is deleted',
    own: false,
    // Nothing else ends a pod whose mains are always started again.
    fair: pod.policy === 'Always',
    apply: (draft) => stopAll(draft, false),
  });
  if (pod.policy === 'Never') return;
  if (world.boxes.some((box) => box.life !== 'unborn')) addReboot(list, scene, world);
  // Not within the minute in which the kubelet may still start somebody against his own word: a minute is a minute.
  if (
    world.boxes.some(isUp) &&
    !world.boxes.some(({ forgotten, done, again }) => forgotten || done || again !== undefined)
  )
    list.push({
      text: 'the sandbox dies alone, and the kubelet stops what is left in it',
      own: false,
      fair: false,
      trouble: 'sandbox-dies',
      apply: (draft) => stopAll(draft, true),
    });
}

function stopAll(draft: Draft, dying: boolean): void {
  const { pod, names } = draft.scene;
  // Who cannot write that it was stopped is not known to be; a sidecar with a probe may take its own stop for one of it alone.
  const irregular = draft.truth.irregular || draft.boxes.some(({ mute }) => mute);
  draft.truth = { ...draft.truth, deletedAt: 0, dying, irregular };
  draft.boxes.forEach((box, who) => {
    const hooked = pod.preStop.includes(names[who] ?? '');
    draft.set(who, { again: undefined });
    if (isUp(box)) draft.set(who, { term: { alone: false, by: hooked ? pod.grace : aloneLagOf(pod) / 2 } });
  });
}

function addNewSandbox(list: Happening[]): void {
  list.push({
    text: 'the kubelet makes a new sandbox',
    own: false,
    fair: true,
    apply: (draft) => {
      draft.boxes.forEach((_, who) => {
        draft.age(who);
      });
      const { deletedAt: _, ...rest } = draft.truth;
      draft.truth = { ...rest, dying: false };
    },
  });
}

function addReboot(list: Happening[], scene: Scene, world: World): void {
  const ended = world.boxes.flatMap((box, who) =>
    box.life === 'down' && !comesBack(scene.pod, { ...box, again: undefined }) ? [who] : [],
  );
  for (let some = 0; some < 1 << ended.length; some++) {
    const forgotten = ended.filter((_, i) => (some & (1 << i)) !== 0);
    const lost =
      forgotten.length === 0
        ? ''
        : `, and the kubelet forgets that ${forgotten.map((who) => scene.names[who]).join(' and ')} ended`;
    list.push({
      text: `the node is restarted${lost}`,
      own: false,
      fair: false,
      trouble: 'reboot',
      apply: (draft) => {
        draft.boxes.forEach((box, who) => {
          draft.age(who);
          if (isUp(box)) draft.gone(who, true);
          // In the next life of the sandbox who is started again works again.
          const back = box.forgotten || box.done || forgotten.includes(who);
          draft.set(who, { forgotten: back, done: false, again: undefined });
        });
        draft.truth = { ...draft.truth, rebootAt: 0 };
      },
    });
  }
}
