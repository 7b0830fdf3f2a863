/**
 * The files below `signatures/`, which no checksum lists, because they are made after the checksums: each is a part of a signature of this
 * release. All of them are pushed, so anything else there would get into the registry.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { filesOf, isRegular } from './archive.ts';
import { blobPath, IMAGES, layoutEntries, readImage, taggedEntry } from './images.ts';
import { ReleaseError } from './program.ts';
import { REPOSITORIES } from './push.ts';
import { SIGNATURES, SIGNED_TAG } from './signing.ts';
import { checkBlobs } from './verify-images.ts';

const BLOB = z.object({ digest: z.string() });
const MANIFEST = z.object({ config: BLOB, layers: z.array(BLOB) });

/** Check them. @throws {ReleaseError} with the file that does not belong there, or the repository that lacks one */
export function checkSignatureFiles(folder: string, version: string): void {
  const parts = new Set(REPOSITORIES.flatMap((name) => signatureParts(folder, name, version)));
  for (const path of filesOf(join(folder, SIGNATURES))) {
    if (!isRegular(join(folder, SIGNATURES, path)))
      throw new ReleaseError(`${SIGNATURES}/${path} is no plain file`);
    if (!parts.has(path)) throw new ReleaseError(`${SIGNATURES}/${path} is no part of a signature`);
  }
}

/** The files that a repository's signatures consist of, from `signatures/`. */
function signatureParts(folder: string, name: string, version: string): string[] {
  const layout = join(folder, SIGNATURES, name);
  if (!existsSync(join(layout, 'index.json')))
    throw new ReleaseError(`${SIGNATURES}/${name}/index.json is not there`);
  checkBlobs(layout);
  const signable = new Set(digestsOf(folder, name, version));
  const blobs = layoutEntries(layout).flatMap(({ digest, annotations = {} }) => {
    const tag = annotations['org.opencontainers.image.ref.name'] ?? '';
    const [, signed] = SIGNED_TAG.exec(tag) ?? [];
    if (signed === undefined || !signable.has(`sha256:${signed}`))
      throw new ReleaseError(
        `${SIGNATURES}/${name}/index.json has ${JSON.stringify(tag)}, which signs nothing of this release`,
      );
    const { config, layers } = MANIFEST.parse(JSON.parse(readFileSync(blobPath(layout, digest), 'utf8')));
    return [digest, config.digest, ...layers.map((layer) => layer.digest)];
  });
  return ['index.json', 'oci-layout', ...blobs.map((digest) => blobPath('', digest))].map((path) =>
    join(name, path),
  );
}

/** What of a repository is signed: an image's index and the image of each architecture, or the chart. */
function digestsOf(folder: string, name: string, version: string): string[] {
  const layout = join(folder, 'oci', name);
  const image = IMAGES.find((item) => item.name === name);
  if (image === undefined) return [taggedEntry(layout, version).digest];
  const { digest, platforms } = readImage(image.name, layout, version);
  return [digest, ...Object.values(platforms)];
}
