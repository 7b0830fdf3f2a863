/**
 * Image references, as the distribution project's grammar has them (github.com/distribution/reference), normalised as
 * Docker, containerd and the kubelet do: `redis` is `docker.io/library/redis:latest`.
 */

/** Where an image is: all that a registry must be asked for. */
export interface ImageReference {
  /** Host, and port where one is said: `docker.io`, `localhost:5000`, `[::1]:5000`. */
  registry: string;
  /** `library/redis`. */
  repository: string;
  /** Absent where only a digest is said; `latest` where nothing is. */
  tag?: string;
  /** `sha256:...`. It decides, whatever the tag is now. */
  digest?: string;
}

/** A text that is no image reference. The message says why, in a few words, and never repeats the text. */
export class BadReference extends Error {}

/** The registry of short names. */
export const DOCKER_HUB = 'docker.io';

/** Of a name (RepositoryNameTotalLengthMax). */
const MAX_NAME = 255;
/** A host, a name, a tag and a sha512: what is longer is none, and is not looked at. */
const MAX_REFERENCE = 1024;

const LABEL = '(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)';
const HOST = new RegExp(`^(?:${LABEL}(?:\\.${LABEL})*|\\[[a-fA-F0-9:]+\\])(?::[0-9]+)?$`);
const COMPONENT = '[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*';
const REPOSITORY = new RegExp(`^${COMPONENT}(?:/${COMPONENT})*$`);
const TAG = /^\w[\w.-]{0,127}$/;
/** A bare name like this would be taken for an image's id. */
const IDENTIFIER = /^[a-f0-9]{64}$/;

/** The digests that can be verified here, by the number of their hexadecimal digits. */
const DIGEST_LENGTHS: Readonly<Record<string, number>> = { sha256: 64, sha512: 128 };

/** Is it a digest that can be verified: `sha256:` and 64 hexadecimal digits, or `sha512:` and 128? */
export function isDigest(text: string): boolean {
  const [algorithm = '', hex = '', ...rest] = text.split(':');
  return (
    rest.length === 0 &&
    Object.hasOwn(DIGEST_LENGTHS, algorithm) &&
    hex.length === DIGEST_LENGTHS[algorithm] &&
    /^[a-f0-9]+$/.test(hex)
  );
}

/**
 * Parse and normalise a reference.
 * @throws {BadReference}
 * @example parseReference('redis') // { registry: 'docker.io', repository: 'library/redis', tag: 'latest' }
 */
export function parseReference(text: string): ImageReference {
  if (text === '') throw new BadReference('it is empty');
  if (text.length > MAX_REFERENCE) throw new BadReference(`it is longer than ${MAX_REFERENCE} characters`);
  if (IDENTIFIER.test(text)) throw new BadReference('it looks like the id of an image');
  const at = text.indexOf('@');
  const digest = at < 0 ? undefined : text.slice(at + 1);
  if (digest !== undefined && !isDigest(digest))
    throw new BadReference('its digest is none: sha256: and 64 hexadecimal digits, or sha512: and 128');
  const tagged = at < 0 ? text : text.slice(0, at);
  const colon = tagged.lastIndexOf(':');
  const hasTag = colon > tagged.lastIndexOf('/') && !tagged.endsWith(']');
  const tag = hasTag ? tagged.slice(colon + 1) : undefined;
  if (tag !== undefined && !TAG.test(tag)) throw new BadReference('its tag is none');
  const { registry, repository } = splitName(hasTag ? tagged.slice(0, colon) : tagged);
  if (!HOST.test(registry)) throw new BadReference('its registry is no host name');
  if (repository.length > MAX_NAME) throw new BadReference(`its name is longer than ${MAX_NAME} characters`);
  if (/[A-Z]/.test(repository)) throw new BadReference('its name has a capital letter');
  if (!REPOSITORY.test(repository))
    throw new BadReference('its name has a character, or an order of them, that none may have');
  return {
    registry,
    repository,
    ...(tag === undefined ? (digest === undefined ? { tag: 'latest' } : {}) : { tag }),
    ...(digest === undefined ? {} : { digest }),
  };
}

/** The first part of a name is a registry where it can be no namespace of Docker Hub. */
function splitName(name: string): { registry: string; repository: string } {
  const slash = name.indexOf('/');
  const first = name.slice(0, Math.max(slash, 0));
  const isRegistry = first === 'localhost' || /[.:]/.test(first) || first !== first.toLowerCase();
  const registry = slash < 0 || !isRegistry || first === 'index.docker.io' ? DOCKER_HUB : first;
  const repository = slash < 0 || !isRegistry ? name : name.slice(slash + 1);
  const official = registry === DOCKER_HUB && !repository.includes('/');
  return { registry, repository: official ? `library/${repository}` : repository };
}

/** What a registry is asked for: the digest, else the tag. */
export function wantedOf({ digest, tag }: ImageReference): string {
  return digest ?? tag ?? 'latest';
}

/** The whole reference; the same image in other words gives the same text. A digest makes its tag meaningless. */
export function formatReference(reference: ImageReference): string {
  const { registry, repository, digest, tag } = reference;
  return `${registry}/${repository}${digest === undefined ? `:${tag ?? 'latest'}` : `@${digest}`}`;
}
