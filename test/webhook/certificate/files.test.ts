import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { Agent } from 'node:https';
import { test } from 'node:test';
import { CertificateError, parseCertificate } from '../../../webhook/certificate/certificate.ts';
import { jobPod, review } from '../server/review-examples.ts';
import { at, type Served, serveWebhook } from '../server/served-webhook.ts';
import { createAuthority } from './throw-away-certificate.ts';

const body = JSON.stringify(review(jobPod()));

async function servedFingerprint(served: Served): Promise<string> {
  const socket = await served.tls();
  const { fingerprint256 } = socket.getPeerCertificate();
  socket.destroy();
  return fingerprint256;
}

test('a new certificate in the files is used for the next handshake, and open connections go on', async (t) => {
  const served = await serveWebhook(t);
  const first = served.certificate.current?.fingerprint;
  assert.equal(await servedFingerprint(served), first);
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  t.after(() => agent.destroy());
  assert.equal((await served.post(body, { agent })).status, 200);
  const [kept] = Object.values(agent.freeSockets).flat();
  const next = await served.authority.issue();
  await served.install(next);
  await served.certificate.check();
  assert.equal(await servedFingerprint(served), next.fingerprint);
  assert.notEqual(next.fingerprint, first);
  assert.equal((await served.post(body, { agent })).status, 200);
  assert.ok(kept?.destroyed === false, 'the old connection is still the one in use');
});

test('TLS 1.2 is still the minimum with a new certificate', async (t) => {
  const served = await serveWebhook(t);
  await served.install(await served.authority.issue());
  await served.certificate.check();
  await assert.rejects(
    served.tls({ maxVersion: 'TLSv1.1', minVersion: 'TLSv1', ciphers: 'DEFAULT@SECLEVEL=0' }),
  );
  (await served.tls({ maxVersion: 'TLSv1.2' })).destroy();
});

const authority = await createAuthority();
const good = await authority.issue();
const other = await authority.issue();

const BAD_PAIRS: Record<string, { cert: string; key: string; message: RegExp }> = {
  "another pair's key": { cert: good.cert, key: other.key, message: /tls\.key is not the key of .*tls\.crt/ },
  'half a certificate': {
    cert: good.cert.slice(0, 200),
    key: good.key,
    message: /tls\.crt is not a PEM certificate/,
  },
  'no certificate': { cert: '', key: good.key, message: /tls\.crt holds no PEM certificate/ },
  'half a key': { cert: good.cert, key: good.key.slice(0, 60), message: /tls\.key is not a PEM private key/ },
  'an encrypted key': {
    cert: good.cert,
    key: '-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n',
    message: /tls\.key is encrypted/,
  },
  'an expired certificate': {
    ...(await authority.issue({ notAfter: new Date(Date.now() - 60_000) })),
    message: /tls\.crt expired at \d{4}-/,
  },
  'a file of two megabytes': {
    cert: 'x'.repeat(2_000_000),
    key: good.key,
    message: /tls\.crt is longer than/,
  },
};

for (const [name, { cert, key, message }] of Object.entries(BAD_PAIRS)) {
  test(`W9 ${name} does not replace a certificate that can serve; it is reported once and counted, and no key is quoted`, async (t) => {
    const served = await serveWebhook(t);
    const before = served.certificate.current?.fingerprint;
    await writeFile(served.certFile, cert);
    await writeFile(served.keyFile, key);
    await served.certificate.check();
    await served.certificate.check();
    assert.equal(await servedFingerprint(served), before);
    assert.equal((await served.health('/readyz')).status, 200);
    const told = served.log().filter(({ msg }) => msg === 'certificate not loaded');
    assert.equal(told.length, 1);
    assert.match(String(told[0]?.message), message);
    assert.match((await served.health('/metrics')).text, /^curfew_certificate_load_failures_total 1$/m);
    const secret = key.split('\n')[1]?.slice(0, 20) ?? '';
    assert.ok(secret !== '' && !JSON.stringify(told).includes(secret));
    const next = await served.authority.issue();
    await served.install(next);
    await served.certificate.check();
    assert.equal(await servedFingerprint(served), next.fingerprint, 'a good pair is loaded afterwards');
  });
}

test('a certificate that expires makes the webhook unready', async (t) => {
  let now = Date.now();
  const served = await serveWebhook(t, { now: () => now });
  assert.equal((await served.health('/readyz')).status, 200);
  now += 48 * 3_600_000;
  const unready = await served.health('/readyz');
  assert.equal(unready.status, 503);
  assert.match(unready.text, /the certificate expired at/);
});

test('a parsed certificate has its expiry and its names', () => {
  const parsed = parseCertificate(good.cert, good.key, Date.now());
  assert.equal(parsed.fingerprint, good.fingerprint);
  assert.match(parsed.subjectAltName, /127\.0\.0\.1/);
  assert.ok(parsed.notAfter.getTime() > Date.now());
  assert.throws(() => parseCertificate(good.cert, other.key, Date.now()), CertificateError);
});

test('a chain of two certificates is sent completely', async (t) => {
  const served = await serveWebhook(t);
  const leaf = await served.authority.issue();
  await served.install({ ...leaf, cert: `${leaf.cert}\n${served.authority.cert}\n` });
  await served.certificate.check();
  const socket = await served.tls();
  assert.match(
    String(at(socket.getPeerCertificate(true), 'issuerCertificate', 'subject', 'CN')),
    /authority/,
  );
  socket.destroy();
});
