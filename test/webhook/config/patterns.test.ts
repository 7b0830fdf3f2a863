/** The patterns of catalogue.extra: one that nothing can match is refused with the key, the value and an example. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseConfig, policyOf } from '../../../webhook/config/config.ts';
import { knownSidecar } from '../../../webhook/decision/known-sidecar.ts';

const extra = (names: string, images: string) =>
  parseConfig(`catalogue: { extra: [{ names: [${names}], images: [${images}] }] }`, 'c.yaml');

test('V2 names and images of catalogue.extra may be patterns', () => {
  const { catalogue } = policyOf(extra('"db-*", proxy', '"team/*-proxy", registry.local:5000/proxy'));
  assert.ok(knownSidecar(catalogue, 'db-orders', 'registry.local/team/pg-proxy:1'));
  assert.ok(knownSidecar(catalogue, 'proxy', 'registry.local:5000/proxy'));
  assert.equal(knownSidecar(catalogue, 'db', 'team/pg-proxy'), undefined);
  assert.equal(knownSidecar(catalogue, 'db-orders', 'team/pg-proxy/tests'), undefined);
});

const WRONG: [names: string, images: string, message: RegExp][] = [
  [
    'Proxy',
    'proxy',
    /^ConfigError: c\.yaml: catalogue\.extra\[0\]\.names\[0\] is "Proxy", which is not allowed; it takes a container name in lower case, such as istio-proxy or csql-\*$/,
  ],
  ['a, team/proxy', 'proxy', /names\[1\] is "team\/proxy".*not an image, such as/],
  ['""', 'proxy', /names\[0\] is "".*with a letter or digit/],
  ['"*"', 'proxy', /names\[0\] is "\*".*with a letter or digit/],
  ['n'.repeat(64), 'proxy', /names\[0\] is "nnn.*at most 63 characters/],
  [
    'proxy',
    'team/proxy:1',
    /^ConfigError: c\.yaml: catalogue\.extra\[0\]\.images\[0\] is "team\/proxy:1", which is not allowed; it takes a repository without tag, such as istio\/proxyv2 or proxyv2-rhel\*$/,
  ],
  ['proxy', '"team/proxy@sha256:00"', /images\[0\] is "team\/proxy@sha256:00".*without digest/],
  ['proxy', 'a, Team/proxy', /images\[1\] is "Team\/proxy".*in lower case/],
  ['proxy', '"*"', /images\[0\] is "\*".*with a letter or digit/],
  ['proxy', 'p'.repeat(600), /images\[0\] is "ppp.*which is not allowed/],
  ['proxy', '7', /images\[0\] is 7, which is not allowed; it takes a pattern/],
];

for (const [names, images, message] of WRONG)
  test(`V4 names [${names.slice(0, 20)}] and images [${images.slice(0, 30)}] are refused`, () =>
    assert.throws(() => extra(names, images), message));

test('V2 a disabled pattern is known no more, and its containers are not', () => {
  const { catalogue } = policyOf(parseConfig('catalogue: { disabled: ["csql-*"] }', 'c.yaml'));
  const image = 'gcr.io/cloud-sql-connectors/cloud-sql-proxy:2';
  assert.equal(knownSidecar(catalogue, 'csql-a', image), undefined);
  assert.ok(knownSidecar(catalogue, 'cloud-sql-proxy', image));
});
