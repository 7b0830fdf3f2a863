/**
 * Prepares a run: Kubernetes, kubectl and the images are built or fetched once, and kept in the cache folder. This happens outside the
 * enclosure, where there is a network.
 */
import { execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cacheFolder, fetchClients } from '../../charts/clients.ts';

const RIG = join(import.meta.dirname, 'rig');
const PROJECT = join(import.meta.dirname, '..', '..');

/** Where the things of a run lie. */
export interface Preparation {
  /** Folder with the programs of Kubernetes. */
  kubernetes: string;
  kubectl: string;
  helm: string;
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

/** The address of a virtual machine that is the node (rig/cluster-up: NODE_IP, AGENT_PORT). */
const VIRTUAL_AGENT = 'http://10.244.0.2:10300';

/** Make or find what a node in a virtual machine boots from. @returns what a session is told of it, as environment */
export async function prepareVirtual(signal: AbortSignal, slowness: number): Promise<Record<string, string>> {
  await mustRun(join(PROJECT, 'test', 'setup'), ['vm'], { signal });
  const cache = { ...process.env, CACHE: join(cacheFolder(), 'vm') };
  const image = await promisify(execFile)(join(RIG, 'vm-image'), ['node'], { env: cache, signal });
  process.stderr.write(image.stderr);
  return {
    CURFEW_NODE: 'vm',
    VM_IMAGE: image.stdout.trim(),
    NODE_JS: process.execPath,
    CURFEW_NODE_AGENT: VIRTUAL_AGENT,
    CURFEW_SLOWNESS: String(slowness),
    // A node that is slow to report is not one that is gone.
    KCM_ARGS: `--node-monitor-grace-period=10m ${process.env.KCM_ARGS ?? ''}`,
  };
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
  if (images.curfew.length === 0) return;
  await mustRun(join(RIG, 'curfew-images'), [folder, distFolder(), ...images.curfew], cache('curfew-images'));
}
