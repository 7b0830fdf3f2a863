/** Makes everything of a release that is the same each time: all but its signatures. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fetchClients } from '../charts/clients.ts';
import { filesOf, type SummedFile, sha256, sumsOf, writeSums } from './archive.ts';
import { attach, sortLayout } from './attachments.ts';
import { buildPrograms, toolProgram } from './build.ts';
import { CHART_NAME, writeChart } from './chart.ts';
import { commandLineName, writeCommandLine } from './command-line.ts';
import { Debian } from './debian.ts';
import { type Architecture, type LockedPackage, PLATFORMS } from './debian-lock.ts';
import { type Image, writeImages } from './images.ts';
import { baseParts, bundledParts, nodeProgram, type Part, shimParts } from './parts.ts';
import { say } from './program.ts';
import { predicateOf, statementOf } from './provenance.ts';
import { billOfMaterials, SBOM_TYPE, sbomName } from './sbom.ts';
import { checkOut, type Source } from './source.ts';

/** What is asked for. */
export interface Order {
  /** The tree that the tag is taken from. */
  root: string;
  source: Source;
  lock: readonly LockedPackage[];
  /** Host and path of the images and the chart. */
  registry: string;
  /** A URI. */
  builder: string;
  /** A folder for what is needed meanwhile, and for the result. */
  work: string;
}

/** A release without signatures. */
export interface Made {
  folder: string;
  /** The images and the chart, by their names below the registry's path. */
  artifacts: readonly { name: string; digest: string }[];
  /** SLSA's predicate, as a file. */
  predicate: string;
  tools: { cosign: string; oras: string };
}

export const SUMS = 'SHA256SUMS';

export function provenanceName(version: string): string {
  return `curfew-${version}.provenance.json`;
}

/** Make it. */
export async function makeRelease(order: Order): Promise<Made> {
  const { root, source, lock, registry, work } = order;
  const debian = new Debian(join(work, 'apt'));
  const tools = { cosign: toolProgram(debian, lock, 'cosign'), oras: toolProgram(debian, lock, 'oras') };
  const { helm } = await fetchClients();
  const [tree, folder] = [join(work, 'tree'), join(work, 'out')];
  mkdirSync(folder);
  say(`v${source.version} of commit ${source.commit}`);
  checkOut(root, source, tree);
  say('the shim and the bundle');
  buildPrograms(tree, debian, lock);
  say('images');
  const images = writeImages({ source, tree, debian, lock, work, registry }, folder);
  say('chart, manifest and command line');
  const chart = writeChart({ source, tree, images, registry, work, helm, oras: tools.oras }, folder);
  await writeCommandLine(source, tree, work, folder);
  say('bills of materials, provenance and checksums');
  await writeBills(order, { tree, images, folder, oras: tools.oras });
  const artifacts = [
    ...images.map(({ name, digest }) => ({ name, digest })),
    { name: CHART_NAME, digest: chart },
  ];
  const predicate = await predicateOf({ ...order, tree });
  const sums = await sumsOf(folder, filesOf(folder));
  const named = artifacts.map(({ name, digest }) => ({ name: `${registry}/${name}`, digest }));
  const provenance = provenanceName(source.version);
  writeFileSync(join(folder, provenance), statementOf(sums, named, predicate), { mode: 0o644 });
  const all: SummedFile[] = await sumsOf(folder, filesOf(folder));
  writeSums(join(folder, SUMS), all);
  const predicateFile = join(work, 'predicate.json');
  writeFileSync(predicateFile, JSON.stringify(predicate));
  return { folder, artifacts, predicate: predicateFile, tools };
}

interface Finished {
  tree: string;
  images: readonly Image[];
  folder: string;
  oras: string;
}

/** A bill for each image of each architecture, attached to it, and one for the command line. */
async function writeBills(order: Order, { tree, images, folder, oras }: Finished): Promise<void> {
  const { source, lock, work } = order;
  const partsOf = (name: Image['name'], architecture: Architecture): Part[] =>
    name === 'curfew-shim'
      ? shimParts(tree, lock, architecture)
      : [...bundledParts(tree), nodeProgram(tree, architecture), ...baseParts(lock, architecture)];
  for (const { name, platforms } of images) {
    for (const architecture of PLATFORMS) {
      const digest = platforms[architecture];
      const file = join(folder, sbomName(name, source.version, architecture));
      const repository = encodeURIComponent(`${order.registry}/${name}`);
      const purl = `pkg:oci/${name}@${encodeURIComponent(digest)}?arch=${architecture}&repository_url=${repository}`;
      const subject = { name, kind: 'container', purl, sha256: digest.replace('sha256:', '') } as const;
      writeFileSync(file, billOfMaterials(subject, partsOf(name, architecture), source), { mode: 0o644 });
      attach(oras, source, { file, type: SBOM_TYPE, layout: join(folder, 'oci', name), architecture }, work);
    }
    sortLayout(join(folder, 'oci', name));
  }
  const archive = commandLineName(source.version);
  const subject = {
    name: 'curfew-cli',
    kind: 'application',
    purl: `pkg:generic/curfew-cli@${source.version}`,
    sha256: await sha256(join(folder, archive)),
  } as const;
  const bill = billOfMaterials(subject, bundledParts(tree), source);
  writeFileSync(join(folder, sbomName('curfew-cli', source.version)), bill, { mode: 0o644 });
}
