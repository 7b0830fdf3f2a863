/**
 * One shim at work: it turns what the kernel tells into events, hands them to the state machine, and does what that
 * answers. One poll, no policy.
 */
import host, { type Signal } from 'host';
import { ChangeWatch } from './change-watch.ts';
import { Child } from './child.ts';
import { HostError } from './errors.ts';
import { type Action, type Context, type Event, earliest, isBeginning, type Peers } from './lifecycle.ts';
import { Machine } from './machine.ts';
import type { ContainerOptions } from './protocol.ts';
import { ReadinessProbe } from './readiness.ts';
import { ReasonFile } from './reason-file.ts';
import type { Rendezvous } from './rendezvous.ts';
import { ShownCard } from './shown-card.ts';
import { parseSignal, SIGCHLD, SIGKILL, SIGTERM, SIGURG, signalName } from './signals.ts';
import { StopRequests } from './stop-request.ts';
import { leaveMessage } from './termination-message.ts';
import { flushWords, hasWords, say } from './voice.ts';
import { waitFor } from './waiting.ts';

const POLLIN = 1;
const POLLOUT = 4;
const STDERR = 2;

/** Runs one container to its end; never returns. */
export class Driver {
  private readonly context: Context;
  private readonly rendezvous: Rendezvous;
  private readonly signals: number;
  private readonly changes: ChangeWatch;
  private readonly probe: ReadinessProbe;
  private readonly reasons: ReasonFile;
  private readonly card: ShownCard;
  private readonly debug: boolean;
  private readonly stopRequests: StopRequests;
  private readonly machine: Machine;
  private readonly child: Child;
  /** Why the last announcement failed: said once. */
  private failure = '';
  private lookAt = 0;
  private readonly queue: Event[] = [];

  /**
   * @param commandAt where the container's command begins in the shim's own arguments
   * @param rendezvous with this container's place in it taken
   * @throws {HostError} where the kernel refuses what no shim can do without
   */
  constructor(options: ContainerOptions, commandAt: number, rendezvous: Rendezvous) {
    this.signals = host.openSignals();
    if (this.signals < 0) throw new HostError('receive signals by', 'signalfd', this.signals);
    this.debug = options.log === 'debug';
    this.stopRequests = new StopRequests(options);
    this.child = new Child(commandAt, this.signals);
    this.rendezvous = rendezvous;
    this.context = {
      options,
      epoch: this.rendezvous.epoch,
      attempt: this.rendezvous.attempt,
      stopSignal: parseSignal(options.stopSignal ?? 'TERM') ?? SIGTERM,
    };
    this.machine = new Machine(this.context);
    this.changes = new ChangeWatch(options.run);
    this.probe = new ReadinessProbe(options.ready, options.readyTimeout);
    this.reasons = new ReasonFile(options.run, options.name);
    if (host.pid() !== 1) host.subreaper();
    const others = [...options.mains, ...options.sidecars].filter((name) => name !== options.name);
    this.rendezvous.watch(others);
    this.card = new ShownCard(options, rendezvous);
  }

  /** @throws {HostError} where the kernel refuses what no shim can do without; then nothing of the container runs any more */
  run(): never {
    try {
      this.handle({ type: 'start', at: host.now(), peers: this.look(), done: this.rendezvous.done });
      for (;;) {
        this.watchWhileNeeded();
        flushWords();
        this.wait();
        // Only now: a sync may take long, and nothing that was seen needs to wait for it.
        this.rendezvous.keepLastWords();
      }
    } catch (error) {
      this.child.abandon();
      throw error;
    }
  }

  /**
   * Watch only while somebody is waited for: a main that runs needs nobody, and to let go of an inotify instance takes the
   * kernel some 8 ms, which a container's last moment should not wait for.
   */
  private watchWhileNeeded(): void {
    if (this.machine.needsOthers && this.changes.begin())
      this.handle({ type: 'peers', at: host.now(), peers: this.look() });
    if (!this.machine.needsOthers) this.changes.end();
  }

  private wait(): void {
    const needed = this.machine.needsOthers;
    const lives = needed ? this.rendezvous.descriptors() : [];
    const sockets = this.probe.descriptors();
    const watched = this.changes.descriptors;
    const wanted = new Map([[this.signals, POLLIN]]);
    for (const fd of watched) wanted.set(fd, POLLIN);
    for (const fd of lives) wanted.set(fd, 0);
    for (const { fd, events } of sockets) wanted.set(fd, events);
    // Lines that standard error did not take are written again when somebody reads it.
    if (hasWords()) wanted.set(STDERR, POLLOUT);
    const wakeAt = earliest(this.machine.wakeAt, this.probe.wakeAt, needed ? this.lookAt : undefined);
    const timeout = wakeAt === undefined ? -1 : Math.max(0, Math.ceil(wakeAt - host.now()));
    const happened = waitFor(wanted, timeout);
    if (happened === undefined) return;
    // What is decided when a timer is due is decided by who is there now: not every file system tells of every change.
    const due = this.machine.wakeAt;
    if (due !== undefined && host.now() >= due) this.lookAgain();
    if (happened.has(this.signals)) this.readSignals();
    const now = host.now();
    const changed = [...watched, ...lives].some((fd) => happened.has(fd));
    if (changed || (needed && now >= this.lookAt))
      this.handle({ type: 'peers', at: now, peers: this.look() });
    for (const { fd } of sockets)
      if (happened.has(fd) && this.probe.happened(fd, now)) this.handle({ type: 'ready', at: now });
    this.probe.tick(now);
    this.reasons.tell(this.probe.failure, now);
    const dueNow = this.machine.wakeAt;
    if (dueNow !== undefined && now >= dueNow) this.handle({ type: 'tick', at: now });
  }

  /** Empty the change queue before looking: what comes after will wake us again. */
  private look(): Peers {
    this.changes.empty();
    const peers = this.rendezvous.scan();
    const at = host.now();
    this.lookAt = at + this.changes.lookEvery;
    this.lookAt = earliest(this.lookAt, this.rendezvous.mend(at)) ?? this.lookAt;
    // A shim that came when the epoch was removed hears of it from those who knew it.
    this.context.epoch = this.rendezvous.epoch;
    return peers;
  }

  private readSignals(): void {
    let ended = false;
    for (
      let signal = host.readSignal(this.signals);
      signal !== null;
      signal = host.readSignal(this.signals)
    ) {
      if (signal.number === SIGCHLD) ended = true;
      else if (signal.number !== SIGURG && signal.sender !== host.pid()) this.received(signal);
    }
    if (ended) this.reap();
  }

  private received(signal: Signal): void {
    const type = this.stopRequests.has(signal) ? 'stop-request' : 'signal';
    const where = this.stopRequests.isOutside(signal) ? 'outside' : `process ${signal.sender}`;
    this.trace(`got ${signalName(signal.number)} from ${where}: ${type}`);
    if (type === 'stop-request') this.lookAgain();
    const event = { at: host.now(), signal: signal.number };
    const { queued } = signal;
    this.handle(
      type === 'stop-request' || queued === undefined ? { type, ...event } : { type, ...event, queued },
    );
  }

  /**
   * A stop request is judged by who is there now: a main that has just come up may not have been seen (rule L12). So is the end of a sidecar's
   * process: a last word that only a life line carries (rule L17) is lost on the shim that comes after this one.
   */
  private lookAgain(): void {
    if (!this.machine.started || !this.machine.needsOthers) return;
    this.machine.see(this.look());
  }

  private reap(): void {
    for (let ended = host.reap(); ended !== null && typeof ended !== 'number'; ended = host.reap()) {
      const at = host.now();
      if (ended.stopped !== undefined) {
        this.child.stopWith(ended.pid, ended.stopped);
        continue;
      }
      const code = ended.signal === undefined ? (ended.code ?? 0) : 128 + ended.signal;
      if (this.child.is(ended.pid)) {
        this.trace(`process ${ended.pid} ended with code ${code}`);
        this.lookAgain();
        const { role, name, preStop } = this.context.options;
        // A preStop hook that has ended the process ends with it, and the stop request follows (rule L9).
        if (host.pid() !== 1 || role === 'sidecar') this.child.killLeftovers(preStop.includes(name));
        this.child.forget();
        this.card.ended(code);
        this.handle({ type: 'exit', at, code });
      } else if (this.probe.ended(ended.pid, code, at)) {
        this.handle({ type: 'ready', at });
      }
    }
  }

  /** Events that come while one is handled wait their turn. */
  private handle(event: Event): void {
    this.queue.push(event);
    if (this.queue.length > 1) return;
    for (let next = this.queue[0]; next !== undefined; next = this.queue[0]) {
      this.perform(this.machine.step(next));
      this.queue.shift();
    }
  }

  /** After a failed action nothing is begun: the machine hears of the failure and decides anew. What it takes for sent is sent. */
  private perform(actions: Action[]): void {
    let failed = false;
    for (const action of actions) {
      if (!(failed && isBeginning(action)) && !this.act(action)) failed = true;
    }
  }

  private act(action: Action): boolean {
    switch (action.type) {
      case 'announce':
        return this.announce(action);
      case 'spawn':
        return this.spawn();
      case 'probe':
        if (action.on) {
          this.probe.start(host.now());
          this.reasons.forget();
        } else this.probe.stop();
        return true;
      case 'signal':
        this.child.signal(action);
        return true;
      case 'kill':
        if (!this.child.kill()) this.queue.push({ type: 'exit', at: host.now(), code: 128 + SIGKILL });
        return true;
      case 'say':
        if (action.level === 'info') say(action.text);
        else this.trace(action.text);
        return true;
      case 'exit':
        this.trace(`exit ${action.code}`);
        this.rendezvous.leave();
        flushWords();
        if (action.why !== undefined) leaveMessage(action.why, this.context.options.terminationMessage);
        return host.exit(action.code);
    }
  }

  private announce(action: Extract<Action, { type: 'announce' }>): boolean {
    const { phase, code, final, stopping } = action.marker;
    const end = phase === 'ended' ? ` with code ${code}, ${final ? 'for good' : 'to be started again'}` : '';
    this.trace(`${phase}${end}${stopping ? ', stopping' : ''}`);
    this.card.show(phase === 'starting');
    try {
      this.rendezvous.announce(action.marker);
      return true;
    } catch (error) {
      if (!(error instanceof HostError)) throw error;
      // A process that runs goes on, and an end is an end. But nobody would ever hear that a sidecar is ready.
      if (phase === 'ended' || (this.child.runs && (phase !== 'started' || stopping))) {
        if (error.message !== this.failure) say(error.message);
        this.failure = error.message;
        return true;
      }
      this.failure = error.message;
      this.queue.push({ type: 'unusable', at: host.now(), reason: error.message, running: this.child.runs });
      return false;
    }
  }

  private spawn(): boolean {
    this.card.started();
    const command = this.context.options.command[0] ?? '';
    const started = this.child.spawn(command);
    if (typeof started === 'number') {
      this.trace(`started process ${started}`);
      return true;
    }
    this.card.ended(started.code);
    this.queue.push({ type: 'not-started', at: host.now(), code: started.code, reason: started.reason });
    return false;
  }

  private trace(text: string): void {
    if (this.debug) say(`debug: ${text}`);
  }
}
