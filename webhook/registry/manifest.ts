/**
 * Parsers for indexes, manifests and image configurations of Docker and of OCI (github.com/opencontainers/image-spec). Pure. A text
 * from outside is checked before it is put into a message.
 */
import { createHash } from 'node:crypto';
import type { ImageConfig } from '../decision/images.ts';
import { isRecord, isTexts, type JsonRecord, member } from '../shared/json.ts';
import { RegistryError } from './error.ts';
import { isDigest } from './image-reference.ts';

/** An image's platform, with Go's names: `linux`, `arm64`, `v8`. */
export interface Platform {
  os: string;
  architecture: string;
  variant: string;
}

/** An entry of an index: an image, or another index. Where it has no platform, the image's configuration has one. */
export interface IndexEntry {
  digest: string;
  platform: Platform | undefined;
}

export type Manifest =
  | { kind: 'index'; entries: readonly IndexEntry[] }
  | { kind: 'image'; config: { digest: string } }
  /** Another kind of artifact, such as a chart or a signature. `type` is its media type for messages. */
  | { kind: 'artifact'; type: string };

const DOCKER = 'application/vnd.docker.distribution.manifest';
const OCI = 'application/vnd.oci.image';
const INDEXES = new Set([`${DOCKER}.list.v2+json`, `${OCI}.index.v1+json`]);
const IMAGES = new Set([`${DOCKER}.v2+json`, `${OCI}.manifest.v1+json`]);
const CONFIGS = new Set(['application/vnd.docker.container.image.v1+json', `${OCI}.config.v1+json`]);

/** The accepted media types. Schema 1 is left out, so a registry that can sends another. */
export const ACCEPT = [...INDEXES, ...IMAGES].join(', ');

/** Far more than any real index has. */
const MAX_ENTRIES = 1000;
/** The limit for a command: an exec on Linux takes 2 MiB at most, and the annotation that keeps the command 256 KiB. */
const MAX_COMMAND_BYTES = 256 * 1024;

const unusable = (message: string, cause?: unknown) =>
  new RegistryError('image-unusable', message, { cause });

/** Whether the content has this digest. */
export function hasDigest(content: Buffer, digest: string): boolean {
  const [algorithm = ''] = digest.split(':', 1);
  return isDigest(digest) && digest === `${algorithm}:${createHash(algorithm).update(content).digest('hex')}`;
}

/** The content's SHA-256 digest. */
export function digestOf(content: Buffer): string {
  return `sha256:${createHash('sha256').update(content).digest('hex')}`;
}

/**
 * Parse a manifest or an index.
 * @param contentType the header, which is used where the document has no mediaType
 * @param what its name in messages: `its manifest`
 * @throws {RegistryError}
 */
export function parseManifest(content: Buffer, contentType: string | undefined, what: string): Manifest {
  const document = parseJson(content, what);
  const mediaType = member(document, 'mediaType');
  const type = typeof mediaType === 'string' ? mediaType : (contentType?.split(';', 1)[0]?.trim() ?? '');
  if (member(document, 'schemaVersion') === 1 || type.startsWith(`${DOCKER}.v1+`))
    throw unusable(`${what} has the old schema 1: push the image again with a current tool`);
  const entries = member(document, 'manifests');
  const config = member(document, 'config');
  // A document that is both could be read here as one and on the node as the other (CVE-2021-41190).
  if (entries !== undefined && (config !== undefined || member(document, 'layers') !== undefined))
    throw unusable(`${what} is an index and an image at once`);
  if (entries !== undefined && !IMAGES.has(type))
    return { kind: 'index', entries: parseEntries(entries, what) };
  if (config !== undefined && !INDEXES.has(type)) {
    const digest = digestAt(config, `${what}'s config`);
    const configType = isRecord(config) ? member(config, 'mediaType') : undefined;
    if (typeof configType === 'string' && !CONFIGS.has(configType))
      return { kind: 'artifact', type: typeName(configType) };
    return { kind: 'image', config: { digest } };
  }
  throw unusable(`${what} has an unknown type${typeName(type)}`);
}

function parseEntries(value: unknown, what: string): readonly IndexEntry[] {
  if (!Array.isArray(value) || value.length > MAX_ENTRIES || !value.every(isRecord))
    throw unusable(`${what}'s list of platforms is not valid`);
  return value.flatMap((entry: JsonRecord) => {
    const platform = member(entry, 'platform');
    const type = member(entry, 'mediaType');
    // BuildKit's attestations have the platform unknown/unknown, which no machine runs.
    if (typeof type === 'string' && !IMAGES.has(type) && !INDEXES.has(type)) return [];
    return [
      {
        digest: digestAt(entry, `${what}'s entry`),
        platform: isRecord(platform) ? parsePlatform(platform) : undefined,
      },
    ];
  });
}

function parsePlatform(record: JsonRecord): Platform {
  const text = (key: string) => {
    const value = member(record, key);
    return typeof value === 'string' ? value : '';
  };
  return { os: text('os'), architecture: text('architecture'), variant: text('variant') };
}

/**
 * Parse an image's configuration.
 * @throws {RegistryError}
 */
export function parseImageConfig(content: Buffer, what: string): { platform: Platform; config: ImageConfig } {
  const document = parseJson(content, what);
  const inner = member(document, 'config') ?? {};
  if (!isRecord(inner)) throw unusable(`${what} is not valid`);
  const words = (key: string): string[] => {
    const value = member(inner, key) ?? [];
    if (!isTexts(value)) throw unusable(`${what} has a ${key} that is not a list of texts`);
    return [...value];
  };
  const entrypoint = words('Entrypoint');
  const cmd = words('Cmd');
  const all = [...entrypoint, ...cmd];
  if (all.reduce((sum, word) => sum + word.length, 0) > MAX_COMMAND_BYTES)
    throw unusable(`${what} has a command longer than ${MAX_COMMAND_BYTES} bytes`);
  if (all.some((word) => word.includes('\0')))
    throw unusable(`${what} has a command that nothing can run: it holds a NUL`);
  const stopSignal = member(inner, 'StopSignal');
  return {
    platform: parsePlatform(document),
    config: {
      entrypoint,
      cmd,
      ...(typeof stopSignal === 'string' && /^[A-Z0-9+-]{1,16}$/i.test(stopSignal) ? { stopSignal } : {}),
    },
  };
}

function parseJson(content: Buffer, what: string): JsonRecord {
  let value: unknown;
  try {
    value = JSON.parse(content.toString('utf8'));
  } catch (cause) {
    throw unusable(`${what} is not JSON`, cause);
  }
  if (!isRecord(value)) throw unusable(`${what} is not a JSON object`);
  return value;
}

function digestAt(value: unknown, what: string): string {
  const digest = isRecord(value) ? member(value, 'digest') : undefined;
  if (typeof digest !== 'string' || !isDigest(digest))
    throw unusable(`${what} has no digest that can be verified`);
  return digest;
}

/** A media type in parentheses for a message; empty where the text is not one. */
function typeName(type: string): string {
  return /^[\w.+/-]{1,100}$/.test(type) ? ` (${type})` : '';
}
