import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import fastJsonPatch from 'fast-json-patch';
import { mutate } from '../../../webhook/decision/mutate.ts';
import type { Policy } from '../../../webhook/decision/policy.ts';
import type { JsonRecord } from '../../../webhook/shared/json.ts';
import { aNamespace, aPod, waiting } from '../cluster/cluster-objects.ts';
import {
  check,
  configuration,
  endpoints,
  OTHER,
  POLICY,
  refuses,
  SYSTEM,
  serve,
  start,
  webhookPod,
} from './fake-installation.ts';
import { curfew } from './test-terminal.ts';

test('S3 an installation in which all is well: a line for each thing, and exit code 0', async (t) => {
  const cluster = await start(t);
  const { code, lines, err } = await check(cluster);
  assert.deepEqual([code, err], [0, '']);
  assert.deepEqual(
    lines.map(({ level, subject, text }) => `${level} ${subject}: ${text.replace(/ends in .*/, 'ends')}`),
    [
      'ok API server: answers, v1.36.2; mode auto takes native sidecars where nothing is lost: every kubelet of Kubernetes 1.36 has native sidecars',
      'ok configuration: curfew: pods.curfew.dev, failurePolicy Fail',
      'ok endpoints: Service curfew-system/curfew: 2 ready',
      'ok caBundle: it is what the served certificate is signed with',
      'ok certificate: it ends',
      'ok namespaces: labelled: shop',
      'ok dry run: a pod in shop is wrapped',
      'ok rights: service account curfew-system/curfew has the 6 that the configuration needs',
      'ok other webhooks: none is asked after Curfew',
      "ok the webhook's image: pulled: r/curfew:1",
      "ok the shim's image: pulled for 1 pod that is there: r/shim:1",
    ],
  );
  assert.ok(cluster.reviews.every(({ user }) => user === 'system:serviceaccount:curfew-system:curfew'));
  const text = await curfew(['check', '--kubeconfig', cluster.kubeconfig, '--no-lookup']);
  assert.match(text.out, /^ok {4}API server: answers/);
  assert.equal(text.out.trimEnd().split('\n').length, lines.length);
});

test('S3 nothing of it is stored, and no Secret is read', async (t) => {
  const cluster = await start(t);
  await check(cluster);
  const writes = cluster.requests.filter((line) => !/^(?:GET|UPGRADE) /.test(line));
  assert.ok(writes.length > 1);
  assert.deepEqual(
    writes.filter((line) => !/\?dryRun=All$|\/subjectaccessreviews$/.test(line)),
    [],
  );
  assert.ok(!cluster.requests.some((line) => line.includes('/secrets')));
});

/** What is broken, the line that must say so, and whether it fails. */
const BROKEN: [
  title: string,
  breakIt: (cluster: Awaited<ReturnType<typeof start>>, t: TestContext) => unknown,
  subject: string,
  level: string,
  seen: RegExp,
  way: RegExp,
][] = [
  [
    'no configuration',
    (cluster) =>
      cluster.objects.delete('/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/curfew'),
    'configuration',
    'fail',
    /no MutatingWebhookConfiguration/,
    /helm install/,
  ],
  [
    'two configurations',
    (cluster) => cluster.put(configuration('curfew-2')),
    'configuration',
    'warn',
    /curfew and curfew-2/,
    /selectors must differ/,
  ],
  [
    'no endpoint',
    (cluster) => cluster.put(endpoints(0, 1)),
    'endpoints',
    'fail',
    /0 ready, 1 not/,
    /kubectl get pods -n curfew-system/,
  ],
  ['one endpoint', (cluster) => cluster.put(endpoints(1)), 'endpoints', 'warn', /1 ready/, /two replicas/],
  [
    'no Service',
    (cluster) => cluster.objects.delete('/api/v1/namespaces/curfew-system/services/curfew'),
    'endpoints',
    'fail',
    /no Service/,
    /refuses pods/,
  ],
  [
    'a caBundle of another authority',
    (cluster, t) => serve(t, cluster, { authority: OTHER }),
    'caBundle',
    'fail',
    /cannot trust what is served: .*(?:SIGNATURE|ISSUER|VERIFY|SIGNED)/i,
    /mends its own caBundle/,
  ],
  [
    'a certificate for another name',
    (cluster, t) => serve(t, cluster, { dns: 'else.svc' }),
    'caBundle',
    'fail',
    /does not match certificate's altnames/,
    /./,
  ],
  [
    'no caBundle',
    (cluster) =>
      cluster.put(
        configuration('curfew', { clientConfig: { service: { namespace: SYSTEM, name: 'curfew' } } }),
      ),
    'caBundle',
    'fail',
    /there is none/,
    /see its log/,
  ],
  [
    'a certificate that has ended',
    (cluster, t) => serve(t, cluster, { notAfter: new Date(Date.now() - 60_000) }),
    'certificate',
    'fail',
    /it ended 6\d s ago/,
    /renew it/,
  ],
  [
    'a certificate that ends soon',
    (cluster, t) => serve(t, cluster, { notAfter: new Date(Date.now() + 3_600_000) }),
    'certificate',
    'warn',
    /it ends in (?:59|60) min/,
    /should have been renewed/,
  ],
  [
    'no labelled namespace',
    (cluster) => cluster.put(aNamespace('shop')),
    'namespaces',
    'warn',
    /none has label/,
    /kubectl label namespace/,
  ],
  [
    'a wrong value',
    (cluster) => cluster.put(aNamespace('plain', { 'curfew.dev/injection': 'on' })),
    'namespaces',
    'warn',
    /plain: .* is "on", which means nothing/,
    /--overwrite/,
  ],
  [
    'a pod that comes back as it was',
    (cluster) => Object.assign(cluster, { admit: (pod: JsonRecord) => ({ status: 201, body: pod }) }),
    'dry run',
    'fail',
    /comes back as it was/,
    /namespaceSelector/,
  ],
  [
    'a webhook that cannot be called',
    (cluster) =>
      Object.assign(cluster, {
        admit: refuses(
          'Internal error occurred: failed calling webhook "pods.curfew.dev": x509: certificate signed by unknown authority',
          500,
        ),
      }),
    'dry run',
    'fail',
    /cannot call the webhook: .*x509/,
    /see caBundle above/,
  ],
  [
    'a pod that is refused by others',
    (cluster) => Object.assign(cluster, { admit: refuses('pods "x" is forbidden: exceeded quota', 403) }),
    'dry run',
    'warn',
    /a reason that is not Curfew's: .*quota/,
    /with -n/,
  ],
  [
    'a right that is not there',
    (cluster) => Object.assign(cluster, { denied: /^events$/ }),
    'rights',
    'fail',
    /may not create events in shop/,
    /rbac\.create/,
  ],
  [
    'pull secrets that may not be read',
    (cluster) => Object.assign(cluster, { denied: /^secrets$/ }),
    'rights',
    'fail',
    /get secrets\/curfew-tls in curfew-system/,
    /./,
  ],
  [
    'a webhook that has the last word',
    (cluster) =>
      cluster.put(configuration('vault', { name: 'vault.example', reinvocationPolicy: 'IfNeeded' })),
    'other webhooks',
    'warn',
    /vault is asked after Curfew, and again/,
    /sorts before ours/,
  ],
  [
    "the webhook's image",
    (cluster) => cluster.put(webhookPod(waiting('ImagePullBackOff', 'no basic auth credentials'))),
    "the webhook's image",
    'fail',
    /r\/curfew:1 cannot be pulled: no basic auth/,
    /./,
  ],
  [
    "the shim's image",
    (cluster) =>
      cluster.put(
        aPod({
          name: 'stuck',
          containers: [{ name: 'a' }],
          initContainers: [{ name: 'curfew-install', image: 'r/shim:1', state: waiting('ErrImagePull') }],
        }),
      ),
    "the shim's image",
    'fail',
    /r\/shim:1 cannot be pulled/,
    /right to pull it/,
  ],
  [
    'an old cluster',
    (cluster) => cluster.objects.set('/version', { gitVersion: 'v1.19.16' }),
    'API server',
    'fail',
    /v1\.19\.16/,
    /1\.20 or newer/,
  ],
];

for (const [title, breakIt, subject, level, seen, way] of BROKEN)
  test(`S3 ${title}: ${level}, and the way out`, async (t) => {
    const cluster = await start(t);
    await breakIt(cluster, t);
    const { code, lines } = await check(cluster);
    const line = lines.find((one) => one.subject === subject && one.level === level);
    assert.ok(line, JSON.stringify(lines, null, 1));
    assert.match(line.text, seen);
    assert.match(line.way ?? '', way);
    assert.equal(code, lines.some((one) => one.level === 'fail') ? 1 : 0);
    if (level === 'fail') assert.equal(code, 1);
  });

test('S3 what may not be asked is said as that, and fails nothing', async (t) => {
  const cluster = await start(t);
  cluster.ports.clear();
  cluster.faults.set('/apis/authorization.k8s.io/v1/subjectaccessreviews', 403);
  cluster.faults.set('/api/v1/namespaces/curfew-system/endpoints/curfew', 403);
  const { code, of } = await check(cluster);
  assert.equal(code, 0);
  for (const subject of ['endpoints', 'certificate'])
    assert.deepEqual(
      of(subject).map(({ level }) => level),
      ['unknown'],
    );
  cluster.faults.set('/version', 403);
  const none = await check(cluster);
  assert.deepEqual([none.code, none.out], [5, '']);
});

test('S3 native sidecars are an answer too; a mode needs no image then', async (t) => {
  const cluster = await start(t);
  cluster.admit = (pod) => {
    const policy: Policy = { ...POLICY, mode: 'native', cluster: { server: 36 } };
    const { newDocument } = fastJsonPatch.applyPatch(
      structuredClone(pod),
      mutate(pod, policy, new Map()).operations,
    );
    return { status: 201, body: newDocument };
  };
  const { code, of } = await check(cluster);
  assert.equal(code, 0);
  assert.deepEqual(
    of('dry run').map(({ text }) => text),
    ['a pod in shop gets native sidecars'],
  );
  assert.deepEqual(of("the shim's image"), []);
});
