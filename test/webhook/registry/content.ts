/** Images as registries store them, for a registry of the test's own or for an OCI layout on disk. */
import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

export interface ImageOptions {
  entrypoint?: string[] | null;
  cmd?: string[] | null;
  stopSignal?: string;
  os?: string;
  architecture?: string;
  variant?: string;
  /** Docker's media types in place of OCI's. */
  docker?: boolean;
}

export interface Descriptor {
  mediaType: string;
  digest: string;
  size: number;
  platform?: { os: string; architecture: string; variant?: string };
  annotations?: Record<string, string>;
}

/** A manifest or an index, with everything that it refers to. */
export interface StoredImage {
  descriptor: Descriptor;
  content: Buffer;
  /** Configurations and layers. */
  blobs: ReadonlyMap<string, Buffer>;
  /** Manifests by digest, with its own. */
  manifests: ReadonlyMap<string, { content: Buffer; mediaType: string }>;
}

export function sha256(content: Buffer): string {
  return `sha256:${createHash('sha256').update(content).digest('hex')}`;
}

const OCI = 'application/vnd.oci.image';
const DOCKER = 'application/vnd.docker';
const TAR = Buffer.alloc(1024);
const LAYER = gzipSync(TAR);

/** An image for one platform. */
export function storedImage(options: ImageOptions = {}): StoredImage {
  const {
    entrypoint,
    cmd,
    stopSignal,
    os = 'linux',
    architecture = 'amd64',
    variant,
    docker = false,
  } = options;
  const config = Buffer.from(
    JSON.stringify({
      os,
      architecture,
      ...(variant === undefined ? {} : { variant }),
      config: {
        ...(entrypoint === undefined ? {} : { Entrypoint: entrypoint }),
        ...(cmd === undefined ? {} : { Cmd: cmd }),
        ...(stopSignal === undefined ? {} : { StopSignal: stopSignal }),
      },
      rootfs: { type: 'layers', diff_ids: [sha256(TAR)] },
    }),
  );
  const mediaType = docker ? `${DOCKER}.distribution.manifest.v2+json` : `${OCI}.manifest.v1+json`;
  const content = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType,
      config: {
        mediaType: docker ? `${DOCKER}.container.image.v1+json` : `${OCI}.config.v1+json`,
        digest: sha256(config),
        size: config.length,
      },
      layers: [
        {
          mediaType: docker ? `${DOCKER}.image.rootfs.diff.tar.gzip` : `${OCI}.layer.v1.tar+gzip`,
          digest: sha256(LAYER),
          size: LAYER.length,
        },
      ],
    }),
  );
  const digest = sha256(content);
  return {
    descriptor: {
      mediaType,
      digest,
      size: content.length,
      platform: { os, architecture, ...(variant === undefined ? {} : { variant }) },
    },
    content,
    blobs: new Map([
      [sha256(config), config],
      [sha256(LAYER), LAYER],
    ]),
    manifests: new Map([[digest, { content, mediaType }]]),
  };
}

/** BuildKit's attestation, which it puts beside an image: a manifest with the platform unknown/unknown. */
export function attestation(of: StoredImage): StoredImage {
  const image = storedImage({ os: 'unknown', architecture: 'unknown', entrypoint: ['never'] });
  const annotations = {
    'vnd.docker.reference.digest': of.descriptor.digest,
    'vnd.docker.reference.type': 'attestation-manifest',
  };
  return { ...image, descriptor: { ...image.descriptor, annotations } };
}

/** An index of these. */
export function storedIndex(images: readonly StoredImage[], docker = false): StoredImage {
  const mediaType = docker ? `${DOCKER}.distribution.manifest.list.v2+json` : `${OCI}.index.v1+json`;
  const content = Buffer.from(
    JSON.stringify({ schemaVersion: 2, mediaType, manifests: images.map(({ descriptor }) => descriptor) }),
  );
  const digest = sha256(content);
  return {
    descriptor: { mediaType, digest, size: content.length },
    content,
    blobs: new Map(images.flatMap(({ blobs }) => [...blobs])),
    manifests: new Map([
      ...images.flatMap(({ manifests }) => [...manifests]),
      [digest, { content, mediaType }],
    ]),
  };
}

/** The same image for an index that gives it no platform. */
export function unsaid(image: StoredImage): StoredImage {
  const { platform: _, ...descriptor } = image.descriptor;
  return { ...image, descriptor };
}

/** The same image for an index that gives it this platform. */
export function saidFor(architecture: string, image: StoredImage): StoredImage {
  return { ...image, descriptor: { ...image.descriptor, platform: { os: 'linux', architecture } } };
}

/** An artifact that is not an image. */
export function artifact(): StoredImage {
  const { mediaType } = storedImage().descriptor;
  const config = {
    mediaType: 'application/vnd.oci.empty.v1+json',
    digest: sha256(Buffer.from('{}')),
    size: 2,
  };
  const content = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, config, layers: [] }));
  const digest = sha256(content);
  return {
    descriptor: { mediaType, digest, size: content.length },
    content,
    blobs: new Map([[config.digest, Buffer.from('{}')]]),
    manifests: new Map([[digest, { content, mediaType }]]),
  };
}

/** Write images as an OCI layout, for tools that read one. @param images by tag */
export async function writeLayout(
  folder: string,
  images: Readonly<Record<string, StoredImage>>,
): Promise<void> {
  const blobs = join(folder, 'blobs', 'sha256');
  await mkdir(blobs, { recursive: true });
  const put = (digest: string, content: Buffer) =>
    writeFile(join(blobs, digest.slice('sha256:'.length)), content);
  for (const image of Object.values(images)) {
    for (const [digest, content] of image.blobs) await put(digest, content);
    for (const [digest, { content }] of image.manifests) await put(digest, content);
  }
  const manifests = Object.entries(images).map(
    ([
      tag,
      {
        descriptor: { platform: _, ...descriptor },
      },
    ]) => ({
      ...descriptor,
      annotations: { 'org.opencontainers.image.ref.name': tag },
    }),
  );
  await writeFile(join(folder, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  await writeFile(join(folder, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests }));
}
