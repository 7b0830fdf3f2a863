/** The folder that a release is made in, and the one that it is put into, in place of an older one. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { filesOf } from './archive.ts';
import { SUMS } from './make.ts';
import { ReleaseError, run } from './program.ts';
import { readSums, versionOfRelease } from './verify-sums.ts';

/**
 * Whether a release may take the place of what is there: nothing, or an older release and no file besides.
 * @throws {ReleaseError} with what would be lost
 */
export function checkReplaceable(folder: string): void {
  const found = statSync(folder, { throwIfNoEntry: false });
  if (found === undefined) return;
  if (!found.isDirectory()) throw new ReleaseError(`--out ${folder} is no folder`);
  if (readdirSync(folder).length === 0) return;
  const lost = (what: string) =>
    new ReleaseError(
      `--out ${folder} holds something else than a release, which would be lost: ${what}. Name another folder, or empty it`,
    );
  if (!existsSync(join(folder, SUMS))) throw lost(`it has no ${SUMS}`);
  let known: Set<string>;
  try {
    versionOfRelease(folder);
    known = new Set(readSums(folder).map(({ path }) => path));
  } catch (error) {
    throw lost(error instanceof Error ? error.message : String(error));
  }
  const added = filesOf(folder).find(
    (path) => !known.has(path) && !/^(?:SHA256SUMS(?:\.sig)?$|cosign\.pub$|signatures\/)/.test(path),
  );
  if (added !== undefined) throw lost(added);
}

/** Copy a release there. It takes the older one's place when it is whole. */
export function put(release: string, folder: string): void {
  mkdirSync(dirname(folder), { recursive: true });
  const work = mkdtempSync(join(dirname(folder), `.${basename(folder)}-`));
  try {
    run('cp', ['-r', release, join(work, 'whole')]);
    rmSync(folder, { recursive: true, force: true });
    renameSync(join(work, 'whole'), folder);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** What the folders begin with in which releases are made. */
const MAKING = '.making-';
/** How long after its start a release is made no more, in ms. It takes minutes; a killed one leaves its folder, hundreds of megabytes. */
const ABANDONED = 24 * 3600 * 1000;

/** A new folder below `parent` to make a release in. Those that killed releases left there go. */
export function workFolder(parent: string): string {
  mkdirSync(parent, { recursive: true });
  for (const name of readdirSync(parent).filter((item) => item.startsWith(MAKING))) {
    const folder = join(parent, name);
    const made = statSync(folder, { throwIfNoEntry: false })?.mtimeMs ?? Date.now();
    if (Date.now() - made > ABANDONED) rmSync(folder, { recursive: true, force: true });
  }
  return mkdtempSync(join(parent, MAKING));
}
