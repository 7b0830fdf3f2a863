/** The tag that is released, and a tree of it that holds nothing else. */
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
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
  if (!existsSync(join(tree, '.git')))
    throw new ReleaseError(`${tree} is no clone: a release is made from a tag, in a clone of the repository`);
  const changed = git(tree, 'status', '--porcelain').trim();
  if (changed !== '')
    throw new ReleaseError(
      `a release is made from a clean tag; these files differ:\n${changed}\nCommit them before the tag, or put them away ("git stash -u")`,
    );
  const version = versionOf(tree);
  const tags = git(tree, 'tag', '--points-at', 'HEAD').split('\n');
  if (!tags.includes(`v${version}`))
    throw new ReleaseError(
      `a release is made from a clean tag; package.json says ${version}, and no tag v${version} is on the commit that is checked out. "git checkout v${version}" goes to the tag; "git tag v${version}" (-s signs it) makes it here`,
    );
  const commit = git(tree, 'rev-parse', 'HEAD').trim();
  return { version, commit, epoch: Number(git(tree, 'log', '-1', '--format=%ct')) };
}

/** The files of a tree that git keeps, or would: all that are there and that no .gitignore names. */
export function filesUnderGit(tree: string): string[] {
  return git(tree, 'ls-files', '-z', '--cached', '--others', '--exclude-standard')
    .split('\0')
    .filter((path) => path !== '' && existsSync(join(tree, path)));
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
  git(tree, ...options, 'archive', '--format=tar', `--output=${archive}`, commit);
  mkdirSync(folder);
  run('tar', ['-xf', archive, '-C', folder, '--no-same-owner']);
  rmSync(archive);
}

/**
 * What git prints in a tree. The tree may belong to another user, as in a CI's container, where git refuses it unless it is told
 * otherwise: the tree's code runs here anyway.
 */
function git(tree: string, ...args: string[]): string {
  return run('git', ['-c', `safe.directory=${tree.replace(/\/$/, '')}`, ...args], { cwd: tree });
}

/** The epoch as RFC 3339. */
export function timeOf({ epoch }: Source): string {
  return new Date(epoch * 1000).toISOString().replace('.000Z', 'Z');
}
