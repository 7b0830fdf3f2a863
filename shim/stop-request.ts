/** Which signals are the container runtime's stop request (rule P7). */
import type { Signal } from 'host';
import type { ContainerOptions } from './protocol.ts';
import { parseSignal, SIGTERM } from './signals.ts';

/**
 * What images have as STOPSIGNAL: INT (postgres), QUIT (nginx, php-fpm), WINCH (httpd), RTMIN+3 (systemd). Where
 * nobody told which, one of these from outside is the stop request: hardly anybody else sends them from there (rule P7). Not USR1 (haproxy): that is sent.
 */
const USUAL_STOP_SIGNALS = [2, 3, 28, 37];

/** One container's rule of what a stop request is. */
export class StopRequests {
  private readonly hostPid: boolean;
  /** What stops this container, beside TERM. */
  private readonly stopSignals: readonly number[];

  constructor({ stopSignal, hostPid }: ContainerOptions) {
    const known = parseSignal(stopSignal ?? '');
    this.hostPid = hostPid;
    this.stopSignals = known !== undefined ? [known] : hostPid ? [] : USUAL_STOP_SIGNALS;
  }

  /** A kill(2) from outside the pid namespace has no sender there, and a code that says it was a process. */
  isOutside({ sender, code }: Signal): boolean {
    return this.hostPid || (sender === 0 && code <= 0);
  }

  /** Whether this signal asks the container to end. */
  has(signal: Signal): boolean {
    const stops = signal.number === SIGTERM || this.stopSignals.includes(signal.number);
    return this.isOutside(signal) && stops;
  }
}
