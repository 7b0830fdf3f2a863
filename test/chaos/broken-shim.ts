/** A real shim, built from a copy of the sources with one bug put in on purpose. */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { Break } from './break.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** @throws {Error} when the text to be changed does not stand there once, or the shim cannot be built */
export function buildBroken({ file, from, to }: Break): { shim: string; remove: () => void } {
  const folder = mkdtempSync(`${tmpdir()}/curfew-broken-`);
  const remove = () => rmSync(folder, { recursive: true, force: true });
  try {
    cpSync(`${ROOT}shim`, `${folder}/shim`, { recursive: true });
    for (const name of ['node_modules', 'package.json', 'tsconfig.json'])
      symlinkSync(`${ROOT}${name}`, `${folder}/${name}`);
    const path = `${folder}/shim/${file}`;
    const text = readFileSync(path, 'utf8');
    if (text.split(from).length !== 2) throw new Error(`shim/${file} does not hold this text once: ${from}`);
    writeFileSync(
      path,
      text.replace(from, () => to),
    );
    const architecture = process.arch === 'arm64' ? 'arm64' : 'amd64';
    execFileSync(`${folder}/shim/build`, [architecture], { stdio: 'pipe' });
    return { shim: `${folder}/dist/curfew-shim-${architecture}`, remove };
  } catch (error) {
    remove();
    throw error;
  }
}
