/** The tag that is released, and a tree of it that holds nothing else. */
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { ReleaseError, run } from './program.ts';

/** What a release is made from. */
export interface Source {
  /** As in package.json, without a `v`. */
  version: string;
  /** 40 hexadecimal digits. */
  commit: string;
  /** When the commit was made, in seconds: the time of every file and signature. */
  epoch: number;
}

const PACKAGE = z.object({ version: z.string().regex(/^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$/) });

/** The version of a tree. @throws where its package.json has none that Semantic Versioning allows */
export function versionOf(tree: string): string {
  return PACKAGE.parse(JSON.parse(readFileSync(join(tree, 'package.json'), 'utf8'))).version;
}

/**
 * What is checked out.
 * @throws {ReleaseError} where it is not, unchanged, the tag of its own version
 */
export function readSource(tree: string): Source {
  const git = (...args: string[]) => run('git', [...trusting(tree), ...args], { cwd: tree }).trim();
  const changed = git('status', '--porcelain');
  if (changed !== '')
    throw new ReleaseError(`a release is made from a clean tag; these files differ:\n${changed}`);
  const version = versionOf(tree);
  const tags = git('tag', '--points-at', 'HEAD').split('\n');
  if (!tags.includes(`v${version}`))
    throw new ReleaseError(
      `a release is made from a clean tag; package.json says ${version}, and no tag v${version} is on the commit that is checked out`,
    );
  return { version, commit: git('rev-parse', 'HEAD'), epoch: Number(git('log', '-1', '--format=%ct')) };
}

/** Write the commit's files into a new folder, so that nothing that is not in it can reach the release. */
export function checkOut(tree: string, { commit }: Source, folder: string): void {
  const archive = `${folder}.tar`;
  const options = [
    '-c',
    'tar.umask=0022',
    '-c',
    'core.autocrlf=false',
    '-c',
    'core.attributesFile=/dev/null',
  ];
  run('git', [...trusting(tree), ...options, 'archive', '--format=tar', `--output=${archive}`, commit], {
    cwd: tree,
  });
  mkdirSync(folder);
  run('tar', ['-xf', archive, '-C', folder, '--no-same-owner']);
  rmSync(archive);
}

/** The tree may belong to another user, as in a CI's container: its code runs here as root anyway. */
function trusting(tree: string): string[] {
  return ['-c', `safe.directory=${tree.replace(/\/$/, '')}`];
}

/** The epoch as RFC 3339. */
export function timeOf({ epoch }: Source): string {
  return new Date(epoch * 1000).toISOString().replace('.000Z', 'Z');
}
