/** `npm run release`: everything that people take, from a tag to `dist/release/`. RELEASE.md says how it is used. */
import { rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { filesOf } from './archive.ts';
import { parseRegistry, RELEASE_FOLDER } from './arguments.ts';
import { checkInstalled, partsFolder, toolProgram } from './build.ts';
import { Debian } from './debian.ts';
import { readLock } from './debian-lock.ts';
import { makeRelease } from './make.ts';
import { checkReplaceable, put, workFolder } from './place.ts';
import { ReleaseError, say, toEnd, UsageError } from './program.ts';
import { pushRelease, REPOSITORIES } from './push.ts';
import { checkKey, signRelease } from './signing.ts';
import { readSource } from './source.ts';

const ROOT = join(import.meta.dirname, '..');
const REGISTRY = 'ghcr.io/curfew-dev';
const BY_HAND = 'https://github.com/curfew-dev/curfew/blob/main/RELEASE.md#steps';
const HELP = `usage: npm run release -- [options]

Makes dist/release/ from the clean tag that is checked out: images, chart, manifest, command line, bills of materials,
provenance and checksums. The same tag, registry and builder give the same bytes. Needs Debian 12 on amd64, and root.

  --registry HOST/PATH  where the images and the chart will lie (default ${REGISTRY}), and push them there
                        with docker's credentials (docker login, or DOCKER_CONFIG)
  --no-push             only name it
  --plain-http          the registry speaks no TLS
  --key KEY             sign images, chart and checksums with cosign: a file made by "cosign generate-key-pair", whose
                        password is COSIGN_PASSWORD, or any key that cosign takes (env://NAME, a KMS)
  --builder URI         who runs this, for the provenance (default: a person)
  --out FOLDER          instead of dist/release; an older release there is replaced
  --help
`;

await toEnd('release', async () => {
  const { values } = parseArgs({
    options: {
      registry: { type: 'string' },
      'no-push': { type: 'boolean', default: false },
      'plain-http': { type: 'boolean', default: false },
      key: { type: 'string' },
      builder: { type: 'string', default: BY_HAND },
      out: { type: 'string', default: RELEASE_FOLDER },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  const registry = parseRegistry(values.registry ?? REGISTRY);
  // https://slsa.dev/spec/v1.0/provenance#builder.id
  if (!URL.canParse(values.builder))
    throw new UsageError(`--builder ${values.builder} is no URI, as in ${BY_HAND}`);
  const out = resolve(values.out);
  checkReplaceable(out);
  if (process.getuid?.() !== 0) throw new ReleaseError('needs root, because it unpacks images with buildah');
  if (process.arch !== 'x64') throw new ReleaseError('needs amd64: other compilers might make other bytes');
  const source = readSource(ROOT);
  const lock = readLock();
  checkInstalled(lock);
  process.umask(0o022);

  const work = workFolder(partsFolder());
  try {
    if (values.key !== undefined)
      checkKey(toolProgram(new Debian(join(work, 'apt')), lock, 'cosign'), values.key);
    const made = await makeRelease({ root: ROOT, source, lock, registry, builder: values.builder, work });
    if (values.key !== undefined) {
      say('signatures');
      await signRelease(made, registry, values.key, work);
    }
    for (const kind of ['oci', 'signatures'])
      for (const name of REPOSITORIES)
        rmSync(join(made.folder, kind, name, 'ingest'), { recursive: true, force: true }); // what oras leaves behind
    put(made.folder, out);
    say(`${out}: Curfew ${source.version}, ${filesOf(out).length} files`);
    if (values.registry !== undefined && !values['no-push']) {
      say(`push to ${registry}; "npm run release:push" does this again, should it fail`);
      pushRelease({ folder: out, registry, plainHttp: values['plain-http'], oras: made.tools.oras });
    }
    return 0;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
});
