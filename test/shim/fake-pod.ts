/**
 * A pod without processes: the real state machines around a rendezvous in memory, with a clock that the test turns.
 * What a machine does becomes an event for the others, in the order in which the test lets it happen.
 */
import { type Action, type Context, doneBefore, type Event, type Peer } from '../../shim/lifecycle.ts';
import { type MainState, startMain, stepMain } from '../../shim/main-lifecycle.ts';
import type { Marker } from '../../shim/marker.ts';
import type { ContainerOptions, RestartPolicy } from '../../shim/protocol.ts';
import { startSidecar, stepSidecar } from '../../shim/sidecar-lifecycle.ts';
import type { SidecarState } from '../../shim/sidecar-state.ts';
import { parseSignal, SIGKILL, SIGTERM } from '../../shim/signals.ts';

/** What the test says of a pod; every container may change its own options. */
export interface PodSpec {
  mains: string[];
  sidecars: string[];
  restartPolicy: RestartPolicy;
  grace?: number;
  preStop?: string[];
  options?: Record<string, Partial<ContainerOptions>>;
}

/** One container of the pod, as the kubelet and its own users see it. */
export class FakeContainer {
  readonly context: Context;
  /** Its shim runs. */
  up = false;
  lived = false;
  attempt = 0;
  marker: Marker | undefined;
  /** Its process runs. */
  running = false;
  probing = false;
  /** How often its process was started. */
  starts = 0;
  /** Signals that its process got. */
  signals: number[] = [];
  exitCode: number | undefined;
  /** Its shim's last words. */
  why: string | undefined;
  said: string[] = [];
  main: MainState | undefined;
  sidecar: SidecarState | undefined;

  constructor(context: Context) {
    this.context = context;
  }

  get wakeAt(): number | undefined {
    return this.up ? (this.main?.wakeAt ?? this.sidecar?.wakeAt) : undefined;
  }

  step(event: Event): Action[] {
    if (this.context.options.role === 'main') {
      const step =
        this.main === undefined
          ? event.type === 'start'
            ? startMain(this.context, event)
            : undefined
          : stepMain(this.context, this.main, event);
      this.main = step?.state ?? this.main;
      return step?.actions ?? [];
    }
    const step =
      this.sidecar === undefined
        ? event.type === 'start'
          ? startSidecar(this.context, event)
          : undefined
        : stepSidecar(this.context, this.sidecar, event);
    this.sidecar = step?.state ?? this.sidecar;
    return step?.actions ?? [];
  }
}

export class FakePod {
  at = 1_000;
  epoch = 'e1';
  /** What happened, in order, when, and whose shim was up then. */
  readonly history: { line: string; at: number; up: string[] }[] = [];
  private readonly containers = new Map<string, FakeContainer>();
  private readonly spec: PodSpec;

  constructor(spec: PodSpec) {
    this.spec = spec;
    for (const name of [...spec.mains, ...spec.sidecars]) {
      this.containers.set(name, new FakeContainer(this.contextOf(name)));
    }
  }

  /** What happened, in order: `proxy started`, `proxy got 15`, `migrate exited 0`. */
  get log(): string[] {
    return this.history.map(({ line }) => line);
  }

  get(name: string): FakeContainer {
    const container = this.containers.get(name);
    if (container === undefined) throw new Error(`the pod has no ${name}`);
    return container;
  }

  /** The kubelet starts containers: all of them in the spec's order, or those named. */
  start(...names: string[]): this {
    for (const name of names.length > 0 ? names : [...this.spec.mains, ...this.spec.sidecars]) {
      const old = this.get(name);
      if (old.up) throw new Error(`${name} is up already`);
      const fresh = new FakeContainer({ ...old.context, epoch: this.epoch, attempt: old.attempt + 1 });
      if (old.marker !== undefined) fresh.marker = old.marker;
      Object.assign(fresh, {
        up: true,
        lived: true,
        attempt: old.attempt + 1,
        starts: old.starts,
        said: old.said,
      });
      this.containers.set(name, fresh);
      const done = doneBefore(fresh.context.options, this.epoch, old.marker);
      this.send(name, { type: 'start', at: this.at, peers: this.peersOf(name), done });
      this.tellOthers(name);
    }
    return this;
  }

  /** The container's readiness condition holds. */
  ready(name: string): this {
    this.get(name).probing = false;
    return this.send(name, { type: 'ready', at: this.at });
  }

  /** The container's process ends by itself. */
  exits(name: string, code: number): this {
    this.get(name).running = false;
    return this.send(name, { type: 'exit', at: this.at, code });
  }

  /** KILL for the whole container, shim and process at once. */
  killed(name: string): this {
    const container = this.get(name);
    this.note(`${name} was killed`);
    this.gone(container, 137);
    return this.tellOthers(name);
  }

  /** The runtime's stop request, for one container or for all (the pod's deletion). */
  stop(...names: string[]): this {
    for (const name of names.length > 0 ? names : [...this.containers.keys()]) {
      if (this.get(name).up) this.send(name, { type: 'stop-request', at: this.at, signal: SIGTERM });
    }
    return this;
  }

  send(name: string, event: Event): this {
    const container = this.get(name);
    if (!container.up) return this;
    let announced = false;
    for (const action of container.step(event)) announced = this.act(name, container, action) || announced;
    return announced ? this.tellOthers(name) : this;
  }

  /** Let time pass; every tick that is asked for comes when it is due. */
  pass(ms: number): this {
    const until = this.at + ms;
    for (let rounds = 0; rounds < 100_000; rounds++) {
      let next: { name: string; at: number } | undefined;
      for (const [name, { wakeAt }] of this.containers) {
        if (wakeAt !== undefined && wakeAt <= until && (next === undefined || wakeAt < next.at))
          next = { name, at: wakeAt };
      }
      if (next === undefined) {
        this.at = until;
        return this;
      }
      this.at = Math.max(this.at, next.at);
      this.send(next.name, { type: 'tick', at: this.at });
    }
    throw new Error('the pod asks for ticks without end');
  }

  /** The node restarts: everybody is gone without a word, and the sandbox is made anew. */
  reboot(): this {
    for (const container of this.containers.values()) this.gone(container, 255);
    return this.newLife();
  }

  /** The init containers run again: a new life of the sandbox, as the shims count it. */
  newLife(): this {
    for (const container of this.containers.values()) container.lived = false;
    this.epoch = `${this.epoch}+`;
    return this;
  }

  private act(name: string, container: FakeContainer, action: Action): boolean {
    switch (action.type) {
      case 'announce':
        container.marker = { ...action.marker, attempt: container.attempt, epoch: this.epoch };
        return true;
      case 'spawn':
        container.running = true;
        container.starts++;
        this.note(`${name} started`);
        return false;
      case 'probe':
        container.probing = action.on;
        return false;
      case 'signal':
        if (container.running) {
          container.signals.push(action.signal);
          this.note(`${name} got ${action.signal}`);
        }
        return false;
      case 'kill':
        container.signals.push(SIGKILL);
        this.note(`${name} got ${SIGKILL}`);
        if (container.running) this.exits(name, 137);
        return true;
      case 'say':
        if (action.level === 'info') container.said.push(action.text);
        return false;
      case 'exit':
        this.note(`${name} exited ${action.code}`);
        container.why = action.why;
        this.gone(container, action.code);
        return true;
    }
  }

  private note(line: string): void {
    const up = [...this.containers].filter(([, container]) => container.up).map(([name]) => name);
    this.history.push({ line, at: this.at, up });
  }

  private gone(container: FakeContainer, code: number): void {
    container.exitCode = container.up ? code : container.exitCode;
    container.up = false;
    container.running = false;
  }

  private tellOthers(name: string): this {
    for (const other of this.containers.keys()) {
      if (other === name || !this.get(other).up) continue;
      this.send(other, { type: 'peers', at: this.at, peers: this.peersOf(other) });
    }
    return this;
  }

  private peersOf(name: string): Map<string, Peer> {
    const peers = new Map<string, Peer>();
    for (const [other, { up, lived, marker }] of this.containers) {
      if (other !== name) peers.set(other, { alive: up, lived, ...(marker === undefined ? {} : { marker }) });
    }
    return peers;
  }

  private contextOf(name: string): Context {
    const { mains, sidecars, restartPolicy, grace, preStop, options } = this.spec;
    const own: ContainerOptions = {
      role: mains.includes(name) ? 'main' : 'sidecar',
      name,
      run: '/run',
      mains,
      sidecars,
      preStop: preStop ?? [],
      restartPolicy,
      restartRules: [],
      grace: grace ?? 30_000,
      probed: false,
      hostPid: false,
      log: 'info',
      ready: { kind: 'none' },
      readyTimeout: 1_000,
      command: ['true'],
      ...options?.[name],
    };
    return {
      options: own,
      epoch: this.epoch,
      attempt: 1,
      stopSignal: parseSignal(own.stopSignal ?? 'TERM') ?? SIGTERM,
    };
  }
}
