import type { KnownSidecar } from './catalogue-entry.ts';
import { matchesPattern, matchesRepository } from './pattern.ts';

/** An entry's pattern, with the entry's place in the catalogue. */
interface Place {
  pattern: string;
  position: number;
}

/**
 * A catalogue by its patterns. Nearly every container is none of the catalogue's, and every review asks for each of them: to hold all
 * patterns against each made the decision about such a pod eight times as slow.
 */
interface CatalogueIndex {
  /** Names without `*`. */
  names: Map<string, Place[]>;
  namePatterns: Place[];
  /** Images without `*`, by the last part of their path. */
  images: Map<string, Place[]>;
  imagePatterns: Place[];
}

/** A policy's catalogue is one array for the life of the process. */
const indexes = new WeakMap<readonly KnownSidecar[], CatalogueIndex>();

/** The entries that have this container name, in the catalogue's order. */
export function entriesByName(catalogue: readonly KnownSidecar[], name: string): KnownSidecar[] {
  const { names, namePatterns } = indexOf(catalogue);
  const found = namePatterns.filter(({ pattern }) => matchesPattern(pattern, name));
  return inOrder(catalogue, [...(names.get(name) ?? []), ...found]);
}

/** The entries that have this image, in the catalogue's order. */
export function entriesByImage(catalogue: readonly KnownSidecar[], repository: string): KnownSidecar[] {
  const { images, imagePatterns } = indexOf(catalogue);
  const candidates = [...(images.get(lastPart(repository)) ?? []), ...imagePatterns];
  return inOrder(
    catalogue,
    candidates.filter(({ pattern }) => matchesRepository(pattern, repository)),
  );
}

function inOrder(catalogue: readonly KnownSidecar[], places: readonly Place[]): KnownSidecar[] {
  // Of nearly every container: a set and a sort of nothing were a fortieth of a review's time.
  if (places.length === 0) return [];
  const positions = [...new Set(places.map(({ position }) => position))];
  return positions.sort((left, right) => left - right).flatMap((position) => catalogue[position] ?? []);
}

function indexOf(catalogue: readonly KnownSidecar[]): CatalogueIndex {
  const known = indexes.get(catalogue);
  if (known !== undefined) return known;
  const index: CatalogueIndex = {
    names: new Map(),
    namePatterns: [],
    images: new Map(),
    imagePatterns: [],
  };
  for (const [position, { names, images }] of catalogue.entries()) {
    for (const pattern of names) put(index.names, index.namePatterns, pattern, { pattern, position });
    for (const pattern of images)
      put(index.images, index.imagePatterns, lastPart(pattern), { pattern, position });
  }
  indexes.set(catalogue, index);
  return index;
}

function put(exact: Map<string, Place[]>, patterns: Place[], key: string, place: Place): void {
  if (place.pattern.includes('*')) {
    patterns.push(place);
    return;
  }
  const places = exact.get(key);
  if (places === undefined) exact.set(key, [place]);
  else places.push(place);
}

function lastPart(repository: string): string {
  return repository.slice(repository.lastIndexOf('/') + 1);
}
