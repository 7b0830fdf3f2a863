import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { request } from 'node:https';
import { type TestContext, test } from 'node:test';
import { TLSSocket } from 'node:tls';
import { type CertificateSpec, settlingTime } from '../../../webhook/certificate/authority.ts';
import { SelfManagedCertificate } from '../../../webhook/certificate/self-managed.ts';
import { parseConfig, policyOf } from '../../../webhook/config/config.ts';
import { noLookup } from '../../../webhook/decision/images.ts';
import { connectKubernetes } from '../../../webhook/kubernetes/client.ts';
import { createLog } from '../../../webhook/server/log.ts';
import { createMetrics } from '../../../webhook/server/metrics.ts';
import { buildServer, type Servers } from '../../../webhook/server/server.ts';
import { type FakeApiServer, startApiServer } from '../kubernetes/fake-api-server.ts';
import { jobPod, review } from '../server/review-examples.ts';

const MINUTE = 60_000;
const NAME = 'curfew.curfew.svc';
const SPEC: CertificateSpec = { names: [NAME], lifetime: 60 * MINUTE, caLifetime: 240 * MINUTE, jitter: 0 };
const STEP = 20 * MINUTE;
const ROTATIONS = 52;
const CLIENTS = 2;
const BODY = JSON.stringify(review(jobPod()));

/** The clock of replicas and clients. The test advances it, so a busy machine changes nothing. */
const time = { now: Date.now() };

interface Replica {
  certificate: SelfManagedCertificate;
  port: number;
  log: string[];
}

/** The real server with a self-managed certificate. It reconciles when the test calls it. */
async function replicaOf(t: TestContext, api: FakeApiServer): Promise<Replica> {
  const log: string[] = [];
  const note = (...words: unknown[]) => void log.push(words.map(String).join(' '));
  const certificate = new SelfManagedCertificate(
    await connectKubernetes(api.env),
    { namespace: 'curfew', secret: 'curfew-tls', webhookConfiguration: 'curfew', spec: SPEC },
    {
      loaded: () => servers.useCertificate(),
      failed: note,
      secretWritten: (step) => log.push(step),
      caBundleWritten: () => {},
      authority: () => {},
      failure: note,
      recovered: () => {},
      configurationRead: () => {},
      watchFailed: () => {},
      unexpected: note,
    },
    { now: () => time.now, monotonic: () => time.now },
  );
  // A long queueTime, because a busy machine may stall for a second and no review is to be shed here.
  const config = parseConfig('limits: { queueTime: 10s }', 'test');
  const servers: Servers = buildServer({
    policy: policyOf(config),
    images: noLookup,
    log: createLog('silent', { write: () => {} }),
    metrics: createMetrics('0.0.0-test'),
    config,
    certificate,
  });
  await certificate.check();
  await servers.webhook.listen({ port: 0, host: '127.0.0.1' });
  t.after(async () => {
    certificate.stop();
    servers.webhook.server.closeAllConnections();
    await servers.webhook.close();
  });
  const address = servers.webhook.server.address();
  assert.ok(typeof address === 'object' && address !== null);
  return { certificate, port: address.port, log };
}

/** The caBundle, and former ones that an API server may still see in its cache. */
class VisibleBundles {
  private readonly seen: { text: string; until: number }[] = [];

  note(text: string): void {
    const last = this.seen.at(-1);
    if (last?.text === text) return;
    if (last !== undefined) last.until = time.now + settlingTime(SPEC, true);
    this.seen.push({ text, until: Number.POSITIVE_INFINITY });
  }

  get all(): string[] {
    return this.seen.filter(({ until }) => until >= time.now).map(({ text }) => text);
  }
}

/** Why a client that trusts only a caBundle refuses this leaf; undefined: it accepts it. */
function objection(leaf: X509Certificate, caBundle: string): string | undefined {
  const authority = (caBundle.match(/-----BEGIN[^-]+-----[^-]+-----END[^-]+-----/g) ?? [])
    .map((cert) => new X509Certificate(cert))
    .find((candidate) => leaf.checkIssued(candidate) && leaf.verify(candidate.publicKey));
  if (authority === undefined) return 'signed by an authority that the caBundle does not hold';
  for (const certificate of [leaf, authority]) {
    if (certificate.validToDate.getTime() < time.now) return 'expired';
    if (certificate.validFromDate.getTime() > time.now) return 'not yet valid';
  }
  return leaf.checkHost(NAME) === undefined ? 'for another host' : undefined;
}

/** Send one review over a new connection. @returns the leaf's fingerprint */
async function reviewOnce(port: number, bundles: VisibleBundles): Promise<string> {
  const headers = { 'content-type': 'application/json' };
  // The chain is checked below, by the test's clock.
  const trust = { servername: NAME, rejectUnauthorized: false, agent: false };
  const outgoing = request({
    port,
    host: '127.0.0.1',
    path: '/mutate?timeout=30s',
    method: 'POST',
    headers,
    ...trust,
  });
  const [socket] = await once(outgoing, 'socket');
  assert.ok(socket instanceof TLSSocket);
  await once(socket, 'secureConnect');
  const leaf = socket.getPeerX509Certificate();
  assert.ok(leaf !== undefined);
  for (const bundle of bundles.all) assert.equal(objection(leaf, bundle), undefined);
  outgoing.end(BODY);
  const [response] = await once(outgoing, 'response');
  response.resume();
  await once(response, 'end');
  assert.equal(response.statusCode, 200);
  return leaf.fingerprint256;
}

test(`${ROTATIONS} certificates and their authorities are rotated, and no review fails`, async (t) => {
  const api = await startApiServer(t);
  const bundles = new VisibleBundles();
  const replicas = [await replicaOf(t, api), await replicaOf(t, api)];
  const turn = async () => {
    await Promise.all(replicas.map(({ certificate }) => certificate.check()));
    bundles.note([...(api.bundles?.values() ?? [])].join(''));
  };
  await turn();
  time.now += settlingTime(SPEC, true) + 1;
  await turn();
  await api.until(() => replicas.every(({ certificate }) => certificate.unready() === undefined));
  bundles.note([...(api.bundles?.values() ?? [])].join(''));
  const leaves = new Set<string>();
  const authorities = new Set<string>();
  let over = false;
  let reviews = 0;
  const clients = replicas.flatMap(({ port }) =>
    Array.from({ length: CLIENTS }, async () => {
      while (!over) {
        leaves.add(await reviewOnce(port, bundles));
        reviews++;
      }
    }),
  );
  const load = Promise.all(clients);
  const rotations = (async () => {
    for (let steps = 0; leaves.size < ROTATIONS; steps++) {
      assert.ok(steps < ROTATIONS * 10, `${leaves.size} leaves after ${steps} steps`);
      time.now += steps % 3 === 0 ? settlingTime(SPEC, false) : STEP;
      await turn();
      authorities.add(api.secret?.get('ca.crt') ?? '');
      for (const { port } of replicas) leaves.add(await reviewOnce(port, bundles));
    }
  })();
  // A client that fails ends the test at once.
  await Promise.race([rotations, load]);
  over = true;
  await Promise.all([rotations, load]);
  assert.ok(reviews > ROTATIONS, `${reviews} reviews`);
  assert.ok(authorities.size > 5, `${authorities.size} authorities`);
  const steps = replicas.flatMap(({ log }) => log);
  assert.deepEqual([...new Set(steps)].sort(), ['begun', 'dropped', 'promoted', 'renewed']);
});
