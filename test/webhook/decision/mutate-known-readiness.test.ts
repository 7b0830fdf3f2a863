/** L1: a known sidecar's own probe, flags, environment and ports against the catalogue's readiness endpoint. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { defaultPolicy } from '../../../webhook/decision/policy.ts';
import {
  app,
  flag,
  jobPod,
  mutation,
  named,
  type TestContainer,
  type TestPod,
  wrapped,
} from './mutated-pod.ts';

interface Fields {
  args?: string[];
  env?: object[];
  ports?: object[];
  readinessProbe?: object;
  startupProbe?: object;
  [key: string]: unknown;
}

const known = (name: string, image: string) => ({
  pod: (fields: Fields = {}, main: TestContainer = app()): TestPod =>
    jobPod({}, [main, { name, image, command: ['/proxy'], ...fields }]),
  name,
});
const istio = known('istio-proxy', 'docker.io/istio/proxyv2:1.24');
const linkerd = known('linkerd-proxy', 'cr.l5d.io/linkerd/proxy:edge');
const cloudSql = known('cloud-sql-proxy', 'gcr.io/cloud-sql-connectors/cloud-sql-proxy:2');
const cloudSql1 = known('cloudsql-proxy', 'gcr.io/cloudsql-docker/gce-proxy:1.33');
const dapr = known('daprd', 'daprio/daprd:1.16');
const tailscale = known('ts-sidecar', 'ghcr.io/tailscale/tailscale:latest');
const azure = known('azwi-proxy', 'mcr.microsoft.com/oss/azure/workload-identity/proxy:v1');

const ready = (of: ReturnType<typeof known>, fields: Fields = {}) =>
  flag(wrapped(of.pod(fields)), of.name, 'ready');
const warnings = (of: ReturnType<typeof known>, fields: Fields = {}) => mutation(of.pod(fields)).warnings;
const env = (name: string, value: string) => ({ name, value });
const http = (port: number | string, path: string) => ({ httpGet: { port, path } });

describe('L1 a sidecar’s own probe counts before the catalogue', () => {
  test('L1 Istio’s agent without Envoy answers on 15020, where its probe asks', () => {
    const fields = { readinessProbe: http(15020, '/healthz/ready') };
    assert.equal(ready(istio, fields), 'http://:15020/healthz/ready');
    assert.deepEqual(warnings(istio, fields), []);
    assert.equal(ready(istio, { readinessProbe: http(15021, '/healthz/ready') }), ready(istio));
  });

  test('L1 Linkerd with another admin port, by probe, variable and port', () => {
    const variable = env('LINKERD2_PROXY_ADMIN_LISTEN_ADDR', '[::]:4195');
    const fields = { readinessProbe: http(4195, '/ready'), env: [variable] };
    assert.equal(ready(linkerd, fields), 'http://:4195/ready');
    assert.deepEqual(warnings(linkerd, fields), []);
    assert.equal(ready(linkerd, { env: [variable] }), 'http://:4195/ready');
    assert.equal(
      ready(linkerd, { ports: [{ name: 'linkerd-admin', containerPort: 4196 }] }),
      'http://:4196/ready',
    );
    assert.equal(ready(linkerd), 'http://:4191/ready');
  });

  test('L1 a probe that the shim cannot ask leaves the catalogue’s endpoint', () => {
    const fields = { readinessProbe: http('nowhere', '/ready') };
    assert.equal(ready(linkerd, fields), 'http://:4191/ready');
    assert.match(
      warnings(linkerd, fields).join(),
      /its probe names a port that the container does not declare, so mains wait for http:\/\/:4191\/ready/,
    );
  });

  test('L1 a readiness probe that asks for the main’s port leaves it too', () => {
    const main = app({ ports: [{ containerPort: 8080 }] });
    const pod = linkerd.pod({ readinessProbe: http(8080, '/') }, main);
    assert.equal(flag(wrapped(pod), 'linkerd-proxy', 'ready'), 'http://:4191/ready');
  });

  test('L1 daprd’s probe waits for the app, which waits for daprd', () => {
    const fields = { readinessProbe: http(3501, '/v1.0/healthz') };
    assert.equal(ready(dapr, fields), 'http://:3500/v1.0/healthz/outbound');
    assert.equal(
      ready(dapr, { ...fields, args: ['--dapr-http-port', '3600'] }),
      'http://:3600/v1.0/healthz/outbound',
    );
    assert.equal(
      ready(dapr, { ports: [{ name: 'dapr-http', containerPort: 3700 }] }),
      'http://:3700/v1.0/healthz/outbound',
    );
  });

  test('L1 a condition of none in the configuration ignores the probe', () => {
    const policy = (entry: object) =>
      defaultPolicy({ catalogue: [{ names: ['mine'], images: ['mine'], ...entry }] });
    const pod = known('mine', 'mine').pod({ readinessProbe: http(1, '/') });
    const of = (entry: object) => flag(wrapped(pod, {}, policy(entry)), 'mine', 'ready');
    assert.equal(of({}), 'http://:1/');
    assert.equal(of({ ready: 'tcp://:2' }), 'http://:1/');
    assert.equal(of({ ready: 'none' }), undefined);
    assert.equal(of({ ready: 'tcp://:2', ignoreProbes: true }), 'tcp://:2');
  });
});

describe('L1 flags and environment move the catalogue’s endpoint', () => {
  const on = '--health-check';
  const CASES: [what: string, of: ReturnType<typeof known>, fields: Fields, expected: string | undefined][] =
    [
      ['health checks are off by default', cloudSql, {}, undefined],
      ['a flag', cloudSql, { args: [on] }, 'http://:9090/startup'],
      ['a flag before a name', cloudSql, { args: [on, 'shop:eu:orders'] }, 'http://:9090/startup'],
      ['a flag that says no', cloudSql, { args: [`${on}=false`] }, undefined],
      ['a variable', cloudSql, { env: [env('CSQL_PROXY_HEALTH_CHECK', 'true')] }, 'http://:9090/startup'],
      ['a variable that says no', cloudSql, { env: [env('CSQL_PROXY_HEALTH_CHECK', '0')] }, undefined],
      ['a port', cloudSql, { args: [on, '--http-port=9801'] }, 'http://:9801/startup'],
      ['a port as the next word', cloudSql, { args: [on, '--http-port', '9801'] }, 'http://:9801/startup'],
      ['the last of two', cloudSql, { args: [on, '--http-port=1', '--http-port=2'] }, 'http://:2/startup'],
      [
        'a flag before a variable',
        cloudSql,
        { args: [on, '--http-port=9801'], env: [env('CSQL_PROXY_HTTP_PORT', '9802')] },
        'http://:9801/startup',
      ],
      [
        'a flag of a variable',
        cloudSql,
        { args: [on, '--http-port=$(PORT)'], env: [env('PORT', '9803')] },
        'http://:9803/startup',
      ],
      [
        'all interfaces',
        cloudSql,
        { args: [on, '--http-address=0.0.0.0', '--http-port=9801'] },
        'http://:9801/startup',
      ],
      ['an address', cloudSql, { args: [on, '--http-address=10.0.0.1'] }, 'http://10.0.0.1:9090/startup'],
      ['version 1', cloudSql1, { args: ['-use_http_health_check'] }, 'http://:8090/startup'],
      [
        'version 1, two dashes',
        cloudSql1,
        { args: ['--use_http_health_check', '--health_check_port=8081'] },
        'http://:8081/startup',
      ],
      ['Tailscale without health check', tailscale, {}, undefined],
      [
        'Tailscale',
        tailscale,
        { env: [env('TS_ENABLE_HEALTH_CHECK', 'true'), env('TS_LOCAL_ADDR_PORT', '[::]:9003')] },
        'http://:9003/healthz',
      ],
      ['Azure', azure, { args: ['--proxy-port=8001'] }, 'tcp://:8001'],
      ['Istio', istio, { env: [env('ENVOY_STATUS_PORT', '15025')] }, 'http://:15025/healthz/ready'],
      [
        'Linkerd on IPv6 loopback',
        linkerd,
        { env: [env('LINKERD2_PROXY_ADMIN_LISTEN_ADDR', '[::1]:1')] },
        'http://:1/ready',
      ],
    ];
  for (const [what, of, fields, expected] of CASES)
    test(`L1 ${of.name}: ${what}`, () => {
      assert.equal(ready(of, fields), expected);
      assert.deepEqual(warnings(of, fields), []);
    });

  test('L1 Istio without its status port is not waited for', () => {
    const pod = istio.pod();
    pod.metadata.annotations = { 'status.sidecar.istio.io/port': '0' };
    assert.equal(flag(wrapped(pod), 'istio-proxy', 'ready'), undefined);
    pod.metadata.annotations = { 'status.sidecar.istio.io/port': '15020' };
    assert.equal(flag(wrapped(pod), 'istio-proxy', 'ready'), 'http://:15021/healthz/ready');
  });

  const secret = { secretKeyRef: { name: 's', key: 'k' } };
  const UNCLEAR: [what: string, fields: Fields, setting: string][] = [
    [
      'a variable of a Secret',
      { env: [{ name: 'LINKERD2_PROXY_ADMIN_LISTEN_ADDR', valueFrom: secret }] },
      'LINKERD2_PROXY_ADMIN_LISTEN_ADDR',
    ],
    [
      'a host name',
      { env: [env('LINKERD2_PROXY_ADMIN_LISTEN_ADDR', 's3cret.example:4191')] },
      'LINKERD2_PROXY_ADMIN_LISTEN_ADDR',
    ],
    [
      'no number',
      { env: [env('LINKERD2_PROXY_ADMIN_LISTEN_ADDR', 's3cret')] },
      'LINKERD2_PROXY_ADMIN_LISTEN_ADDR',
    ],
    [
      'too high a number',
      { env: [env('LINKERD2_PROXY_ADMIN_LISTEN_ADDR', ':70000')] },
      'LINKERD2_PROXY_ADMIN_LISTEN_ADDR',
    ],
  ];
  for (const [what, fields, setting] of UNCLEAR)
    test(`L1 W9 ${what} cannot be told: no wait, a warning, and not the value`, () => {
      assert.equal(ready(linkerd, fields), undefined);
      const said = warnings(linkerd, fields).join();
      assert.match(said, /cannot be told .*so mains do not wait for it; .*ready\.curfew\.dev\/linkerd-proxy/);
      assert.ok(said.includes(setting));
      assert.doesNotMatch(JSON.stringify(mutation(linkerd.pod(fields)).message) + said, /s3cret/);
    });

  test('W3 a second run reads the same flags', () => {
    const pod = cloudSql.pod({
      command: ['/cloud-sql-proxy'],
      args: ['--health-check', '--http-port', '9801'],
    });
    const once = wrapped(pod);
    assert.equal(flag(once, 'cloud-sql-proxy', 'ready'), 'http://:9801/startup');
    assert.deepEqual(mutation(once).operations, []);
    assert.ok(named(once, 'cloud-sql-proxy').args?.includes('--http-port'));
  });
});

describe('W8 a probe that contradicts the container’s own flags gives a warning', () => {
  test('W8 another port than the flags say: the probe counts', () => {
    const fields = {
      args: ['--health-check', '--http-port=9801'],
      readinessProbe: http(9090, '/readiness'),
    };
    assert.equal(ready(cloudSql, fields), 'http://:9090/readiness');
    assert.deepEqual(warnings(cloudSql, fields), [
      'Curfew: sidecar cloud-sql-proxy: its readinessProbe asks port 9090, and --http-port says 9801: mains wait for the probe; ' +
        'set ready.curfew.dev/cloud-sql-proxy if it is wrong',
    ]);
    const linkerdFields = {
      env: [env('LINKERD2_PROXY_ADMIN_LISTEN_ADDR', '0.0.0.0:4195')],
      startupProbe: http(4196, '/ready'),
    };
    assert.match(
      warnings(linkerd, linkerdFields).join(),
      /its startupProbe asks port 4196, and LINKERD2_PROXY_ADMIN_LISTEN_ADDR says 4195/,
    );
  });

  test('W8 an endpoint that no flag opens', () => {
    const fields: Fields = { readinessProbe: http(9090, '/readiness') };
    assert.match(
      warnings(cloudSql, fields).join(),
      /its readinessProbe asks port 9090, where it answers only with --health-check: mains wait for the probe/,
    );
    const from = { ...fields, envFrom: [{ configMapRef: { name: 'settings' } }] };
    assert.deepEqual(warnings(cloudSql, from), [], 'a ConfigMap may open it');
    assert.deepEqual(warnings(cloudSql, { ...fields, args: ['--health-check'] }), []);
  });

  test('W8 none where the probe asks something else', () => {
    const args = ['--health-check', '--http-port=9801'];
    assert.deepEqual(warnings(cloudSql, { args, readinessProbe: { tcpSocket: { port: 5432 } } }), []);
    assert.deepEqual(warnings(cloudSql, { args, readinessProbe: http(8000, '/mine') }), []);
    assert.deepEqual(warnings(cloudSql, { args, startupProbe: http(9801, '/startup') }), []);
    assert.deepEqual(warnings(cloudSql, { readinessProbe: http(8000, '/mine') }), []);
  });
});
