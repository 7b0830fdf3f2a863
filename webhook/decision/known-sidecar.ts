import type { KnownSidecar } from './catalogue-entry.ts';
import { entriesByName } from './catalogue-index.ts';
import { matchesRepository } from './pattern.ts';

export { DEFAULT_ORDER, type KnownSidecar, type ReadySettings, type Vague } from './catalogue-entry.ts';

/** A reference with registry, tag and digest is shorter (repository 255, tag 128, digest 135). */
const MAX_IMAGE = 1_024;

/**
 * An image reference's repository: without tag and digest.
 * @example imageRepository('localhost:5000/istio/proxyv2:1.2@sha256:0') // 'localhost:5000/istio/proxyv2'
 */
export function imageRepository(image: string): string {
  const at = image.indexOf('@');
  const named = at < 0 ? image : image.slice(0, at);
  const colon = named.lastIndexOf(':');
  return colon > named.lastIndexOf('/') ? named.slice(0, colon) : named;
}

/**
 * The repository that the catalogue's patterns are held against.
 * @returns undefined where there is no image, or a text that is none
 */
export function knownRepository(image: string | undefined): string | undefined {
  return image === undefined || image.length > MAX_IMAGE ? undefined : imageRepository(image);
}

/** The first entry of the catalogue that this container is; undefined when it is none. */
export function knownSidecar(
  catalogue: readonly KnownSidecar[],
  name: string,
  image: string | undefined,
): KnownSidecar | undefined {
  const named = entriesByName(catalogue, name);
  const repository = named.length === 0 ? undefined : knownRepository(image);
  if (repository === undefined) return undefined;
  return named.find(({ images }) => images.some((pattern) => matchesRepository(pattern, repository)));
}

/** Does the catalogue have an entry with this container name, whatever its image? Not one that fits too many containers. */
export function isKnownName(catalogue: readonly KnownSidecar[], name: string): boolean {
  return entriesByName(catalogue, name).some(({ vague }) => !vague?.names?.includes(name));
}
