/** `npm run release:push`: push a release that was made before, as it is, to the registry that it names or to another. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { oneFolder, parseRegistry } from './arguments.ts';
import { toolProgram } from './build.ts';
import { Debian } from './debian.ts';
import { readLock } from './debian-lock.ts';
import { provenanceName } from './make.ts';
import { attempt, ReleaseError, say, toEnd, UsageError } from './program.ts';
import { registryOf } from './provenance.ts';
import { pushRelease, WAYS_IN } from './push.ts';
import { SIGNATURES } from './signing.ts';
import { checkSignatureFiles } from './verify-signature-files.ts';
import { checkSums, versionOfRelease } from './verify-sums.ts';

const HELP = `usage: npm run release:push -- [FOLDER] [options]

Pushes images, chart, bills of materials and signatures of a release, every byte as it is, where its files are those of
its checksums. FOLDER is dist/release where it is left out. Without --user, docker's credentials are used (docker login,
or DOCKER_CONFIG).

  --registry HOST/PATH  another place than the one that the release was made for. The chart names that one:
                        helm install ... --set image.repository=HOST/PATH/curfew,shim.image.repository=HOST/PATH/curfew-shim
  --plain-http          the registry speaks no TLS
  --user NAME           log in as NAME, with the password in REGISTRY_PASSWORD
  --help
`;

await toEnd('release:push', async () => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      registry: { type: 'string' },
      'plain-http': { type: 'boolean', default: false },
      user: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  const folder = oneFolder(positionals);
  const asked = values.registry === undefined ? undefined : parseRegistry(values.registry);
  const password = process.env.REGISTRY_PASSWORD;
  if (values.user !== undefined && password === undefined)
    throw new UsageError('--user needs the password in REGISTRY_PASSWORD');
  const version = versionOfRelease(folder);
  await checkSums({ folder });
  if (existsSync(join(folder, SIGNATURES))) checkSignatureFiles(folder, version);
  const registry = asked ?? registryOf(readFileSync(join(folder, provenanceName(version)), 'utf8'));
  const plainHttp = values['plain-http'];
  const work = mkdtempSync(join(tmpdir(), 'curfew-push-'));
  try {
    const oras = toolProgram(new Debian(join(work, 'apt')), readLock(), 'oras');
    const credentials = values.user === undefined ? undefined : join(work, 'credentials.json');
    if (values.user !== undefined && password !== undefined && credentials !== undefined) {
      const [host = ''] = registry.split('/');
      const flags = ['--registry-config', credentials, `--plain-http=${plainHttp}`];
      const login = ['login', host, '--username', values.user, '--password-stdin', ...flags];
      const { status, stderr } = attempt(oras, login, { input: password });
      if (status !== 0)
        throw new ReleaseError(
          `${host} does not let ${values.user} in with the password of REGISTRY_PASSWORD: ${stderr.trim()}\n${WAYS_IN}`,
        );
    }
    say(`Curfew ${version} to ${registry}`);
    pushRelease({ folder, registry, plainHttp, oras, ...(credentials === undefined ? {} : { credentials }) });
    return 0;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
});
