/** The part of a session inside the enclosure: boot the cluster, prepare it, run the tests. */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { admitOnlyRestricted, podSecurityFlags } from './install/pod-security.ts';
import { SLOWNESS } from './kubectl.ts';
import { fetchLogs, VIRTUAL } from './node.ts';
import { mustRun, progress, run } from './preparation.ts';
import { isSession, SESSIONS, type Session, VIRTUAL_CONCURRENCY } from './sessions.ts';
import { registerWebhook, startWebhook } from './webhook.ts';

const HERE = import.meta.dirname;
const STATE = process.env.STATE ?? '';
process.env.KUBECONFIG = join(STATE, 'admin.kubeconfig');

const name = process.env.CURFEW_SESSION ?? '';
if (!isSession(name)) throw new Error(`CURFEW_SESSION is '${name}'`);
const session: Session = SESSIONS[name];
if (session.webhook === 'none') {
  const kubelet = join(process.env.K8S_BIN ?? '', 'kubelet');
  const version = execFileSync(kubelet, ['--version'], { encoding: 'utf8' });
  const { apiServer } = podSecurityFlags(version);
  await mustRun(join(HERE, 'rig', 'cluster-up'), [], {
    env: { API_ARGS: `${apiServer} ${process.env.API_ARGS ?? ''}` },
  });
  await admitOnlyRestricted(version);
} else {
  await mustRun(join(HERE, 'rig', 'cluster-up'), []);
  registerWebhook(await startWebhook(STATE, session.entrypoints));
  progress('webhook registered');
}

let code = 0;
for (const [program, args] of thePrograms()) code = Math.max(code, await run(program, args));
if (VIRTUAL) {
  await fetchLogs(join(STATE, 'log', 'node')).catch((error: unknown) => {
    console.error("test/cluster: the machine's logs cannot be fetched (its console is vm.log):", error);
  });
} else if (existsSync('/var/log/pods'))
  cpSync('/var/log/pods', join(STATE, 'log', 'pods'), { recursive: true });
process.exit(code); // the webhook may still run

/** The programs that run in the cluster, one after the other, each with its arguments. */
function thePrograms(): [string, string[]][] {
  if (process.env.CURFEW_SHELL === 'yes') return [[process.env.SHELL ?? '/bin/bash', []]];
  if (session.program !== undefined) return [[process.execPath, [join(session.folder, session.program)]]];
  const given = process.argv.slice(2);
  const { virtual } = session;
  const chosen = VIRTUAL && virtual !== undefined && 'runtime' in virtual ? virtual : undefined;
  if (given.length === 0 && chosen?.only !== undefined)
    progress(`only ${chosen.only.join(', ')}: ${chosen.why}`);
  const all = () =>
    readdirSync(session.folder)
      .filter((file) => file.endsWith('.cluster.ts') && (chosen?.only?.includes(file) ?? true))
      .sort()
      .map((file) => join(session.folder, file));
  const files = given.length > 0 ? given : all();
  const isLast = (file: string) => session.last?.includes(basename(file)) ?? false;
  const rounds = [
    {
      files: files.filter((file) => !isLast(file)),
      concurrency: VIRTUAL ? Math.min(VIRTUAL_CONCURRENCY, session.concurrency) : session.concurrency,
    },
    { files: files.filter(isLast), concurrency: 1 },
  ];
  return rounds.flatMap((round) =>
    round.files.length > 0 ? [[process.execPath, testArguments(round)]] : [],
  );
}

/** For Node's own test runner. */
function testArguments({ files, concurrency }: { files: string[]; concurrency: number }): string[] {
  const only = process.env.CURFEW_ONLY ?? '';
  return [
    '--test',
    '--test-reporter=spec',
    `--test-concurrency=${concurrency}`,
    `--test-timeout=${session.timeout * SLOWNESS}`,
    ...(only === '' ? [] : [`--test-name-pattern=${only}`]),
    ...files,
  ];
}
