/** From a digest to what the image runs on each machine: index, manifests, configurations. */
import { MACHINES, type Machine } from '../shim/machine-words.ts';
import { choose } from './image-platform.ts';
import type { ImageConfig } from './images.ts';
import type { Asking, ManifestContent, RegistryClient } from './registry-client.ts';
import { RegistryError } from './registry-error.ts';
import { type IndexEntry, type Platform, parseImageConfig, parseManifest } from './registry-manifest.ts';

/** What an image runs, by machine. A machine that it is not built for is missing. */
export type ImageContent = ReadonlyMap<Machine, ImageConfig>;

interface Part {
  digest: string;
  platform: Platform;
}

/** Parts of an index that do not say their platform, as hand-made indexes have them, are asked; so many of them. */
const MAX_UNSAID = 4;

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
  if (manifest.kind === 'image') {
    const { platform, config } = await fetchConfig(client, asking, manifest.config.digest);
    if (platform.os === 'windows')
      throw new RegistryError('image-unusable', 'it is a Windows image, and the shim runs on Linux');
    return new Map(MACHINES.map((machine) => [machine, config]));
  }
  const parts = await partsOf(client, asking, manifest.entries);
  const chosen = new Map<Machine, Part>();
  for (const machine of MACHINES) {
    const part = choose(machine, parts);
    if (part !== undefined) chosen.set(machine, part);
  }
  if (chosen.size === 0)
    throw new RegistryError('image-unusable', `it is built for none of linux/${MACHINES.join(', linux/')}`);
  const configs = new Map<string, Promise<ImageConfig>>();
  for (const { digest: part } of chosen.values())
    if (!configs.has(part))
      configs.set(
        part,
        fetchPart(client, asking, part).then(({ config }) => config),
      );
  const found = await Promise.all(
    [...chosen].map(async ([machine, part]) => {
      const config = await configs.get(part.digest);
      return config === undefined ? [] : [[machine, config] as const];
    }),
  );
  return new Map(found.flat());
}

async function partsOf(
  client: RegistryClient,
  asking: Asking,
  entries: readonly IndexEntry[],
): Promise<Part[]> {
  const unsaid = entries.filter(({ platform }) => platform === undefined).slice(0, MAX_UNSAID);
  const asked = await Promise.all(
    unsaid.map(async ({ digest }) => ({
      digest,
      platform: (await fetchPart(client, asking, digest)).platform,
    })),
  );
  const said = entries.flatMap(({ digest, platform }) =>
    platform === undefined ? [] : [{ digest, platform }],
  );
  return [...said, ...asked];
}

async function fetchPart(client: RegistryClient, asking: Asking, digest: string) {
  const { content, contentType } = await client.manifest(asking, digest);
  const manifest = parseManifest(content, contentType, 'the manifest of one of its platforms');
  if (manifest.kind === 'index') throw new RegistryError('image-unusable', 'its index holds another index');
  return fetchConfig(client, asking, manifest.config.digest);
}

async function fetchConfig(client: RegistryClient, asking: Asking, digest: string) {
  return parseImageConfig(await client.config(asking, digest), 'its configuration');
}
