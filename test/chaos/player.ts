/** Plays a plan with real processes, and tells what was seen. */
import { constants } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import type { Marker } from '../../shim/marker.ts';
import { childrenOf, KILL } from '../shim/container.ts';
import type { Breach } from './case.ts';
import { Kubelet } from './kubelet.ts';
import type { Deed, Happening, Moment, Plan, Victim } from './plan.ts';
import { innerPid, isThere, signalAny, workerOf } from './processes.ts';
import { check } from './rules.ts';
import { LEFTOVER_ATTEMPT, LEFTOVER_EPOCH, Sandbox } from './sandbox.ts';
import { Story } from './story.ts';
import { WhyWatch } from './why.ts';

const { SIGSTOP: STOP, SIGCONT: CONT } = constants.signals;
const ASK_EVERY = 10;
/** What a moment that never comes is waited for, after everything else. */
const LAST_MOMENT = 6_000;

export interface Outcome {
  plan: Plan;
  breaches: Breach[];
  /** What was done, by kind: only what found its target. */
  deeds: Map<string, number>;
  /** Processes that got the chaos's KILL. */
  killed: number;
  /** Containers' starts. */
  starts: number;
  milliseconds: number;
  /** How often `curfew why` was asked, and named whom the story knows. */
  whys: number;
  /** The log, and what the shims said. */
  story: string[];
}

let played = 0;

/**
 * @param shim the executable to play with
 * @param isEnough asked while it plays: nobody wants to know any more
 */
export async function play(
  plan: Plan,
  shim: string,
  isEnough: () => boolean = () => false,
): Promise<Outcome> {
  const since = performance.now();
  const sandbox = await Sandbox.make(plan, shim);
  const story = new Story(sandbox.pod.log);
  try {
    const scene = new Scene(plan, sandbox, story);
    const hung = await scene.run(isEnough);
    const breaches = isEnough() ? [] : check(plan, story, sandbox.data, hung);
    if (scene.watch.wrong !== undefined && !isEnough())
      breaches.push({ rule: 'S1', text: scene.watch.wrong });
    return {
      plan,
      breaches,
      deeds: scene.deeds,
      killed: scene.killed,
      starts: story.attempts.length,
      milliseconds: Math.round(performance.now() - since),
      whys: scene.watch.agreed,
      story: [...story.lines, sandbox.pod.story.slice(sandbox.pod.story.indexOf('\n--- ') + 1)],
    };
  } finally {
    story.close();
    await sandbox.destroy();
  }
}

class Scene {
  readonly deeds = new Map<string, number>();
  killed = 0;
  private readonly plan: Plan;
  private readonly sandbox: Sandbox;
  private readonly story: Story;
  private readonly kubelet: Kubelet;
  readonly watch: WhyWatch;
  private over = false;
  private lastDeed = performance.now();

  constructor(plan: Plan, sandbox: Sandbox, story: Story) {
    this.plan = plan;
    this.sandbox = sandbox;
    this.story = story;
    this.watch = new WhyWatch(plan, sandbox, story);
    this.kubelet = new Kubelet(plan, sandbox, story, `${process.pid}-${played++}`);
  }

  /** Whether somebody waited for ever. */
  async run(isEnough: () => boolean): Promise<boolean> {
    this.kubelet.begin();
    const happenings = this.plan.happenings.map((happening) =>
      this.await(happening).catch((error: unknown) => {
        this.kubelet.fault ??= error;
      }),
    );
    let hung = false;
    while (!this.kubelet.finished && !hung && this.kubelet.fault === undefined && !isEnough()) {
      this.story.read();
      this.watch.look();
      hung = performance.now() - this.lastDeed > this.plan.bound;
      await pause(ASK_EVERY);
    }
    this.over = true;
    await Promise.all(happenings);
    this.story.read();
    await this.kubelet.end();
    if (this.kubelet.fault !== undefined) throw this.kubelet.fault;
    return hung;
  }

  private async await({ after, delay, deed }: Happening): Promise<void> {
    const begun = performance.now();
    while (!this.has(after)) {
      // What cannot end without it comes all the same.
      if (deed.kind === 'delete' && performance.now() - begun > LAST_MOMENT) break;
      if (this.over) return;
      await pause(ASK_EVERY);
    }
    const due = performance.now() + delay;
    while (performance.now() < due) {
      if (this.over) return;
      await pause(Math.min(ASK_EVERY, delay));
    }
    if (!this.over && (await this.perform(deed))) {
      const kind =
        deed.kind === 'kill'
          ? `kill ${deed.victim}`
          : deed.kind === 'freeze'
            ? `freeze ${deed.victim}`
            : deed.kind;
      this.deeds.set(kind, (this.deeds.get(kind) ?? 0) + 1);
      this.lastDeed = performance.now();
    }
  }

  private has({ what, who }: Moment): boolean {
    const attempts = this.story.of(who);
    const instances = attempts.flatMap((attempt) => attempt.instances);
    switch (what) {
      case 'start':
        return attempts.length > 0;
      case 'exit':
        return attempts.some(({ exit }) => exit !== undefined);
      case 'up':
        return instances.length > 0;
      case 'ready':
        return instances.some(({ ready }) => ready !== undefined);
      case 'got 15':
        return instances.some(({ told }) => told !== undefined);
      case 'ends':
        return instances.some(({ ends }) => ends !== undefined);
      default:
        return this.markerOf(who)?.phase === what;
    }
  }

  /** Returns whether it could be done. */
  private async perform(deed: Deed): Promise<boolean> {
    switch (deed.kind) {
      case 'delete':
        this.kubelet.delete();
        return true;
      case 'stop':
        return this.kubelet.stop(deed.who);
      case 'reboot':
        return await this.reboot(deed.forgets);
      case 'fill':
        this.story.write('chaos fill');
        this.sandbox.fill();
        return true;
      case 'kill':
        return await this.kill(deed.who, deed.victim);
      case 'freeze':
        return await this.freeze(deed.who, deed.victim, deed.ms);
      case 'read-only':
        return await this.makeReadOnly(deed.who);
    }
  }

  /** While the last word of a main from before it would count, everybody doubts it for a minute: not here. */
  private async reboot(forgets: boolean): Promise<boolean> {
    const over = this.plan.mains.some(({ name }) => this.story.of(name).some(({ code }) => code === 0));
    if (over && this.plan.bound < 100_000) return false;
    const running = this.story.attempts.filter(({ exit }) => exit === undefined).length;
    if (!(await this.kubelet.reboot(forgets))) return false;
    this.killed += running;
    return true;
  }

  /**
   * A running container's processes, once its shim has left a trace: one that is killed before its very first marker is to the
   * others one that was never started (docs/limits.md).
   */
  private async target(who: string): Promise<{ subject: string; shim: number; number: number } | undefined> {
    const running = this.kubelet.running(who);
    if (running === undefined) return undefined;
    const { number } = running.attempt;
    const isRunning = () => this.kubelet.running(who)?.attempt.number === number;
    try {
      const shim = await running.container.pid();
      while (!this.isAnnounced(who, number)) {
        if (!isRunning() || this.over) return undefined;
        await pause(ASK_EVERY);
      }
      return isRunning() && isThere(shim) ? { subject: `${who}#${number}`, shim, number } : undefined;
    } catch (error) {
      if (isRunning()) throw error;
      return undefined;
    }
  }

  private isAnnounced(who: string, number: number): boolean {
    // Attempts are counted from those that the leftovers tell of.
    return (this.markerOf(who)?.attempt ?? 0) - (this.plan.leftovers ? LEFTOVER_ATTEMPT : 0) >= number;
  }

  /** What a container says in this life of the pod. */
  private markerOf(who: string): Marker | undefined {
    const marker = this.sandbox.pod.markerOf(who);
    return marker?.epoch === LEFTOVER_EPOCH ? undefined : marker;
  }

  private async kill(who: string, victim: Victim): Promise<boolean> {
    const target = await this.target(who);
    if (target === undefined) return false;
    const pids = victimsOf(target.shim, victim);
    if (pids.length === 0) return false;
    this.story.write(`chaos kill ${target.subject} ${victim} ${pids.map(innerPid).join(' ')}`);
    for (const pid of pids) if (signalAny(pid, KILL)) this.killed++;
    return true;
  }

  private async freeze(who: string, victim: Victim, ms: number): Promise<boolean> {
    const target = await this.target(who);
    if (target === undefined) return false;
    const pids = victimsOf(target.shim, victim);
    if (pids.length === 0) return false;
    this.story.write(`chaos freeze ${target.subject} ${victim} ${pids.join(' ')}`);
    for (const pid of pids) signalAny(pid, STOP);
    await pause(ms);
    for (const pid of pids) signalAny(pid, CONT);
    this.story.write(`chaos thaw ${target.subject}`);
    return true;
  }

  private async makeReadOnly(who: string): Promise<boolean> {
    const target = await this.target(who);
    if (target === undefined) return false;
    this.story.write(`chaos read-only ${target.subject}`);
    try {
      this.sandbox.makeReadOnly(target.shim);
      return true;
    } catch (error) {
      // It was ending.
      const until = performance.now() + this.plan.bound;
      while (this.kubelet.running(who)?.attempt.number === target.number && !this.over) {
        if (performance.now() > until) throw error;
        await pause(ASK_EVERY);
      }
      return false;
    }
  }
}

/** Deepest first: a shim may still see its process's end before its own. */
function victimsOf(shim: number, victim: Victim): number[] {
  const child = workerOf(shim);
  const grandchildren = child === undefined ? [] : childrenOf(child);
  switch (victim) {
    case 'shim':
      return [shim];
    case 'child':
      return child === undefined ? [] : [child];
    case 'grandchild':
      return grandchildren;
    case 'container':
      return [...grandchildren, ...(child === undefined ? [] : [child]), shim];
  }
}
