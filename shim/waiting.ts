/** The shim's one poll: it sleeps in it until something happens (rule L16). */
import host from 'host';
import { EINTR, HostError } from './errors.ts';

/**
 * Wait until something happens to one of these descriptors, each with the poll(2) events that are asked for, or for so long.
 * @param timeout ms; -1: for ever
 * @returns those to which something happened; undefined: nothing can be said, ask again
 * @throws {HostError}
 */
export function waitFor(
  wanted: ReadonlyMap<number, number>,
  timeout: number,
): ReadonlySet<number> | undefined {
  const fds = [...wanted.keys()];
  const happened = host.poll(fds, [...wanted.values()], timeout);
  if (happened === -EINTR) return undefined;
  if (typeof happened === 'number') throw new HostError('wait by', 'poll', happened);
  return new Set(fds.filter((_, i) => happened[i] !== 0));
}
