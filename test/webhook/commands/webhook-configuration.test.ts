import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { createAuthority } from '../certificate/throw-away-certificate.ts';
import { at } from '../server/served-webhook.ts';
import { curfew } from './test-terminal.ts';

test('W1 W3 N1 it asks for the creation of pods only, of namespaces that opted in, and to be invoked again', async () => {
  const { code, out, err } = await curfew(['webhook-configuration', '--url', 'https://10.0.0.1:8443/mutate']);
  assert.deepEqual([code, err], [0, '']);
  const entry = (label: string, name: string, path: string, failurePolicy: string) => ({
    name,
    admissionReviewVersions: ['v1'],
    clientConfig: { url: `https://10.0.0.1:8443/mutate${path}` },
    rules: [
      {
        operations: ['CREATE'],
        apiGroups: [''],
        apiVersions: ['v1'],
        resources: ['pods'],
        scope: 'Namespaced',
      },
    ],
    namespaceSelector: {
      matchLabels: { 'curfew.dev/injection': label },
      matchExpressions: [
        {
          key: 'kubernetes.io/metadata.name',
          operator: 'NotIn',
          values: ['kube-system', 'kube-node-lease', 'kube-public'],
        },
      ],
    },
    objectSelector: {
      matchExpressions: [{ key: 'curfew.dev/inject', operator: 'NotIn', values: ['false'] }],
    },
    failurePolicy,
    matchPolicy: 'Equivalent',
    reinvocationPolicy: 'IfNeeded',
    sideEffects: 'NoneOnDryRun',
    timeoutSeconds: 10,
  });
  assert.deepEqual(parse(out), {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'MutatingWebhookConfiguration',
    metadata: { name: 'curfew', labels: { 'app.kubernetes.io/name': 'curfew' } },
    webhooks: [
      entry('enabled', 'pods.curfew.dev', '', 'Fail'),
      entry('shim', 'shim.pods.curfew.dev', '/shim', 'Fail'),
      entry('native', 'native.pods.curfew.dev', '/native', 'Fail'),
      entry('auto', 'auto.pods.curfew.dev', '/auto', 'Fail'),
      entry('audit', 'audit.pods.curfew.dev', '/audit', 'Ignore'),
    ],
  });
});

test('a Service, with and without port and path; its own namespace is never asked about', async () => {
  const config = async (service: string) =>
    JSON.parse((await curfew(['webhook-configuration', '--service', service, '--output', 'json'])).out);
  const short = await config('curfew-system/curfew');
  assert.deepEqual(at(short, 'webhooks', 0, 'clientConfig'), {
    service: { namespace: 'curfew-system', name: 'curfew', port: 443, path: '/mutate' },
  });
  assert.ok(JSON.stringify(at(short, 'webhooks', 0, 'namespaceSelector')).includes('"curfew-system"'));
  const long = await config('ns/svc:8443/other');
  assert.deepEqual(at(long, 'webhooks', 0, 'clientConfig', 'service'), {
    namespace: 'ns',
    name: 'svc',
    port: 8443,
    path: '/other',
  });
});

test('W9 the bundle holds the certificates of the file, and never its key', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'curfew-'));
  t.after(() => rm(folder, { recursive: true }));
  const authority = await createAuthority();
  const { cert, key } = await authority.issue();
  const file = join(folder, 'ca.crt');
  await writeFile(file, `${authority.cert}\n${key}\n${cert}\n`);
  const { out } = await curfew([
    'webhook-configuration',
    '--url',
    'https://h/mutate',
    '--ca',
    file,
    '--failure-policy',
    'Ignore',
  ]);
  const configuration = parse(out);
  const bundle = Buffer.from(
    String(at(configuration, 'webhooks', 0, 'clientConfig', 'caBundle')),
    'base64',
  ).toString();
  assert.equal(bundle, `${authority.cert.trim()}\n${cert.trim()}\n`);
  assert.equal(at(configuration, 'webhooks', 0, 'failurePolicy'), 'Ignore');
  await writeFile(file, key);
  const refused = await curfew(['webhook-configuration', '--url', 'https://h/mutate', '--ca', file]);
  assert.equal(refused.code, 2);
  assert.match(refused.err, /ca\.crt holds no PEM certificate/);
  assert.ok(!refused.err.includes(key.split('\n')[1] ?? ''));
  await writeFile(file, '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n');
  assert.match(
    (await curfew(['webhook-configuration', '--url', 'https://h/mutate', '--ca', file])).err,
    /certificate number 1 does not parse/,
  );
});

const WRONG: [string[], RegExp][] = [
  [[], /give either --url .* or --service/],
  [['--url', 'https://h', '--service', 'a/b'], /give either/],
  [['--url', 'http://h/mutate'], /must be an https URL/],
  [['--url', 'https://me:secret@h/mutate'], /takes no user/],
  [['--url', 'https://h/mutate?x=1'], /takes no user, query/],
  [['--service', 'curfew'], /is not NAMESPACE\/NAME/],
  [['--service', 'a/b:99999'], /is not NAMESPACE\/NAME/],
  [['--url', 'https://h', '--failure-policy', 'Maybe'], /"Maybe" is not allowed; it is Fail or Ignore/],
  [['--url', 'https://h', '--timeout', '30'], /"30" is not allowed; it is a whole number from 1 to 10/],
  [['--url', 'https://h', '--name', 'No Name'], /no name of an object/],
  [['--url', 'https://h', '--ca', '/nonexistent'], /--ca \/nonexistent cannot be read/],
];

for (const [args, message] of WRONG) {
  test(`webhook-configuration ${args.join(' ')}: exit code 2 and a way out`, async () => {
    const { code, out, err } = await curfew(['webhook-configuration', ...args]);
    assert.deepEqual([code, out], [2, '']);
    assert.match(err, message);
    assert.doesNotMatch(err, /secret/);
  });
}
