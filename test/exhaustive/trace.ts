/** A way through the states, told so that a reader can play it: who did what, in order, and what followed. */
import { Catalogue } from './catalogue.ts';
import { happenings } from './environment.ts';
import { type Box, firstWorld, type World } from './pod.ts';
import { RuleBroken } from './rules.ts';
import type { Scene } from './scene.ts';
import { after, type Broken } from './search.ts';

export interface Trace {
  /** Each event with what the shims did about it. */
  steps: { event: string; acts: string[] }[];
  /** Where everybody is in the end. */
  state: string[];
}

/**
 * Play a path again from the first state. The states on it are known only up to the exchange of two mains; of all that may
 * happen, that is taken which leads to the next of them.
 */
export function traceOf(scene: Scene, broken: Broken): Trace {
  const catalogue = new Catalogue(scene);
  const steps: Trace['steps'] = [];
  let world = firstWorld(scene.pod);
  for (const goal of broken.path.slice(1)) {
    const wanted = catalogue.add(goal);
    const found = stepTo(scene, world, (next) => catalogue.add(next) === wanted);
    if (found === undefined) throw new Error('the path cannot be played again');
    steps.push({ event: found.event, acts: found.acts });
    world = found.world;
  }
  if (broken.last !== undefined) steps.push(lastStep(scene, world, broken));
  return { steps, state: world.boxes.map((box, who) => `${scene.names[who]}: ${describe(box)}`) };
}

function stepTo(
  scene: Scene,
  world: World,
  isGoal: (next: World) => boolean,
): { event: string; acts: string[]; world: World } | undefined {
  for (const what of happenings(scene, world)) {
    const acts: string[] = [];
    try {
      const next = after(scene, world, what, acts);
      if (isGoal(next)) return { event: what.text, acts, world: next };
    } catch (error) {
      if (!(error instanceof RuleBroken)) throw error;
    }
  }
  return undefined;
}

/** With mains exchanged on the way, the last event may bear the other's name: any that breaks the same rule will do. */
function lastStep(scene: Scene, world: World, broken: Broken): Trace['steps'][number] {
  for (const what of happenings(scene, world)) {
    const acts: string[] = [];
    try {
      after(scene, world, what, acts);
    } catch (error) {
      if (!(error instanceof RuleBroken)) throw error;
      if (error.rule === broken.rule)
        return { event: what.text, acts: [...acts, `BROKEN: ${error.message}`] };
    }
  }
  return { event: broken.last ?? '', acts: [] };
}

function describe(box: Box): string {
  const words: string[] = [];
  if (box.life === 'unborn') words.push('not started yet');
  else if (box.life === 'down') words.push(box.failed ? 'down, failed' : 'down, exit 0');
  else
    words.push(
      box.life === 'taken' ? 'up, has not looked yet' : `up, ${box.main?.phase ?? box.sidecar?.phase}`,
    );
  if (box.process !== 'none') words.push(`process ${box.process}`);
  if (box.stopped !== undefined) words.push('had its stop request');
  if (box.frozen) words.push('not scheduled');
  if (box.marker !== undefined) {
    const { phase, epoch, final } = box.marker;
    words.push(
      `marker ${phase}${phase === 'ended' ? (final ? ' for good' : ' for now') : ''}${epoch === 'now' ? '' : ' (of an earlier epoch)'}`,
    );
  }
  return words.join(', ');
}
