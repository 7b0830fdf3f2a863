/** The init container's work: the shim into one volume, an empty rendezvous into the other. */
import host from 'host';
import { CARD_SIZE } from './card.ts';
import { EACCES, EEXIST, HostError } from './errors.ts';
import { holdLife } from './life-line.ts';
import { MARKER_SIZE } from './marker.ts';
import { statePath } from './marker-file.ts';
import { type InstallOptions, SHIM_NAME } from './protocol.ts';
import { replace, writeWhole } from './whole-file.ts';

const NOEXEC =
  'its volume is mounted noexec, by the node (its kubelet directory) or by a policy (bindMountOptions). Take noexec away from the volume ' +
  'curfew-bin there, or give the pod the label curfew.dev/inject: "false"';

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
  // The copy's mode lets everybody execute it: only its mount can refuse. Said here, where it can be said: the containers could not start.
  if (host.canExecute(target) === -EACCES) throw new HostError('execute', target, -EACCES, NOEXEC);
  prepareRendezvous(options.run, options.containers);
}

/**
 * Make the rendezvous ready for these containers: their FIFOs, room for their markers, and a new epoch.
 * @throws {HostError}
 */
function prepareRendezvous(folder: string, names: readonly string[]): void {
  for (const name of names) {
    host.close(holdLife(folder, name));
    const path = statePath(folder, name);
    if (host.kindOf(path) >= 0) continue;
    const failed = writeWhole(path, `${''.padEnd(MARKER_SIZE + CARD_SIZE - 1)}\n`, true, 0o666);
    if (failed !== undefined) throw failed;
  }
  const temporary = `${folder}/epoch.tmp`;
  const failed =
    writeWhole(temporary, `${host.random().toString(36)}\n`, true) ?? replace(temporary, `${folder}/epoch`);
  if (failed !== undefined) throw failed;
}

function check(result: number, doing: string, path: string): number {
  if (result < 0) throw new HostError(doing, path, result);
  return result;
}
