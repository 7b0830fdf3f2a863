/**
 * Bundle the webhook and its command line into `dist/curfew.js`: one file that runs on Node 24 with no node_modules.
 * Whitespace and syntax are minified, names are not: functions keep their names in a stack trace of a bug report. Beside it, the
 * licenses of what is in it.
 */
import { chmodSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { build, type Metafile } from 'esbuild';
import { omissions } from './bundle-omissions.ts';

const root = new URL('../..', import.meta.url).pathname;
const entry = process.argv[2] ?? `${root}webhook/main.ts`;
const out = `${root}dist/curfew.js`;

/** CommonJS packages call `require` for Node's own modules; an ES module has none unless it makes one. */
const requireForPackages = `import { createRequire as createRequireForBundle } from 'node:module';
const require = createRequireForBundle(import.meta.url);`;
const shebang = '#!/usr/bin/env node\n';

/** The license text of every npm package that has bytes in the bundle. */
function licenses(metafile: Metafile): string {
  const folders = new Set<string>();
  for (const output of Object.values(metafile.outputs)) {
    for (const [path, { bytesInOutput }] of Object.entries(output.inputs)) {
      const folder = /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0];
      if (folder !== undefined && bytesInOutput > 0) folders.add(folder);
    }
  }
  return [...folders]
    .sort()
    .map((folder) => {
      const manifest: { name: string; version: string; license: string } = JSON.parse(
        readFileSync(`${root}${folder}/package.json`, 'utf8'),
      );
      const file = readdirSync(`${root}${folder}`).find((item) => /^licen[cs]e/i.test(item));
      const text =
        file === undefined
          ? `License: ${manifest.license}`
          : readFileSync(`${root}${folder}/${file}`, 'utf8').trim();
      return `${manifest.name} ${manifest.version}\n\n${text}\n`;
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
    format: 'esm',
    platform: 'node',
    target: 'node24',
    banner: {
      js: readFileSync(entry, 'utf8').startsWith('#!') ? requireForPackages : shebang + requireForPackages,
    },
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
  writeFileSync(`${root}dist/curfew.js.licenses.txt`, licenses(metafile));
  console.log(`dist/curfew.js  ${outputFiles[0]?.contents.length ?? 0} bytes`);
} catch (error) {
  if (!(error instanceof Error && 'errors' in error)) throw error;
  process.exitCode = 1; // esbuild has printed the error
}
