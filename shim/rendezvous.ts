/**
 * The rendezvous: a folder that all shims of a pod share. Each container has two files there:
 *
 * - `<name>.life`, a FIFO: its shim holds the writing end from its first moment to its last. The kernel lets go of it
 *   whatever kills the shim, and whoever holds the reading end is told at once (POLLHUP). This is the lock of rules L8
 *   and L11.
 * - `<name>.state`, its marker (`marker.ts`): always of one size, overwritten by one write, with a checksum. Who reads
 *   between the two halves of a write sees no marker, and is woken again when the writer closes the file. Behind it stands its card
 *   (`card.ts`), by which nobody decides anything.
 *
 * And one for the pod: `epoch`, a random word that the init container writes each time the sandbox is made.
 *
 * Whoever can write here can also remove it all (`rm -rf /curfew/run/*`): who looks at the others looks after its own files too.
 */
import host from 'host';
import { type Card, formatCard } from './card.ts';
import { EAGAIN, ENOENT, HostError } from './errors.ts';
import { emptyLife, holdLife, lifePath, makeLife, openLife } from './life-line.ts';
import { type Announcement, DOUBT, doneBefore, type Peer, type Peers } from './lifecycle.ts';
import { Listener } from './listener.ts';
import { formatMarker, MARKER_SIZE, MAX_EPOCH } from './marker.ts';
import { readMarker, statePath } from './marker-file.ts';
import type { Identity } from './protocol.ts';
import { formatSpoken, SPOKEN_SIZE } from './spoken-word.ts';
import { say } from './voice.ts';
import { overwrite, readText, replace, writeWhole } from './whole-file.ts';

/** Between two mendings: short, for who removes one file removes the next; doubled while somebody goes on removing them. */
const FIRST_PAUSE = 10;
const LAST_PAUSE = 30_000;
/** So many life lines are held at most: the first, which most others listen to, and the last ones. */
const MAX_LIVES = 8;

/** One shim's view of the rendezvous. */
export class Rendezvous {
  private readonly folder: string;
  private readonly name: string;
  /** The number of this start, from 1. */
  readonly attempt: number;
  /** The code in which this main's work ended in an attempt before: its last word stands, and needs no other. */
  readonly done: number | undefined;
  /** The life lines that this shim holds: more than one only where its FIFO was removed. */
  private readonly lives: number[] = [];
  private currentEpoch: string;
  private listeners: Listener[] = [];
  /** What was announced last. */
  private announced: Announcement | undefined;
  private card = '';
  /** It stands in the file. */
  private isShown = true;
  private pause = FIRST_PAUSE;
  private mendAt = 0;
  private removalSaid = false;

  /**
   * Take this container's life line, before anything else can be known of it.
   * @throws {HostError} when the folder cannot be used
   */
  constructor(identity: Identity) {
    const { run: folder, name } = identity;
    this.folder = folder;
    this.name = name;
    const last = readMarker(folder, name);
    this.currentEpoch = this.readEpoch();
    this.done = doneBefore(identity, this.currentEpoch, last);
    this.attempt = (last?.attempt ?? 0) + 1;
    // From here to the first announcement the last attempt's marker must speak neither for this one nor against it. Who dies
    // meanwhile has died before its command ran; but it has no life line yet, and must not be taken for dead because of that.
    let coming = -1;
    if (last !== undefined && this.done === undefined) {
      // Whoever believes that marker finds a life line to look at.
      makeLife(folder, name);
      const first = { attempt: this.attempt, phase: 'waiting', code: 0, final: false } as const;
      const text = formatMarker({ ...last, ...first, stopping: true, stopDoubt: DOUBT });
      coming = host.open(statePath(folder, name), 'w');
      if (coming >= 0) host.write(coming, text, 0);
    }
    try {
      const life = holdLife(folder, name);
      this.lives.push(life);
      // As long as words that the last attempt spoke lie in the pipe, nobody hears that we live.
      emptyLife(life);
    } finally {
      // Only now: the closing is what wakes those who watch, and they should find us alive.
      if (coming >= 0) host.close(coming);
    }
  }

  /** The life of the sandbox that this is; empty as long as nobody knows it. */
  get epoch(): string {
    return this.currentEpoch;
  }

  /** Begin to watch the other containers' life lines. Watch first, then scan (rule L10). */
  watch(names: readonly string[]): void {
    this.listeners = names.map((name) => new Listener(this.folder, name));
  }

  /** The descriptors whose hang-up is somebody's death. */
  descriptors(): number[] {
    return this.listeners.map(({ descriptor }) => descriptor).filter((fd) => fd >= 0);
  }

  /** Look at everybody. */
  scan(): Peers {
    const peers = new Map<string, Peer>();
    for (const listener of this.listeners) peers.set(listener.name, this.look(listener));
    return peers;
  }

  /**
   * Make sure that the last words which were seen survive a crash of the node: a main's may be lost for a sidecar that is
   * started again after it. Whoever relies on it syncs it, and not its writer, whose exit would wait for the disk.
   */
  keepLastWords(): void {
    for (const listener of this.listeners) listener.keepLastWord();
  }

  /**
   * Make anew what somebody removed: this shim's life line and marker, and the epoch, in which all of a sandbox agree.
   * What cannot be made now is tried again, and not complained of: no announcement hangs on it.
   * @param at monotonic milliseconds
   * @returns when to look again, where something was missing
   */
  mend(at: number): number | undefined {
    try {
      return this.mendNow(at);
    } catch (error) {
      if (error instanceof HostError) return Math.max(this.mendAt, at + FIRST_PAUSE);
      throw error;
    }
  }

  private mendNow(at: number): number | undefined {
    if (this.epoch === '') this.currentEpoch = this.readEpoch();
    const { announced } = this;
    if (announced === undefined) return undefined;
    // Without delay: a newcomer takes one who has a marker and no life line for dead. Who removes it pays as much as we do.
    if (host.kindOf(lifePath(this.folder, this.name)) === -ENOENT) this.holdAnew();
    if (this.isWhole(announced)) return undefined;
    if (at < this.mendAt) return this.mendAt;
    this.pause = at - this.mendAt > LAST_PAUSE ? FIRST_PAUSE : Math.min(this.pause * 2, LAST_PAUSE);
    this.mendAt = at + this.pause;
    if (!this.isHeld()) this.holdAnew();
    if (this.epoch !== '' && this.readEpoch() === '') this.writeAnew('epoch', `${this.epoch}\n`);
    // Last: who believes it finds the rest.
    this.announce(announced);
    // He who removes file by file may have come in between.
    if (!this.isHeld()) this.holdAnew();
    this.sayRemoval();
    return this.mendAt;
  }

  /** What goes out behind the next announcement, as far as there is room. */
  show(card: Card): void {
    this.card = formatCard(card);
    this.isShown = false;
  }

  /** @throws {HostError} when it can be written neither anew nor in place */
  announce(what: Announcement): void {
    const marker = this.textOf(what);
    const text = this.isShown ? marker : marker + this.card;
    const path = statePath(this.folder, this.name);
    try {
      // In its place there may be nothing, or something that is not ours.
      if (overwrite(path, text, MARKER_SIZE) !== undefined)
        this.writeAnew(`${this.name}.state`, marker + this.card);
      this.announced = what;
      this.isShown = true;
    } catch (error) {
      if (what.phase === 'ended') for (const life of this.lives) host.write(life, formatSpoken(what), -1);
      throw error;
    }
  }

  /** Let go of the life line, for a last word is said: who waits for it need not wait for the kernel to clear us away. */
  leave(): void {
    for (const life of this.lives) host.close(life);
  }

  private textOf(what: Announcement): string {
    return formatMarker({ ...what, attempt: this.attempt, epoch: this.epoch });
  }

  private readEpoch(): string {
    return readText(`${this.folder}/epoch`, MAX_EPOCH)?.trim() ?? '';
  }

  /** Whether everything of ours is there. An epoch that is another one is nobody's to mend: two would mend it for ever. */
  private isWhole(announced: Announcement): boolean {
    const marker = readText(statePath(this.folder, this.name), MARKER_SIZE);
    if (marker !== this.textOf(announced)) return false;
    return this.isHeld() && (this.epoch === '' || this.readEpoch() !== '');
  }

  /** Whether somebody holds the life line that has our name now: who would, but this shim? */
  private isHeld(): boolean {
    const fd = openLife(this.folder, this.name);
    if (fd < 0) return false;
    const got = host.read(fd, SPOKEN_SIZE);
    host.close(fd);
    return got === -EAGAIN;
  }

  /** As far as it can be had. The one before is held as well: who listens to it must not hear of a death. */
  private holdAnew(): void {
    try {
      this.lives.push(holdLife(this.folder, this.name));
      this.sayRemoval();
    } catch (error) {
      if (error instanceof HostError) return;
      throw error;
    }
    if (this.lives.length > MAX_LIVES) for (const life of this.lives.splice(1, 1)) host.close(life);
  }

  private sayRemoval(): void {
    if (!this.removalSaid) say(`somebody removed files from ${this.folder}: making them anew`);
    this.removalSaid = true;
  }

  private writeAnew(file: string, text: string): void {
    const temporary = `${this.folder}/${this.name}.tmp`;
    const enough = Math.min(text.length, MARKER_SIZE);
    const failed =
      writeWhole(temporary, text, false, 0o644, enough) ?? replace(temporary, `${this.folder}/${file}`);
    if (failed !== undefined) throw failed;
  }

  private look(listener: Listener): Peer {
    const { marker, ...peer } = listener.look();
    if (marker === undefined) return peer;
    // Who lives while we do is of the same sandbox, also where one of us found no epoch. (`waiting` may be from before it.)
    if (this.epoch === '' && peer.alive && marker.phase !== 'waiting') this.currentEpoch = marker.epoch;
    const epoch = marker.epoch === '' && peer.lived ? this.epoch : marker.epoch;
    return { ...peer, marker: { ...marker, epoch } };
  }
}
