/**
 * Which containers stand in which of a pod's two lists. A container is moved as it is, by one operation, so that no field of it is lost and
 * none of its values is in the patch (W2, W9).
 */

import type { JsonRecord } from '../../shared/json.ts';
import { member } from '../../shared/json.ts';
import type { Operation } from '../../shared/operations.ts';
import { putAnnotations, putOrRemove } from '../json-patch.ts';
import type { PodView } from '../pod.ts';

type List = 'initContainers' | 'containers';
const LISTS: readonly List[] = ['initContainers', 'containers'];

/** A pod's containers as they must stand, and the few members of them that are ours to write. */
export interface Layout {
  /** Names, in order. Each is a container of the pod; one that is in neither list is removed. */
  initContainers: readonly string[];
  containers: readonly string[];
  /** By a container's name: members as they must read; undefined: absent. */
  members: ReadonlyMap<string, Readonly<Record<string, unknown>>>;
  /** By key; undefined: absent. */
  annotations: Readonly<Record<string, unknown>>;
}

/** Where a container stands now. */
interface Place {
  list: List;
  index: number;
  name: string;
  raw: JsonRecord;
}

/**
 * The operations that make a pod's lists read so; none where they do already. Of two containers of one name the regular one stays: an
 * injector looked for its container there, did not find it, and made a new one (N5).
 */
export function layoutOperations(pod: PodView, layout: Layout): Operation[] {
  const operations: Operation[] = [];
  const places = { initContainers: placesOf(pod, 'initContainers'), containers: placesOf(pod, 'containers') };
  const kept = new Map([...places.initContainers, ...places.containers].map((place) => [place.name, place]));
  const wanted = {
    initContainers: chosen(kept, layout.initContainers),
    containers: chosen(kept, layout.containers),
  };
  const staying = new Set([...wanted.initContainers, ...wanted.containers]);
  for (const list of LISTS)
    for (const place of places[list].filter((one) => !staying.has(one)).reverse())
      operations.push({ op: 'remove', path: `/spec/${list}/${place.index}` });
  moveAll(operations, pod, places, wanted, staying);
  for (const list of LISTS)
    wanted[list].forEach(({ name, raw }, index) => {
      for (const [key, value] of Object.entries(layout.members.get(name) ?? {}))
        putOrRemove(operations, `/spec/${list}/${index}`, raw, key, value);
    });
  putAnnotations(operations, pod, layout.annotations);
  return operations;
}

function placesOf(pod: PodView, list: List): Place[] {
  return pod[list]
    .map(({ index, name, raw }) => ({ list, index, name, raw }))
    .sort((a, b) => a.index - b.index);
}

function chosen(kept: ReadonlyMap<string, Place>, names: readonly string[]): Place[] {
  return names.flatMap((name) => kept.get(name) ?? []);
}

/** First into the list of init containers, then into the other, where the order of those that stay is right already. */
function moveAll(
  operations: Operation[],
  pod: PodView,
  places: Readonly<Record<List, readonly Place[]>>,
  wanted: Readonly<Record<List, readonly Place[]>>,
  staying: ReadonlySet<Place>,
): void {
  const now: Record<List, Place[]> = {
    initContainers: places.initContainers.filter((place) => staying.has(place)),
    containers: places.containers.filter((place) => staying.has(place)),
  };
  const isList = Array.isArray(member(pod.spec, 'initContainers'));
  if (!isList && wanted.initContainers.length > 0)
    operations.push({ op: 'add', path: '/spec/initContainers', value: [] });
  for (const list of LISTS)
    wanted[list].forEach((place, index) => {
      const from = LISTS.find((one) => now[one].includes(place)) ?? list;
      const at = now[from].indexOf(place);
      if (from === list && at === index) return;
      operations.push({ op: 'move', from: `/spec/${from}/${at}`, path: `/spec/${list}/${index}` });
      now[from].splice(at, 1);
      now[list].splice(index, 0, place);
    });
  if (isList && now.initContainers.length === 0 && places.initContainers.length > 0)
    operations.push({ op: 'remove', path: '/spec/initContainers' });
}
