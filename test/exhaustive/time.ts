/** How time passes: to the next moment that anybody waits for (environment.ts tells what is modelled). */

import { DOUBT, type Trouble } from './case.ts';
import { BEFORE_BELIEF, FORGOTTEN, later } from './clock.ts';
import type { Draft } from './draft.ts';
import type { Happening } from './happening.ts';
import { checkPatience, timesOf } from './patience.ts';
import { hasProcess, isUp, type World } from './pod.ts';
import type { Scene } from './scene.ts';

const IDLE = 1_000;
const JUMP = 660_000;

/** When the next thing is due that somebody waits for, or that a rule sets a time for. */
function nextDeadline(scene: Scene, world: World): number | undefined {
  let first: number | undefined;
  const take = (at: number | undefined) => {
    if (at !== undefined && (first === undefined || at < first)) first = at;
  };
  for (const box of world.boxes) {
    if (box.life === 'down' && box.forgotten && world.truth.deletedAt === undefined)
      take((world.truth.rebootAt ?? 0) + DOUBT - BEFORE_BELIEF);
    if (box.life === 'down' && world.truth.deletedAt === undefined) take(box.again);
    if (!isUp(box)) continue;
    take(box.killAt);
    if (box.frozen) continue;
    take(box.main?.wakeAt ?? box.sidecar?.wakeAt);
    take(box.term?.by);
    take(box.missedUntil);
    for (const at of timesOf(scene.pod, world, box)) if (at > 0) take(at);
  }
  return first;
}

export function isDeadlineOver(scene: Scene, world: World): boolean {
  return (nextDeadline(scene, world) ?? 1) <= 0;
}

export function addTime(list: Happening[], scene: Scene, world: World): void {
  const add = (text: string, by: number, fair: boolean, trouble?: Trouble) =>
    list.push({
      text,
      own: false,
      fair,
      apply: (draft) => {
        checkPatience(draft);
        pass(draft, by);
        if (trouble === 'clock-jump') draft.truth = { ...draft.truth, irregular: true };
      },
      ...(trouble === undefined ? {} : { trouble }),
    });
  const next = nextDeadline(scene, world);
  if (next !== undefined) {
    add(`${next} ms pass`, next, true);
    if (next > IDLE) add(`${IDLE} ms pass`, IDLE, false, 'idle');
  } else if (world.boxes.some((box) => box.ends > 0 && hasProcess(box) && box.ranAt > -FORGOTTEN)) {
    add(`${FORGOTTEN} ms pass`, FORGOTTEN, false);
  }
  const forgotten = world.boxes.some(
    (box) => (box.forgotten || box.again !== undefined) && box.life === 'down',
  );
  if (next !== undefined && !forgotten) add('all clocks jump 11 minutes', JUMP, false, 'clock-jump');
  // Nothing is due, and nothing is left to do at once: the rules must hold here too.
  if (next === undefined) add('nothing happens for a while', 0, false);
}

function pass(draft: Draft, by: number): void {
  const world = later(draft.scene.pod, { boxes: draft.boxes, truth: draft.truth }, by);
  world.boxes.forEach((box, who) => {
    draft.boxes[who] = box;
  });
  draft.truth = world.truth;
}
