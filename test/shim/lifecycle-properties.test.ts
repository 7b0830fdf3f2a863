/**
 * Whole pods in random orders of events, against the rules as invariants: nobody starts early, nobody leaves early, no
 * code is lost, nothing starts after the deletion, and in the end nobody is left waiting.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { ContainerOptions, RestartPolicy } from '../../shim/protocol.ts';
import { SIGTERM } from '../../shim/signals.ts';
import { FakePod } from './fake-pod.ts';

const TCP: Partial<ContainerOptions> = { ready: { kind: 'tcp', port: 5432 } };
const RUNS = 10_000;
/** The pod's grace period, less the reserve (rule L12). */
const HOLD = 28_000;

/** The kubelet's own rule (ShouldContainerBeRestarted), not the shim's. */
function comesBack(policy: RestartPolicy, code: number): boolean {
  return policy === 'Always' || (policy === 'OnFailure' && code !== 0);
}

interface Step {
  what: 'up' | 'ready' | 'exit' | 'kill' | 'stop' | 'delete' | 'pass';
  who: number;
  amount: number;
}

const steps = fc.array(
  fc.record<Step>({
    what: fc.constantFrom(
      'up',
      'up',
      'up',
      'ready',
      'ready',
      'exit',
      'exit',
      'kill',
      'stop',
      'delete',
      'pass',
    ),
    who: fc.nat({ max: 3 }),
    amount: fc.constantFrom(0, 1, 2, 137, 143),
  }),
  { maxLength: 30 },
);
interface Shape {
  mains: string[];
  sidecars: string[];
  restartPolicy: RestartPolicy;
  preStop: string[];
  /** The sidecars have a readiness condition. */
  gated: boolean;
}

const shapes = fc.record<Shape>({
  mains: fc.constantFrom<string[][]>(['work'], ['work', 'more']),
  sidecars: fc.constantFrom<string[][]>(['first'], ['first', 'second']),
  restartPolicy: fc.constantFrom<RestartPolicy[]>('Never', 'OnFailure', 'Always'),
  preStop: fc.subarray(['work', 'more', 'first', 'second']),
  gated: fc.boolean(),
});

/** A kubelet that keeps to the restart policy, and the invariants, checked after each step. */
class Play {
  readonly pod: FakePod;
  readonly mains: string[];
  readonly sidecars: string[];
  private readonly policy: RestartPolicy;
  private readonly preStop: string[];
  private readonly started = new Set<string>();
  /** Since when a container that is up has had a stop request. */
  private readonly stopped = new Map<string, number>();
  /** Exit codes that the processes of mains ended with by themselves, since their container's last start. */
  private readonly codes = new Map<string, number>();
  private deletedAt: number | undefined;
  /** When a main ended last. */
  private endedAt = Number.POSITIVE_INFINITY;
  private seen = 0;

  constructor(shape: Shape) {
    const { mains, sidecars, restartPolicy, gated } = shape;
    const all = [...mains, ...sidecars];
    const preStop = shape.preStop.filter((name) => all.includes(name));
    // Every container has a liveness probe, so that any may be stopped alone.
    const options = Object.fromEntries(
      all.map((name) => [name, { probed: true, ...(gated && sidecars.includes(name) ? TCP : {}) }]),
    );
    this.pod = new FakePod({ mains, sidecars, restartPolicy, preStop, options });
    this.mains = mains;
    this.sidecars = sidecars;
    this.policy = restartPolicy;
    this.preStop = preStop;
  }

  step({ what, who, amount }: Step): void {
    const all = [...this.mains, ...this.sidecars];
    const name = all[who % all.length] ?? '';
    const container = this.pod.get(name);
    if (what === 'pass') this.pod.pass([1, 1_999, 2_001, 10_000, 90_000][who + (amount % 2)] ?? 1);
    else if (what === 'up') this.up(name);
    else if (what === 'ready' && container.probing) this.pod.ready(name);
    else if (what === 'exit' && container.running) this.exits(name, amount);
    else if (what === 'kill' && container.up) this.pod.killed(name);
    else if (what === 'stop' && container.up && this.deletedAt === undefined) this.stop(name);
    else if (what === 'delete') this.delete();
    this.check();
  }

  /** Everybody does what is theirs to do, for as long as it takes: then nobody may be left. */
  finish(): void {
    if (this.policy === 'Always') this.delete();
    for (let round = 0; round < 40; round++) {
      for (const name of [...this.sidecars, ...this.mains]) {
        this.up(name);
        this.check();
        if (this.pod.get(name).probing) this.pod.ready(name);
        this.check();
        if (this.pod.get(name).running && this.pod.get(name).signals.includes(SIGTERM)) this.exits(name, 143);
        this.check();
      }
      for (const name of this.mains) if (this.pod.get(name).running) this.exits(name, 0);
      this.pod.pass(60_000);
      this.check();
    }
    for (const name of [...this.mains, ...this.sidecars]) {
      const { up, said } = this.pod.get(name);
      assert.equal(up, false, `${name} is left: ${this.pod.log.join(', ')}; it said ${said.join('; ')}`);
    }
  }

  private up(name: string): void {
    const { up, exitCode } = this.pod.get(name);
    const again = !this.started.has(name) || (exitCode !== undefined && comesBack(this.policy, exitCode));
    if (up || !again || this.deletedAt !== undefined) return;
    this.started.add(name);
    this.stopped.delete(name);
    this.codes.delete(name);
    this.pod.start(name);
  }

  private exits(name: string, code: number): void {
    if (this.mains.includes(name)) this.codes.set(name, code);
    this.pod.exits(name, code);
  }

  private stop(name: string): void {
    if (!this.stopped.has(name)) this.stopped.set(name, this.pod.at);
    this.pod.stop(name);
  }

  private delete(): void {
    if (this.deletedAt !== undefined) return;
    this.deletedAt = this.pod.at;
    // Containers that never came up are not started any more; the others are stopped side by side.
    for (const name of [...this.mains, ...this.sidecars]) {
      if (!this.pod.get(name).up) continue;
      this.stop(name);
    }
  }

  private check(): void {
    for (; this.seen < this.pod.history.length; this.seen++) {
      const { line = '', at = 0, up = [] } = this.pod.history[this.seen] ?? {};
      const [name = '', verb = '', number = ''] = line.split(' ');
      const history = this.pod.log.slice(0, this.seen + 1).join(', ');
      const isMain = this.mains.includes(name);
      if (isMain && (verb === 'exited' || verb === 'was')) this.endedAt = at;
      if (verb === 'started') {
        assert.equal(this.deletedAt, undefined, `nothing starts after the deletion: ${history}`);
        assert.equal(this.stopped.has(name), false, `nothing starts after its stop request: ${history}`);
        if (isMain) this.checkStart(name, history);
      }
      if (verb === 'got' && number === '15' && !isMain) this.checkLeave(name, at, up, history);
      if (verb === 'exited' && isMain && this.codes.has(name)) {
        assert.equal(Number(number), this.codes.get(name), `the main's own code: ${history}`);
      }
      if (verb === 'exited' && !isMain && this.deletedAt === undefined && !this.stopped.has(name)) {
        const isDone = this.mains.every((main) => this.isOver(main));
        if (isDone) assert.equal(number, '0', `a sidecar whose work is done exits 0: ${history}`);
        else
          assert.ok(
            comesBack(this.policy, Number(number)),
            `who leaves before that is started again: ${history}`,
          );
      }
    }
  }

  private checkStart(name: string, history: string): void {
    for (const sidecar of this.sidecars) {
      const { running, probing } = this.pod.get(sidecar);
      assert.equal(running && !probing, true, `${name} starts without ${sidecar}: ${history}`);
    }
  }

  private checkLeave(name: string, at: number, up: string[], history: string): void {
    if (!this.stopped.has(name)) {
      for (const main of this.mains) assert.equal(this.isOver(main), true, `${main} still works: ${history}`);
    } else if (this.deletedAt === undefined) return;
    // Its own preStop hook hides from it when the deletion began; stopped alone before that, it does not wait.
    if (this.preStop.includes(name)) return;
    if (this.stopped.get(name) !== this.deletedAt && this.deletedAt !== undefined) return;
    const since = Math.min(this.deletedAt ?? Number.POSITIVE_INFINITY, this.endedAt);
    if (at >= since + HOLD) return;
    const followers = this.sidecars.slice(this.sidecars.indexOf(name) + 1);
    const waitsFor = this.deletedAt === undefined ? followers : [...this.mains, ...followers];
    for (const other of waitsFor)
      assert.equal(up.includes(other), false, `${name} leaves before ${other}: ${history}`);
  }

  /** What the kubelet will make of a main, by its own rules alone. */
  private isOver(name: string): boolean {
    const { up, exitCode } = this.pod.get(name);
    return (
      !up && exitCode !== undefined && (this.deletedAt !== undefined || !comesBack(this.policy, exitCode))
    );
  }
}

test('L1 to L14: in every order of events nobody starts or leaves early, and nobody is left', () => {
  fc.assert(
    fc.property(shapes, steps, (shape, list) => {
      const play = new Play(shape);
      for (const step of list) play.step(step);
      play.finish();
    }),
    { numRuns: RUNS },
  );
});
