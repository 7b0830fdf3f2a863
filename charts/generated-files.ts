/** The generated files under charts/. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { VERSION } from '../webhook/decision/policy.ts';
import { chartMetadata } from './chart-metadata.ts';
import { CHART, template } from './helm.ts';
import { between } from './markdown.ts';
import { MANIFESTS, NAMESPACE, oneManifest } from './one-manifest.ts';
import { describedValues } from './values-comments.ts';
import { valuesSchema } from './values-schema.ts';
import { configTable, valuesTable } from './values-table.ts';

const IMAGE = z.object({ image: z.object({ repository: z.string() }) });
const REPOSITORIES = IMAGE.extend({ shim: IMAGE });

/** Chart.yaml with the version, and images by their tags. */
function metadataFile(values: string): string {
  const { image, shim } = REPOSITORIES.parse(parse(values));
  const images = [image.repository, shim.image.repository].map((repository) => ({
    name: repository.split('/').at(-1) ?? '',
    image: `${repository}:${VERSION}`,
  }));
  return chartMetadata(readFileSync(join(CHART, 'Chart.yaml'), 'utf8'), images);
}

/**
 * `Chart.yaml`, `values.schema.json` and the tables in the chart's README, by path from charts/.
 * @throws where a source does not parse
 */
export function describingFiles(): Map<string, string> {
  const written = readFileSync(join(CHART, 'values.yaml'), 'utf8');
  const values = describedValues(written);
  const comments = new Map(values.map(({ path, comment }) => [path, comment]));
  const schema = valuesSchema((path) => comments.get(path));
  let readme = readFileSync(join(CHART, 'README.md'), 'utf8');
  readme = between(readme, 'README.md', 'values', valuesTable(values, schema));
  readme = between(readme, 'README.md', 'config', configTable(values, schema));
  return new Map([
    ['curfew/Chart.yaml', metadataFile(written)],
    ['curfew/values.schema.json', `${JSON.stringify(schema, null, 2)}\n`],
    ['curfew/README.md', readme],
  ]);
}

/**
 * The manifests, rendered by Helm from the chart's files, by path from charts/.
 * @param program Helm
 * @throws with Helm's own message
 */
export function manifestFiles(program: string): Map<string, string> {
  return new Map(
    MANIFESTS.map((manifest) => {
      const { file, kubeVersion, flags } = manifest;
      const { code, stdout, stderr } = template(program, {
        namespace: NAMESPACE,
        kubeVersion,
        flags: [...flags],
      });
      if (code !== 0) throw new Error(stderr);
      return [file, oneManifest(manifest, stdout)];
    }),
  );
}
