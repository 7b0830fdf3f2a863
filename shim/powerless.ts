/** What is said where kill(2) does not reach the container's process. */
import host from 'host';

/** Why kill(2) refuses a child: a filter of system calls would refuse the question whether we may signal ourselves as well. */
export function whyPowerless(): string {
  return host.kill(host.pid(), 0) < 0
    ? 'a filter of system calls refuses kill'
    : 'it runs as another user, and the container lacks CAP_KILL';
}
