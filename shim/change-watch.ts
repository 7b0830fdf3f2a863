/** Told by inotify of changes in the rendezvous; without it, twice a second (rule L16). */
import host from 'host';
import { say } from './voice.ts';

/** Without inotify. */
const LOOK_EVERY = 500;
/** With it: on a file system that tells nothing, a change is still seen. Two wake-ups a minute. */
const LOOK_ANYWAY = 30_000;

/** The reads of one look are bounded, so that endless changes cannot hold it up: the rest wakes the shim again. */
const MOST_READS = 16;

export class ChangeWatch {
  private readonly folder: string;
  /** The inotify descriptor: below 0 where it is not needed, or refused. */
  private fd = -1;
  private refused = false;

  constructor(folder: string) {
    this.folder = folder;
  }

  /** What to poll: one descriptor, or none. */
  get descriptors(): number[] {
    return this.fd < 0 ? [] : [this.fd];
  }

  /** How long a look may be put off at most (ms). */
  get lookEvery(): number {
    return this.fd < 0 ? LOOK_EVERY : LOOK_ANYWAY;
  }

  /** Returns whether it began just now, or was refused: then look once more, for what changed before would be missed (rule L10). */
  begin(): boolean {
    if (this.fd >= 0 || this.refused) return false;
    this.fd = host.watch(this.folder);
    this.refused = this.fd < 0;
    if (this.refused) say('cannot watch the rendezvous by inotify: looking twice a second instead');
    return true;
  }

  end(): void {
    if (this.fd >= 0) host.close(this.fd);
    this.fd = -1;
  }

  /** Forget the changes until now: what comes after will be told. */
  empty(): void {
    if (this.fd < 0) return;
    for (let reads = 0; reads < MOST_READS; reads++)
      if (typeof host.read(this.fd, 65_536) !== 'string') return;
  }
}
