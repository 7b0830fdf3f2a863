/** The part of a session that happens inside the enclosure: boot, make what its tests expect to find, run them. */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { admitOnlyRestricted, podSecurityFlags } from './install/pod-security.ts';
import { mustRun, progress, run } from './preparation.ts';
import { isSession, SESSIONS } from './sessions.ts';
import { registerWebhook, startWebhook } from './webhook.ts';

const HERE = import.meta.dirname;
const STATE = process.env.STATE ?? '';
process.env.KUBECONFIG = join(STATE, 'admin.kubeconfig');

const name = process.env.CURFEW_SESSION ?? '';
if (!isSession(name)) throw new Error(`CURFEW_SESSION is '${name}'`);
const session = SESSIONS[name];
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
  registerWebhook(await startWebhook(STATE));
  progress('webhook registered');
}

const given = process.argv.slice(2);
const files =
  given.length > 0
    ? given
    : readdirSync(session.folder)
        .filter((file) => file.endsWith('.cluster.ts'))
        .sort()
        .map((file) => join(session.folder, file));
const only = process.env.CURFEW_ONLY ?? '';
const pattern = only === '' ? [] : [`--test-name-pattern=${only}`];
const flags = [
  '--test',
  '--test-reporter=spec',
  `--test-concurrency=${session.concurrency}`,
  `--test-timeout=${session.timeout}`,
];
const code =
  process.env.CURFEW_SHELL === 'yes'
    ? await run(process.env.SHELL ?? '/bin/bash', [])
    : await run(process.execPath, [...flags, ...pattern, ...files]);
if (existsSync('/var/log/pods')) cpSync('/var/log/pods', join(STATE, 'log', 'pods'), { recursive: true });
process.exit(code); // the webhook may still run
