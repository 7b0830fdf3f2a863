/** `npm run release:verify`: checks a release as whoever takes it would, and says in words what holds. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { fetchClients } from '../charts/clients.ts';
import { oneFolder, parseRegistry } from './arguments.ts';
import { toolProgram } from './build.ts';
import type { Checked } from './checked.ts';
import { Debian } from './debian.ts';
import { readLock } from './debian-lock.ts';
import { hearSignals, ReleaseError, toEnd, UsageError } from './program.ts';
import { checkChart, checkCommandLine } from './verify-files.ts';
import { checkImages } from './verify-images.ts';
import { checkBills, checkProvenance } from './verify-parts.ts';
import { checkSignatures } from './verify-signatures.ts';
import { checkSums, versionOfRelease } from './verify-sums.ts';

const HELP = `usage: npm run release:verify -- [FOLDER] [options]

Checks a release: every file against the checksums, the signatures where there are any, images and archives against each
other, the chart's and the manifest's images, the bills of materials, the provenance, and the command line, which is run
where checksums and signatures hold. FOLDER is dist/release where it is left out.

  --key FILE            the public key that must have signed it. Without it, the key that lies in FOLDER is taken, which
                        proves only that one key signed everything: compare it with the one that you know
  --registry HOST/PATH  check what lies in that registry, too, and its signatures; with docker's credentials
                        (docker login, or DOCKER_CONFIG)
  --plain-http          the registry speaks no TLS
  --help
`;

/** What names and texts of a release may hold, and no terminal should get. */
const UNPRINTABLE = /[^\P{C}\n]/gu;

/** @throws {UsageError} where the file is no public key: then nothing can be said of the signatures */
function checkPublicKey(file: string): void {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new UsageError(`--key ${file} cannot be read: ${error instanceof Error ? error.message : error}`);
  }
  if (/-----BEGIN PUBLIC KEY-----/.test(text)) return;
  const isPrivate = /-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(text);
  throw new UsageError(
    `--key ${file} holds no public key${isPrivate ? ', but a private one: "cosign generate-key-pair" wrote cosign.pub beside it' : ''}`,
  );
}

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
  const folder = oneFolder(positionals);
  const registry = values.registry === undefined ? undefined : parseRegistry(values.registry);
  if (values.key !== undefined) checkPublicKey(values.key);
  const version = versionOfRelease(folder);
  const work = mkdtempSync(join(tmpdir(), 'curfew-verify-'));
  try {
    const [debian, lock] = [new Debian(join(work, 'apt')), readLock()];
    const { helm } = await fetchClients();
    const tools = {
      cosign: toolProgram(debian, lock, 'cosign'),
      oras: toolProgram(debian, lock, 'oras'),
      helm,
    };
    const checked: Checked = { folder, version, work, tools };
    console.log(`Curfew ${checked.version} in ${folder}`);
    const where = { registry, plainHttp: values['plain-http'] };
    let wrong = 0;
    const holds = async (check: () => string[] | Promise<string[]>): Promise<boolean> => {
      try {
        for (const line of await check()) console.log(`  ok     ${line}`);
        return true;
      } catch (error) {
        await hearSignals(); // a program that control-C has ended says nothing of the release
        // A file that does not parse, or is not there, is as wrong as one that says something else.
        const said = error instanceof ReleaseError ? error.message : `what it reads is damaged: ${error}`;
        console.log(`  WRONG  ${said.replaceAll(UNPRINTABLE, '?').replaceAll('\n', '\n         ')}`);
        wrong += 1;
        return false;
      }
    };
    const listed = await holds(() => checkSums(checked));
    const signed = await holds(() => checkSignatures(checked, values.key, where));
    for (const check of [
      () => checkImages(checked),
      () => checkChart(checked),
      () => checkBills(checked),
      () => checkProvenance(checked),
      () => checkCommandLine(checked, listed && signed),
    ])
      await holds(check);
    console.log(
      wrong === 0 ? 'All of it holds.' : `${wrong} of 7 checks found something wrong: do not use it.`,
    );
    return wrong === 0 ? 0 : 1;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
});
