import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import { ConfigError, parseConfig } from '../../../webhook/config/config.ts';
import { createLog } from '../../../webhook/server/log.ts';
import { createMetrics } from '../../../webhook/server/metrics.ts';
import { type ServingCertificate, servingCertificate } from '../../../webhook/server/serving-certificate.ts';
import { startApiServer } from '../kubernetes/fake-api-server.ts';
import { certificateFiles } from './served-process.ts';

const { KUBECONFIG, KUBERNETES_SERVICE_HOST } = process.env;
delete process.env.KUBERNETES_SERVICE_HOST;
afterEach(() => {
  delete process.env.KUBECONFIG;
  if (KUBECONFIG !== undefined) process.env.KUBECONFIG = KUBECONFIG;
  if (KUBERNETES_SERVICE_HOST !== undefined) process.env.KUBERNETES_SERVICE_HOST = KUBERNETES_SERVICE_HOST;
});

interface Started extends ServingCertificate {
  metrics: () => Promise<string>;
  log: string[];
}

async function sourceOf(tls: string, noticed = () => {}): Promise<Started> {
  const log: string[] = [];
  const write = (line: string) => {
    log.push(line);
    noticed();
  };
  const metrics = createMetrics('0.0.0-test');
  const { source, onLoaded } = await servingCertificate(
    parseConfig(`tls: { ${tls} }`, 'test'),
    createLog('debug', { write }),
    metrics,
    new AbortController().signal,
  );
  return { source, onLoaded, log, metrics: () => metrics.text() };
}

test('outside of a cluster a self-managed certificate is refused, with the way out', async () => {
  await assert.rejects(
    sourceOf('source: self-managed, selfManaged: { namespace: curfew }'),
    (error) =>
      error instanceof ConfigError &&
      /tls\.source is self-managed, but: .* KUBECONFIG names no file/.test(error.message),
  );
  await assert.rejects(
    sourceOf('source: self-managed'),
    (error) => error instanceof ConfigError && /tls\.selfManaged\.namespace is missing/.test(error.message),
  );
});

test('a pair that is loaded before anybody listens is no failure; the listener hears of the next one', async (t) => {
  const { folder, authority } = await certificateFiles(t);
  const { source, onLoaded, log } = await sourceOf(`certFile: ${folder}/tls.crt, keyFile: ${folder}/tls.key`);
  await source.check();
  assert.equal(source.unready(), undefined);
  assert.deepEqual(
    log.map((line) => JSON.parse(line).msg),
    ['certificate loaded'],
  );
  let heard = 0;
  onLoaded(() => heard++);
  const { cert, key } = await authority.issue();
  await writeFile(join(folder, 'tls.crt'), cert);
  await writeFile(join(folder, 'tls.key'), key);
  await source.check();
  assert.equal(heard, 1);
});

test('W9 a self-managed certificate is served, counted, and nothing secret is logged', async (t) => {
  const api = await startApiServer(t);
  process.env.KUBECONFIG = api.env.KUBECONFIG;
  const { source, log, metrics } = await sourceOf(
    'source: self-managed, selfManaged: { namespace: curfew, lifetime: 1h, caLifetime: 3h }',
    api.notice,
  );
  t.after(() => source.stop());
  assert.doesNotMatch(await metrics(), /authority_expiry/);
  await source.check();
  source.start();
  await api.until(() => source.unready() === undefined);
  const text = await metrics();
  const notAfter = source.current?.notAfter.getTime() ?? 0;
  assert.match(text, new RegExp(`^curfew_certificate_expiry_timestamp_seconds ${notAfter / 1000}$`, 'm'));
  assert.match(text, /^curfew_certificate_authority_expiry_timestamp_seconds \d{10}$/m);
  assert.match(text, /^curfew_certificate_secret_writes_total\{step="promoted"\} 1$/m);
  assert.match(text, /^curfew_ca_bundle_writes_total 1$/m);
  const keys = ['ca.key', 'tls.key'].map((name) => api.secret?.get(name)?.split('\n')[1] ?? assert.fail());
  for (const secret of [...keys, 'PRIVATE KEY', 'the-token']) assert.ok(!log.join('').includes(secret));
  assert.deepEqual(
    log
      .map((line) => JSON.parse(line).msg)
      .filter((message, index, all) => all.indexOf(message) === index)
      .sort(),
    ['caBundle written', 'certificate Secret written', 'certificate loaded'],
  );
});
