/**
 * `curfew-shim started`: a startup probe that counts from the command's start and not from the container's (rule L18).
 *
 * The kubelet runs it inside the container. It blocks while the command waits for others, so that no try is counted meanwhile
 * and nothing is run again and again, and is killed with the container.
 */
import host from 'host';
import { ChangeWatch } from './change-watch.ts';
import { EAGAIN } from './errors.ts';
import { openLife } from './life-line.ts';
import { earliest } from './lifecycle.ts';
import { readMarker, statePath } from './marker-file.ts';
import type { StartedOptions } from './protocol.ts';
import { ReadinessProbe } from './readiness.ts';
import { SIGCHLD, SIGURG } from './signals.ts';

const POLLIN = 1;
/**
 * A shim that waits puts back what somebody removes from the rendezvous, at its next look at the latest (30 s, rule L16). So a
 * marker that is missing for longer belongs to a command that runs, for its shim looks at nobody.
 */
const MISSING_FOR = 40_000;

/** One startup probe's try. */
export class Started {
  private readonly options: StartedOptions;
  private readonly changes: ChangeWatch;
  private readonly signals = host.openSignals();
  private readonly probe: ReadinessProbe;
  private missingSince: number | undefined;

  constructor(options: StartedOptions) {
    this.options = options;
    this.changes = new ChangeWatch(options.run);
    this.probe = new ReadinessProbe(options.ready, options.readyTimeout);
  }

  /** Returns the exit code: 0 where the container counts as started, 1 with the reason on standard output where it does not. */
  wait(): number {
    this.changes.begin();
    for (;;) {
      this.changes.empty();
      const left = this.timeLeft();
      if (left <= 0) break;
      const ended = this.poll(Math.min(left, this.changes.lookEvery), this.changes.descriptors);
      if (ended !== undefined) return ended;
    }
    this.changes.end();
    return this.options.ready.kind === 'none' ? 0 : this.tryOnce();
  }

  /** Milliseconds until the command has run for its time; infinite while it has not begun. */
  private timeLeft(): number {
    const { run, name, delay } = this.options;
    const now = host.now();
    // First the lock, then the marker: a shim that is starting again says so in its marker before it takes the lock, so that a
    // marker beside a held lock is not the last attempt's.
    const held = isHeld(run, name);
    const marker = readMarker(run, name);
    if (held && marker !== undefined) {
      this.missingSince = undefined;
      if (marker.phase === 'waiting' || marker.phase === 'ended') return Number.POSITIVE_INFINITY;
      return delay - ageOf(statePath(run, name));
    }
    if (marker?.phase === 'ended') return Number.POSITIVE_INFINITY;
    this.missingSince ??= now;
    return this.missingSince + MISSING_FOR - now;
  }

  private tryOnce(): number {
    this.probe.start(host.now());
    for (;;) {
      const now = host.now();
      this.probe.tick(now);
      if (this.probe.failure !== undefined) {
        host.write(1, `${this.probe.failure}\n`, -1);
        return 1;
      }
      const wakeAt = this.probe.wakeAt ?? now;
      const ended = this.poll(Math.max(0, Math.ceil(wakeAt - now)), []);
      if (ended !== undefined) return ended;
    }
  }

  /** Sleep until something happens. Returns the exit code where that ends the try. */
  private poll(timeout: number, watched: readonly number[]): number | undefined {
    const sockets = this.probe.descriptors();
    const fds = [this.signals, ...watched, ...sockets.map(({ fd }) => fd)];
    const events = [POLLIN, ...watched.map(() => POLLIN), ...sockets.map((item) => item.events)];
    const happened = host.poll(fds, events, Math.ceil(earliest(timeout, 60_000) ?? 0));
    if (typeof happened === 'number') return undefined;
    const now = host.now();
    for (const [i, { fd }] of sockets.entries())
      if (happened[1 + watched.length + i] !== 0 && this.probe.happened(fd, now)) return 0;
    return happened[0] === 0 ? undefined : this.readSignals();
  }

  private readSignals(): number | undefined {
    for (let got = host.readSignal(this.signals); got !== null; got = host.readSignal(this.signals)) {
      if (got.number !== SIGCHLD) {
        if (got.number !== SIGURG) return 128 + got.number;
        continue;
      }
      for (let child = host.reap(); child !== null && typeof child !== 'number'; child = host.reap()) {
        const code = child.signal === undefined ? (child.code ?? 0) : 128 + child.signal;
        if (this.probe.ended(child.pid, code, host.now())) return 0;
      }
    }
    return undefined;
  }
}

/** Whether a shim holds this container's lock. */
function isHeld(folder: string, name: string): boolean {
  const fd = openLife(folder, name);
  if (fd < 0) return false;
  const got = host.read(fd, 16);
  host.close(fd);
  return got === -EAGAIN;
}

/** Milliseconds since the file was written; 0 where it has gone. */
function ageOf(path: string): number {
  const fd = host.open(path, 'r');
  if (fd < 0) return 0;
  const age = host.age(fd);
  host.close(fd);
  return Math.max(0, age);
}
