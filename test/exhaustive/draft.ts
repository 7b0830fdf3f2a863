/**
 * A pod in the middle of one event: the real state machines, and what their actions do to the pod. It follows
 * shim/driver.ts and shim/rendezvous.ts; what of them is modelled is told in environment.ts.
 */
import { type Action, type Announcement, type Event, isBeginning } from '../../shim/lifecycle.ts';
import { DOUBT, isMain, restarts, restartsAll } from './case.ts';
import { hasOldMarkers, isLongUpKept, laterBox, laterMain, laterSidecar } from './clock.ts';
import { beliefTime, isWorkDone, isWorkSeenDone, longestWait } from './ends.ts';
import { forgetWhoSpoke, isBehind, type Look, read, theMarker } from './looks.ts';
import { type Box, isUp, type Truth, UNBORN, type World } from './pod.ts';
import * as rules from './rules.ts';
import type { Scene } from './scene.ts';
import { stepOf, wakeOf } from './step.ts';

export class Draft {
  readonly scene: Scene;
  readonly boxes: Box[];
  truth: Truth;
  /** What was done, in order, for a trace. */
  readonly lines: string[] = [];
  private readonly tell: boolean;
  private readonly touched = new Set<number>();

  constructor(scene: Scene, world: World, tell = false) {
    this.scene = scene;
    this.boxes = [...world.boxes];
    this.truth = world.truth;
    this.tell = tell;
  }

  get(who: number): Box {
    return this.boxes[who] ?? UNBORN;
  }

  /** This draft's own copy. */
  private edit(who: number, from = this.get(who)): Box {
    if (this.touched.has(who) && from === this.boxes[who]) return from;
    const box = { ...from };
    this.boxes[who] = box;
    this.touched.add(who);
    return box;
  }

  set(who: number, change: Partial<Box>): void {
    Object.assign(this.edit(who), change);
  }

  /** The world after the event, without what cannot matter any more. */
  finish(): World {
    const { pod } = this.scene;
    const old = hasOldMarkers(this.boxes);
    const wait = longestWait(pod, this.boxes);
    for (const who of this.touched) this.boxes[who] = laterBox(pod, this.get(who), 0, old, wait);
    forgetWhoSpoke(this.boxes);
    const done = isWorkDone(pod, this.boxes, this.truth.deletedAt !== undefined);
    if (done !== (this.truth.doneAt !== undefined)) {
      const { doneAt: _, ...rest } = this.truth;
      this.truth = done ? { ...rest, doneAt: 0 } : rest;
    }
    if (this.truth.rebootAt !== undefined && !this.boxes.some((box) => box.forgotten)) {
      const { rebootAt: _, ...rest } = this.truth;
      this.truth = rest;
    }
    return { boxes: this.boxes, truth: this.truth };
  }

  /** The kubelet starts a container: its shim takes its place and its life line (rendezvous.ts, constructor). */
  boot(who: number): void {
    const { marker, done, starts, unrunnable } = this.get(who);
    Object.assign(this.edit(who, UNBORN), { life: 'taken', marker, done, starts, unrunnable });
    if (!this.isMain(who) && restarts(this.scene.pod.policy, true))
      this.set(who, { starts: Math.min(Math.max(starts, this.scene.pod.startsBefore) + 1, 3) });
    // Its next attempt empties the pipe, and is heard to live.
    this.boxes.forEach(({ heard }, other) => {
      if ((heard & (1 << who)) !== 0) this.set(other, { heard: heard & ~(1 << who) });
    });
    if (marker !== undefined && this.doneBefore(who) === undefined) {
      // What a sidecar says counts only as long as it is there, whichever attempt it is.
      const attempt = this.isMain(who) ? marker.attempt + 1 : 0;
      const coming = { phase: 'waiting', code: 0, final: false, stopping: true, stopDoubt: DOUBT } as const;
      this.set(who, {
        marker: theMarker({ ...marker, ...coming, attempt }),
      });
    }
    this.changed(who);
    for (const other of this.scene.others[who] ?? []) {
      const box = this.get(other);
      if (box.life === 'begun')
        this.set(other, { lived: box.lived | (1 << who), cameUp: box.cameUp | (1 << who) });
    }
  }

  private doneBefore(who: number): number | undefined {
    const context = this.scene.contexts[who];
    return context && this.scene.machines.doneBefore(context.options, context.epoch, this.get(who).marker);
  }

  /** The shim looks for the first time and decides (driver.ts, run). */
  begin(who: number): void {
    const { pod } = this.scene;
    // What ends in a deletion is final by the deletion alone, which a newcomer learns by its own stop request.
    const late =
      isWorkDone(pod, this.boxes, false) &&
      isWorkSeenDone(pod, this.boxes) &&
      beliefTime(pod, this.boxes, this.scene.names[who] ?? '') === 0;
    this.set(who, { life: 'begun', late });
    const { peers, ...seen } = this.read(who, this.scene.others[who] ?? [], undefined);
    this.set(who, seen);
    this.deliver(who, { type: 'start', at: 0, peers, done: this.doneBefore(who) });
    const { main, sidecar } = this.get(who);
    if (main?.phase !== 'waiting' && sidecar?.sayAt === undefined) return;
    // It forgets the clock of its talk (clock.ts), and must not be woken by it.
    const old = hasOldMarkers(this.boxes);
    if (main !== undefined) this.set(who, { main: laterMain(pod, main, 0, old) });
    if (sidecar !== undefined)
      this.set(who, { sidecar: laterSidecar(pod, sidecar, 0, old, isLongUpKept(this.get(who))) });
    this.deliver(who, { type: 'tick', at: 0 });
  }

  /** Look at some of the others, on top of what was read of the rest. */
  read(who: number, others: readonly number[], before: Box['torn']): Look {
    return read(this.scene, this.boxes, who, others, before);
  }

  /** Look at everybody (or at those who are left), and hand it to the machine. */
  look(who: number, others: readonly number[] = this.scene.others[who] ?? []): void {
    const { peers, ...seen } = this.read(who, others, this.get(who).torn);
    this.set(who, seen);
    this.set(who, { missedUntil: undefined, torn: undefined });
    this.deliver(who, { type: 'peers', at: 0, peers });
  }

  /** A shim is woken by its timer. */
  tick(who: number): void {
    this.deliver(who, { type: 'tick', at: 0 });
    const wakeAt = wakeOf(this.get(who));
    if (isUp(this.get(who)) && wakeAt !== undefined) rules.checkWake(this, who, wakeAt);
  }

  /** See who is there now, and decide nothing yet (driver.ts, lookAgain). */
  private lookAgain(who: number): void {
    const { main, sidecar } = this.get(who);
    if (main?.phase === 'running') return;
    const { peers, ...seen } = this.read(who, this.scene.others[who] ?? [], undefined);
    this.set(who, seen);
    if (main !== undefined) this.set(who, { main: { ...main, peers } });
    if (sidecar !== undefined) this.set(who, { sidecar: { ...sidecar, peers } });
    this.set(who, { missedUntil: undefined });
  }

  /** Whether a look would tell the shim anything new. */
  isBehind(who: number): boolean {
    return isBehind(this.scene, this.boxes, who);
  }

  /** Whatever comes when a timer is due, a stop request, or a process's end is judged by who is there now (driver.ts). */
  deliver(who: number, event: Event): void {
    const { machines, contextAt } = this.scene;
    const context = contextAt(who, this.get(who).starts);
    const dueAt = wakeOf(this.get(who));
    const looked = event.type === 'peers' || event.type === 'start';
    const judged = event.type === 'stop-request' || event.type === 'exit';
    if (judged || (!looked && dueAt !== undefined && dueAt <= 0)) this.lookAgain(who);
    const box = this.get(who);
    if (context === undefined) return;
    const step = stepOf(machines, context, box, event);
    if (step === undefined) return;
    this.set(who, step.change);
    this.perform(who, step.actions, event);
  }

  /** The container is gone, whatever was left of it; the kernel lets go of its life line. */
  gone(who: number, failed: boolean): void {
    const { marker, spoken, again, done, starts, unrunnable } = this.get(who);
    Object.assign(this.edit(who, UNBORN), {
      life: 'down',
      failed,
      marker,
      spoken,
      done: done && failed,
      starts,
      unrunnable,
    });
    // Whom the policy brings back anyway, it brings back at any time.
    if (!restarts(this.scene.pod.policy, failed)) this.set(who, { again });
    if (this.truth.reset === 'going') this.set(who, { forgotten: true });
    this.changed(who);
  }

  /** An end after which the kubelet starts the whole pod again. */
  private beginReset(who: number): void {
    this.set(who, { forgotten: true });
    if (this.truth.deletedAt === undefined && this.truth.reset === undefined)
      this.truth = { ...this.truth, reset: 'due' };
  }

  /** A node's restart: what was written before is of another life of the sandbox. */
  age(who: number): void {
    const { marker } = this.get(who);
    if (marker !== undefined) this.set(who, { marker: theMarker({ ...marker, epoch: 'before' }) });
  }

  note(line: string): void {
    if (this.tell) this.lines.push(line);
  }

  private perform(who: number, actions: readonly Action[], event: Event): void {
    const name = this.scene.names[who] ?? '';
    let spawned = false;
    let unstarted = false;
    let word: { code: number; final: boolean } | undefined;
    for (const action of actions) {
      // After a failed action nothing is begun (driver.ts, perform).
      if (unstarted && isBeginning(action)) continue;
      switch (action.type) {
        case 'announce': {
          const { phase, code, final, stopping } = action.marker;
          const end = phase === 'ended' ? ` ${code}${final ? ' for good' : ', to come again'}` : '';
          this.note(`${name} announces ${phase}${end}${stopping ? ', stopping' : ''}`);
          if (phase === 'ended') word = { code, final };
          if (this.get(who).mute) {
            if (phase === 'ended') this.speak(who, action.marker);
            break;
          }
          const attempt = this.get(who).marker?.attempt ?? 0;
          this.set(who, { marker: theMarker({ ...action.marker, attempt, epoch: 'now' }) });
          this.changed(who);
          break;
        }
        case 'spawn':
          this.note(`${name} starts its process`);
          rules.checkSpawn(this, who);
          spawned = true;
          unstarted = this.get(who).unrunnable;
          this.set(who, {
            dueAt: undefined,
            isStale: false,
            process: unstarted ? 'none' : 'runs',
            told: false,
            ran: true,
            worked: this.get(who).worked || !unstarted,
            held: false,
            ranAt: 0,
          });
          break;
        case 'probe':
          this.set(who, { probing: action.on });
          break;
        case 'signal':
          if (this.get(who).process === 'none') break;
          this.note(`${name}'s process gets signal ${action.signal}`);
          if (!spawned && event.type !== 'signal') {
            rules.checkAsk(this, who, event);
            this.set(who, { told: true, askedAt: this.get(who).askedAt ?? 0 });
          }
          if (this.get(who).process === 'runs') this.set(who, { process: 'asked' });
          break;
        case 'kill':
          if (this.get(who).process === 'none') break;
          this.note(`${name}'s process gets KILL`);
          rules.checkKill(this, who);
          this.set(who, { process: 'dying' });
          break;
        case 'say':
          if (action.level === 'info') this.note(`${name} says: ${action.text}`);
          break;
        case 'exit':
          this.note(`${name} exits ${action.code}`);
          rules.checkExit(this, who, action.code, event, word);
          this.gone(who, action.code !== 0);
          if (restartsAll(this.scene.pod, action.code)) this.beginReset(who);
          if (this.isMain(who) && (action.code === 124 || action.code === 125))
            this.set(who, { gaveUp: true });
          return;
      }
    }
    if (unstarted) this.unstarted(who);
  }

  /** Its command could not be started. */
  private unstarted(who: number): void {
    const box = this.get(who);
    this.note(`${this.scene.names[who]}'s command cannot be started`);
    this.set(who, rules.retryDelay(this, who, box));
    this.deliver(who, { type: 'not-started', at: 0, code: 127, reason: 'command not found' });
  }

  /** Something of this container changed in the rendezvous: inotify, or a hang-up, wakes whoever missed the last change. */
  private changed(who: number): void {
    for (const other of this.scene.others[who] ?? []) {
      if (this.get(other).missedUntil !== undefined) this.set(other, { missedUntil: undefined });
    }
  }

  /** A last word that nobody can write: whoever listens hears it (listener.ts). */
  private speak(who: number, word: Announcement): void {
    const said = this.scene.machines.spokenMarker(this.get(who).marker, word);
    this.note(`${this.scene.names[who]} says so through its life line`);
    this.set(who, { spoken: theMarker({ ...said, epoch: 'now' }) });
    for (const other of this.scene.others[who] ?? []) {
      const box = this.get(other);
      if (box.life === 'begun' && box.main?.phase !== 'running')
        this.set(other, { heard: box.heard | (1 << who) });
    }
    this.changed(who);
  }

  isMain(who: number): boolean {
    return isMain(this.scene.pod, who);
  }
}
