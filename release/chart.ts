/** The chart as .tgz with its images by digest, the same as an OCI layout, and the manifests. */
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isScalar, parse, parseDocument } from 'yaml';
import { CHANGELOG } from '../charts/changelog.ts';
import { chartMetadata } from '../charts/chart-metadata.ts';
import { type HelmResult, helm } from '../charts/helm.ts';
import { MANIFESTS, NAMESPACE, type OneManifest, oneManifest } from '../charts/one-manifest.ts';
import { packFolder } from './archive.ts';
import type { Image } from './images.ts';
import { ReleaseError, run } from './program.ts';
import { type Source, timeOf } from './source.ts';

/** Helm's own media types, from its documentation of OCI registries. */
const CHART_CONFIG = 'application/vnd.cncf.helm.config.v1+json';
const CHART_CONTENT = 'application/vnd.cncf.helm.chart.content.v1.tar+gzip';
/** Where the chart lies, below the registry's path: beside the images, under no name of theirs. */
export const CHART_NAME = 'charts/curfew';

/** Where each image's values stand. */
const VALUES = {
  curfew: ['image'],
  'curfew-shim': ['shim', 'image'],
} as const satisfies Record<Image['name'], readonly string[]>;

/** What the chart is made with. */
export interface ChartParts {
  source: Source;
  tree: string;
  images: readonly Image[];
  registry: string;
  work: string;
  helm: string;
  oras: string;
}

export function chartArchiveName(version: string): string {
  return `curfew-${version}.tgz`;
}

/**
 * Write `curfew-VERSION.tgz`, the manifests and the layout `oci/charts/curfew` into a folder.
 * @returns the digest of the chart's manifest
 */
export function writeChart(parts: ChartParts, out: string): string {
  const { source, tree, work } = parts;
  const archive = join(out, chartArchiveName(source.version));
  const parent = join(work, 'chart');
  const folder = join(parent, 'curfew');
  mkdirSync(parent);
  cpSync(join(tree, 'charts', 'curfew'), folder, { recursive: true });
  const values = readFileSync(join(folder, 'values.yaml'), 'utf8');
  writeFileSync(join(folder, 'values.yaml'), pinned(values, parts.images, parts.registry));
  const metadata = readFileSync(join(folder, 'Chart.yaml'), 'utf8');
  writeFileSync(join(folder, 'Chart.yaml'), withDigests(metadata, parts));
  packFolder(parent, 'curfew', archive, source);

  for (const manifest of MANIFESTS) {
    const { code, stdout, stderr } = renderManifest(parts.helm, archive, manifest);
    if (code !== 0) throw new ReleaseError(`helm template: ${stderr.trim()}`);
    writeFileSync(join(out, manifest.file), oneManifest(manifest, stdout), { mode: 0o644 });
  }
  return writeLayout(parts, folder, archive, out);
}

/** The chart as Helm renders it for one of the manifests. */
export function renderManifest(
  program: string,
  archive: string,
  { kubeVersion, flags }: OneManifest,
): HelmResult {
  const where = ['--namespace', NAMESPACE, '--kube-version', kubeVersion];
  return helm(program, ['template', 'curfew', archive, ...where, ...flags]);
}

/** The chart as Helm keeps it in a registry. */
function writeLayout(
  { source, work, oras }: ChartParts,
  folder: string,
  archive: string,
  out: string,
): string {
  const metadata = parse(readFileSync(join(folder, 'Chart.yaml'), 'utf8'));
  writeFileSync(join(work, 'chart.json'), JSON.stringify(metadata));
  cpSync(archive, join(work, chartArchiveName(source.version))); // oras keeps the name as it is given
  const layout = join(out, 'oci', CHART_NAME);
  mkdirSync(layout, { recursive: true });
  run(
    oras,
    [
      ...['push', '--no-tty', '--oci-layout', `${layout}:${source.version}`],
      ...['--config', `chart.json:${CHART_CONFIG}`],
      ...['--annotation', `org.opencontainers.image.created=${timeOf(source)}`],
      ...['--annotation', 'org.opencontainers.image.title=curfew'],
      ...['--annotation', `org.opencontainers.image.version=${source.version}`],
      `${chartArchiveName(source.version)}:${CHART_CONTENT}`,
    ],
    { cwd: work },
  );
  return run(oras, ['resolve', '--oci-layout', `${layout}:${source.version}`]).trim();
}

/**
 * The values with repository and digest of each image, every comment and every other value as it was.
 * @throws where a value is not there
 */
export function pinned(values: string, images: readonly Image[], registry: string): string {
  const changes = images.flatMap(({ name, digest }) => [
    { path: [...VALUES[name], 'repository'], value: `${registry}/${name}` },
    { path: [...VALUES[name], 'digest'], value: digest },
  ]);
  const document = parseDocument(values);
  const edits = changes.map(({ path, value }) => {
    const node = document.getIn(path, true);
    if (!isScalar(node) || node.range === undefined || node.range === null)
      throw new Error(`values.yaml has no ${path.join('.')}`);
    return { from: node.range[0], to: node.range[1], value };
  });
  return edits
    .sort((one, other) => other.from - one.from)
    .reduce((text, { from, to, value }) => text.slice(0, from) + value + text.slice(to), values);
}

/** Chart.yaml with the images by their digests. */
function withDigests(metadata: string, { images, registry, source }: ChartParts): string {
  const listed = images.map(({ name, digest }) => ({ name, image: `${registry}/${name}@${digest}` }));
  return chartMetadata(
    metadata,
    listed,
    CHANGELOG.find(({ version }) => version === source.version),
  );
}
