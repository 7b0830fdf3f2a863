/** An image's command and stop signal on each machine, from its index, manifests and configurations. */
import { MACHINES, type Machine } from '../../shim/machine-words.ts';
import type { ImageConfig } from '../decision/images.ts';
import type { ManifestContent, RegistryClient, RepositoryAccess } from './client.ts';
import { RegistryError } from './error.ts';
import {
  type IndexEntry,
  type Manifest,
  type Platform,
  parseImageConfig,
  parseManifest,
} from './manifest.ts';
import { choosePlatform } from './platform.ts';

/** An image's configuration by machine. A machine that the image is not built for is missing. */
export type ImageContent = ReadonlyMap<Machine, ImageConfig>;

interface Configured {
  platform: Platform;
  config: ImageConfig;
}

/** How many entries of an index without a platform are looked into, in order. Hand-made indexes have such. (containerd: one.) */
const MAX_WITHOUT_PLATFORM = 4;
/** How deep indexes may be nested. Tools make two levels; containerd follows any number. */
const MAX_DEPTH = 4;
/** How many manifests and indexes under the first one are fetched, for all machines together. Each may take 4 MiB. */
const MAX_PARTS = 16;

/** The name of an index's entry in messages. */
const PART = 'the manifest of one of its platforms';

/** @param type its media type, in parentheses */
const notAnImage = (what: string, type: string) =>
  new RegistryError('image-unusable', `${what} is of something else than a container image${type}`);

/**
 * Fetch an image's content. An image without an index has one command, which is used for every machine.
 * @param fetched the manifest, where it was fetched already
 * @throws {RegistryError}
 */
export async function fetchImage(
  client: RegistryClient,
  access: RepositoryAccess,
  digest: string,
  fetched: ManifestContent | undefined,
): Promise<ImageContent> {
  const { content, contentType } = fetched ?? (await client.manifest(access, digest));
  const manifest = parseManifest(content, contentType, 'its manifest');
  if (manifest.kind === 'artifact') throw notAnImage('its manifest', manifest.type);
  const parts = new Parts(client, access);
  if (manifest.kind === 'image') {
    const { platform, config } = await parts.config(manifest.config.digest);
    if (platform.os === 'windows')
      throw new RegistryError('image-unusable', 'it is a Windows image, and the shim runs on Linux');
    return new Map(MACHINES.map((machine) => [machine, config]));
  }
  const found = await Promise.all(
    MACHINES.map(async (machine) => {
      const config = await partFor(machine, manifest.entries, parts, 1);
      return config === undefined ? [] : [[machine, config] as const];
    }),
  );
  if (found.flat().length === 0)
    throw new RegistryError('image-unusable', `it is built for none of linux/${MACHINES.join(', linux/')}`);
  return new Map(found.flat());
}

/**
 * The entry of an index that a node of this machine would run, chosen as containerd does (github.com/containerd/containerd,
 * core/images/image.go: Manifest): the one whose platform fits best, and no other. Where no platform fits, those without a platform
 * are tried. A nested index is searched in the same way.
 */
async function partFor(
  machine: Machine,
  entries: readonly IndexEntry[],
  parts: Parts,
  depth: number,
): Promise<ImageConfig | undefined> {
  if (depth > MAX_DEPTH)
    throw new RegistryError('image-unusable', `its index holds indexes more than ${MAX_DEPTH} deep`);
  const withPlatform = entries.flatMap(({ digest, platform }) =>
    platform === undefined ? [] : [{ digest, platform }],
  );
  const best = choosePlatform(machine, withPlatform);
  const candidates =
    best === undefined
      ? entries.filter(({ platform }) => platform === undefined).slice(0, MAX_WITHOUT_PLATFORM)
      : [best];
  for (const { digest, platform } of candidates) {
    const manifest = await parts.manifest(digest);
    if (manifest.kind === 'index') {
      const inside = await partFor(machine, manifest.entries, parts, depth + 1);
      if (inside !== undefined) return inside;
      continue;
    }
    if (manifest.kind === 'artifact') {
      if (platform !== undefined) throw notAnImage(PART, manifest.type);
      continue;
    }
    const part = await parts.config(manifest.config.digest);
    if (platform !== undefined || choosePlatform(machine, [part]) !== undefined) return part.config;
  }
  return undefined;
}

/** The manifests and configurations of one image. Each is fetched once, and is shared by all machines. */
class Parts {
  private readonly client: RegistryClient;
  private readonly access: RepositoryAccess;
  private readonly manifests = new Map<string, Promise<Manifest>>();
  private readonly configs = new Map<string, Promise<Configured>>();

  constructor(client: RegistryClient, access: RepositoryAccess) {
    this.client = client;
    this.access = access;
  }

  /** @throws {RegistryError} also where the image has too many of them */
  manifest(digest: string): Promise<Manifest> {
    return memoized(this.manifests, digest, async () => {
      if (this.manifests.size >= MAX_PARTS)
        throw new RegistryError('image-unusable', `its index leads to more than ${MAX_PARTS} others`);
      const { content, contentType } = await this.client.manifest(this.access, digest);
      return parseManifest(content, contentType, PART);
    });
  }

  /** @throws {RegistryError} */
  config(digest: string): Promise<Configured> {
    return memoized(this.configs, digest, async () =>
      parseImageConfig(await this.client.config(this.access, digest), 'its configuration'),
    );
  }
}

function memoized<T>(known: Map<string, Promise<T>>, key: string, work: () => Promise<T>): Promise<T> {
  const found = known.get(key) ?? work();
  known.set(key, found);
  return found;
}
