/**
 * The pod's kubelet, played: it starts containers, starts ended ones again by the pod's policy after a short back-off, stops
 * one or all with TERM and, when the grace period is over, KILL. Nothing is started after the deletion.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { LEAST_GRACE } from '../../shim/sidecar-leave.ts';
import { type Container, TERM } from '../shim/container.ts';
import { containersOf, type MainPlan, type Plan, type SidecarPlan } from './plan.ts';
import { innerWorkers, isIn, isThere, markedBy, signalAny } from './processes.ts';
import type { Sandbox } from './sandbox.ts';
import { type Attempt, comesBack, type Story } from './story.ts';
import { commandOf, readinessOf } from './worker-command.ts';

const ASK_EVERY = 5;
const BACKOFF = 150;
/** Between an end and what must be gone by then: the kernel's own time to clear away, on a busy machine. */
const CLEARING = 5_000;

interface Box {
  plan: MainPlan | SidecarPlan;
  index: number;
  starts: number;
  /** While it runs. */
  container?: Container;
  attempt?: Attempt;
  /** The attempt whose stop has begun, be it by its hook. */
  stopped?: Attempt;
  /** It is to be started, for the first time or again. */
  due: boolean;
}

export class Kubelet {
  private readonly plan: Plan;
  private readonly sandbox: Sandbox;
  private readonly story: Story;
  private readonly mark: string;
  private readonly boxes: Box[];
  private deleted = false;
  private over = false;
  /** The first thing that went wrong with the playing itself. */
  fault: unknown;
  /** Ends that are still looked into. */
  private looking = 0;
  /** No start while the node is down. */
  private down = false;

  constructor(plan: Plan, sandbox: Sandbox, story: Story, mark: string) {
    this.plan = plan;
    this.sandbox = sandbox;
    this.story = story;
    this.mark = mark;
    this.boxes = [...plan.sidecars, ...plan.mains].map((container, index) => ({
      plan: container,
      index,
      starts: 0,
      due: true,
    }));
  }

  /** Whether every container has ended, and none will be started. */
  get finished(): boolean {
    if (this.looking > 0) return false;
    return this.boxes.every((box) => box.container === undefined && !(box.due && !this.deleted));
  }

  /** The running container of that name, with its attempt. */
  running(name: string): { container: Container; attempt: Attempt } | undefined {
    const box = this.boxes.find((item) => item.plan.name === name);
    return box?.container === undefined || box.attempt === undefined
      ? undefined
      : { container: box.container, attempt: box.attempt };
  }

  private meanwhile(work: Promise<void>): void {
    work.catch((error: unknown) => {
      this.fault ??= error;
    });
  }

  /** Start all containers, each at its time. */
  begin(): void {
    if (this.plan.inOrder) this.meanwhile(this.startInOrder());
    else for (const box of this.boxes) this.meanwhile(this.startLater(box, box.plan.startAfter));
  }

  /** For sidecars that nobody would tell: each is started when those before it are. */
  private async startInOrder(): Promise<void> {
    for (const box of this.boxes) {
      this.start(box);
      const announced = () => this.sandbox.pod.markerOf(box.plan.name)?.phase === 'started';
      while ('ready' in box.plan && !announced() && !this.over && !this.deleted) await pause(ASK_EVERY);
    }
  }

  private async startLater(box: Box, ms: number): Promise<void> {
    box.due = true;
    await pause(ms);
    while (this.down && !this.over) await pause(ASK_EVERY);
    if (box.due) this.start(box);
  }

  private start(box: Box): void {
    if (this.deleted || this.over) return;
    const { plan, sandbox, story } = this;
    const { name } = box.plan;
    box.due = false;
    box.starts++;
    const subject = `${name}#${box.starts}`;
    story.write(`kubelet start ${subject}`);
    box.attempt = story.last(name) ?? fail(`no start of ${name} in the log`);
    const preStop = containersOf(plan).flatMap((item) => (item.preStop === undefined ? [] : [item.name]));
    const container = sandbox.pod.start(name, commandOf(box, subject, sandbox), {
      ...sandbox.surroundings(`${this.mark}-${subject}.`),
      inside: sandbox.inside(box.plan, box.index),
      options: {
        preStop,
        probed: box.plan.probed,
        hostPid: plan.hostPid,
        log: 'debug',
        ready: readinessOf(box),
        readyTimeout: 500,
        ...(box.plan.stopTimeout === undefined ? {} : { stopTimeout: box.plan.stopTimeout }),
        ...(plan.startTimeout === undefined ? {} : { startTimeout: plan.startTimeout }),
      },
    });
    box.container = container;
    const { attempt } = box;
    this.meanwhile(container.exit.then((code) => this.ended(box, attempt, code)));
  }

  private ended(box: Box, attempt: Attempt | undefined, code: number): void {
    delete box.container;
    if (attempt === undefined || this.over) return;
    const subject = `${attempt.name}#${attempt.number}`;
    this.story.write(`kubelet exit ${subject} ${code}`);
    this.looking++;
    this.meanwhile(
      this.lookForLeft(attempt, subject).finally(() => {
        this.looking--;
      }),
    );
    if (!this.deleted && comesBack(this.plan.policy, attempt)) this.meanwhile(this.startLater(box, BACKOFF));
  }

  /** P4: what a container started must go with it. */
  private async lookForLeft(attempt: Attempt, subject: string): Promise<void> {
    const mark = `${this.mark}-${subject}.`;
    // Without a pid namespace nobody but the container runtime can clear away what a killed shim's child has left.
    const isRuntimes =
      this.plan.hostPid && attempt.kills.some(({ victim }) => victim === 'shim' || victim === 'container');
    const since = performance.now();
    for (let left = markedBy(mark); left.length > 0 && !this.over; left = markedBy(mark)) {
      const own = isRuntimes
        ? left.filter((pid) => attempt.instances.some((instance) => instance.pid === pid))
        : left;
      const late = performance.now() - since > CLEARING;
      if (late && own.length > 0) this.story.write(`chaos left ${subject} ${own.join(' ')}`);
      if (late || own.length === 0) {
        for (const pid of left) signalAny(pid);
        return;
      }
      await pause(ASK_EVERY);
    }
  }

  /** Stop one container alone. */
  stop(name: string): boolean {
    const box = this.boxes.find((item) => item.plan.name === name);
    if (box?.container === undefined || this.deleted || box.stopped === box.attempt) return false;
    this.meanwhile(this.stopBox(box, true));
    return true;
  }

  /** Delete the pod: TERM to all, side by side, but where a preStop hook delays it. */
  delete(): void {
    if (this.deleted) return;
    this.deleted = true;
    this.story.write('kubelet delete');
    for (const box of this.boxes) {
      box.due = false;
      if (box.container !== undefined && box.stopped !== box.attempt)
        this.meanwhile(this.stopBox(box, false));
    }
  }

  /** Its preStop hook, TERM when that is over or has taken the whole grace period, and KILL when nothing is left of that. */
  private async stopBox(box: Box, alone: boolean): Promise<void> {
    const { container, attempt } = box;
    if (container === undefined || attempt === undefined) return;
    box.stopped = attempt;
    const { preStop } = box.plan;
    const { grace } = this.plan;
    const since = performance.now();
    if (preStop !== undefined) {
      this.story.write(`kubelet hook ${attempt.name}#${attempt.number} ${alone ? 'alone' : 'all'}`);
      await pause(Math.min(preStop, grace), undefined, { ref: false });
      if (box.container !== container || this.over) return;
    }
    this.killLater(box, Math.max(grace - (performance.now() - since), LEAST_GRACE));
    await this.term(box, container, attempt, alone);
  }

  private async term(box: Box, container: Container, attempt: Attempt, alone: boolean): Promise<void> {
    const subject = `${attempt.name}#${attempt.number}`;
    const isOver = () => box.container !== container || this.over;
    try {
      const shim = await container.pid();
      // As process 1 of a namespace it can be told nothing before it has blocked its signals: the kernel drops them.
      while (!isIn(shim, 'SigBlk', TERM)) {
        if (isOver()) return;
        await pause(ASK_EVERY);
      }
      this.story.write(`kubelet term ${subject} ${alone ? 'alone' : 'all'}`);
      signalAny(shim, TERM);
      while (!isOver() && isIn(shim, 'ShdPnd', TERM)) await pause(ASK_EVERY);
      const workers = innerWorkers(shim);
      if (!isOver() && isThere(shim)) this.story.write(`kubelet taken ${subject} ${workers.join(' ')}`);
    } catch (error) {
      // It ended before it could be told.
      if (!isOver()) throw error;
    }
  }

  /** KILL what is still there after so many milliseconds. */
  private killLater(box: Box, ms: number): void {
    const { container, attempt } = box;
    const timer = setTimeout(() => {
      if (this.over || attempt === undefined || box.container !== container) return;
      this.story.write(`kubelet kill ${attempt.name}#${attempt.number}`);
      for (const pid of markedBy(`${this.mark}-${attempt.name}#${attempt.number}.`).reverse()) signalAny(pid);
    }, ms);
    timer.unref();
  }

  /** The node loses its power and comes back: the sandbox is made anew, and the init container runs again. */
  async reboot(forgets: boolean): Promise<boolean> {
    if (this.down || this.deleted || this.over) return false;
    this.down = true;
    const up = this.boxes.filter((box) => box.container !== undefined);
    for (const { attempt } of up)
      this.story.write(`chaos kill ${attempt?.name}#${attempt?.number} container`);
    this.story.write('kubelet reboot');
    for (const pid of markedBy(`${this.mark}-`).reverse()) signalAny(pid);
    for (const box of up) await box.container?.exit;
    if (!this.over && !this.deleted) this.sandbox.pod.install();
    this.down = false;
    const ended = this.boxes.filter((box) => box.container === undefined && !box.due && box.starts > 0);
    if (forgets) for (const box of ended) this.meanwhile(this.startLater(box, BACKOFF));
    return true;
  }

  /** Nothing more is started or written. */
  async end(): Promise<void> {
    this.over = true;
    for (const pid of markedBy(`${this.mark}-`)) signalAny(pid);
    await Promise.all(this.boxes.map((box) => box.container?.exit));
  }
}

function fail(text: string): never {
  throw new Error(text);
}
