/**
 * Makes the images of the recipes: each with its real name, its ENTRYPOINT and CMD, over one layer with stand-ins for all their programs.
 *
 *   node stand-in-images.ts ROOTFS OUT.tar
 *
 * The file is a docker-archive of many images, as rig/image-tar makes one of one. `--names` lists the images instead.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { CATALOGUE } from '../../../webhook/decision/catalogue.ts';
import { imageRepository, knownSidecar } from '../../../webhook/decision/known-sidecar.ts';
import { IMAGES_FILE, objectsOf, type Recipe, readRecipes, textOf } from '../../examples/recipes.ts';
import { podSpecOf } from './applied.ts';

/** An image of a manifest, and what it runs. */
interface StandIn {
  image: string;
  entrypoint?: readonly string[];
  cmd?: readonly string[];
  stopSignal?: string;
}

const IMAGES = z.object({
  images: z.object({
    entrypoints: z.array(
      z.object({
        image: z.string(),
        entrypoint: z.array(z.string()).optional(),
        cmd: z.array(z.string()).optional(),
        stopSignal: z.string().optional(),
      }),
    ),
  }),
});
/** With which Tekton's controller ends sidecars; it stands in no manifest. Nothing but its own program is in it, which ignores its arguments. */
export const TEKTON_NOP = 'ghcr.io/tektoncd/pipeline/nop:v1.6.0';
const NOP = { image: TEKTON_NOP, entrypoint: ['/ko-app/nop', 'exit', '0'] };
/** Katib's image has its program in this folder, and starts it by `./`. */
const WORKING_DIRECTORIES: Readonly<Record<string, string>> = {
  'ghcr.io/kubeflow/katib/file-metrics-collector': '/app',
};
const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' };

if (import.meta.main) {
  const [rootfs = '', out = ''] = process.argv.slice(2);
  if (rootfs === '--names')
    console.log(
      standIns()
        .map((one) => JSON.stringify(one))
        .join('\n'),
    );
  else write(rootfs, out, standIns());
}

/** Every image of every pod that runs. */
function standIns(): StandIn[] {
  const { images } = IMAGES.parse(parse(readFileSync(IMAGES_FILE, 'utf8')));
  const found = new Map<string, StandIn>([[TEKTON_NOP, NOP]]);
  for (const recipe of readRecipes())
    for (const { name, image } of containersOf(recipe)) {
      const said = images.entrypoints.find((entry) => [image, imageRepository(image)].includes(entry.image));
      const { entrypoint, cmd } = knownSidecar(CATALOGUE, name, image) ?? {};
      const known = { ...(entrypoint && { entrypoint }), ...(cmd && { cmd }) };
      const { stopSignal, ...ran } = said ?? { ...known, stopSignal: undefined };
      found.set(image, {
        ...(found.get(image) ?? {}),
        ...(ran.entrypoint && { entrypoint: ran.entrypoint }),
        ...(ran.cmd && { cmd: ran.cmd }),
        ...(stopSignal && { stopSignal: `SIG${stopSignal}` }),
        image,
      });
    }
  return [...found.values()].toSorted((left, right) => (left.image < right.image ? -1 : 1));
}

function containersOf(recipe: Recipe): { name: string; image: string }[] {
  return objectsOf(textOf(recipe, recipe.runs)).flatMap((object) => {
    const spec = podSpecOf(object);
    const containers = spec === undefined ? [] : [...spec.containers, ...(spec.initContainers ?? [])];
    return containers.map(({ name, image = '' }) => ({ name, image }));
  });
}

function write(rootfs: string, out: string, images: readonly StandIn[]): void {
  const work = mkdtempSync(join(tmpdir(), 'curfew-stand-ins-'));
  const tar = (folder: string, file: string, ...members: string[]) =>
    execFileSync('tar', [
      ...[
        '-C',
        folder,
        '--sort=name',
        '--mtime=@0',
        '--owner=0',
        '--group=0',
        '--numeric-owner',
        '-cf',
        file,
      ],
      ...members,
    ]);
  try {
    const layers = { all: rootfs, nop: join(work, 'nop') };
    mkdirSync(join(layers.nop, 'ko-app'), { recursive: true });
    copyFileSync(join(rootfs, 'steps'), join(layers.nop, 'ko-app', 'nop'));
    const sums = new Map(
      Object.entries(layers).map(([name, folder]) => {
        tar(folder, join(work, `${name}.tar`), '.');
        return [name, sha256(readFileSync(join(work, `${name}.tar`)))];
      }),
    );
    const manifest = images.map((image) => {
      const layer = image.image === TEKTON_NOP ? 'nop' : 'all';
      const config = JSON.stringify(configOf(image, sums.get(layer) ?? ''));
      const name = `${sha256(config)}.json`;
      writeFileSync(join(work, name), config);
      return { Config: name, RepoTags: [image.image], Layers: [`${layer}.tar`] };
    });
    writeFileSync(join(work, 'manifest.json'), JSON.stringify(manifest));
    tar(work, out, 'manifest.json', ...new Set(manifest.map(({ Config }) => Config)), 'all.tar', 'nop.tar');
  } finally {
    rmSync(work, { recursive: true });
  }
}

function configOf({ image, entrypoint, cmd, stopSignal }: StandIn, layer: string): object {
  return {
    architecture: ARCHITECTURES[process.arch],
    os: 'linux',
    created: '1970-01-01T00:00:00Z',
    config: {
      Env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'],
      Entrypoint: entrypoint,
      Cmd: cmd,
      StopSignal: stopSignal,
      WorkingDir: WORKING_DIRECTORIES[imageRepository(image)],
      Labels: { image },
    },
    rootfs: { type: 'layers', diff_ids: [`sha256:${layer}`] },
    history: [{ created: '1970-01-01T00:00:00Z', created_by: 'stand-in-images' }],
  };
}

function sha256(bytes: string | Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
