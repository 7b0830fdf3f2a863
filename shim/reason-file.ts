/**
 * Why a sidecar is not ready yet: `<name>.why` in the rendezvous, for people (`curfew-shim status`). It is written when the reason changes,
 * seldom enough that it wakes the others seldom: they are told of every change of the folder.
 */
import host from 'host';
import { overwrite, replace, writeWhole } from './whole-file.ts';

/** Most sidecars are ready by then: nothing is written. */
const FIRST_AFTER = 1_000;
const PAUSE = 10_000;
/** A reason's file, in bytes: a condition's name has 200 characters at most. */
const SIZE = 1_024;

export class ReasonFile {
  private readonly folder: string;
  private readonly name: string;
  private dueAt: number | undefined;
  private written: string | undefined;

  constructor(folder: string, name: string) {
    this.folder = folder;
    this.name = name;
  }

  /** Another process is tried now. */
  forget(): void {
    this.dueAt = undefined;
    this.written = undefined;
  }

  /**
   * This is why, as of now. Where it cannot be written nothing is lost: the container's log has it too.
   * @param at monotonic milliseconds
   */
  tell(why: string | undefined, at: number): void {
    if (why === undefined || why === this.written) return;
    this.dueAt ??= at + FIRST_AFTER;
    if (at < this.dueAt) return;
    this.dueAt = at + PAUSE;
    this.written = why;
    const path = reasonPath(this.folder, this.name);
    const text = `${`${why}\n`.padEnd(SIZE - 1)}\n`;
    if (overwrite(path, text) === undefined) return;
    const temporary = `${path}.tmp`;
    if (writeWhole(temporary, text, false) === undefined) replace(temporary, path);
  }
}

/**
 * What a sidecar's file says, whoever wrote it.
 * @param age where it is older than that (ms), it is of an earlier process
 */
export function readReason(folder: string, name: string, age: number): string | undefined {
  const fd = host.open(reasonPath(folder, name), 'r');
  if (fd < 0) return undefined;
  const text = host.age(fd) <= age ? host.read(fd, SIZE) : -1;
  host.close(fd);
  return typeof text === 'string' ? text.split('\n')[0] : undefined;
}

function reasonPath(folder: string, name: string): string {
  return `${folder}/${name}.why`;
}
