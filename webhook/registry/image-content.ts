/** From a digest to what the image runs on each machine: indexes, manifests, configurations. */
import { MACHINES, type Machine } from '../../shim/machine-words.ts';
import type { ImageConfig } from '../decision/images.ts';
import type { Asking, ManifestContent, RegistryClient } from './client.ts';
import { RegistryError } from './error.ts';
import {
  type IndexEntry,
  type Manifest,
  type Platform,
  parseImageConfig,
  parseManifest,
} from './manifest.ts';
import { choose } from './platform.ts';

/** What an image runs, by machine. A machine that it is not built for is missing. */
export type ImageContent = ReadonlyMap<Machine, ImageConfig>;

interface Configured {
  platform: Platform;
  config: ImageConfig;
}

/**
 * Parts of an index that do not say their platform, as hand-made indexes have them, are asked in turn; so many of them.
 * (containerd asks the first alone.)
 */
const MAX_UNSAID = 4;
/** Indexes inside each other. containerd follows any number; two is what tools make. */
const MAX_DEPTH = 4;
/** Manifests and indexes under the first one, for all machines together; each may be 4 MiB. */
const MAX_PARTS = 16;

/** How messages call what an index leads to. */
const PART = 'the manifest of one of its platforms';

/** @param said its type, in brackets */
const notAnImage = (what: string, said: string) =>
  new RegistryError('image-unusable', `${what} is of something else than a container image${said}`);

/**
 * Fetch what an image runs. An image for one platform alone is taken for every machine: it has no other command.
 * @param known the manifest, where it was fetched already
 * @throws {RegistryError}
 */
export async function fetchImage(
  client: RegistryClient,
  asking: Asking,
  digest: string,
  known: ManifestContent | undefined,
): Promise<ImageContent> {
  const { content, contentType } = known ?? (await client.manifest(asking, digest));
  const manifest = parseManifest(content, contentType, 'its manifest');
  if (manifest.kind === 'artifact') throw notAnImage('its manifest', manifest.said);
  const parts = new Parts(client, asking);
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
 * What a machine's node would take of an index, as containerd chooses (github.com/containerd/containerd, core/images/image.go:
 * Manifest): what says its platform and fits best, and only that; where nothing does, what says none. An index inside is looked
 * into in the same way.
 */
async function partFor(
  machine: Machine,
  entries: readonly IndexEntry[],
  parts: Parts,
  depth: number,
): Promise<ImageConfig | undefined> {
  if (depth > MAX_DEPTH)
    throw new RegistryError('image-unusable', `its index holds indexes more than ${MAX_DEPTH} deep`);
  const said = entries.flatMap(({ digest, platform }) =>
    platform === undefined ? [] : [{ digest, platform }],
  );
  const best = choose(machine, said);
  const candidates =
    best === undefined
      ? entries.filter(({ platform }) => platform === undefined).slice(0, MAX_UNSAID)
      : [best];
  for (const { digest, platform } of candidates) {
    const manifest = await parts.manifest(digest);
    if (manifest.kind === 'index') {
      const inside = await partFor(machine, manifest.entries, parts, depth + 1);
      if (inside !== undefined) return inside;
      continue;
    }
    if (manifest.kind === 'artifact') {
      if (platform !== undefined) throw notAnImage(PART, manifest.said);
      continue;
    }
    const part = await parts.config(manifest.config.digest);
    if (platform !== undefined || choose(machine, [part]) !== undefined) return part.config;
  }
  return undefined;
}

/** The parts of one image, each fetched once, whichever machine wants it. */
class Parts {
  private readonly client: RegistryClient;
  private readonly asking: Asking;
  private readonly manifests = new Map<string, Promise<Manifest>>();
  private readonly configs = new Map<string, Promise<Configured>>();

  constructor(client: RegistryClient, asking: Asking) {
    this.client = client;
    this.asking = asking;
  }

  /** @throws {RegistryError} also where there are too many */
  manifest(digest: string): Promise<Manifest> {
    return once(this.manifests, digest, async () => {
      if (this.manifests.size >= MAX_PARTS)
        throw new RegistryError('image-unusable', `its index leads to more than ${MAX_PARTS} others`);
      const { content, contentType } = await this.client.manifest(this.asking, digest);
      return parseManifest(content, contentType, PART);
    });
  }

  /** @throws {RegistryError} */
  config(digest: string): Promise<Configured> {
    return once(this.configs, digest, async () =>
      parseImageConfig(await this.client.config(this.asking, digest), 'its configuration'),
    );
  }
}

function once<T>(known: Map<string, Promise<T>>, key: string, work: () => Promise<T>): Promise<T> {
  const found = known.get(key) ?? work();
  known.set(key, found);
  return found;
}
