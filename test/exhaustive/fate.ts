/** What is done to a container or to the whole pod from outside (environment.ts tells what is modelled). */
import type { Draft } from './draft.ts';
import type { Happening } from './environment.ts';
import { type Box, comesBack, isUp, type Trouble, type World } from './pod.ts';
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
  if (
    pod.probed &&
    box.term === undefined &&
    box.stopped === undefined &&
    world.truth.deletedAt === undefined
  ) {
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
 * container that was never started. No shim can tell, and under Never its pod waits: README.md, limits.
 */
function isWatchedByAll(scene: Scene, world: World, who: number): boolean {
  return (scene.others[who] ?? []).every((other) => {
    const box = world.boxes[other];
    return box?.life === 'begun' && (box.lived & (1 << who)) !== 0;
  });
}

/** What is done to the whole pod. */
export function addPod(list: Happening[], scene: Scene, world: World): void {
  const { pod } = scene;
  if (world.truth.deletedAt !== undefined) return;
  list.push({
    text: 'the pod is deleted',
    own: false,
    // Nothing else ends a pod whose mains are always started again.
    fair: pod.policy === 'Always',
    apply: (draft) => {
      draft.truth = { ...draft.truth, deletedAt: 0 };
      draft.boxes.forEach((box, who) => {
        const hooked = pod.preStop.includes(scene.names[who] ?? '');
        if (isUp(box))
          draft.set(who, { term: { alone: false, by: hooked ? pod.grace : rules.lagOf(pod) / 2 } });
      });
    },
  });
  if (pod.policy !== 'Never' && world.boxes.some((box) => box.life !== 'unborn'))
    addReboot(list, scene, world);
}

function addReboot(list: Happening[], scene: Scene, world: World): void {
  const ended = world.boxes.flatMap((box, who) =>
    box.life === 'down' && !comesBack(scene.pod, box) ? [who] : [],
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
          draft.set(who, { forgotten: box.forgotten || forgotten.includes(who) });
        });
        draft.truth = { ...draft.truth, rebootAt: 0 };
      },
    });
  }
}
