/**
 * Everything around the shims: what can happen to a pod next. Read beside shim/driver.ts and shim/rendezvous.ts.
 *
 * Modelled, each as an event of its own, in every order that the rest permits:
 * - the kubelet starts containers in any order and after any delay, and again by the restart policy after any back-off (but not
 *   before the others have had the time to see who went: that takes a shim less than a millisecond); a stop of one
 *   container (liveness), the pod's deletion, preStop hooks of any length up to the grace period, stop requests that
 *   arrive up to half of L13's lag apart; the container runtime's KILL when the grace period is over;
 * - a shim's start in two steps: the life line taken (with the last attempt's marker taken back), then the first look; a KILL may
 *   come between. A look is atomic, or torn once between two of the others. A shim acts on what it saw last;
 * - the life line is held while the container is up, whatever ends it; a marker stays when its writer goes, and over a reboot,
 *   where it is of another epoch;
 * - a process ends with 0, another code, KILL of its own; asked to end, it ends, fails, or does not care; a TERM
 *   from inside; a readiness condition that holds at any time, or never;
 * - a notification that never comes: the shim looks at the next one, at a hang-up, or after LOOK_ANYWAY (30 s; the 500 ms
 *   of a shim without inotify are a shorter case of it);
 * - a node's restart (OnFailure, Always: under Never the kubelet makes no second sandbox), after which the kubelet may have
 *   forgotten any ends that were final;
 * - time: it passes only while no shim has anything to do, to the next moment that anybody waits for; the exceptions are
 *   trouble: a moment between (idle), a shim that is not scheduled (frozen, with its timers late), and all clocks jumping 11 minutes.
 *   The machines see the monotonic clock alone (host.c, now): it cannot go back, and the wall clock does not matter.
 *
 * Not modelled: a disk that is full or read-only (L17, test/shim/process-trouble.test.ts); what is said (P8, and L2's every 10 s);
 * restartPolicyRules; a command that is not there (the machines take the way of any end); the probes' own timing; a marker
 * torn in its middle (it counts as none until the writer has closed it); other signals than TERM.
 */
import { SIGTERM } from '../../shim/signals.ts';
import { FORGOTTEN, FORGOTTEN_COMES, later } from './clock.ts';
import { Draft, type Scene } from './draft.ts';
import { type Box, comesBack, hasProcess, isUp, TROUBLES, type Trouble, type World } from './pod.ts';
import * as rules from './rules.ts';

/** shim/driver.ts, LOOK_ANYWAY. */
const LOOK_ANYWAY = 30_000;
const IDLE = 1_000;
const JUMP = 660_000;
/** The kubelet's least grace period after a preStop hook that took it all (kuberuntime, minimumGracePeriodInSeconds). */
const LEAST_GRACE = 2_000;

/** One thing that can happen. */
export interface Happening {
  /** As a reader of a trace sees it. */
  text: string;
  /** A shim's own act, with no time passing: these alone must come to an end. */
  own: boolean;
  /** It happens sooner or later if nobody is unkind. */
  fair: boolean;
  /** What it costs. */
  trouble?: Trouble;
  apply: (draft: Draft) => void;
}

/** Everything that can happen in this world. */
export function happenings(scene: Scene, world: World): Happening[] {
  const list: Happening[] = [];
  const view = new Draft(scene, world);
  const count = world.boxes.length;
  for (let who = 0; who < count; who++) {
    const box = view.get(who);
    if (!isUp(box)) addStart(list, scene, world, who, 'unborn');
    else if (box.frozen) {
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
  const urgent = busy || isDeadlineOver(scene, world);
  // The kubelet takes longer to start a container again than the others take to look who has gone.
  if (!busy) for (let who = 0; who < count; who++) addStart(list, scene, world, who, 'down');
  addPod(list, scene, world);
  if (!urgent) addTime(list, scene, world);
  return list.filter(({ trouble }) => trouble === undefined || isAffordable(scene, world, trouble));
}

function isAffordable(scene: Scene, world: World, trouble: Trouble): boolean {
  const { troubles, had } = world.truth;
  return troubles < scene.pod.trouble && (had & (1 << TROUBLES.indexOf(trouble))) === 0;
}

function addStart(list: Happening[], scene: Scene, world: World, who: number, from: Box['life']): void {
  const box = world.boxes[who];
  if (box?.life !== from || world.truth.deletedAt !== undefined || !comesBack(scene.pod, box)) return;
  list.push({
    text: `the kubelet starts ${scene.names[who]}${from === 'down' ? ' again' : ''}`,
    own: false,
    fair: true,
    apply: (draft) => draft.boot(who),
  });
}

/** What a shim does by itself. */
function addOwn(list: Happening[], scene: Scene, view: Draft, who: number, box: Box): void {
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
  // A main that runs watches nobody (driver.ts, needsOthers).
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

/** The container's process, its readiness condition, and stop requests that arrive. */
function addProcess(list: Happening[], scene: Scene, world: World, who: number, box: Box): void {
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
      const killAt = hooked ? Math.max(LEAST_GRACE, deletedAt + pod.grace) : pod.grace;
      draft.set(who, {
        term: undefined,
        killAt: Math.min(box.killAt ?? killAt, killAt),
        stopped: box.stopped ?? { alone, at: 0 },
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
  const ends = (code: number, fair: boolean, trouble?: Trouble) =>
    add(`${name}'s process ends with ${code}`, fair, (draft) => exit(draft, who, code), trouble);
  if (box.process === 'asked') {
    ends(0, isMain);
    ends(143, false);
    return;
  }
  if (isMain) ends(0, true);
  else ends(0, false, 'fails');
  ends(1, false, 'fails');
  add(`${name}'s process is killed alone`, false, (draft) => exit(draft, who, 137), 'child-killed');
}

function exit(draft: Draft, who: number, code: number): void {
  const box = draft.get(who);
  const works = !draft.isMain(who) && box.stopped === undefined;
  draft.set(who, {
    process: 'none',
    held: false,
    ...(works ? rules.restartDelay(box) : {}),
  });
  draft.deliver(who, { type: 'exit', at: 0, code });
}

/** What is done to a whole container. */
function addFate(list: Happening[], scene: Scene, world: World, who: number, box: Box): void {
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
function addPod(list: Happening[], scene: Scene, world: World): void {
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

/** When the next thing is due that somebody waits for, or that a rule sets a time for. */
function nextDeadline(scene: Scene, world: World): number | undefined {
  let first: number | undefined;
  const take = (at: number | undefined) => {
    if (at !== undefined && (first === undefined || at < first)) first = at;
  };
  for (const box of world.boxes) {
    if (box.life === 'down' && box.forgotten && world.truth.deletedAt === undefined)
      take((world.truth.rebootAt ?? 0) + FORGOTTEN_COMES);
    if (!isUp(box)) continue;
    take(box.killAt);
    if (box.frozen) continue;
    take(box.main?.wakeAt ?? box.sidecar?.wakeAt);
    take(box.term?.by);
    take(box.missedUntil);
    for (const at of rules.timesOf(scene.pod, world, box)) if (at > 0) take(at);
  }
  return first;
}

function isDeadlineOver(scene: Scene, world: World): boolean {
  return (nextDeadline(scene, world) ?? 1) <= 0;
}

function addTime(list: Happening[], scene: Scene, world: World): void {
  const add = (text: string, by: number, fair: boolean, trouble?: Trouble) =>
    list.push({
      text,
      own: false,
      fair,
      apply: (draft) => {
        rules.checkPatience(draft);
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
  const forgotten = world.boxes.some((box) => box.forgotten && box.life === 'down');
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
