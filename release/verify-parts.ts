/** The bills of materials and the provenance: they are about the files that lie beside them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { sha256 } from './archive.ts';
import { CHART_NAME } from './chart.ts';
import type { Checked } from './checked.ts';
import { commandLineName } from './command-line.ts';
import { PLATFORMS } from './debian-lock.ts';
import { blobPath, IMAGES, layoutEntries, readImage, taggedEntry } from './images.ts';
import { provenanceName, SUMS } from './make.ts';
import { ReleaseError } from './program.ts';
import { STATEMENT } from './provenance.ts';
import { SBOM_TYPE, sbomName } from './sbom.ts';
import { readSums } from './verify-sums.ts';

const BILL = z.object({
  bomFormat: z.literal('CycloneDX'),
  specVersion: z.literal('1.6'),
  metadata: z.object({
    component: z.object({ version: z.string(), hashes: z.array(z.object({ content: z.string() })).min(1) }),
  }),
  components: z.array(z.object({ name: z.string(), version: z.string(), purl: z.string() })).min(1),
});
const ATTACHED = z.object({
  artifactType: z.string(),
  subject: z.object({ digest: z.string() }),
  layers: z.array(z.object({ digest: z.string() })).length(1),
});

/** Check the bills. @throws {ReleaseError} */
export async function checkBills({ folder, version }: Checked): Promise<string[]> {
  let parts = 0;
  const check = (file: string, about: string) => {
    const { metadata, components } = BILL.parse(JSON.parse(readFileSync(join(folder, file), 'utf8')));
    const { component } = metadata;
    if (component.version !== version || component.hashes[0]?.content !== about)
      throw new ReleaseError(`${file} is a bill of something else`);
    parts += components.length;
  };
  for (const { name } of IMAGES) {
    const layout = join(folder, 'oci', name);
    const { platforms } = readImage(name, layout, version);
    const attached = layoutEntries(layout)
      .filter(({ artifactType }) => artifactType === SBOM_TYPE)
      .map(({ digest }) => ATTACHED.parse(JSON.parse(readFileSync(blobPath(layout, digest), 'utf8'))));
    for (const architecture of PLATFORMS) {
      const file = sbomName(name, version, architecture);
      check(file, platforms[architecture].replace('sha256:', ''));
      const sum = `sha256:${await sha256(join(folder, file))}`;
      const found = attached.find(({ subject }) => subject.digest === platforms[architecture]);
      if (found?.layers[0]?.digest !== sum) throw new ReleaseError(`${file} is not attached to its image`);
    }
  }
  check(sbomName('curfew-cli', version), await sha256(join(folder, commandLineName(version))));
  return [
    `5 bills of materials (CycloneDX 1.6, ${parts} parts): each is of its image or file, and attached to its image`,
  ];
}

/** Check the provenance. @throws {ReleaseError} */
export function checkProvenance({ folder, version }: Checked): string[] {
  const file = provenanceName(version);
  const { subject, predicate } = STATEMENT.parse(JSON.parse(readFileSync(join(folder, file), 'utf8')));
  const { externalParameters, resolvedDependencies } = predicate.buildDefinition;
  const known = new Map(subject.map(({ name, digest }) => [name, digest.sha256]));
  for (const { path, sha256 } of readSums(folder))
    if (path !== file && known.get(path) !== sha256)
      throw new ReleaseError(`${file} does not speak of ${path}`);
  for (const name of [...IMAGES.map((image) => image.name), CHART_NAME]) {
    const digest = taggedEntry(join(folder, 'oci', name), version).digest.replace('sha256:', '');
    if (known.get(`${externalParameters.registry}/${name}`) !== digest)
      throw new ReleaseError(`${file} does not speak of ${name} as it lies in oci/${name}`);
  }
  const commit = resolvedDependencies.find(({ digest }) => digest.gitCommit !== undefined)?.digest.gitCommit;
  if (externalParameters.tag !== `v${version}` || commit === undefined)
    throw new ReleaseError(`${file} is of ${externalParameters.tag}`);
  return [
    `${file}: all files of ${SUMS}, both images and the chart were made from ${externalParameters.tag}, commit ${commit}, by ${predicate.runDetails.builder.id}`,
  ];
}
