/** What is in a release, as a list: from the locks, the bundle's own list, and what `shim/build` says of the engine. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { nodePart, npmPart } from './build.ts';
import { type Architecture, type LockedPackage, lockedFor } from './debian-lock.ts';

/** A part that others made. */
export interface Part {
  name: string;
  version: string;
  /** SPDX; nothing where the part holds several, which its copyright file lists. */
  license?: string;
  /** A package URL: https://github.com/package-url/purl-spec. */
  purl: string;
  /** Of the archive that it comes in. */
  hash: { algorithm: 'SHA-256' | 'SHA-512'; hex: string };
  /** Whether it is a program of its own or becomes a part of ours. */
  kind: 'application' | 'library';
}

const BUNDLED = z.array(z.object({ name: z.string(), version: z.string(), license: z.string() }));

/** The npm packages that are in the bundle. */
export function bundledParts(tree: string): Part[] {
  const listed = JSON.parse(readFileSync(join(tree, 'dist', 'curfew.js.parts.json'), 'utf8'));
  return BUNDLED.parse(listed).map(({ name, version, license }) => {
    const { integrity } = npmPart(tree, name);
    return {
      ...{ name, version, license, kind: 'library' },
      purl: `pkg:npm/${name.replace('@', '%40')}@${version}`,
      hash: { algorithm: 'SHA-512', hex: hexOf(integrity) },
    };
  });
}

/** Node, as npm has it. */
export function nodeProgram(tree: string, architecture: Architecture): Part {
  const { name, version, integrity } = nodePart(tree, architecture);
  return {
    ...{ name: 'node', version, license: 'MIT', kind: 'application' },
    purl: `pkg:npm/${name}@${version}`,
    hash: { algorithm: 'SHA-512', hex: hexOf(integrity) },
  };
}

const hexOf = (integrity: string) => Buffer.from(integrity.replace(/^sha512-/, ''), 'base64').toString('hex');

/** The Debian packages of the webhook's base. */
export function baseParts(lock: readonly LockedPackage[], architecture: Architecture): Part[] {
  return lockedFor(lock, 'base', architecture).map((item) => debianPart(item, 'debian-12'));
}

/** What is linked into the shim: QuickJS, musl, and the compiler's own library. */
export function shimParts(tree: string, lock: readonly LockedPackage[], architecture: Architecture): Part[] {
  const script = readFileSync(join(tree, 'shim', 'build'), 'utf8');
  const said = (name: string) => {
    const value = new RegExp(`^${name}=(\\S+)$`, 'm').exec(script)?.[1];
    if (value === undefined) throw new Error(`shim/build sets no ${name}`);
    return value;
  };
  const quickjs: Part = {
    ...{ name: 'quickjs', version: said('quickjs'), license: 'MIT', kind: 'library' },
    purl: `pkg:deb/debian/quickjs@${encodeURIComponent(said('quickjs_package'))}?arch=source&distro=debian-13`,
    hash: { algorithm: 'SHA-256', hex: said('quickjs_sha256') },
  };
  const musl = lockedFor(lock, 'engine', architecture).map((item) => ({
    ...debianPart(item, 'debian-13'),
    license: 'MIT',
  }));
  const runtime = architecture === 'amd64' ? 'libgcc-12-dev' : 'libgcc-12-dev-arm64-cross';
  const gcc = lock
    .filter(({ name }) => name === runtime)
    .map((item) => ({
      ...debianPart(item, 'debian-12'),
      license: 'GPL-3.0-or-later WITH GCC-exception-3.1',
    }));
  return [quickjs, ...musl, ...gcc];
}

function debianPart({ name, version, architecture, sha256 }: LockedPackage, distro: string): Part {
  return {
    ...{ name, version, kind: 'library' },
    purl: `pkg:deb/debian/${encodeURIComponent(name)}@${encodeURIComponent(version)}?arch=${architecture}&distro=${distro}`,
    hash: { algorithm: 'SHA-256', hex: sha256 },
  };
}
