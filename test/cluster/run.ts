/**
 * `npm run test:cluster`: boot a Kubernetes node of its own on this machine, once for each session, and run the session's
 * tests against it. README.md here says how it is made.
 */
import { randomBytes } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { cacheFolder } from '../../charts/clients.ts';
import { prepare, prepareImages, prepareVirtual, progress, run } from './preparation.ts';
import { prepareReleases } from './release/releases.ts';
import {
  isSession,
  notVirtual,
  SESSION_NAMES,
  SESSIONS,
  type SessionName,
  VIRTUAL_SLOWNESS,
} from './sessions.ts';

const HELP = `usage: npm run test:cluster -- [options] [FILE...]

Boots Kubernetes in an enclosure of its own (network, mounts and processes) and runs tests in it, in sessions, one after
the other. Needs root and the Debian packages of \`test/setup cluster\`.

${SESSION_NAMES.map(describe).join('\n')}

With FILE..., only these, and only the sessions that they belong to.

  --session NAME only this session; those marked * run only when they are named
  --only TEXT    only tests whose name matches the regular expression TEXT
  --vm           the node is a virtual machine, emulated, with a kernel and a container runtime of today: the session
                 rules, and what of lifecycle depends on the node
  --shell        boot (session rules: and start the webhook), and give a shell inside instead of running tests;
                 of the session rules where no other is named
  --help

Environment:
  K8S_BIN        folder with kube-apiserver, kube-controller-manager, kube-scheduler, kubelet, kube-proxy of another
                 version (default: Kubernetes 1.20.2, built from Debian's source package on the first run)
  KUBECTL, HELM  the programs (default: kubectl 1.35 and Helm 4.1, from npm)
  CURFEW_DIST    folder with the curfew.js and the shim to test (default: dist)
  CURFEW_RUNTIME with --vm: runc or crun (default: crun for rules, runc for lifecycle)
  CURFEW_PATIENCE  seconds that anything expected may take (default: 120)
  CURFEW_ROTATIONS  certificates that come and go in the test of their rotation (default: 60)
  CURFEW_SEEDS   pods that the session chaos kills something in (default: 100); CURFEW_SEED takes one seed again
  CURFEW_RUNS    rounds of the session speed (default: 30)
  CURFEW_PODS    pods of the rollout in the session scale (default: 5,000)
  CURFEW_CACHE   where all that is slow to make is kept (default: ~/.cache/curfew)

Logs of the last ten sessions: \${CURFEW_CACHE}/cluster-logs/
`;
const RIG = join(import.meta.dirname, 'rig');
const KEPT_LOGS = 10;
/** How the folder and the control group of every session are called. */
const PREFIX = 'curfew-cluster-';

process.exitCode = await main();

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      session: { type: 'string' },
      only: { type: 'string' },
      vm: { type: 'boolean', default: false },
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
  const sessions = chosenSessions(values, positionals);
  if (sessions.length === 0) {
    console.error(
      `test/cluster: there is no session '${values.session}'; there are ${SESSION_NAMES.join(', ')}`,
    );
    return 2;
  }
  if (values.vm) {
    const refused = sessions.flatMap(({ name }) => notVirtual(name) ?? []);
    for (const reason of refused) console.error(`test/cluster: ${reason}`);
    if (refused.length > 0) return 2;
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
  let worst = 0;
  try {
    const programs = await prepare(abort.signal);
    const virtual = values.vm ? await prepareVirtual(abort.signal, VIRTUAL_SLOWNESS) : {};
    for (const { name, files } of sessions) {
      const environment = {
        K8S_BIN: programs.kubernetes,
        KUBECTL: programs.kubectl,
        HELM: programs.helm,
        CURFEW_ONLY: values.only ?? '',
        CURFEW_SHELL: values.shell ? 'yes' : '',
        ...virtual,
        CURFEW_RUNTIME: runtimeOf(name),
      };
      worst = Math.max(worst, await runSession(name, files, environment, abort.signal));
    }
  } catch (error) {
    if (stopped !== 0) return stopped;
    throw error;
  }
  return worst;
}

/** A line of the help. */
function describe(name: SessionName): string {
  const { about, usual, folder, program = '*.cluster.ts' } = SESSIONS[name];
  return `  ${`${name}${usual ? '' : ' *'}`.padEnd(15)}${relative(process.cwd(), folder)}/${program}: ${about}`;
}

/** The sessions to run, each with the files that were given of it; none given means all of them. */
function chosenSessions(
  values: { session?: string; shell?: boolean; vm: boolean },
  files: string[],
): { name: SessionName; files: string[] }[] {
  const named = values.session ?? (values.shell ? 'rules' : undefined);
  if (named !== undefined) return isSession(named) ? [{ name: named, files }] : [];
  return SESSION_NAMES.map((name) => ({
    name,
    files: files.filter((file) => dirname(resolve(file)) === SESSIONS[name].folder),
  })).filter((chosen) => (files.length > 0 ? chosen.files.length > 0 : isUsual(chosen.name, values.vm)));
}

/** What runs the containers of a virtual node: another one for each session, so that all are tested. */
function runtimeOf(name: SessionName): string {
  const { virtual } = SESSIONS[name];
  return process.env.CURFEW_RUNTIME ?? (virtual !== undefined && 'runtime' in virtual ? virtual.runtime : '');
}

/** Whether a session runs where none is named. */
function isUsual(name: SessionName, vm: boolean): boolean {
  return SESSIONS[name].usual && !(vm && notVirtual(name) !== undefined);
}

/** Boot, run a session's tests, clear up. */
async function runSession(
  name: SessionName,
  files: string[],
  environment: Record<string, string>,
  signal: AbortSignal,
): Promise<number> {
  const id = `${PREFIX}${randomBytes(3).toString('hex')}`;
  const state = join(tmpdir(), id);
  const images = join(state, 'images');
  progress(`session ${name}`);
  try {
    // Users of a pod's own (hostUsers: false) go through it to their root file systems; what nobody may read in it is closed by itself.
    mkdirSync(state, { mode: 0o711 });
    mkdirSync(images, { mode: 0o700 });
    writeFileSync(join(state, 'run.pid'), String(process.pid));
    await prepareImages(images, SESSIONS[name].images, signal);
    if (SESSIONS[name].releases) {
      progress('releases: this one and the one before');
      await prepareReleases(state);
    }
    const session = [process.execPath, join(import.meta.dirname, 'session.ts'), ...files];
    return await run(join(RIG, 'enclosure'), session, {
      signal,
      killSignal: 'SIGKILL', // which the kernel makes a clean end: all that is inside goes with it
      env: { ...environment, CURFEW_SESSION: name, STATE: state, CGROUP: id, IMAGES: images, REGISTRY: '' },
    });
  } finally {
    const kept = keepLogs(state, `${id}-${name}`);
    await clear(state);
    if (kept !== undefined) progress(`logs: ${kept}`);
  }
}

/** Take away what a session left behind; its processes have ended. */
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

/** Copy the session's logs to where they stay, and drop those of older ones. */
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
