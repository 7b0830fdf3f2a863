/** The container's process, as its shim holds it: started once at a time, told, killed. `process.ts` does the work. */
import host from 'host';
import type { Signal } from './lifecycle.ts';
import { whyPowerless } from './powerless.ts';
import { killLeftovers, type NotStarted, startProcess } from './process.ts';
import { SIGKILL, signalName } from './signals.ts';
import { say } from './voice.ts';

const SIGSTOP = 19;
const SIGCONT = 18;
/** TSTP, TTIN, TTOU: what a terminal stops a job with. */
const TERMINAL_STOPS = [20, 21, 22];

/** The process that runs the container's command, or none: before its start, and after its end. */
export class Child {
  /** Where the container's command begins in the shim's own arguments. */
  private readonly commandAt: number;
  /** The descriptor by which signals come. */
  private readonly signals: number;
  private pid = 0;
  /** It was said that the child cannot be signalled. */
  private powerless = false;

  constructor(commandAt: number, signals: number) {
    this.commandAt = commandAt;
    this.signals = signals;
  }

  get runs(): boolean {
    return this.pid > 0;
  }

  is(pid: number): boolean {
    return pid === this.pid;
  }

  /**
   * @param command its first word
   * @returns its pid
   */
  spawn(command: string): number | NotStarted {
    const started = startProcess(command, this.commandAt, false);
    if (typeof started === 'number') this.pid = started;
    return started;
  }

  /** Send it a signal, where it runs. */
  signal({ signal: number, queued }: Signal): void {
    if (!this.runs) return;
    if (queued !== undefined) {
      const { sender, user, value } = queued;
      if (host.queueSignal(this.pid, number, sender, user, value) >= 0) return;
    }
    // A terminal stops the whole job, so the whole job goes on: our child leads its group.
    if (number === SIGCONT && host.kill(-this.pid, number) >= 0) return;
    if (host.kill(this.pid, number) >= 0) return;
    if (!this.powerless) say(`cannot send ${signalName(number)} to process ${this.pid}: ${whyPowerless()}`);
    this.powerless = true;
  }

  /**
   * KILL it, where it runs.
   * @returns false where the kernel refuses. Then nobody here can end it, and it is given up: the kernel ends it when process 1 ends, and the
   *   container runtime where we are not that.
   */
  kill(): boolean {
    if (!this.runs || host.kill(this.pid, SIGKILL) >= 0) return true;
    say(`cannot kill process ${this.pid}: ${whyPowerless()}`);
    this.pid = 0;
    return false;
  }

  /**
   * A shell that started us must see its job stopped. Where we lead our session, as in a container, the child leads one of its own: no
   * terminal stops that, as none stops process 1.
   */
  stopWith(pid: number, signal: number): void {
    if (!this.is(pid) || !TERMINAL_STOPS.includes(signal)) return;
    if (!host.leadsSession() && host.pid() !== 1) host.kill(host.pid(), SIGSTOP);
  }

  /** KILL what it has left behind, where anything may have stayed. `guests`: see {@link killLeftovers}. */
  killLeftovers(guests: boolean): void {
    killLeftovers(this.pid, this.signals, guests);
  }

  /** It has ended. */
  forget(): void {
    this.pid = 0;
  }

  /** The shim itself cannot go on: nothing of the container may run any more. */
  abandon(): void {
    if (!this.runs) return;
    host.kill(this.pid, SIGKILL);
    this.killLeftovers(false);
  }
}
