/** The init container's work: the shim into one volume, an empty rendezvous into the other. */
import * as host from 'host';
import { EEXIST, HostError } from './errors.ts';
import { type InstallOptions, SHIM_NAME } from './protocol.ts';
import { prepareRendezvous } from './rendezvous.ts';

/**
 * Copy this program and make the rendezvous ready. Killed half-way, it leaves nothing that would run: the copy gets its
 * name last. It may run again, over what it left before.
 * @throws {HostError}
 */
export function install(options: InstallOptions): void {
  const target = `${options.to}/${SHIM_NAME}`;
  const temporary = `${options.to}/.${SHIM_NAME}.tmp`;
  const source = host.executable();
  const from = check(host.open(source, 'x'), 'open', source);
  let to = host.open(temporary, 'c');
  if (to === -EEXIST && host.unlink(temporary) >= 0) to = host.open(temporary, 'c');
  check(to, 'create', temporary);
  check(host.copy(from, to), 'write', temporary);
  check(host.setMode(to, 0o555), 'make executable', temporary);
  check(host.sync(to), 'write', temporary);
  host.close(to);
  host.close(from);
  check(host.rename(temporary, target), 'replace', target);
  prepareRendezvous(options.run, options.containers);
}

function check(result: number, doing: string, path: string): number {
  if (result < 0) throw new HostError(doing, path, result);
  return result;
}
