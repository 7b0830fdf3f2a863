/**
 * Image references by the distribution project's grammar (github.com/distribution/reference), normalised as Docker, containerd and
 * the kubelet do: `redis` is `docker.io/library/redis:latest`.
 */

/** A parsed and normalised image reference. */
export interface ImageReference {
  /** The host, with the port where there is one: `docker.io`, `localhost:5000`, `[::1]:5000`. */
  registry: string;
  /** `library/redis`. */
  repository: string;
  /** Absent where the reference has only a digest; `latest` where it has neither. */
  tag?: string;
  /** `sha256:...`. It takes precedence over the tag. */
  digest?: string;
}

/** The text is not an image reference. The message says why in a few words, and does not quote the text. */
export class BadReference extends Error {}

/** The registry of short names. */
export const DOCKER_HUB = 'docker.io';

/** The longest repository name (RepositoryNameTotalLengthMax). */
const MAX_NAME = 255;
/** The longest reference: a host, a name, a tag and a sha512 digest. */
const MAX_REFERENCE = 1024;

const LABEL = '(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)';
const HOST = new RegExp(`^(?:${LABEL}(?:\\.${LABEL})*|\\[[a-fA-F0-9:]+\\])(?::[0-9]+)?$`);
const COMPONENT = '[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*';
const REPOSITORY = new RegExp(`^${COMPONENT}(?:/${COMPONENT})*$`);
const TAG = /^\w[\w.-]{0,127}$/;
/** A name of this form would be taken for an image's id. */
const IDENTIFIER = /^[a-f0-9]{64}$/;

/** The number of hexadecimal digits of each digest algorithm that can be verified here. */
const DIGEST_LENGTHS: Readonly<Record<string, number>> = { sha256: 64, sha512: 128 };

/** Whether the text is a digest that can be verified: `sha256:` and 64 hexadecimal digits, or `sha512:` and 128. */
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
    throw new BadReference(
      'its digest is not valid: it takes sha256: and 64 hexadecimal digits, or sha512: and 128',
    );
  const tagged = at < 0 ? text : text.slice(0, at);
  const colon = tagged.lastIndexOf(':');
  const hasTag = colon > tagged.lastIndexOf('/') && !tagged.endsWith(']');
  const tag = hasTag ? tagged.slice(colon + 1) : undefined;
  if (tag !== undefined && !TAG.test(tag)) throw new BadReference('its tag is not valid');
  const { registry, repository } = splitName(hasTag ? tagged.slice(0, colon) : tagged);
  if (!HOST.test(registry)) throw new BadReference('its registry is not a host name');
  if (repository.length > MAX_NAME) throw new BadReference(`its name is longer than ${MAX_NAME} characters`);
  if (/[A-Z]/.test(repository)) throw new BadReference('its name has a capital letter');
  if (!REPOSITORY.test(repository))
    throw new BadReference('its name has a character, or a sequence of characters, that is not allowed');
  return {
    registry,
    repository,
    ...(tag === undefined ? (digest === undefined ? { tag: 'latest' } : {}) : { tag }),
    ...(digest === undefined ? {} : { digest }),
  };
}

/** The first part of a name is a registry where it cannot be a namespace of Docker Hub. */
function splitName(name: string): { registry: string; repository: string } {
  const slash = name.indexOf('/');
  const first = name.slice(0, Math.max(slash, 0));
  const isRegistry = first === 'localhost' || /[.:]/.test(first) || first !== first.toLowerCase();
  const registry = slash < 0 || !isRegistry || first === 'index.docker.io' ? DOCKER_HUB : first;
  const repository = slash < 0 || !isRegistry ? name : name.slice(slash + 1);
  const official = registry === DOCKER_HUB && !repository.includes('/');
  return { registry, repository: official ? `library/${repository}` : repository };
}

/** The digest, else the tag: the last part of a manifest's URL. */
export function wantedOf({ digest, tag }: ImageReference): string {
  return digest ?? tag ?? 'latest';
}

/** The whole reference in one form, so equal references give equal texts. With a digest the tag is left out. */
export function formatReference(reference: ImageReference): string {
  const { registry, repository, digest, tag } = reference;
  return `${registry}/${repository}${digest === undefined ? `:${tag ?? 'latest'}` : `@${digest}`}`;
}
