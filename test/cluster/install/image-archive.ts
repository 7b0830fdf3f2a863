/** The content of an image, read from the tar that the session's node has loaded. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

const MANIFEST = z.array(z.object({ Config: z.string(), Layers: z.array(z.string()) })).length(1);
const CONFIG = z.object({
  config: z.object({
    User: z.string(),
    Entrypoint: z.array(z.string()),
    Labels: z.record(z.string(), z.string()),
  }),
});
const folder = process.env.IMAGES ?? '';

/** An image: its configuration and the files of its layers. */
export interface ImageArchive {
  config: z.output<typeof CONFIG>['config'];
  /** Paths without a leading slash, sorted; no folders. */
  files: string[];
}

/** @param name of the tar, without its ending */
export function readImage(name: string): ImageArchive {
  const archive = join(folder, `${name}.tar`);
  const member = (path: string) => execFileSync('tar', ['-xOf', archive, path], { maxBuffer: 2 ** 30 });
  const [image] = MANIFEST.parse(JSON.parse(member('manifest.json').toString()));
  if (image === undefined) throw new Error(`${archive} holds no image`);
  const files = image.Layers.flatMap((layer) =>
    execFileSync('tar', ['-t'], { input: member(layer), encoding: 'utf8' })
      .split('\n')
      .filter((path) => path !== '' && !path.endsWith('/'))
      .map((path) => path.replace(/^\.\//, '')),
  );
  return { config: CONFIG.parse(JSON.parse(member(image.Config).toString())).config, files: files.sort() };
}

/** Two builds of one target from the same files. */
export interface Builds {
  target: string;
  architecture: string;
  /** The image's ID in each build. It is the digest of the configuration, which holds the digests of the layers. */
  ids: [string, string];
}

/** The images that rig/curfew-images has built. */
export function readBuilds(): Builds[] {
  return readFileSync(join(folder, 'built'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => {
      const [target = '', architecture = '', first = '', second = ''] = line.split(' ');
      return { target, architecture, ids: [first, second] };
    });
}
