/** Pieces of a release: the locks, the pinned values, the bills, the sums. */
import assert from 'node:assert/strict';

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { checkInstalled } from '../../release/build.ts';
import { pinned } from '../../release/chart.ts';
import { readLock, WANTED } from '../../release/debian-lock.ts';
import type { Image } from '../../release/images.ts';
import { baseParts, nodeProgram, shimParts } from '../../release/parts.ts';
import { billOfMaterials } from '../../release/sbom.ts';
import { readSums } from '../../release/verify-sums.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const hex = (digit: string) => digit.repeat(64);
const image = (name: Image['name'], digit: string): Image => ({
  name,
  digest: `sha256:${hex(digit)}`,
  platforms: { amd64: `sha256:${hex('a')}`, arm64: `sha256:${hex('b')}` },
});

test('R1 the lock has every Debian package that makes a byte', () => {
  const locked = readLock().map(({ purpose, name, architecture }) => `${purpose} ${name} ${architecture}`);
  const wanted = WANTED.flatMap(({ purpose, names, architectures }) =>
    architectures.flatMap((architecture) => names.map((name) => ({ purpose, name, architecture }))),
  );
  const missing = wanted.filter(
    ({ purpose, name, architecture }) =>
      ![architecture, 'all'].some((kind) => locked.includes(`${purpose} ${name} ${kind}`)),
  );
  assert.deepEqual(missing, [], '"npm run release:lock" writes it');
  assert.equal(locked.length, wanted.length);
});

test('R1 a compiler of another version than the locked one is told, with the command that installs that', () => {
  const locked = (name: string, version: string) =>
    ({ purpose: 'installed', name, version, architecture: 'amd64', sha256: hex('a') }) as const;
  assert.throws(
    () => checkInstalled([locked('tar', '0.1'), locked('no-such-package', '2')]),
    /\ntar: \d\S*, locked is 0\.1\nno-such-package: not installed, locked is 2\n[^\n]*\n {2}apt-get install --allow-downgrades tar=0\.1 no-such-package=2\n/,
  );
  checkInstalled([{ ...locked('tar', '0.1'), purpose: 'tool' }]);
});

test("R2 the chart's values get both digests, and stay as they are otherwise", () => {
  const values = readFileSync(join(ROOT, 'charts', 'curfew', 'values.yaml'), 'utf8');
  const lines = values.split('\n');
  const now = pinned(
    values,
    [image('curfew', '1'), image('curfew-shim', '2')],
    'registry.example:5000/team',
  ).split('\n');
  assert.equal(now.length, lines.length);
  assert.deepEqual(
    now.filter((line, index) => line !== lines[index]).map((line) => line.trim()),
    [
      'repository: registry.example:5000/team/curfew',
      `digest: sha256:${hex('1')}`,
      'repository: registry.example:5000/team/curfew-shim',
      `digest: sha256:${hex('2')}`,
    ],
  );
});

test('a bill names every part with its version, its checksum and where it comes from, and is the same each time', () => {
  const lock = readLock();
  const source = { version: '1.2.3', commit: hex('c').slice(0, 40), epoch: 1_767_225_600 };
  const subject = { name: 'curfew', kind: 'container', purl: 'pkg:oci/curfew@x', sha256: hex('d') } as const;
  const parts = [nodeProgram(ROOT, 'arm64'), ...baseParts(lock, 'arm64'), ...shimParts(ROOT, lock, 'arm64')];
  const bill = billOfMaterials(subject, parts, source);
  assert.equal(billOfMaterials(subject, parts.toReversed(), source), bill);
  const { metadata, components } = JSON.parse(bill);
  assert.equal(metadata.timestamp, '2026-01-01T00:00:00.000Z');
  const names = [
    'base-files',
    'gcc-12-base',
    'libc6',
    'libgcc-12-dev-arm64-cross',
    'libgcc-s1',
    'libstdc++6',
    'musl-dev',
    'node',
    'quickjs',
  ];
  assert.deepEqual(components.map(({ name }: { name: string }) => name).sort(), names);
  for (const { version, purl, hashes } of components) {
    assert.ok(version.length > 0);
    assert.match(purl, /^pkg:(npm|deb\/debian)\/[^@]+@[^?]+/);
    assert.match(hashes[0].content, /^([0-9a-f]{64}|[0-9a-f]{128})$/);
  }
});

test('R3 a line of SHA256SUMS that leads out of the folder, or is none, is refused', () => {
  const folder = mkdtempSync(join(tmpdir(), 'curfew-sums-'));
  try {
    for (const line of [
      `${hex('a')}  ../x`,
      `${hex('a')}  /etc/passwd`,
      `${hex('a')} x`,
      'x',
      `${hex('a')}  a b`,
    ]) {
      writeFileSync(join(folder, 'SHA256SUMS'), `${hex('a')}  good\n${line}\n`);
      assert.throws(() => readSums(folder), /SHA256SUMS has a line that is no checksum and path/, line);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});
