/**
 * Everything around the shims: what can happen to a pod next. Read beside shim/driver.ts and shim/rendezvous.ts.
 *
 * Modelled, each as an event of its own, in every order that the rest permits:
 * - the kubelet starts containers in any order and after any delay, and again by the restart policy after any back-off (but not
 *   before the others have had the time to see who went: that takes a shim less than a millisecond); a stop of one
 *   container (liveness), the pod's deletion, preStop hooks of any length up to the grace period, stop requests that
 *   arrive up to half of L13's lag apart; a sidecar's own hook that ends its process, and goes on; the container runtime's KILL when the grace period is over;
 * - a shim's start in two steps: the life line taken (with the last attempt's marker taken back), then the first look; a KILL may
 *   come between. So may one between a main's last word and its exit (it is put in afterwards: only the kubelet's record differs). A look is atomic, or torn once between two of the others. A shim acts on what it saw last;
 * - the life line is held while the container is up, whatever ends it; a marker stays when its writer goes, and over a reboot,
 *   where it is of another epoch;
 * - a process ends with 0, another code, KILL of its own; asked to end, it ends, fails, or does not care; a TERM
 *   from inside; a readiness condition that holds at any time, or never;
 * - a sidecar whose command is not there, from any start on, and sooner or later is;
 * - a main whose rendezvous becomes read-only while it runs: its last word goes through its life line, to those who listen (L17);
 * - a notification that never comes: the shim looks at the next one, at a hang-up, or after LOOK_ANYWAY (30 s; the 500 ms
 *   of a shim without inotify are a shorter case of it);
 * - a node's restart (OnFailure, Always: under Never the kubelet makes no second sandbox), after which the kubelet may have
 *   forgotten any ends that were final;
 * - an end with 1 that starts the whole pod again (restartPolicyRules, RestartAllContainers): the kubelet stops one container after the other, in any order, with 2 s
 *   each and without hooks, and starts all as after a node's restart; nothing is deleted meanwhile;
 * - time: it passes only while no shim has anything to do, to the next moment that anybody waits for; the exceptions are
 *   trouble: a moment between (idle), a shim that is not scheduled (frozen, with its timers late), and all clocks jumping 11 minutes.
 *   The machines see the monotonic clock alone (host.c, now): it cannot go back, and the wall clock does not matter.
 *
 * Not modelled: a disk that is full or read-only at any other moment (L17, test/shim/process-trouble.test.ts); what is said (P8, and L2's every 10 s);
 * restartPolicyRules that restart one container; a main's command that is not there (the machine takes the way of any end); the probes' own timing; a marker
 * torn in its middle (it counts as none until the writer has closed it); other signals than TERM.
 */

import { TROUBLES, type Trouble } from './case.ts';
import { addOwn, addProcess } from './container-events.ts';
import { Draft } from './draft.ts';
import { comesBack } from './ends.ts';
import { addCommand, addFate, addLateKill, addPod } from './fate.ts';
import type { Happening } from './happening.ts';
import { type Box, isUp, type World } from './pod.ts';
import { addReset, isResetUrgent } from './reset.ts';
import type { Scene } from './scene.ts';
import { addTime, isDeadlineOver } from './time.ts';

/** Everything that can happen in this world. */
export function happenings(scene: Scene, world: World): Happening[] {
  const list: Happening[] = [];
  const view = new Draft(scene, world);
  const count = world.boxes.length;
  for (let who = 0; who < count; who++) {
    const box = view.get(who);
    addCommand(list, scene, world, who, box);
    if (!isUp(box)) {
      addStart(list, scene, world, who, 'unborn');
      addGiveUp(list, scene, who, box);
      addLateKill(list, scene, world, who, box);
    } else if (box.frozen) {
      list.push({
        text: `${scene.names[who]} is scheduled again`,
        own: false,
        fair: true,
        apply: (draft) => draft.set(who, { frozen: false }),
      });
      addFate(list, scene, world, who, box);
    } else {
      addOwn(list, scene, view, who, box);
      addProcess(list, scene, world, who, box);
      addFate(list, scene, world, who, box);
    }
  }
  const busy = list.some((item) => item.own);
  const urgent = busy || isResetUrgent(world) || isDeadlineOver(scene, world);
  // The kubelet takes longer to start a container again than the others take to look who has gone.
  if (!busy) for (let who = 0; who < count; who++) addStart(list, scene, world, who, 'down');
  if (world.truth.reset === undefined) addPod(list, scene, world);
  else if (!busy) addReset(list, scene, world);
  if (!urgent) addTime(list, scene, world);
  return list.filter(({ trouble }) => trouble === undefined || isAffordable(scene, world, trouble));
}

/** The start that was meant fails (a back-off, an image that cannot be had, a kubelet that is started anew): then its code decides. */
function addGiveUp(list: Happening[], scene: Scene, who: number, box: Box): void {
  if (box.life !== 'down' || box.again === undefined) return;
  list.push({
    text: `the kubelet cannot start ${scene.names[who]} again, and leaves it ended`,
    own: false,
    fair: false,
    trouble: 'not-again',
    apply: (draft) => draft.set(who, { again: undefined }),
  });
}

function isAffordable(scene: Scene, world: World, trouble: Trouble): boolean {
  const { troubles, had } = world.truth;
  return troubles < scene.pod.trouble && (had & (1 << TROUBLES.indexOf(trouble))) === 0;
}

function addStart(list: Happening[], scene: Scene, world: World, who: number, from: Box['life']): void {
  const box = world.boxes[who];
  const { deletedAt, reset } = world.truth;
  if (box?.life !== from || deletedAt !== undefined || !comesBack(scene.pod, box)) return;
  if (reset === 'going' || (reset === 'due' && from === 'down')) return;
  list.push({
    text: `the kubelet starts ${scene.names[who]}${from === 'down' ? ' again' : ''}`,
    own: false,
    fair: true,
    apply: (draft) => draft.boot(who),
  });
}
