/** The checksums: every listed file is as listed, and no file is unlisted. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { filesOf, isRegular, type SummedFile, sha256 } from './archive.ts';
import type { Checked } from './checked.ts';
import { SUMS } from './make.ts';
import { ReleaseError } from './program.ts';
import { PUBLIC_KEY, SIGNATURES, SUMS_SIGNATURE } from './signing.ts';

const LINE = /^([0-9a-f]{64}) {2}([\w./+-]+)$/;

/** The name of the provenance, which has the version in it. */
const PROVENANCE = /^curfew-(\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?)\.provenance\.json$/;

/** The version, from the name of the provenance. @throws {ReleaseError} where the folder holds no release */
export function versionOfRelease(folder: string): string {
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true)
    throw new ReleaseError(`${folder} is no folder: "npm run release" makes a release`);
  const versions = readdirSync(folder)
    .sort()
    .flatMap((name) => PROVENANCE.exec(name)?.[1] ?? []);
  const [version, another] = versions;
  if (another !== undefined)
    throw new ReleaseError(
      `${folder} holds two releases, ${version} and ${another}: give each a folder of its own`,
    );
  if (version === undefined)
    throw new ReleaseError(
      existsSync(join(folder, SUMS))
        ? `${folder} has ${SUMS}, and no curfew-X.Y.Z.provenance.json: without it, it is no whole release of Curfew`
        : `${folder} holds no release: "npm run release" makes one`,
    );
  return version;
}

/** The listed files. @throws {ReleaseError} where a line does not parse */
export function readSums(folder: string): SummedFile[] {
  if (!existsSync(join(folder, SUMS))) throw new ReleaseError(`${SUMS} is not there`);
  const lines = readFileSync(join(folder, SUMS), 'utf8').trimEnd().split('\n');
  return lines.map((line) => {
    const [, sum, path] = LINE.exec(line) ?? [];
    if (sum === undefined || path === undefined || path.split('/').includes('..') || path.startsWith('/'))
      throw new ReleaseError(
        `${SUMS} has a line that is no checksum and path: ${JSON.stringify(line.slice(0, 120))}`,
      );
    return { path, sha256: sum };
  });
}

/** Check them. @throws {ReleaseError} with the files that differ */
export async function checkSums({ folder }: Pick<Checked, 'folder'>): Promise<string[]> {
  const sums = readSums(folder);
  const wrong: string[] = [];
  for (const { path, sha256: listed } of sums) {
    const file = join(folder, path);
    if (!existsSync(file)) wrong.push(`${path} is listed and not there`);
    else if (!isRegular(file)) wrong.push(`${path} is listed and no plain file`);
    else if ((await sha256(file)) !== listed) wrong.push(`${path} is not the file that was listed`);
  }
  const listed = new Set(sums.map(({ path }) => path));
  const own = new Set([SUMS, SUMS_SIGNATURE, PUBLIC_KEY]);
  for (const path of filesOf(folder))
    if (!listed.has(path) && !own.has(path) && !path.startsWith(`${SIGNATURES}/`))
      wrong.push(`${path} is not listed`);
  if (wrong.length > 0) throw new ReleaseError(`${SUMS}:\n${wrong.join('\n')}`);
  return [`${SUMS}: all ${sums.length} files are as listed, and no other is there`];
}
