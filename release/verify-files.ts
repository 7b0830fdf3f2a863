/** The chart, the manifest and the command line: they do what they are for, with the images of this release. */
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { helm } from '../charts/helm.ts';
import { MANIFESTS } from '../charts/one-manifest.ts';
import { sha256 } from './archive.ts';
import { CHART_NAME, chartArchiveName, renderManifest } from './chart.ts';
import type { Checked } from './checked.ts';
import { commandLineName } from './command-line.ts';
import { blobPath, IMAGES, readImage, taggedEntry } from './images.ts';
import { attempt, ReleaseError, run } from './program.ts';

/** Every image reference of a manifest. */
function imagesOf(manifest: string): string[] {
  return [
    ...new Set([...manifest.matchAll(/^\s*(?:- )?image: "?([^"\s]+)"?$/gm)].map(([, image = '']) => image)),
  ].sort();
}

/** Check chart and manifest. @throws {ReleaseError} */
export async function checkChart({ folder, version, tools }: Checked): Promise<string[]> {
  const archive = join(folder, chartArchiveName(version));
  const digests = IMAGES.map(({ name }) => readImage(name, join(folder, 'oci', name), version).digest);
  const lint = helm(tools.helm, ['lint', '--strict', archive]);
  if (lint.code !== 0) throw new ReleaseError(`helm lint: ${lint.stdout}${lint.stderr}`);
  const texts = MANIFESTS.flatMap((manifest) => {
    const rendered = renderManifest(tools.helm, archive, manifest);
    if (rendered.code !== 0) throw new ReleaseError(`helm template: ${rendered.stderr}`);
    const written = readFileSync(join(folder, manifest.file), 'utf8');
    return [
      [chartArchiveName(version), rendered.stdout],
      [manifest.file, written],
    ] as const;
  });
  for (const [what, text] of texts) {
    const images = imagesOf(text);
    const loose = images.filter((image) => !digests.some((digest) => image.endsWith(`@${digest}`)));
    if (images.length !== IMAGES.length || loose.length > 0)
      throw new ReleaseError(
        `${what} names images that are not this release's by digest: ${images.join(', ')}`,
      );
  }
  const layout = join(folder, 'oci', CHART_NAME);
  const { digest } = taggedEntry(layout, version);
  const sum = await sha256(archive);
  if (!readFileSync(blobPath(layout, digest), 'utf8').includes(sum))
    throw new ReleaseError(`oci/${CHART_NAME} holds another chart than ${chartArchiveName(version)}`);
  return [
    `${chartArchiveName(version)}, oci/${CHART_NAME}, ${MANIFESTS.map(({ file }) => file).join(' and ')} name both images by their digests`,
  ];
}

const KREW = z.object({
  spec: z.object({
    version: z.string(),
    platforms: z.array(z.object({ sha256: z.string(), uri: z.string() })).length(1),
  }),
});

/**
 * Check the command line.
 * @param genuine whether the checksums and their signature hold: where they do not, nothing of it is run
 * @throws {ReleaseError}
 */
export async function checkCommandLine(
  { folder, version, work }: Checked,
  genuine: boolean,
): Promise<string[]> {
  const name = commandLineName(version);
  if (!genuine)
    throw new ReleaseError(`${name} is not run, because of what is wrong with the checksums or signatures`);
  const unpacked = mkdtempSync(join(work, 'cli-'));
  run('tar', ['-xzf', join(folder, name), '-C', unpacked, '--no-same-owner', '--force-local']);
  const [inside = ''] = readdirSync(unpacked);
  for (const program of ['curfew', 'kubectl-curfew']) {
    const { status, stdout } = attempt(process.execPath, [join(unpacked, inside, program), '--version']);
    if (status !== 0 || stdout !== `curfew ${version}\n`)
      throw new ReleaseError(`${program} of ${name} does not say that it is curfew ${version}`);
  }
  run('bash', ['-n', join(unpacked, inside, 'completions', 'curfew.bash')]);
  run('sh', ['-n', join(unpacked, inside, 'kubectl_complete-curfew')]);
  const { spec } = KREW.parse(parse(readFileSync(join(folder, 'curfew.krew.yaml'), 'utf8')));
  const sum = await sha256(join(folder, name));
  if (
    spec.version !== `v${version}` ||
    spec.platforms.some((platform) => platform.sha256 !== sum || !platform.uri.endsWith(name))
  )
    throw new ReleaseError(`curfew.krew.yaml is not for ${name}`);
  return [`${name}: curfew and kubectl-curfew say ${version}; curfew.krew.yaml has its checksum`];
}
