/** A webhook configuration that is deleted, as NOTES.txt advises, or fought over. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CertificateSource } from '../../../webhook/certificate/certificate.ts';
import { parseConfig, policyOf } from '../../../webhook/config/config.ts';
import { noLookup } from '../../../webhook/decision/images.ts';
import { createLog } from '../../../webhook/server/log.ts';
import { createMetrics, type Metrics } from '../../../webhook/server/metrics.ts';
import { buildServer } from '../../../webhook/server/server.ts';
import { servingCertificate } from '../../../webhook/server/serving-certificate.ts';
import { startApiServer } from '../kubernetes/fake-api-server.ts';
import { bundleTrusts, isReady, servedBy, started } from './replica.ts';

/** What the kubelet's probe gets. */
async function readyz(certificate: CertificateSource, metrics: Metrics = createMetrics('0')) {
  const config = parseConfig('', 'test');
  const log = createLog('silent', { write: () => {} });
  const { health, webhook } = buildServer({
    policy: policyOf(config),
    images: noLookup,
    log,
    metrics,
    config,
    certificate,
  });
  const { statusCode, body } = await health.inject('/readyz');
  await Promise.all([health.close(), webhook.close()]);
  return { status: statusCode, body: JSON.parse(body) };
}

const GONE = {
  status: 200,
  body: {
    status: 'ok',
    remark: 'mutatingwebhookconfigurations/curfew does not exist, or has no webhooks: no pod is reviewed',
  },
};

test('O2 the configuration is deleted: serving goes on, and readiness says what is', async (t) => {
  const api = await startApiServer(t);
  const replica = await started(t, api);
  await api.until(() => isReady(replica));
  const leaf = servedBy(replica);
  assert.deepEqual(await readyz(replica.certificate), { status: 200, body: { status: 'ok' } });
  api.bundles = undefined;
  await api.until(() => replica.told.includes('configuration found: false, contested: false'));
  assert.deepEqual(await readyz(replica.certificate), GONE);
  assert.equal(servedBy(replica), leaf);
  const failures = replica.told.filter((line) => line.startsWith('failure'));
  assert.deepEqual(failures, [
    'failure mutatingwebhookconfigurations/curfew does not exist, so no pod is reviewed: apply it, or name the right one in ' +
      'tls.selfManaged.webhookConfiguration',
  ]);
});

test('O2 a replica that starts without a configuration is ready with the leaf of the Secret, and writes the caBundle when it comes back', async (t) => {
  const api = await startApiServer(t);
  const first = await started(t, api);
  await api.until(() => isReady(first));
  first.certificate.stop();
  api.bundles = undefined;
  const second = await started(t, api);
  assert.equal(servedBy(second), servedBy(first));
  assert.deepEqual(await readyz(second.certificate), GONE);
  api.bundles = new Map([['pods.curfew.dev', '']]);
  await api.until(() => bundleTrusts(api, second));
  assert.ok(second.told.includes('configuration found: true, contested: false'));
  await api.until(() => second.certificate.remark() === undefined && isReady(second));
});

test('O2 the metrics say whether the configuration is found and whether its caBundle is fought over', async (t) => {
  const api = await startApiServer(t);
  process.env.KUBECONFIG = api.env.KUBECONFIG;
  const metrics = createMetrics('0');
  const { source } = await servingCertificate(
    parseConfig('tls: { source: self-managed, selfManaged: { namespace: curfew } }', 'test'),
    createLog('silent', { write: () => {} }),
    metrics,
    new AbortController().signal,
  );
  t.after(() => source.stop());
  const states = async () =>
    [
      ...(await metrics.text()).matchAll(/^curfew_(?:webhook_configuration_found|ca_bundle_contested) .*$/gm),
    ].join(' ');
  assert.equal(await states(), '', 'nothing is known yet');
  await source.check();
  assert.equal(await states(), 'curfew_webhook_configuration_found 1 curfew_ca_bundle_contested 0');
  const { bundles } = api;
  api.bundles = undefined;
  await source.check();
  assert.equal(await states(), 'curfew_webhook_configuration_found 0 curfew_ca_bundle_contested 0');
  for (let i = 0; i < 8; i++) {
    api.bundles = new Map([...(bundles ?? [])].map(([name]) => [name, '']));
    await source.check();
  }
  assert.equal(await states(), 'curfew_webhook_configuration_found 1 curfew_ca_bundle_contested 1');
  assert.match(source.remark?.() ?? '', /^another writer keeps setting the caBundle of .*curfew back$/);
});
