/** How the values are rendered. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { CHART } from '../../charts/helm.ts';
import { webhookConfiguration } from '../../webhook/commands/webhook-configuration.ts';
import { type Config, parseConfig } from '../../webhook/config/config.ts';
import { CONFIG } from '../../webhook/config/schema.ts';
import { describeKeys } from '../../webhook/config/schema-keys.ts';
import { SETTINGS_NAME } from '../../webhook/config/settings-name.ts';
import {
  GOLDEN,
  NAMESPACE,
  OLDEST,
  objects,
  one,
  partOf,
  type RenderedObject,
  set,
} from './rendered-chart.ts';

const HA = ['--values', join(GOLDEN, 'ha.values.yaml')];

/** The configuration that the webhook reads from the ConfigMap. */
function configOf(all: RenderedObject[]): Config {
  const texts = all.flatMap(({ kind, data }) => (kind === 'ConfigMap' ? Object.entries(Object(data)) : []));
  const [, content] = texts.find(([file]) => file === 'curfew.yaml') ?? [];
  return parseConfig(String(content), 'ConfigMap');
}

test('a whole structure can be removed with null', () => {
  const gone = ['nodeSelector', 'affinity', 'resources', 'podSecurityContext', 'securityContext', 'strategy'];
  const deployment = one(objects(set(...gone.map((key) => `${key}=null`))), 'Deployment');
  const spec = Object(partOf(deployment, 'spec.template.spec'));
  for (const key of ['nodeSelector', 'affinity', 'securityContext'])
    assert.ok(!Object.hasOwn(spec, key), key);
  for (const key of ['resources', 'securityContext']) assert.ok(!Object.hasOwn(spec.containers[0], key), key);
  assert.equal(partOf(deployment, 'spec.strategy'), undefined);
});

describe('the configuration file', () => {
  test('is accepted by the webhook, with the defaults and with every value set', () => {
    const plain = configOf(objects());
    assert.deepEqual(
      [plain.tls.source, plain.tls.selfManaged.secret, plain.tls.selfManaged.namespace],
      ['self-managed', 'curfew-tls', NAMESPACE],
    );
    const all = configOf(objects(HA));
    assert.equal(all.shim.image, 'registry.example:5000/mirror/curfew-shim:0.1.0-1');
    assert.equal(all.tls.selfManaged.webhookConfiguration, 'curfew-ha');
    assert.equal(all.limits.bodyBytes, 8_388_608);
    assert.equal(all.catalogue.extra[0]?.stopSignal, 'INT');
  });

  test('has the defaults that the webhook has', () => {
    const { tls: _, shim: __, ...chart } = configOf(objects());
    const { tls: ___, shim: ____, ...program } = parseConfig('', 'the defaults');
    // Outside a cluster the program has no right to create Events, so its own default is false. The chart gives no right to pull secrets.
    assert.deepEqual([chart.events.enabled, program.events.enabled], [true, false]);
    assert.deepEqual([chart.images.pullSecrets, program.images.pullSecrets], [false, true]);
    const images = { ...chart.images, pullSecrets: true };
    assert.deepEqual({ ...chart, events: program.events, images }, program);
  });

  test('gives a look-up less time than the API server gives the webhook', () => {
    const timeout = (...pairs: string[]) => configOf(objects(set(...pairs))).images.timeout;
    assert.equal(timeout(), 8_000);
    assert.equal(timeout('webhook.timeoutSeconds=9'), 8_000);
    assert.equal(timeout('webhook.timeoutSeconds=8'), 7_500);
    assert.equal(timeout('webhook.timeoutSeconds=1'), 500);
    assert.equal(timeout('webhook.timeoutSeconds=3', 'config.images.timeout=2999ms'), 2_999);
    // Nothing is looked up.
    assert.equal(timeout('config.images.mode=off', 'config.images.timeout=20s'), 20_000);
  });

  test('has the bounds of durations that the webhook has', () => {
    const template = readFileSync(join(CHART, 'templates', '_config.tpl'), 'utf8');
    const [, dict = ''] = /\$bounds := dict\n(.*?)\n\}\}/s.exec(template) ?? [];
    const ofChart = [...dict.matchAll(/"([\w.]*)" \(dict ([^)]*)\)/g)].flatMap(([, section, pairs = '']) =>
      [...pairs.matchAll(/"(\w+)" "(\w+)"/g)].map(
        ([, key, most]) => `${section === '' ? '' : `${section}.`}${key} ${most}`,
      ),
    );
    const ofProgram = [...describeKeys(CONFIG)].flatMap(({ path, allowed }) => {
      const [, most] = /^a duration from \w+ to (\w+),/.exec(allowed) ?? [];
      return most === undefined ? [] : `${path} ${most}`;
    });
    assert.deepEqual(ofChart.sort(), ofProgram.sort());
  });

  test('restarts the pods when it has changed, and only then', () => {
    const sum = (flags: string[]) =>
      partOf(
        partOf(one(objects(flags), 'Deployment'), 'spec.template.metadata.annotations'),
        'checksum/config',
      );
    assert.equal(sum([]), sum(set('replicaCount=5')));
    assert.notEqual(sum([]), sum(set('config.log.level=debug')));
  });
});

test('the pod’s grace period has time for the delay and the grace period of shutdown', () => {
  for (const [delay, grace, seconds] of [
    ['5s', '20s', 30],
    ['1m30s', '1h', 3695],
    ['500ms', '1500ms', 8],
    ['0', '0s', 5],
  ] as const) {
    const all = objects(
      set(
        `config.shutdown.gracePeriod=${grace}`,
        ...(delay === '0' ? [] : [`config.shutdown.delay=${delay}`]),
      ).concat(delay === '0' ? ['--set-string', 'config.shutdown.delay=0'] : []),
    );
    assert.equal(partOf(one(all, 'Deployment'), 'spec.template.spec.terminationGracePeriodSeconds'), seconds);
  }
});

describe('the certificate', () => {
  const client = (flags: string[]) =>
    partOf(one(objects(flags), 'MutatingWebhookConfiguration'), 'webhooks.0.clientConfig');
  const mounted = (flags: string[]) =>
    JSON.stringify(partOf(one(objects(flags), 'Deployment'), 'spec.template.spec.volumes'));

  test('managed by the webhook: no caBundle and no Secret data that an upgrade would reset', () => {
    assert.equal(partOf(client([]), 'caBundle'), undefined);
    assert.ok(!Object.hasOwn(Object(client([])), 'caBundle'));
    assert.deepEqual(Object.keys(one(objects(), 'Secret')).sort(), [
      'apiVersion',
      'kind',
      'metadata',
      'type',
    ]);
    assert.doesNotMatch(mounted([]), /secretName/);
  });

  test('of cert-manager: its authority is injected, and its Secret is mounted', () => {
    const flags = set('certificates.source=certManager');
    const all = objects(flags);
    const annotations = partOf(one(all, 'MutatingWebhookConfiguration'), 'metadata.annotations');
    assert.deepEqual(annotations, { 'cert-manager.io/inject-ca-from': `${NAMESPACE}/curfew` });
    assert.match(mounted(flags), /"secretName":"curfew-certificate"/);
    assert.deepEqual(
      all
        .filter(({ kind }) => kind === 'Certificate')
        .map(({ metadata }) => metadata.name)
        .sort(),
      ['curfew', 'curfew-root'],
    );
    const leaf = all.find(({ kind, metadata }) => kind === 'Certificate' && metadata.name === 'curfew');
    assert.deepEqual(partOf(leaf, 'spec.dnsNames'), [`curfew.${NAMESPACE}.svc`]);
  });

  test('of the user: PEM and base64 give the same caBundle', () => {
    const pem = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';
    const given = (ca: string) =>
      client([
        ...set('certificates.source=secret', 'certificates.secret.name=x'),
        ...['--set-string', `certificates.secret.caBundle=${ca}`],
      ]);
    const base64 = Buffer.from(pem).toString('base64');
    assert.equal(partOf(given(pem), 'caBundle'), base64);
    assert.equal(partOf(given(base64), 'caBundle'), base64);
  });
});

describe('access to the API server', () => {
  const rules = (flags: string[]) =>
    objects(flags)
      .filter(({ kind }) => kind === 'Role' || kind === 'ClusterRole')
      .flatMap((role) => partOf(role, 'rules'));

  test('O8 is by name, but for Events: no Secret is read except its own', () => {
    for (const rule of rules([])) {
      const [resources, names, verbs] = ['resources', 'resourceNames', 'verbs'].map((key) =>
        partOf(rule, key),
      );
      if (String(resources) === 'events') assert.deepEqual(verbs, ['create']);
      else assert.ok(Array.isArray(names) && names.length === 1, String(resources));
    }
    assert.doesNotMatch(JSON.stringify(rules([])), /\*|"list"|"delete"|"update"|serviceaccounts/);
  });

  const NOTHING = set(
    'certificates.source=certManager',
    'config.events.enabled=false',
    'config.images.mode=off',
  );
  const needs = (flags: string[]) => {
    const all = objects(flags);
    const [deployment, account] = [one(all, 'Deployment'), one(all, 'ServiceAccount')];
    assert.equal(partOf(account, 'automountServiceAccountToken'), false);
    return {
      token: partOf(deployment, 'spec.template.spec.automountServiceAccountToken'),
      resources: rules(flags).map((rule) => String(partOf(rule, 'resources'))),
    };
  };

  test('is not given at all, not even a token, where nothing needs it', () => {
    assert.deepEqual(needs(NOTHING), { token: false, resources: [] });
    assert.equal(
      partOf(one(objects(NOTHING), 'MutatingWebhookConfiguration'), 'webhooks.0.sideEffects'),
      'None',
    );
  });

  test('has only the rights that the values need', () => {
    const grown = (...pairs: string[]) => needs([...NOTHING, ...set(...pairs)]);
    assert.deepEqual(grown('config.events.enabled=true'), { token: true, resources: ['events'] });
    const shop = 'rbac.pullSecretNamespaces={shop}';
    assert.deepEqual(grown('config.images.mode=registry', shop), {
      token: true,
      resources: ['secrets,serviceaccounts'],
    });
    for (const none of [
      grown('config.images.mode=registry'),
      grown(shop),
      grown('config.images.mode=registry', 'config.images.pullSecrets=false', shop),
    ])
      assert.deepEqual(none, { token: false, resources: [] });
    assert.deepEqual(grown('config.images.mode=registry', 'rbac.create=false'), {
      token: true,
      resources: [],
    });
    assert.deepEqual(
      grown(
        'config.images.mode=registry',
        'config.images.pullSecrets=false',
        'config.images.defaultPullSecret=infra/registry',
      ),
      { token: true, resources: ['secrets'] },
    );
    assert.deepEqual(grown('certificates.source=selfManaged'), {
      token: true,
      resources: ['mutatingwebhookconfigurations', 'secrets'],
    });
  });

  test('O8 V5 to the settings of namespaces is given where they are on, by name, and not get', () => {
    const on = 'config.namespaceSettings.enabled=true';
    const found = needs([...NOTHING, ...set(on)]);
    assert.deepEqual(found, { token: true, resources: ['configmaps'] });
    const role = objects([...NOTHING, ...set(on)]).find(({ kind }) => kind === 'ClusterRole');
    assert.deepEqual(partOf(role, 'rules'), [
      {
        apiGroups: [''],
        resources: ['configmaps'],
        resourceNames: [SETTINGS_NAME],
        verbs: ['list', 'watch'],
      },
    ]);
    for (const off of [[], set('config.namespaceSettings=null')])
      assert.doesNotMatch(JSON.stringify(objects(off)), /curfew-settings/);
  });

  const pullSecrets = (...pairs: string[]) => {
    const all = objects(set(...pairs));
    const bindings = all
      .filter(({ metadata }) => metadata.name === 'curfew-pull-secrets')
      .map(({ kind, metadata }) => `${kind} ${metadata.namespace ?? '*'}`);
    return { bindings: bindings.sort(), used: configOf(all).images.pullSecrets };
  };

  test('O8 to pull secrets is given in the named namespaces, and nowhere by default', () => {
    assert.deepEqual(pullSecrets(), { bindings: [], used: false });
    assert.deepEqual(pullSecrets('rbac.pullSecretNamespaces={shop,bank}'), {
      bindings: ['ClusterRole *', 'RoleBinding bank', 'RoleBinding shop'],
      used: true,
    });
    assert.deepEqual(pullSecrets('rbac.pullSecretNamespaces={*}'), {
      bindings: ['ClusterRole *', 'ClusterRoleBinding *'],
      used: true,
    });
    assert.deepEqual(pullSecrets('rbac.create=false'), { bindings: [], used: true });
    assert.deepEqual(pullSecrets('rbac.pullSecretNamespaces={shop}', 'config.images.mode=off').bindings, []);
  });
});

test('the MutatingWebhookConfiguration is the one that `curfew webhook-configuration` prints', () => {
  const all = one(objects([], OLDEST), 'MutatingWebhookConfiguration');
  const printed = webhookConfiguration({
    name: 'curfew',
    clientConfig: { service: { namespace: NAMESPACE, name: 'curfew', port: 443, path: '/mutate' } },
    failurePolicy: 'Fail',
    timeoutSeconds: 10,
    ownNamespace: NAMESPACE,
  });
  assert.deepEqual(partOf(all, 'webhooks.0'), printed.webhooks?.[0]);
});
