/** A container's life line: a FIFO whose writing end its shim holds as long as it lives (`rendezvous.ts`). */
import * as host from 'host';
import { EEXIST, ENOENT, HostError } from './errors.ts';
import { moveAway } from './whole-file.ts';

const S_IFMT_FIFO = 0o010000;

/**
 * Make sure that the FIFO is there.
 * @returns its path
 * @throws {HostError}
 */
export function makeLife(folder: string, name: string): string {
  const path = `${folder}/${name}.life`;
  const kind = host.kindOf(path);
  if (kind >= 0 && kind !== S_IFMT_FIFO) moveAway(path);
  if (kind !== S_IFMT_FIFO) {
    const made = host.makeFifo(path, 0o666);
    if (made < 0 && made !== -EEXIST) throw new HostError('make', path, made);
  }
  return path;
}

/**
 * Take the writing end.
 * @returns its descriptor
 * @throws {HostError}
 */
export function holdLife(folder: string, name: string): number {
  const path = makeLife(folder, name);
  const fd = host.open(path, 'f');
  if (fd < 0) throw new HostError('open', path, fd);
  return fd;
}

/** The reading end's descriptor; a negative errno where there is no such FIFO. */
export function openLife(folder: string, name: string): number {
  const path = `${folder}/${name}.life`;
  return host.kindOf(path) === S_IFMT_FIFO ? host.open(path, 'r') : -ENOENT;
}
