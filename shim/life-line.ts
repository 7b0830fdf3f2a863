/** A container's life line: a FIFO whose writing end its shim holds as long as it lives (`rendezvous.ts`). */
import host from 'host';
import { EACCES, EEXIST, EMEDIUMTYPE, HostError, isShortage } from './errors.ts';
import { moveAway } from './whole-file.ts';

const S_IFIFO = 0o010000;
/** So often is something else put aside that stands in its place: somebody may put it there again and again. */
const MOST_TRIES = 5;
/** A pipe holds 64 KiB, unless somebody made it larger; what somebody goes on writing is not read for ever. */
const MOST_READS = 16;

/** Its path. */
export function lifePath(folder: string, name: string): string {
  return `${folder}/${name}.life`;
}

/**
 * Make sure that a FIFO is there, for all users. What stands in its place and is none is put aside.
 * @returns its path
 * @throws {HostError}
 */
export function makeLife(folder: string, name: string): string {
  const path = lifePath(folder, name);
  const kind = host.kindOf(path);
  if (kind >= 0 && kind !== S_IFIFO) moveAway(path);
  if (kind !== S_IFIFO) {
    const made = host.makeFifo(path, 0o666);
    if (made < 0 && made !== -EEXIST) throw new HostError('make', path, made);
  }
  return path;
}

/**
 * Take the writing end, also where something else stands in its place, or another's FIFO that is not open to us: that is put aside.
 * @returns its descriptor
 * @throws {HostError}
 */
export function holdLife(folder: string, name: string): number {
  for (let tries = 1; ; tries++) {
    const path = makeLife(folder, name);
    const fd = host.open(path, 'f');
    if (fd >= 0) return fd;
    if ((fd !== -EMEDIUMTYPE && fd !== -EACCES) || tries === MOST_TRIES)
      throw new HostError('open', path, fd);
    moveAway(path);
  }
}

/** Read what an earlier holder left in it. */
export function emptyLife(life: number): void {
  for (let reads = 0; reads < MOST_READS; reads++) if (typeof host.read(life, 65_536) !== 'string') return;
}

/**
 * The reading end's descriptor; a negative errno where there is no such FIFO.
 * @throws {HostError} where nobody can tell, for want of descriptors or memory
 */
export function openLife(folder: string, name: string): number {
  const path = lifePath(folder, name);
  const fd = host.open(path, 'l');
  if (isShortage(fd)) throw new HostError('open', path, fd);
  return fd;
}
