/** Archives and checksums that depend on nothing but the files' names, modes and bytes, and the tag's time. */
import { createHash } from 'node:crypto';
import { createReadStream, lstatSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { run } from './program.ts';
import type { Source } from './source.ts';

/** `tar | gzip -n` of a folder of `parent`: sorted, owned by root, group and others as the owner but for writing. */
export function packFolder(parent: string, folder: string, out: string, { epoch }: Source): void {
  const plain = out.replace(/\.(tgz|tar\.gz)$/, '.tar');
  run('tar', [
    ...['--sort=name', `--mtime=@${epoch}`, '--owner=0', '--group=0', '--numeric-owner'],
    ...['--format=ustar', '--mode=u+rw,go=u,go-w', '-C', parent, '-cf', plain, folder],
  ]);
  run('gzip', ['-n', '-9', '-f', plain]);
  renameSync(`${plain}.gz`, out);
}

/** SHA-256 of a file, in hexadecimal. */
export async function sha256(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}

/** Everything below a folder but folders, from it, sorted by its bytes. */
export function filesOf(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .sort((one, other) => Buffer.compare(Buffer.from(one), Buffer.from(other)));
}

/** Whether it is a file, and neither a link, a folder, a pipe nor a device. */
export function isRegular(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isFile() === true;
}

/** A file with a checksum. */
export interface SummedFile {
  path: string;
  sha256: string;
}

export async function sumsOf(folder: string, paths: readonly string[]): Promise<SummedFile[]> {
  const sums: SummedFile[] = [];
  for (const path of paths) sums.push({ path, sha256: await sha256(join(folder, path)) });
  return sums;
}

/** Write the file that `sha256sum --check` reads. */
export function writeSums(file: string, sums: readonly SummedFile[]): void {
  writeFileSync(file, sums.map(({ path, sha256 }) => `${sha256}  ${path}\n`).join(''), { mode: 0o644 });
}
