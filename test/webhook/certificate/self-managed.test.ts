import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { describe, test } from 'node:test';
import { type FakeApiServer, type Fault, startApiServer } from '../kubernetes/fake-api-server.ts';
import { bundleTrusts, isReady, type Replica, servedBy, started } from './replica.ts';
import { createAuthority } from './throw-away-certificate.ts';

const secretHolds = (api: FakeApiServer, replica: Replica) =>
  api.secret?.get('tls.crt') !== undefined &&
  new X509Certificate(api.secret.get('tls.crt') ?? '').fingerprint256 === servedBy(replica);
describe('replicas and an API server', () => {
  test('from an empty Secret to one leaf that both serve and every webhook trusts', async (t) => {
    const api = await startApiServer(t);
    api.secret = new Map();
    api.bundles = new Map([
      ['pods.curfew.dev', ''],
      ['more.curfew.dev', 'what somebody left here'],
    ]);
    const replicas = await Promise.all([started(t, api), started(t, api)]);
    await api.until(() => replicas.every(isReady));
    assert.equal(new Set(replicas.map(servedBy)).size, 1);
    for (const replica of replicas) {
      assert.ok(secretHolds(api, replica) && bundleTrusts(api, replica));
      assert.doesNotMatch(replica.told.join('\n'), /failure|failed|unexpected|PRIVATE/);
    }
    assert.equal(replicas[0]?.certificate.current?.subjectAltName, 'DNS:curfew.curfew.svc');
    assert.ok(
      !api.requests.some((request) => request.startsWith('POST')),
      'nothing that needs an unnamed create',
    );
  });

  test('a Secret that is deleted or damaged is written again at once, with its old content', async (t) => {
    const api = await startApiServer(t);
    const replicas = await Promise.all([started(t, api), started(t, api)]);
    await api.until(() => replicas.every(isReady));
    const before = api.secret;
    const leaf = servedBy(replicas[0] ?? assert.fail());
    for (const damage of [
      undefined,
      new Map(),
      new Map([
        ['tls.crt', 'rubbish'],
        ['ca.key', '\0'],
      ]),
    ]) {
      api.secret = damage;
      await api.until(() => api.secret !== undefined && api.secret.size > 2);
      assert.equal(api.secret?.get('ca.key'), before?.get('ca.key'));
      await api.until(() => replicas.every((replica) => secretHolds(api, replica)));
    }
    assert.deepEqual(replicas.map(servedBy), [leaf, leaf]);
    assert.ok(replicas.every(isReady));
  });

  test('a caBundle that is overwritten, emptied or added to is restored, and keeps an unexpired authority of Curfew', async (t) => {
    const api = await startApiServer(t);
    const replica = await started(t, api);
    await api.until(() => isReady(replica));
    const { cert: foreign } = await createAuthority();
    for (const text of [
      '',
      foreign,
      'rubbish',
      '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n',
    ]) {
      api.bundles = new Map([['pods.curfew.dev', text]]);
      await api.until(() => bundleTrusts(api, replica));
      assert.ok(!api.bundles?.get('pods.curfew.dev')?.includes(foreign.slice(60, 200)));
      assert.ok(isReady(replica), 'and the replica goes on serving');
    }
    const other = await startApiServer(t);
    const second = await started(t, other);
    await other.until(() => isReady(second));
    const both = `${api.bundles?.get('pods.curfew.dev')}${other.bundles?.get('pods.curfew.dev')}`;
    api.bundles = new Map([['pods.curfew.dev', both]]);
    const looks = () =>
      api.requests.filter((request) => request === 'GET mutatingwebhookconfigurations').length;
    const before = looks();
    await api.until(() => looks() > before);
    await replica.certificate.check();
    assert.equal(api.bundles?.get('pods.curfew.dev'), both);
  });

  test('another writer that keeps setting the caBundle back is reported, and the caBundle is rewritten with growing waits', async (t) => {
    const api = await startApiServer(t);
    const replica = await started(t, api);
    await api.until(() => isReady(replica));
    const told = () => replica.told.some((line) => line.includes('keeps setting the caBundle'));
    for (let i = 0; i < 20 && !told(); i++) {
      api.bundles = new Map([['pods.curfew.dev', '']]);
      await api.until(() => bundleTrusts(api, replica));
    }
    assert.match(replica.told.join('\n'), /leave the field out of what you apply/);
  });

  test('a webhook configuration that is created after the webhook makes it ready', async (t) => {
    const api = await startApiServer(t);
    api.bundles = undefined;
    const replica = await started(t, api);
    await api.until(() => replica.told.some((line) => line.startsWith('failure')));
    assert.match(
      replica.told.join('\n'),
      /mutatingwebhookconfigurations\/curfew does not exist, so no pod is reviewed: apply it, or name the right one in tls\.selfManaged\.webhookConfiguration/,
    );
    assert.match(replica.certificate.unready() ?? '', /no certificate yet; mutating.* does not exist/);
    api.bundles = new Map([['pods.curfew.dev', '']]);
    await api.until(() => isReady(replica));
  });

  test('a replica is not ready while the caBundle does not trust its leaf', async (t) => {
    const [former, api] = [await startApiServer(t), await startApiServer(t)];
    const before = await started(t, former);
    await former.until(() => isReady(before));
    api.secret = former.secret;
    api.fault = (words) => (words.startsWith('PATCH') ? 403 : undefined);
    const replica = await started(t, api);
    assert.equal(servedBy(replica), servedBy(before));
    assert.match(
      replica.certificate.unready() ?? '',
      /^the caBundle of mutatingwebhookconfigurations\/curfew does not trust the certificate yet; cannot patch .* 403/,
    );
    api.fault = () => undefined;
    await api.until(() => isReady(replica));
    assert.ok(bundleTrusts(api, replica));
  });

  test('a watch that is cut is started again', async (t) => {
    const api = await startApiServer(t);
    const replica = await started(t, api);
    await api.until(() => isReady(replica));
    for (let i = 0; i < 3; i++) {
      const watches = () => api.requests.filter((request) => request.startsWith('WATCH')).length;
      const before = watches();
      api.cutWatches();
      await api.until(() => watches() >= before + 2);
    }
    api.secret = undefined;
    await api.until(() => secretHolds(api, replica));
  });
});

const FAULTS: Record<string, { fault: Fault; told: RegExp }> = {
  '403': { fault: 403, told: /: the API server says 403 Told: allow it to the webhook's service account/ },
  '401': { fault: 401, told: /the API server says 401 Told: is the service account's token mounted/ },
  '500': { fault: 500, told: /the API server says 500 Told: tried again later/ },
  '429': { fault: 429, told: /the API server says 429 Told: tried again later/ },
  '422': { fault: 422, told: /the API server says 422 Told/ },
  silence: { fault: 'hang', told: /no answer within 1000 ms/ },
  'a hang-up': { fault: 'hang-up', told: /the API server cannot be reached \(ECONNRESET\)/ },
  'half an answer': { fault: 'garbage', told: /the answer is not a JSON object/ },
  'an answer without end': { fault: 'endless', told: /the answer is longer than 4194304 bytes/ },
};
const ACTIONS: Record<string, string> = {
  'GET secrets': 'get secrets/curfew-tls in namespace curfew',
  'PATCH secrets': 'create secrets/curfew-tls in namespace curfew',
  'GET mutatingwebhookconfigurations': 'get mutatingwebhookconfigurations/curfew',
  'PATCH mutatingwebhookconfigurations': 'patch mutatingwebhookconfigurations/curfew',
};

describe('an API server that fails', { concurrency: 4 }, () => {
  for (const [request, action] of Object.entries(ACTIONS)) {
    for (const [name, { fault, told }] of Object.entries(FAULTS)) {
      test(`${name} for ${request}: reported once, with verb, resource and name; the webhook is ready when it is over`, async (t) => {
        const api = await startApiServer(t);
        let times = 0;
        api.fault = (words) => (words === request && ++times > 0 ? fault : undefined);
        // Where an answer comes the deadline is long, because other tests keep the machine busy.
        const replica = await started(t, api, fault === 'hang' ? 1_000 : 20_000);
        // When the third attempt begins, the second has failed.
        await api.until(() => times > 2);
        const failures = replica.told.filter((line) => line.startsWith(`failure cannot ${action}: `));
        assert.equal(failures.length, 1, replica.told.join('\n'));
        assert.match(failures[0] ?? '', told);
        assert.ok(!isReady(replica));
        api.fault = () => undefined;
        await api.until(() => isReady(replica));
        assert.doesNotMatch(replica.told.join('\n'), /unexpected|PRIVATE|the-token/);
      });
    }
  }

  test('a replica goes on serving when the API server is gone', async (t) => {
    const api = await startApiServer(t);
    const replica = await started(t, api, 200);
    await api.until(() => isReady(replica));
    const leaf = servedBy(replica);
    api.fault = () => 'hang-up';
    api.cutWatches();
    await api.until(() => replica.told.some((line) => line.startsWith('failure cannot watch')));
    await replica.certificate.check();
    assert.equal(replica.certificate.unready(), undefined);
    assert.equal(servedBy(replica), leaf);
  });

  test('after stop() no request is sent', async (t) => {
    const api = await startApiServer(t);
    const replica = await started(t, api);
    await api.until(() => isReady(replica));
    replica.certificate.stop();
    const before = api.requests.length;
    await replica.certificate.check();
    api.secret = undefined;
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(api.requests.length, before);
  });
});
