/** Attaches a file to an image of a layout, as OCI 1.1 has it: a manifest whose subject the image is. */
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { z } from 'zod';
import type { Architecture } from './debian-lock.ts';
import { run } from './program.ts';
import { type Source, timeOf } from './source.ts';

const LISTED = z.looseObject({ manifests: z.array(z.looseObject({ digest: z.string() })) });

/** Write a layout's index.json in one order, by digest. oras lists what is attached in any. */
export function sortLayout(layout: string): void {
  const file = join(layout, 'index.json');
  const index = LISTED.parse(JSON.parse(readFileSync(file, 'utf8')));
  index.manifests.sort((one, other) => (one.digest < other.digest ? -1 : 1));
  writeFileSync(file, JSON.stringify(index), { mode: 0o644 });
}

/** A file and what it is attached to. */
export interface Attachment {
  file: string;
  type: string;
  layout: string;
  /** The image of one architecture; the tagged thing itself where left out. */
  architecture?: Architecture;
}

/** Attach it. */
export function attach(
  oras: string,
  source: Source,
  { file, type, layout, architecture }: Attachment,
  work: string,
): void {
  cpSync(file, join(work, basename(file))); // oras keeps the name as it is given
  run(
    oras,
    [
      ...['attach', '--no-tty', '--oci-layout', `${layout}:${source.version}`, '--artifact-type', type],
      ...(architecture === undefined ? [] : ['--platform', `linux/${architecture}`]),
      ...['--annotation', `org.opencontainers.image.created=${timeOf(source)}`],
      `${basename(file)}:${type}`,
    ],
    { cwd: work },
  );
}
