/**
 * All states that were seen, each once. A container's state and the pod's own are kept as objects and known by a number; a
 * whole state is a few such numbers. Nothing is hashed away: two states are one only when every field is the same.
 *
 * Two mains with the same options are interchangeable: of the two states that differ by their exchange one is kept. (That holds as long as no
 * machine prefers one by its name or its place in the list; a bug of that kind may be seen in one of the two only.)
 */
import type { Early, Peer, Peers } from '../../shim/lifecycle.ts';
import type { Marker } from '../../shim/marker.ts';
import type { SidecarState } from '../../shim/sidecar-state.ts';
import type { Box, Truth, World } from './pod.ts';
import type { Scene } from './scene.ts';

/** Objects, each known by the text that tells it from all others. */
class Shelf<T> {
  private readonly numbers = new Map<string, number>();
  private readonly items: T[] = [];

  put(key: string, item: T): number {
    const known = this.numbers.get(key);
    if (known !== undefined) return known;
    this.numbers.set(key, this.items.length);
    this.items.push(item);
    return this.items.length - 1;
  }

  get(number: number): T {
    const item = this.items[number];
    if (item === undefined) throw new Error(`no item ${number}`);
    return item;
  }

  get size(): number {
    return this.items.length;
  }
}

export class Catalogue {
  /** Numbers of one state: one for each container, and one for the pod. */
  readonly width: number;
  private readonly scene: Scene;
  private readonly boxes = new Shelf<Box>();
  private readonly truths = new Shelf<Truth>();
  private readonly keys = new WeakMap<Box, number>();
  private readonly swapped = new Map<number, number>();
  private readonly symmetric: boolean;
  private rows = new Int32Array(1 << 16);
  private table = new Int32Array(1 << 16).fill(-1);
  private count = 0;

  constructor(scene: Scene) {
    this.scene = scene;
    this.width = scene.names.length + 1;
    const [one = '', two = ''] = scene.pod.mains;
    const { preStop } = scene.pod;
    this.symmetric = scene.pod.mains.length === 2 && preStop.includes(one) === preStop.includes(two);
  }

  get size(): number {
    return this.count;
  }

  /** The state's number; it is new when that is {@link size} as it was before. */
  add(world: World): number {
    const row = world.boxes.map((box) => this.boxNumber(box));
    row.push(this.truths.put(truthKey(world.truth), world.truth));
    const twin = this.symmetric ? this.twin(row) : row;
    return this.place(isBefore(twin, row) ? twin : row);
  }

  world(state: number): World {
    const at = state * this.width;
    const boxes = this.scene.names.map((_, who) => this.boxes.get(this.rows[at + who] ?? -1));
    return { boxes, truth: this.truths.get(this.rows[at + this.width - 1] ?? -1) };
  }

  private twin(row: readonly number[]): number[] {
    const [one = 0, two = 0, ...rest] = row.slice(0, -1).map((number) => this.swap(number));
    return [two, one, ...rest, row[row.length - 1] ?? 0];
  }

  private swap(number: number): number {
    const known = this.swapped.get(number);
    if (known !== undefined) return known;
    const twin = this.boxNumber(this.swapBox(this.boxes.get(number)));
    this.swapped.set(number, twin);
    return twin;
  }

  private boxNumber(box: Box): number {
    const known = this.keys.get(box);
    if (known !== undefined) return known;
    const number = this.boxes.put(boxKey(this.scene, box), box);
    this.keys.set(box, number);
    return number;
  }

  private swapBox(box: Box): Box {
    const { main, sidecar, torn } = box;
    return {
      ...box,
      lived: swapBits(box.lived),
      heard: swapBits(box.heard),
      cameUp: swapBits(box.cameUp),
      saw: swapBits(box.saw),
      ...(main === undefined ? {} : { main: { ...main, peers: this.swapPeers(main.peers) } }),
      ...(sidecar === undefined ? {} : { sidecar: this.swapSidecar(sidecar) }),
      ...(torn === undefined ? {} : { torn: { peers: this.swapPeers(torn.peers), saw: swapBits(torn.saw) } }),
    };
  }

  private swapSidecar(sidecar: SidecarState): SidecarState {
    const stoppedMains = sidecar.stoppedMains.map((end) => {
      const [name = '', attempt = ''] = end.split('#');
      return `${this.swapName(name)}#${attempt}`;
    });
    return { ...sidecar, peers: this.swapPeers(sidecar.peers), stoppedMains };
  }

  private swapName(name: string): string {
    const [one = '', two = ''] = this.scene.pod.mains;
    return name === one ? two : name === two ? one : name;
  }

  private swapPeers(peers: Peers): Map<string, Peer> {
    return new Map([...peers].map(([name, peer]) => [this.swapName(name), peer]));
  }

  /** Open addressing over the rows themselves. */
  private place(row: readonly number[]): number {
    let slot = hash(row) & (this.table.length - 1);
    for (let state = this.table[slot] ?? -1; state >= 0; state = this.table[slot] ?? -1) {
      if (this.isRow(state, row)) return state;
      slot = (slot + 1) & (this.table.length - 1);
    }
    const state = this.count++;
    const at = state * this.width;
    if (at + this.width > this.rows.length) this.rows = grown(this.rows);
    this.rows.set(row, at);
    this.table[slot] = state;
    if (this.count * 2 > this.table.length) this.rehash();
    return state;
  }

  private isRow(state: number, row: readonly number[]): boolean {
    const at = state * this.width;
    for (let i = 0; i < row.length; i++) if (this.rows[at + i] !== row[i]) return false;
    return true;
  }

  private rehash(): void {
    this.table = new Int32Array(this.table.length * 2).fill(-1);
    for (let state = 0; state < this.count; state++) {
      const at = state * this.width;
      let slot = hash(this.rows.subarray(at, at + this.width)) & (this.table.length - 1);
      while ((this.table[slot] ?? -1) >= 0) slot = (slot + 1) & (this.table.length - 1);
      this.table[slot] = state;
    }
  }
}

export function grown(numbers: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(numbers.length * 2);
  larger.set(numbers);
  return larger;
}

function hash(row: ArrayLike<number>): number {
  let value = 0x9e3779b9;
  for (let i = 0; i < row.length; i++) {
    value = Math.imul(value ^ (row[i] ?? 0), 0x85ebca6b);
    value ^= value >>> 15;
  }
  return Math.imul(value, 0xc2b2ae35) >>> 1;
}

function isBefore(one: readonly number[], other: readonly number[]): boolean {
  for (let i = 0; i < one.length; i++) {
    const difference = (one[i] ?? 0) - (other[i] ?? 0);
    if (difference !== 0) return difference < 0;
  }
  return false;
}

function swapBits(mask: number): number {
  return (mask & ~3) | ((mask & 1) << 1) | ((mask >> 1) & 1);
}

function truthKey(truth: Truth): string {
  const { deletedAt, doneAt, rebootAt, dying, reset, troubles, had, stoppedAlone, irregular } = truth;
  return `${reset}|${deletedAt}|${doneAt}|${rebootAt}|${dying}|${irregular}|${troubles}|${had}|${stoppedAlone}`;
}

const markerTexts = new WeakMap<Marker, string>();

function markerText(marker: Marker | undefined): string {
  if (marker === undefined) return '-';
  const known = markerTexts.get(marker);
  if (known !== undefined) return known;
  const { attempt, phase, epoch, code, final, killedIsFinal, stopping, stopDoubt } = marker;
  const text = `${phase}${epoch}${attempt}${code === 0 ? '' : 'X'}${final ? 'F' : ''}${killedIsFinal ? 'K' : ''}${stopping ? `S${stopDoubt}` : ''}`;
  markerTexts.set(marker, text);
  return text;
}

function peersText(scene: Scene, peers: Peers): string {
  let text = '';
  for (const name of scene.names) {
    const peer = peers.get(name);
    if (peer === undefined) text += '.';
    else {
      // Who has a marker is judged by it.
      const lived = peer.marker === undefined && peer.lived ? 'l' : '';
      text += `${peer.alive ? 'A' : 'D'}${lived}${markerText(peer.marker)},`;
    }
  }
  return text;
}

/** Signals that wait for a process, the last one first. */
function earlyText(early: Early | undefined): string {
  let text = '';
  for (let at = early; at !== undefined; at = at.before) text += `${at.last.signal},`;
  return text;
}

function boxKey(scene: Scene, box: Box): string {
  const { life, failed, forgotten, marker, main, sidecar, lived, process, told, probing, held } = box;
  const { term, stopped, killAt, frozen, missedUntil, torn, saw, late, ran, ends } = box;
  let text = `${life}|${failed}|${box.gaveUp}|${box.again}|${box.done}|${forgotten}|${markerText(marker)}|${lived}|${box.cameUp}|${process}|${told}|${probing}|${held}|${box.byHook}|${box.starts}|${box.upAt}|${box.isStale}|${box.unrunnable}${box.worked}${box.mustLeave}`;
  text += `|${term?.alone}${term?.by}|${stopped?.alone}${stopped?.at}|${killAt}|${frozen}|${missedUntil}`;
  text += `|${saw}|${late}|${ran}|${ends}|${box.dueAt}|${box.ranAt}|${box.begunAt}|${box.askedAt}`;
  if (box.mute || box.heard !== 0 || box.spoken !== undefined)
    text += `|mute${box.mute}${box.heard}${markerText(box.spoken)}`;
  if (torn !== undefined) text += `|${torn.saw}${peersText(scene, torn.peers)}`;
  if (main !== undefined) {
    const { phase, since, early, lostAt, stopping, wakeAt } = main;
    text += `|${phase}|${peersText(scene, main.peers)}|${since}|${earlyText(early)}|${lostAt}|${stopping}|${main.killAt}|${wakeAt}`;
  }
  if (sidecar !== undefined) {
    const { phase, since, runningSince, restarts, retryAt, early, doneAt, stop, othersStopAt } = sidecar;
    text += `|${sidecar.stoppedEndAt}|${sidecar.endedByStop}|${[...sidecar.stoppedMains].sort()}`;
    text += `|${phase}|${peersText(scene, sidecar.peers)}|${since}|${runningSince}|${restarts}|${retryAt}|${earlyText(early)}`;
    text += `|${doneAt}|${stop?.at}.${stop?.signal}.${stop?.alone}.${stop?.until}|${othersStopAt}|${sidecar.askedAt}|${sidecar.killAt}`;
    text += `|${sidecar.announced}|${sidecar.wakeAt}|${sidecar.leaveWith}|${sidecar.ran}${sidecar.lastCode}`;
  }
  return text;
}
