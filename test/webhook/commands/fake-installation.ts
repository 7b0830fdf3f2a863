/** A cluster with an installation of Curfew in which all is well, for `curfew check`. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { TestContext } from 'node:test';
import { createServer, type Server } from 'node:tls';
import fastJsonPatch from 'fast-json-patch';
import { mutate } from '../../../webhook/decision/mutate.ts';
import type { Policy } from '../../../webhook/decision/policy.ts';
import { defaultPolicy } from '../../../webhook/decision/policy.ts';
import { isRecord, type JsonRecord } from '../../../webhook/shared/json.ts';
import { type Authority, createAuthority } from '../certificate/throw-away-certificate.ts';
import { aNamespace, aPod, exited, running } from '../cluster/cluster-objects.ts';
import { type FakeCluster, startCluster } from './fake-cluster.ts';
import { curfew } from './test-terminal.ts';

export const SYSTEM = 'curfew-system';
const AUTHORITY = await createAuthority();
export const OTHER = await createAuthority();
const LABELS = { 'app.kubernetes.io/name': 'curfew' };

const base64 = (text: string) => Buffer.from(text).toString('base64');

export function configuration(name: string, more: JsonRecord = {}): JsonRecord {
  return {
    ...{
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'MutatingWebhookConfiguration',
      metadata: { name },
    },
    webhooks: [
      {
        ...{ name: 'pods.curfew.dev', failurePolicy: 'Fail' },
        clientConfig: {
          caBundle: base64(AUTHORITY.cert),
          service: { namespace: SYSTEM, name: 'curfew', port: 443 },
        },
        rules: [{ operations: ['CREATE'], apiGroups: [''], resources: ['pods'] }],
        ...more,
      },
    ],
  };
}

const service = {
  ...{ apiVersion: 'v1', kind: 'Service', metadata: { name: 'curfew', namespace: SYSTEM } },
  spec: { selector: LABELS, ports: [{ name: 'webhook', port: 443, targetPort: 'webhook' }] },
};

export function endpoints(ready: number, not = 0): JsonRecord {
  const addresses = (count: number) =>
    Array.from({ length: count }, () => ({ ip: '10.0.0.1', targetRef: { kind: 'Pod', name: 'curfew-1' } }));
  return {
    ...{ apiVersion: 'v1', kind: 'Endpoints', metadata: { name: 'curfew', namespace: SYSTEM } },
    subsets: [
      {
        addresses: addresses(ready),
        notReadyAddresses: addresses(not),
        ports: [{ name: 'webhook', port: 8443 }],
      },
    ],
  };
}

export const webhookPod = (state = running()) =>
  aPod({
    ...{ name: 'curfew-1', namespace: SYSTEM, labels: LABELS, restartPolicy: 'Always' },
    containers: [{ name: 'webhook', image: 'r/curfew:1', state }],
    spec: { serviceAccountName: 'curfew', volumes: [{ name: 'config', configMap: { name: 'curfew' } }] },
  });

const CONFIG = `events: {enabled: true}
tls: {source: self-managed, selfManaged: {secret: curfew-tls, webhookConfiguration: curfew}}
`;

/** The webhook's. @param more of the configuration, YAML */
export const configMap = (more = '') => ({
  ...{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'curfew', namespace: SYSTEM } },
  data: { 'curfew.yaml': `${CONFIG}${more}` },
});

/** What the API server gives back of the dry run's pod. */
type Admission = (pod: JsonRecord) => { status: number; body: JsonRecord };

export const POLICY: Policy = defaultPolicy({ shim: { image: 'r/shim:1' } });
const wraps: Admission = (pod) => {
  const { newDocument } = fastJsonPatch.applyPatch(
    structuredClone(pod),
    mutate(pod, POLICY, new Map()).operations,
  );
  return { status: 201, body: newDocument };
};
export const refuses =
  (message: string, status = 400): Admission =>
  () => ({ status, body: { kind: 'Status', reason: 'BadRequest', message } });

/** A cluster with an installation in which all is well. */
export async function start(
  t: TestContext,
): Promise<FakeCluster & { admit: Admission; denied: RegExp; reviews: JsonRecord[] }> {
  const fake = await startCluster(t);
  const cluster = Object.assign(fake, { admit: wraps, denied: /^$/, reviews: [] as JsonRecord[] });
  cluster.objects.set('/version', { gitVersion: 'v1.36.2' });
  for (const object of [
    configuration('curfew'),
    service,
    endpoints(2),
    webhookPod(),
    aNamespace('shop', { 'curfew.dev/injection': 'enabled' }),
    aNamespace('plain'),
  ])
    cluster.put(object);
  cluster.put(configMap());
  cluster.put(
    aPod({
      name: 'ran',
      containers: [{ name: 'a' }],
      initContainers: [{ name: 'curfew-install', image: 'r/shim:1', state: exited(0) }],
    }),
  );
  cluster.posts.set('/api/v1/namespaces/shop/pods', (pod, query) => {
    assert.equal(query.get('dryRun'), 'All');
    return cluster.admit(pod);
  });
  cluster.posts.set('/apis/authorization.k8s.io/v1/subjectaccessreviews', ({ spec }) => {
    const review = isRecord(spec) && isRecord(spec.resourceAttributes) ? spec.resourceAttributes : {};
    cluster.reviews.push({ ...review, user: isRecord(spec) ? spec.user : '' });
    return { status: 201, body: { status: { allowed: !cluster.denied.test(String(review.resource)) } } };
  });
  await serve(t, cluster);
  return cluster;
}

/** What the webhook's pod serves. */
export async function serve(
  t: TestContext,
  cluster: FakeCluster,
  { authority = AUTHORITY, ...options }: { authority?: Authority; notAfter?: Date; dns?: string } = {},
): Promise<Server> {
  const pair = await authority.issue({ dns: `curfew.${SYSTEM}.svc`, ...options });
  const server = createServer(pair)
    .on('tlsClientError', () => {})
    .listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const address = server.address();
  cluster.ports.set(
    `${SYSTEM}/curfew-1:8443`,
    typeof address === 'object' && address !== null ? address.port : 0,
  );
  return server;
}

/** Run `curfew check` and read its lines. */
export async function check({ kubeconfig }: FakeCluster, ...args: string[]) {
  const run = await curfew(['check', '--kubeconfig', kubeconfig, '--no-lookup', '-o', 'json', ...args]);
  const lines: { level: string; subject: string; text: string; way?: string }[] =
    run.out === '' ? [] : JSON.parse(run.out).lines;
  return { ...run, lines, of: (subject: string) => lines.filter((line) => line.subject === subject) };
}
