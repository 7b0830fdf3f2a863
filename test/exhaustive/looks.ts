/** What one shim sees of the others in the rendezvous. It follows shim/rendezvous.ts and shim/listener.ts. */
import type { Peer } from '../../shim/lifecycle.ts';
import type { Marker } from '../../shim/marker.ts';
import { type Box, isUp, UNBORN } from './pod.ts';
import { isTrulyStarted } from './rules.ts';
import type { Scene } from './scene.ts';

/** What a shim has read of the others; `saw`, `lived` and `cameUp` as in {@link Box}. */
export interface Look {
  peers: Map<string, Peer>;
  saw: number;
  lived: number;
  cameUp: number;
}

const markers = new Map<string, Marker>();

/**
 * One object for all markers that say the same: of a code others' machines read only whether it is 0, and of an attempt only whether it is the
 * one that they saw, so here it is 0 or 1.
 */
export function theMarker(marker: Marker): Marker {
  const same = { ...marker, attempt: marker.attempt % 2, code: marker.code === 0 ? 0 : 1 };
  const key = JSON.stringify(same);
  const known = markers.get(key) ?? same;
  markers.set(key, known);
  return known;
}

/** What one shim takes for another's marker. */
function markerSeen(box: Box, it: Box, other: number): Marker | undefined {
  return !isUp(it) && (box.heard & (1 << other)) !== 0 ? it.spoken : it.marker;
}

/** Look at some of the others, on top of what was read of the rest. */
export function read(
  scene: Scene,
  boxes: readonly Box[],
  who: number,
  others: readonly number[],
  before: Box['torn'],
): Look {
  const box = boxes[who] ?? UNBORN;
  const peers = new Map<string, Peer>(before?.peers);
  let { lived, cameUp } = box;
  let saw = before?.saw ?? box.saw;
  for (const other of others) {
    const it = boxes[other] ?? UNBORN;
    const bit = 1 << other;
    const alive = isUp(it);
    if (alive) lived |= bit;
    cameUp &= ~bit;
    const marker = markerSeen(box, it, other);
    peers.set(scene.names[other] ?? '', {
      alive,
      lived: (lived & bit) !== 0,
      ...(marker === undefined ? {} : { marker }),
    });
    saw = isTrulyStarted(scene.pod, it, other) ? saw | bit : saw & ~bit;
  }
  return { peers, saw, lived, cameUp };
}

/** Whether a look would tell the shim anything new. */
export function isBehind(scene: Scene, boxes: readonly Box[], who: number): boolean {
  const box = boxes[who] ?? UNBORN;
  const peers = box.main?.peers ?? box.sidecar?.peers;
  if (peers === undefined) return false;
  return (scene.others[who] ?? []).some((other) => {
    const it = boxes[other] ?? UNBORN;
    const seen = peers.get(scene.names[other] ?? '');
    if (seen === undefined || seen.alive !== isUp(it) || seen.marker !== markerSeen(box, it, other))
      return true;
    return it.marker === undefined && !seen.lived && (box.lived & (1 << other)) !== 0;
  });
}

/** Whether somebody lived matters only as long as there is no marker of it. */
export function forgetWhoSpoke(boxes: Box[]): void {
  let silent = 0;
  boxes.forEach((box, who) => {
    if (box.marker === undefined) silent |= 1 << who;
  });
  boxes.forEach((box, who) => {
    if ((box.lived & ~silent) !== 0) boxes[who] = { ...box, lived: box.lived & silent };
  });
}
