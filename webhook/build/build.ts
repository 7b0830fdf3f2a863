/**
 * Bundle the webhook and its command line into `dist/curfew.js`: one file that runs on Node 24 with no node_modules.
 * Names stay, so that a stack trace in a bug report can be read. Beside it, the npm packages that are in it, and their licenses.
 */
import { chmodSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build, type Metafile } from 'esbuild';
import { omissions } from './bundle-omissions.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const entry = process.argv[2] ?? `${root}webhook/main.ts`;
const out = `${root}dist/curfew.js`;

const { engines }: { engines: { node: string } } = JSON.parse(readFileSync(`${root}package.json`, 'utf8'));
const least = engines.node.replace(/^>=/, '');

/**
 * What the bundle begins with. Node 12 to the one that is needed parse the whole of it, as a CommonJS or an ES module, so that this line is
 * what they say. CommonJS packages call `require` for Node's own modules, which an ES module has not.
 */
const prologue = `(function () {
'use strict';
const [major, minor] = process.versions.node.split('.').map(Number);
const [leastMajor, leastMinor] = [${least.split('.').join(', ')}];
if (major < leastMajor || (major === leastMajor && minor < leastMinor)) {
  console.error('curfew: needs Node ${least} or newer, this is ' + process.version);
  process.exit(2);
}
const require = (name) => process.getBuiltinModule(name);`;
const epilogue = '})();';
const shebang = '#!/usr/bin/env node\n';

/** The oldest Node that parses the bundle: what a distribution of 2020 has. To write the code for it makes it 34 kB longer. */
const OLDEST_THAT_PARSES = 'node12';

/** An npm package that has bytes in the bundle. */
interface Part {
  name: string;
  version: string;
  license: string;
  /** From the root. */
  folder: string;
}

function partsOf(metafile: Metafile): Part[] {
  const folders = new Set<string>();
  for (const output of Object.values(metafile.outputs)) {
    for (const [path, { bytesInOutput }] of Object.entries(output.inputs)) {
      const folder = /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0];
      if (folder !== undefined && bytesInOutput > 0) folders.add(folder);
    }
  }
  return [...folders].sort().map((folder) => {
    const { name, version, license }: Part = JSON.parse(
      readFileSync(`${root}${folder}/package.json`, 'utf8'),
    );
    return { name, version, license, folder };
  });
}

/** Their license texts. */
function licenses(parts: readonly Part[]): string {
  return parts
    .map(({ name, version, license, folder }) => {
      const file = readdirSync(`${root}${folder}`).find((item) => /^licen[cs]e/i.test(item));
      const text =
        file === undefined ? `License: ${license}` : readFileSync(`${root}${folder}/${file}`, 'utf8').trim();
      return `${name} ${version}\n\n${text}\n`;
    })
    .join(`\n${'-'.repeat(80)}\n\n`);
}

mkdirSync(`${root}dist`, { recursive: true });
try {
  const { outputFiles, metafile } = await build({
    absWorkingDir: root,
    entryPoints: [entry],
    outfile: out,
    write: false,
    metafile: true,
    bundle: true,
    format: 'iife',
    platform: 'node',
    target: OLDEST_THAT_PARSES,
    define: { 'import.meta.main': 'true' },
    banner: { js: readFileSync(entry, 'utf8').startsWith('#!') ? prologue : shebang + prologue },
    footer: { js: epilogue },
    legalComments: 'eof',
    // The text of the program is memory that a running webhook keeps.
    minifySyntax: true,
    minifyWhitespace: true,
    plugins: [omissions],
    logLevel: 'warning',
  });
  const temporary = `${root}dist/.curfew.js.${process.pid}`;
  for (const file of outputFiles) writeFileSync(temporary, file.contents);
  chmodSync(temporary, 0o755);
  renameSync(temporary, out); // a process that runs the old file keeps it
  const parts = partsOf(metafile);
  writeFileSync(`${root}dist/curfew.js.licenses.txt`, licenses(parts));
  writeFileSync(`${root}dist/curfew.js.parts.json`, `${JSON.stringify(parts, null, 2)}\n`);
  console.log(`dist/curfew.js  ${outputFiles[0]?.contents.length ?? 0} bytes`);
} catch (error) {
  if (!(error instanceof Error && 'errors' in error)) throw error;
  process.exitCode = 1; // esbuild has printed the error
}
