/** The images: layouts that are whole, archives that hold the same images, labels that say version and commit. */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { isRegular } from './archive.ts';
import type { Checked } from './checked.ts';
import { PLATFORMS } from './debian-lock.ts';
import { archiveName, blobPath, IMAGES, type Image, readImage } from './images.ts';
import { ReleaseError, run } from './program.ts';
import { REPOSITORIES } from './push.ts';

const MANIFEST = z.object({
  config: z.object({ digest: z.string() }),
  layers: z.array(z.object({ digest: z.string() })),
});
const CONFIG = z.object({
  architecture: z.string(),
  config: z.object({ User: z.string(), Labels: z.record(z.string(), z.string()) }),
});

/** Check them. @throws {ReleaseError} with what differs */
export function checkImages({ folder, version }: Checked): string[] {
  for (const name of REPOSITORIES) checkBlobs(join(folder, 'oci', name));
  const said = ['oci/: every blob of the three layouts has the digest that it is named by'];
  for (const { name } of IMAGES) {
    const layout = join(folder, 'oci', name);
    const image = readImage(name, layout, version);
    for (const architecture of PLATFORMS) {
      const configDigest = checkConfig(layout, image, architecture, version);
      const archive = archiveName(name, version, architecture);
      // Named from the folder: skopeo takes what follows a colon in a path for a tag.
      const inspect = ['--insecure-policy', 'inspect', '--raw', `docker-archive:${archive}`];
      const text = run('skopeo', inspect, { cwd: folder });
      const { config } = MANIFEST.parse(JSON.parse(text));
      if (config.digest !== configDigest)
        throw new ReleaseError(`${archive} holds another image than oci/${name}`);
    }
    said.push(
      `${name}: ${image.digest} is for ${PLATFORMS.join(' and ')}; its archives hold the same images`,
    );
  }
  return said;
}

/** @throws {ReleaseError} where a blob of a layout has another digest than its name */
export function checkBlobs(layout: string): void {
  const folder = join(layout, 'blobs', 'sha256');
  if (!existsSync(folder)) throw new ReleaseError(`${layout} is no OCI layout`);
  for (const name of readdirSync(folder)) {
    if (!isRegular(join(folder, name)))
      throw new ReleaseError(`${layout}: the blob ${name} is no plain file`);
    const sum = createHash('sha256')
      .update(readFileSync(join(folder, name)))
      .digest('hex');
    if (sum !== name) throw new ReleaseError(`${layout}: the blob ${name} has the digest ${sum}`);
  }
}

/** @returns the digest of the image's configuration, which is its ID */
function checkConfig(
  layout: string,
  { name, platforms }: Image,
  architecture: (typeof PLATFORMS)[number],
  version: string,
): string {
  const blob = (digest: string): unknown => JSON.parse(readFileSync(blobPath(layout, digest), 'utf8'));
  const manifest = MANIFEST.parse(blob(platforms[architecture]));
  for (const { digest } of manifest.layers)
    if (!existsSync(blobPath(layout, digest))) throw new ReleaseError(`${layout} lacks the layer ${digest}`);
  const { architecture: written, config } = CONFIG.parse(blob(manifest.config.digest));
  const labels = config.Labels;
  const wrong = [
    ...(written === architecture ? [] : [`is for ${written}`]),
    ...(config.User === '65532:65532' ? [] : [`runs as ${config.User}`]),
    ...(labels['org.opencontainers.image.version'] === version ? [] : ['is labelled with another version']),
    ...(/^[0-9a-f]{40}$/.test(labels['org.opencontainers.image.revision'] ?? '')
      ? []
      : ['has no commit as a label']),
  ];
  if (wrong.length > 0) throw new ReleaseError(`${name} for ${architecture} ${wrong.join(', ')}`);
  return manifest.config.digest;
}
