/** What one shim hears and reads of one other container of the pod (`rendezvous.ts`). */
import host from 'host';
import { EAGAIN, EMFILE, HostError } from './errors.ts';
import { openLife } from './life-line.ts';
import type { Peer } from './lifecycle.ts';
import type { Marker } from './marker.ts';
import { readMarker, statePath } from './marker-file.ts';
import { parseSpoken, SPOKEN_SIZE, type SpokenWord, spokenMarker } from './spoken-word.ts';

const POLLIN = 1;

/** Listens to one container's life line, and reads its markers. */
export class Listener {
  readonly name: string;
  private readonly folder: string;
  /** The reading end of its life line; below 0 while there is none. */
  private fd = -1;
  private alive = false;
  private lived = false;
  private spoken: SpokenWord | undefined;
  /** The attempt whose marker stood there when that was heard; 0: none. */
  private spokenOver: number | undefined;
  /** The attempt whose last word was synced. */
  private synced = 0;
  /** Its newest marker in the life that it is in, should somebody remove that. */
  private said: Marker | undefined;
  /** The marker that it left when it went down, likewise. */
  private left: Marker | undefined;
  private seen: Peer | undefined;

  constructor(folder: string, name: string) {
    this.folder = folder;
    this.name = name;
  }

  /** The descriptor whose hang-up is its death; below 0 while there is none. */
  get descriptor(): number {
    return this.fd;
  }

  /**
   * How it is now; where the node has no memory or descriptors to find out, how it was.
   * @throws {HostError} where that is not known either, or a limit of this container's own leaves no descriptor: then it would never be
   */
  look(): Peer {
    try {
      this.seen = this.lookNow();
    } catch (error) {
      if (!(error instanceof HostError) || error.result === -EMFILE || this.seen === undefined) throw error;
    }
    return this.seen;
  }

  /** The order matters: who is down after its marker was read, and was down before, wrote nothing in between. */
  private lookNow(): Peer {
    this.listen();
    let marker = readMarker(this.folder, this.name);
    if (!this.alive && marker !== undefined && marker.phase !== 'ended') {
      this.listen();
      if (this.alive) marker = readMarker(this.folder, this.name);
    }
    if (!this.alive && this.spoken !== undefined) {
      // A later attempt may have written since, and ended as well.
      this.spokenOver ??= marker?.attempt ?? 0;
      if (marker === undefined || marker.attempt === this.spokenOver)
        marker = spokenMarker(marker, this.spoken);
    }
    // What it said last is true also where somebody removed it: in this life, and when it is down.
    if (this.alive) {
      this.left = undefined;
      marker ??= this.said;
      if (marker !== undefined) this.said = marker;
    } else if (marker === undefined) marker = this.left;
    else this.left = marker;
    const peer = { alive: this.alive, lived: this.lived };
    return marker === undefined ? peer : { ...peer, marker };
  }

  /** Sync its last word, if one was seen. What could not be synced is tried again when it is looked for again. */
  keepLastWord(): void {
    const marker = this.seen?.marker;
    if (marker?.phase !== 'ended' || this.synced === marker.attempt) return;
    const fd = host.open(statePath(this.folder, this.name), 'r');
    if (fd < 0) return;
    if (host.sync(fd) >= 0) this.synced = marker.attempt;
    host.close(fd);
  }

  /** Whether somebody holds the writing end: then a read would block, else it is at the end. */
  private listen(): void {
    if (this.fd < 0) this.fd = openLife(this.folder, this.name);
    this.alive = this.hear();
    if (this.alive || this.fd < 0) return;
    this.said = undefined;
    // A hang-up stays on the descriptor for ever: a fresh one is quiet until the next life begins and ends.
    const hungUp = host.poll([this.fd], [POLLIN], 0);
    if (typeof hungUp !== 'number' && (hungUp[0] ?? 0) !== 0) this.lived = true;
    host.close(this.fd);
    this.fd = -1;
    this.fd = openLife(this.folder, this.name);
    this.alive = this.hear();
  }

  /** Whether it lives. A last word, if one was spoken, is taken once: the other copies are for others. */
  private hear(): boolean {
    if (this.fd < 0) return false;
    // They lie there until its next attempt begins.
    if (this.spoken !== undefined && this.hasWords()) return false;
    const got = host.read(this.fd, SPOKEN_SIZE);
    if (got === -EAGAIN) {
      this.lived = true;
      this.spoken = undefined;
      this.spokenOver = undefined;
      return true;
    }
    if (typeof got === 'string') this.spoken = parseSpoken(got) ?? this.spoken;
    if (this.spoken !== undefined) this.lived = true;
    // After its last word it only ends.
    return false;
  }

  private hasWords(): boolean {
    const ready = host.poll([this.fd], [POLLIN], 0);
    return typeof ready !== 'number' && ((ready[0] ?? 0) & POLLIN) !== 0;
  }
}
