/** Both images, for both architectures: as OCI layouts, and as archives that docker load, ctr and skopeo take. */
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { fetchNode, nodePart, partsFolder } from './build.ts';
import type { Debian } from './debian.ts';
import { type Architecture, type LockedPackage, lockedFor, PLATFORMS } from './debian-lock.ts';
import { run } from './program.ts';
import type { Source } from './source.ts';

/** An image, by its name below the registry's path, and the Dockerfile's target. */
export const IMAGES = [
  { name: 'curfew', target: 'webhook' },
  { name: 'curfew-shim', target: 'shim' },
] as const;
export type ImageName = (typeof IMAGES)[number]['name'];

/** What of dist/ the Dockerfile copies. */
const PRODUCTS = [
  'curfew.js',
  'curfew.js.licenses.txt',
  'curfew-shim-amd64',
  'curfew-shim-arm64',
  'curfew-shim.licenses.txt',
];

/** An image as it was written. */
export interface Image {
  name: ImageName;
  /** Of the index of both architectures: `sha256:...`. */
  digest: string;
  /** Of each architecture's own manifest. */
  platforms: Record<Architecture, string>;
}

/** What the images are made from. */
export interface ImageParts {
  source: Source;
  /** A tree of the tag, with its `dist/`. */
  tree: string;
  debian: Debian;
  lock: readonly LockedPackage[];
  /** A folder for what is needed meanwhile. */
  work: string;
  /** Host and path that the archives' tags begin with. */
  registry: string;
}

/** The name of an architecture's archive. */
export function archiveName(name: ImageName, version: string, architecture: Architecture): string {
  return `${name}-${version}-${architecture}.image.tar`;
}

/** Write the layouts `oci/NAME` and the archives into a folder. */
export function writeImages(parts: ImageParts, out: string): Image[] {
  const builder = new Builder(parts);
  for (const architecture of PLATFORMS) builder.prepare(architecture);
  return IMAGES.map(({ name, target }) => {
    for (const architecture of PLATFORMS) builder.build(name, target, architecture);
    const { version } = parts.source;
    const layout = join(out, 'oci', name);
    mkdirSync(layout, { recursive: true });
    builder.writeLayout(name, layout, version);
    const image = readImage(name, layout, version);
    for (const architecture of PLATFORMS) {
      const archive = join(out, archiveName(name, version, architecture));
      const reference = `${parts.registry}/${name}:${version}`;
      const platform = ['--override-os', 'linux', '--override-arch', architecture];
      run('skopeo', [
        ...['--insecure-policy', ...platform, 'copy', '--quiet'],
        ...[`oci:${layout}:${version}`, `docker-archive:${archive}:${reference}`],
      ]);
    }
    return image;
  });
}

/** Builds with buildah, in a storage of its own. */
class Builder {
  private readonly parts: ImageParts;
  private readonly context: string;

  constructor(parts: ImageParts) {
    this.parts = parts;
    this.context = join(parts.work, 'context');
    mkdirSync(join(this.context, 'dist'), { recursive: true });
    for (const file of ['Dockerfile', '.dockerignore', 'LICENSE'])
      cpSync(join(parts.tree, file), join(this.context, file));
    for (const file of PRODUCTS) cpSync(join(parts.tree, 'dist', file), join(this.context, 'dist', file));
  }

  /** Load the two images that the Dockerfile begins with. */
  prepare(architecture: Architecture): void {
    const { debian, lock, work, tree } = this.parts;
    const debs = join(work, `debs-${architecture}`);
    mkdirSync(debs);
    for (const item of lockedFor(lock, 'base', architecture))
      cpSync(debian.fetch(item, join(partsFolder(), 'debs')), join(debs, `${item.name}.deb`));
    const base = join(work, `base-${architecture}.tar`);
    run(join(tree, 'release', 'base-image'), [architecture, debs, base]);
    this.load(base, `base-${architecture}`);

    const node = fetchNode(nodePart(tree, architecture));
    const root = join(work, `node-${architecture}`);
    mkdirSync(join(root, 'usr', 'local', 'bin'), { recursive: true });
    cpSync(join(node, 'bin', 'node'), join(root, 'usr', 'local', 'bin', 'node'));
    cpSync(join(node, 'LICENSE'), join(root, 'usr', 'local', 'LICENSE'));
    const archive = join(work, `node-${architecture}.tar`);
    const imageTar = join(tree, 'test', 'cluster', 'rig', 'image-tar');
    run(imageTar, ['-a', architecture, '-o', archive, '-t', 'localhost/node:1', '-r', root]);
    this.load(archive, `node-${architecture}`);
  }

  build(name: ImageName, target: string, architecture: Architecture): void {
    const { source } = this.parts;
    const values = {
      NODE_IMAGE: `localhost/node-${architecture}:1`,
      BASE_IMAGE: `localhost/base-${architecture}:1`,
      VERSION: source.version,
      REVISION: source.commit,
    };
    this.buildah('bud', [
      ...[
        '--platform',
        `linux/${architecture}`,
        '--target',
        target,
        '--tag',
        `localhost/${name}-${architecture}:1`,
      ],
      ...['--no-cache', '--pull-never', '--format', 'oci', '--identity-label=false'],
      ...['--timestamp', String(source.epoch)],
      ...Object.entries(values).flatMap(([key, value]) => ['--build-arg', `${key}=${value}`]),
      this.context,
    ]);
  }

  /** An index of both architectures, tagged with the version. */
  writeLayout(name: ImageName, layout: string, version: string): void {
    this.buildah('manifest', ['create', `localhost/${name}:index`]);
    for (const architecture of PLATFORMS)
      this.buildah('manifest', ['add', `localhost/${name}:index`, `localhost/${name}-${architecture}:1`]);
    this.buildah('manifest', [
      'push',
      '--all',
      '--quiet',
      `localhost/${name}:index`,
      `oci:${layout}:${version}`,
    ]);
  }

  private load(archive: string, name: string): void {
    const id = this.buildah('pull', ['--quiet', `docker-archive:${archive}`]).trim();
    this.buildah('tag', [id, `localhost/${name}:1`]);
  }

  private buildah(command: string, args: readonly string[]): string {
    const { work } = this.parts;
    const storage = [
      '--root',
      join(work, 'storage'),
      '--runroot',
      join(work, 'run'),
      '--storage-driver',
      'vfs',
    ];
    return run('buildah', [...storage, command, ...args]);
  }
}

const DESCRIPTOR = z.object({
  digest: z.string().regex(/^sha256:[0-9a-f]{64}$/),
  annotations: z.record(z.string(), z.string()).optional(),
  artifactType: z.string().optional(),
  platform: z.object({ os: z.string(), architecture: z.string() }).optional(),
});
const INDEX = z.object({ manifests: z.array(DESCRIPTOR) });
export type Descriptor = z.output<typeof DESCRIPTOR>;

/** What a layout's index.json lists. */
export function layoutEntries(layout: string): Descriptor[] {
  return INDEX.parse(JSON.parse(readFileSync(join(layout, 'index.json'), 'utf8'))).manifests;
}

/** The entry that a layout has under a tag. @throws where there is none */
export function taggedEntry(layout: string, tag: string): Descriptor {
  const entry = layoutEntries(layout).find(
    ({ annotations = {} }) => annotations['org.opencontainers.image.ref.name'] === tag,
  );
  if (entry === undefined) throw new Error(`${layout} has no ${tag}`);
  return entry;
}

/** A layout's file of a digest. */
export function blobPath(layout: string, digest: string): string {
  return join(layout, 'blobs', ...digest.split(':'));
}

/** An image of a layout. @throws where it is not one for both architectures */
export function readImage(name: ImageName, layout: string, version: string): Image {
  const { digest } = taggedEntry(layout, version);
  const index = INDEX.parse(JSON.parse(readFileSync(blobPath(layout, digest), 'utf8')));
  const of = (architecture: Architecture) => {
    const found = index.manifests.filter(
      ({ platform }) => platform?.os === 'linux' && platform.architecture === architecture,
    );
    if (found.length !== 1 || found[0] === undefined)
      throw new Error(`${layout} has no one image for ${architecture}`);
    return found[0].digest;
  };
  return { name, digest, platforms: { amd64: of('amd64'), arm64: of('arm64') } };
}

/** Write a file whose time and mode are those of every file of the release. */
export function writeReleaseFile(file: string, content: string): void {
  writeFileSync(file, content, { mode: 0o644 });
}
