/** The part of a run that happens inside the enclosure: boot, start the webhook, run the tests. */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { progress, run } from './preparation.ts';
import { registerWebhook, startWebhook } from './webhook.ts';

const HERE = import.meta.dirname;
const STATE = process.env.STATE ?? '';
process.env.KUBECONFIG = join(STATE, 'admin.kubeconfig');

run(join(HERE, 'rig', 'cluster-up'), []);
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
const only = process.env.CURFEW_TESTS ?? '';
const pattern = only === '' ? [] : [`--test-name-pattern=${only}`];
const result =
  process.env.CURFEW_SHELL === '1'
    ? spawnSync(process.env.SHELL ?? '/bin/bash', { stdio: 'inherit' })
    : spawnSync(
        process.execPath,
        [
          '--test',
          '--test-reporter=spec',
          '--test-concurrency=3',
          '--test-timeout=300000',
          ...pattern,
          ...files,
        ],
        { stdio: 'inherit' },
      );
if (existsSync('/var/log/pods')) cpSync('/var/log/pods', join(STATE, 'log', 'pods'), { recursive: true });
process.exit(result.status ?? 1);
