/** Small files, read and written whole, at paths where something that is not ours may stand. */
import host from 'host';
import { EEXIST, ENOSPC, HostError, isShortage } from './errors.ts';

/**
 * Up to `max` bytes; undefined where there is no such file.
 * @throws {HostError} where nobody can tell, for want of descriptors or memory
 */
export function readText(path: string, max: number): string | undefined {
  const fd = host.open(path, 'r');
  if (isShortage(fd)) throw new HostError('open', path, fd);
  if (fd < 0) return undefined;
  const text = host.read(fd, max);
  host.close(fd);
  return typeof text === 'string' ? text : undefined;
}

/** Write a file anew. `durable`: only when it is on the disk is it written. `enough`: as many bytes of it must be. */
export function writeWhole(
  path: string,
  text: string,
  durable: boolean,
  mode = 0o644,
  enough = text.length,
): HostError | undefined {
  let fd = host.open(path, 'c');
  if (fd === -EEXIST) {
    if (host.unlink(path) < 0) moveAway(path);
    fd = host.open(path, 'c');
  }
  if (fd < 0) return new HostError('create', path, fd);
  return put(fd, path, text, enough, durable, mode);
}

/**
 * One write over the same bytes needs no space on the disk, and no journal either: on ext4 a rename over a file that was
 * just written forces its blocks out (auto_da_alloc), which takes longer than all the rest of a shim's life.
 */
export function overwrite(path: string, text: string, enough = text.length): HostError | undefined {
  const fd = host.open(path, 'w');
  return fd < 0 ? new HostError('open', path, fd) : put(fd, path, text, enough, false);
}

function put(
  fd: number,
  path: string,
  text: string,
  enough: number,
  durable: boolean,
  mode?: number,
): HostError | undefined {
  let result = mode === undefined ? 0 : host.setMode(fd, mode);
  if (result >= 0) result = writeAll(fd, text, enough);
  if (result >= 0 && durable) result = host.sync(fd);
  host.close(fd);
  return result < 0 ? new HostError('write', path, result) : undefined;
}

/** A part that was written is no marker: a limit on the size of files (RLIMIT_FSIZE) cuts a write short before it refuses one. */
function writeAll(fd: number, text: string, enough: number): number {
  const written = host.write(fd, text, 0);
  if (written < 0 || written >= enough) return written;
  const more = host.write(fd, text.slice(written), written);
  return more < 0 ? more : written + more >= enough ? more : -ENOSPC;
}

/** Rename over whatever stands there. */
export function replace(from: string, to: string): HostError | undefined {
  let result = host.rename(from, to);
  if (result < 0 && host.kindOf(to) >= 0) {
    moveAway(to);
    result = host.rename(from, to);
  }
  return result < 0 ? new HostError('replace', to, result) : undefined;
}

/** Something that is not ours stands in the way; it is kept, under another name. */
export function moveAway(path: string): void {
  host.rename(path, `${path}.foreign-${host.random().toString(36)}`);
}
