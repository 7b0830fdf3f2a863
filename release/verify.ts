/** `npm run release:verify`: checks a release as whoever takes it would, and says in words what holds. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { fetchClients } from '../charts/clients.ts';
import { toolProgram } from './build.ts';
import type { Checked } from './checked.ts';
import { Debian } from './debian.ts';
import { readLock } from './debian-lock.ts';
import { ReleaseError, toEnd } from './program.ts';
import { checkChart, checkCommandLine } from './verify-files.ts';
import { checkImages } from './verify-images.ts';
import { checkBills, checkProvenance } from './verify-parts.ts';
import { checkSignatures } from './verify-signatures.ts';
import { checkSums, versionOfRelease } from './verify-sums.ts';

const HELP = `usage: npm run release:verify -- [FOLDER] [options]

Checks a release: every file against the checksums, images and archives against each other, the chart's and the
manifest's images, the command line, the bills of materials, the provenance, and the signatures where there are any.
FOLDER is dist/release where it is left out.

  --key FILE            the public key that must have signed it. Without it, the key that lies in FOLDER is taken, which
                        proves only that one key signed everything: compare it with the one that you know
  --registry HOST/PATH  check the signatures of what lies in that registry, too
  --plain-http          the registry speaks no TLS
  --help
`;

/** What names and texts of a release may hold, and no terminal should get. */
const UNPRINTABLE = /[^\P{C}\n]/gu;

await toEnd('release:verify', async () => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      key: { type: 'string' },
      registry: { type: 'string' },
      'plain-http': { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  const folder = resolve(positionals[0] ?? join(import.meta.dirname, '..', 'dist', 'release'));
  const work = mkdtempSync(join(tmpdir(), 'curfew-verify-'));
  try {
    const [debian, lock] = [new Debian(join(work, 'apt')), readLock()];
    const { helm } = await fetchClients();
    const tools = {
      cosign: toolProgram(debian, lock, 'cosign'),
      oras: toolProgram(debian, lock, 'oras'),
      helm,
    };
    const checked: Checked = { folder, version: versionOfRelease(folder), work, tools };
    console.log(`Curfew ${checked.version} in ${folder}`);
    const where = { registry: values.registry, plainHttp: values['plain-http'] };
    let wrong = 0;
    for (const check of [
      () => checkSums(checked),
      () => checkImages(checked),
      () => checkChart(checked),
      () => checkCommandLine(checked),
      () => checkBills(checked),
      () => checkProvenance(checked),
      () => checkSignatures(checked, values.key, where),
    ]) {
      try {
        for (const line of await check()) console.log(`  ok     ${line}`);
      } catch (error) {
        // A file that does not parse, or is not there, is as wrong as one that says something else.
        const said = error instanceof ReleaseError ? error.message : `what it reads is damaged: ${error}`;
        console.log(`  WRONG  ${said.replaceAll(UNPRINTABLE, '?').replaceAll('\n', '\n         ')}`);
        wrong += 1;
      }
    }
    console.log(
      wrong === 0 ? 'All of it holds.' : `${wrong} of 7 checks found something wrong: do not use it.`,
    );
    return wrong === 0 ? 0 : 1;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
});
