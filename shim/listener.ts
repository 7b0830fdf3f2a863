/** What one shim hears and reads of one other container of the pod (`rendezvous.ts`). */
import * as host from 'host';
import { EAGAIN } from './errors.ts';
import { openLife } from './life-line.ts';
import type { Peer } from './lifecycle.ts';
import type { Marker } from './marker.ts';
import { readMarker, statePath } from './marker-file.ts';
import { parseSpoken, SPOKEN_SIZE, type SpokenWord } from './spoken-word.ts';

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
  /** The attempt whose last word was synced. */
  private synced = 0;
  /** Its newest marker in the life that it is in, should somebody remove that. */
  private said: Marker | undefined;
  /** The marker that it left when it went down, likewise. */
  private left: Marker | undefined;

  constructor(folder: string, name: string) {
    this.folder = folder;
    this.name = name;
  }

  /** The descriptor whose hang-up is its death; below 0 while there is none. */
  get descriptor(): number {
    return this.fd;
  }

  /** The order matters: who is down after its marker was read, and was down before, wrote nothing in between. */
  look(): Peer {
    this.listen();
    let marker = readMarker(this.folder, this.name);
    if (!this.alive && marker !== undefined && marker.phase !== 'ended') {
      this.listen();
      if (this.alive) marker = readMarker(this.folder, this.name);
    }
    if (marker !== undefined && marker.phase !== 'ended' && !this.alive && this.spoken !== undefined) {
      marker = { ...marker, phase: 'ended', ...this.spoken };
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

  /** Sync its last word, which was seen, unless that was done. */
  keepLastWord(marker: Marker): void {
    if (this.synced === marker.attempt) return;
    this.synced = marker.attempt;
    const fd = host.open(statePath(this.folder, this.name), 'r');
    if (fd < 0) return;
    host.sync(fd);
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
    this.fd = openLife(this.folder, this.name);
    this.alive = this.hear();
  }

  /** Read one word, if one was spoken. */
  private hear(): boolean {
    if (this.fd < 0) return false;
    let got = host.read(this.fd, SPOKEN_SIZE);
    if (typeof got === 'string' && got !== '') {
      this.spoken = parseSpoken(got) ?? this.spoken;
      got = host.read(this.fd, SPOKEN_SIZE);
    }
    const alive = got === -EAGAIN;
    if (alive || this.spoken !== undefined) this.lived = true;
    return alive;
  }
}
