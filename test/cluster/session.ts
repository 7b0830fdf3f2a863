/** The part of a run that happens inside the enclosure: boot, start the webhook, run the tests. */
import { cpSync, existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { mustRun, progress, run } from './preparation.ts';
import { registerWebhook, startWebhook } from './webhook.ts';

const HERE = import.meta.dirname;
/** Files at a time: on two cores they mostly wait for the kubelet. */
const AT_ONCE = 3;
/** For one test, in milliseconds. */
const TIMEOUT = 300_000;
const STATE = process.env.STATE ?? '';
process.env.KUBECONFIG = join(STATE, 'admin.kubeconfig');

await mustRun(join(HERE, 'rig', 'cluster-up'), []);
registerWebhook(await startWebhook(STATE));
progress('webhook registered');

const given = process.argv.slice(2);
const files =
  given.length > 0
    ? given
    : readdirSync(HERE)
        .filter((name) => name.endsWith('.cluster.ts'))
        .sort()
        .map((name) => join(HERE, name));
const only = process.env.CURFEW_ONLY ?? '';
const pattern = only === '' ? [] : [`--test-name-pattern=${only}`];
const flags = [
  '--test',
  '--test-reporter=spec',
  `--test-concurrency=${AT_ONCE}`,
  `--test-timeout=${TIMEOUT}`,
];
const code =
  process.env.CURFEW_SHELL === 'yes'
    ? await run(process.env.SHELL ?? '/bin/bash', [])
    : await run(process.execPath, [...flags, ...pattern, ...files]);
if (existsSync('/var/log/pods')) cpSync('/var/log/pods', join(STATE, 'log', 'pods'), { recursive: true });
process.exit(code); // the webhook still runs
