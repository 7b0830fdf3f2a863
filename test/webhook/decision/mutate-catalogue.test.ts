import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseReadiness } from '../../../shim/protocol.ts';
import { parseSignal } from '../../../shim/signals.ts';
import { CATALOGUE } from '../../../webhook/decision/catalogue.ts';
import { entriesByName } from '../../../webhook/decision/catalogue-index.ts';
import { imageRepository, knownSidecar } from '../../../webhook/decision/known-sidecar.ts';
import { imagePatternTrouble, namePatternTrouble } from '../../../webhook/decision/pattern.ts';
import { app, flag, image, jobPod, mutation, named, proxy, wrapped } from './mutated-pod.ts';

/** A name or a repository that a pattern matches. */
const example = (pattern: string) => pattern.replaceAll('*', '9');

describe('the catalogue', () => {
  for (const known of CATALOGUE)
    test(`V2 ${known.what}: well written, with its source, and found`, () => {
      for (const name of known.names) assert.equal(namePatternTrouble(name), undefined);
      for (const repository of known.images) assert.equal(imagePatternTrouble(repository), undefined);
      for (const name of known.names)
        for (const repository of known.images) {
          const found = knownSidecar(
            CATALOGUE,
            example(name),
            `registry.example:5000/mirror/${example(repository)}:1.2.3`,
          );
          // Of two builds of the same, the one whose image says more stands first.
          assert.ok(
            found === known || found?.names.includes(name),
            `${name} ${repository} is ${found?.images}`,
          );
        }
      const [name = '', repository = ''] = [known.names[0], known.images[0]];
      assert.equal(knownSidecar(CATALOGUE, example(name), example(repository)), known);
      if (known.ready !== undefined) assert.ok(parseReadiness(known.ready));
      else assert.equal(known.settings, undefined);
      if (known.stopSignal !== undefined) assert.ok(parseSignal(known.stopSignal));
      if (known.cmd !== undefined) assert.ok(known.entrypoint);
      assert.match(known.source, /^[\w./-]+( v[0-9.]+)?: /);
      assert.ok(known.order !== undefined);
    });

  test('V2 a name that stands there is matched by no pattern of another name: disabled takes it out', () => {
    for (const { names } of CATALOGUE)
      for (const name of names.filter((text) => !text.includes('*')))
        for (const other of entriesByName(CATALOGUE, name))
          assert.ok(other.names.includes(name), `${name}: ${other.names}`);
  });
});

const OF_VENDORS: [name: string, image: string][] = [
  ['istio-proxy', 'rancher/mirrored-istio-proxyv2:1.20.3'],
  ['istio-proxy', 'rancher/istio-proxyv2:1.10'],
  ['istio-proxy', 'registry.redhat.io/openshift-service-mesh/proxyv2-rhel8:2.4'],
  ['istio-proxy', 'registry.redhat.io/openshift-service-mesh/proxyv2-rhel9:2.6'],
  ['istio-proxy', 'registry.redhat.io/openshift-service-mesh/istio-proxyv2-rhel9@sha256:00'],
  ['istio-proxy', 'quay.io/maistra/proxyv2-ubi8:2.5.0'],
  ['istio-proxy', 'cgr.dev/chainguard/istio-proxy:latest'],
  ['istio-proxy', 'mcr.microsoft.com/oss/istio/proxyv2:1.22'],
  ['istio-proxy', 'harbor.example/dockerhub-proxy/istio/proxyv2:1.22'],
  ['linkerd-proxy', 'gcr.io/linkerd-io/proxy:stable-2.9'],
  ['linkerd-proxy', 'ghcr.io/buoyantio/proxy:enterprise-2.19.4'],
  ['otc-container', 'otel/opentelemetry-collector-k8s:0.122.1'],
  ['otel-collector', 'public.ecr.aws/aws-observability/aws-otel-collector:v0.40.0'],
  ['otel-collector', 'cgr.dev/chainguard/opentelemetry-collector-contrib'],
  ['otc-container', 'registry.redhat.io/rhosdt/opentelemetry-collector-rhel9'],
  ['vault-agent', 'quay.io/openbao/openbao:2.2.0'],
  ['openbao-agent', 'openbao/openbao'],
  ['vault-agent', 'registry.connect.redhat.com/hashicorp/vault:1.17'],
  ['cloud-sql-proxy', 'harbor.example/gcr/cloud-sql-connectors/cloud-sql-proxy:2.14.0-alpine'],
  ['cloud-sql-proxy', 'registry.example/mirror/cloud-sql-proxy:2'],
  ['cloud-sql-proxy', 'registry.example/mirror/cloud-sql-proxy-alpine:2'],
  ['cloudsql-proxy', 'eu.gcr.io/cloudsql-docker/gce-proxy:1.33.2-buster'],
  ['sql', 'gcr.io/cloudsql-docker/gce-proxy:1.17'],
  ['cloudsql', 'registry.example/gce-proxy:1.17'],
  ['sqlproxy', 'registry.example/gce-proxy-buster:1.17'],
  ['csql-default-instance1', 'gcr.io/cloud-sql-connectors/cloud-sql-proxy:2.14.0'],
  ['orders-cloudsql-proxy', 'gcr.io/cloudsql-docker/gce-proxy:1.27.1-alpine'],
  ['consul-dataplane-orders', 'hashicorp/consul-dataplane:1.5'],
];

describe('V2 a vendor’s or a mirror’s build of a known sidecar is known', () => {
  for (const [name, from] of OF_VENDORS)
    test(`V2 ${name} of ${from}`, () => {
      const pod = jobPod({}, [app(), proxy({ name, image: from, args: ['x'] })]);
      assert.equal(flag(wrapped(pod), 'app', 'sidecars'), name);
    });

  test('V2 an entrypoint is taken from the original only where the build has the same', () => {
    const start = (name: string, from: string) => {
      const pod = jobPod({}, [app(), { name, image: from, args: ['x'] }]);
      return named(wrapped(pod, { [name]: image({ entrypoint: ['/looked-up'] }) }), name).args?.[0];
    };
    assert.equal(start('istio-proxy', 'rancher/mirrored-istio-proxyv2'), '/usr/local/bin/pilot-agent');
    assert.equal(start('istio-proxy', 'maistra/proxyv2-ubi8'), '/usr/local/bin/pilot-agent');
    assert.equal(start('linkerd-proxy', 'ghcr.io/buoyantio/proxy'), '/looked-up');
    assert.equal(start('otel-collector', 'otel/opentelemetry-collector-k8s'), '/otelcol-k8s');
    assert.equal(start('otel-collector', 'chainguard/opentelemetry-collector-contrib'), '/looked-up');
    assert.equal(start('cloud-sql-proxy', 'mirror.example/cloud-sql-proxy'), '/looked-up');
  });
});

const MAINS: [why: string, name: string, image: string, args: string[]][] = [
  ['an image whose name only holds a known one', 'istio-proxy-tests', 'team/my-istio-proxy-tests:1', []],
  ['an operator', 'operator', 'cloud-sql-connectors/cloud-sql-proxy-operator:1', []],
  ['a Vault server', 'vault', 'hashicorp/vault:1.17', ['server']],
  ['a script that sets Vault up', 'vault-init', 'hashicorp/vault:1.17', ['operator', 'init']],
  ['a client of a database', 'sql', 'postgres:17', ['psql', '-f', 'migrate.sql']],
  ['policy tests', 'opa', 'openpolicyagent/opa:1.4.0', ['test', '/policies']],
  ['a container in which a build is run', 'docker', 'docker:27-dind', ['cat']],
  ['what hands over an Airflow task’s result', 'airflow-xcom-sidecar', 'alpine:3', []],
  ['what saves the logs and the result of an Argo step', 'wait', 'quay.io/argoproj/argoexec:v3.6.0', []],
];

describe('V2 a main that looks like a sidecar stays a main, without a word', () => {
  for (const [why, name, from, args] of MAINS)
    test(`V2 ${why}: ${name} of ${from}`, () => {
      assert.equal(knownSidecar(CATALOGUE, name, from), undefined);
      const main = app({ name, image: from, command: ['run'], args });
      const alone = mutation(jobPod({}, [main, app()]));
      assert.deepEqual([alone.outcome, alone.reason, alone.warnings], ['unchanged', 'no-known-sidecar', []]);
      const beside = mutation(jobPod({}, [main, proxy({ name: 'istio-proxy', image: 'istio/proxyv2' })]));
      assert.deepEqual([beside.outcome, beside.warnings], ['wrapped', []]);
    });

  test('V2 the only container of a pod is its main, whatever its image', () => {
    const { reason, warnings } = mutation(
      jobPod({}, [app({ name: 'collector', image: 'otel/opentelemetry-collector:0.1' })]),
    );
    assert.deepEqual([reason, warnings], ['no-known-sidecar', []]);
  });
});

test('V2 an image’s repository is told from its tag, digest and registry port', () => {
  for (const [from, repository] of [
    ['proxyv2', 'proxyv2'],
    ['istio/proxyv2:1.2', 'istio/proxyv2'],
    ['localhost:5000/proxyv2', 'localhost:5000/proxyv2'],
    ['localhost:5000/proxyv2:1@sha256:00', 'localhost:5000/proxyv2'],
    ['', ''],
  ])
    assert.equal(imageRepository(from ?? ''), repository);
});
