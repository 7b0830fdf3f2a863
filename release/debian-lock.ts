/**
 * The Debian packages that have a part in a release's bytes, by version and checksum: `debian-lock.json`, which `npm run release:lock`
 * writes. What npm brings is in package-lock.json.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

/** What a package is for. `installed`: it makes the bytes on the releasing machine; the others are fetched and unpacked. */
const PURPOSES = ['base', 'engine', 'tool', 'installed'] as const;

export const PLATFORMS = ['amd64', 'arm64'] as const;
export type Architecture = (typeof PLATFORMS)[number];

const PACKAGE = z.strictObject({
  purpose: z.enum(PURPOSES),
  name: z.string(),
  version: z.string(),
  architecture: z.enum([...PLATFORMS, 'all']),
  /** Of the .deb. */
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
});
const LOCK = z.strictObject({ packages: z.array(PACKAGE) });

export type LockedPackage = z.output<typeof PACKAGE>;

export const LOCK_FILE = join(import.meta.dirname, 'debian-lock.json');

/** The lock of a source tree. @throws where it does not parse */
export function readLock(file = LOCK_FILE): LockedPackage[] {
  return LOCK.parse(JSON.parse(readFileSync(file, 'utf8'))).packages;
}

/** Of the lock, those for one purpose and, where it is given, one architecture. */
export function lockedFor(
  lock: readonly LockedPackage[],
  purpose: LockedPackage['purpose'],
  architecture?: Architecture,
): LockedPackage[] {
  return lock.filter(
    (item) => item.purpose === purpose && (architecture === undefined || item.architecture === architecture),
  );
}

/** The packages by purpose, with their suite, as `npm run release:lock` looks them up. */
export const WANTED: readonly {
  purpose: LockedPackage['purpose'];
  suite: 'bookworm' | 'trixie';
  names: readonly string[];
  architectures: readonly Architecture[];
}[] = [
  {
    purpose: 'base', // what Node needs, its licences, and which Debian it is
    suite: 'bookworm',
    names: ['base-files', 'gcc-12-base', 'libc6', 'libgcc-s1', 'libstdc++6'],
    architectures: PLATFORMS,
  },
  { purpose: 'engine', suite: 'trixie', names: ['musl-dev'], architectures: PLATFORMS },
  { purpose: 'tool', suite: 'trixie', names: ['cosign', 'oras'], architectures: ['amd64'] },
  {
    purpose: 'installed', // compilers, linkers, and what compresses layers
    suite: 'bookworm',
    names: [
      ...['gcc-12', 'libgcc-12-dev', 'binutils', 'gcc-12-aarch64-linux-gnu', 'libgcc-12-dev-arm64-cross'],
      ...['binutils-aarch64-linux-gnu', 'buildah', 'skopeo', 'tar', 'gzip'],
    ],
    architectures: ['amd64'],
  },
];
