/** The kubelet starts the whole pod again because of a container's end (RestartAllContainers; kubernetes: kuberuntime_manager.go). */
import { RESET_GRACE } from './case.ts';
import type { Draft } from './draft.ts';
import type { Happening } from './happening.ts';
import { type Box, isUp, type World } from './pod.ts';
import type { Scene } from './scene.ts';

/** What the kubelet does next, if it is at it. */
export function addReset(list: Happening[], scene: Scene, world: World): void {
  const { reset } = world.truth;
  const add = (text: string, apply: (draft: Draft) => void) =>
    list.push({ text, own: false, fair: true, apply });
  if (reset === 'due') {
    add('the kubelet is to start all containers again', (draft) => {
      draft.truth = { ...draft.truth, reset: 'going' };
      draft.boxes.forEach((box, who) => {
        if (box.life === 'down') draft.set(who, { forgotten: true });
      });
    });
    return;
  }
  if (reset !== 'going') return;
  if (!world.boxes.some(isUp)) {
    add('the kubelet starts all again, from the init containers on', newLife);
    return;
  }
  if (isStopping(world)) return;
  world.boxes.forEach((box, who) => {
    if (isUp(box))
      add(`the kubelet stops ${scene.names[who]}, to start all again`, (draft) => stop(draft, who));
  });
}

/** Whether the kubelet has something to do there at once: then no time passes. */
export function isResetUrgent(world: World): boolean {
  const { reset } = world.truth;
  return reset === 'due' || (reset === 'going' && !isStopping(world));
}

function isStopping({ boxes }: World): boolean {
  return boxes.some((box) => isUp(box) && isAsked(box));
}

function isAsked({ term, killAt }: Box): boolean {
  return term !== undefined || killAt !== undefined;
}

function stop(draft: Draft, who: number): void {
  // Its hooks do not run, and what has not begun yet hears of it when it does: the time runs.
  draft.set(who, { term: { alone: true, by: 0 }, killAt: RESET_GRACE });
}

function newLife(draft: Draft): void {
  draft.boxes.forEach((box, who) => {
    draft.age(who);
    if (box.life === 'down') draft.set(who, { forgotten: true, done: false, again: undefined });
  });
  const { reset: _, ...rest } = draft.truth;
  draft.truth = { ...rest, rebootAt: 0 };
}
