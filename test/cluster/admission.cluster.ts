/** The webhook's answers as the API server applies and shows them. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { z } from 'zod';
import { exitCodes, Namespace } from './cluster.ts';
import { kubectl, mustKubectl, until } from './kubectl.ts';
import { job, pod, sidecars, steps } from './manifests.ts';
import { CURFEW, NODE_IP, SERVICE } from './webhook.ts';

const PROXY = steps('proxy', 'tick exit 143');
const CONTAINERS = [steps('main', 'say working exit 0'), PROXY];
const ANNOTATIONS = sidecars('proxy');

test('V3 W4 an injected pod has one init container in front; opted-out and unlabelled ones have none', async (t) => {
  const ns = await Namespace.make(t, 'opt');
  const unlabelled = await Namespace.make(t, 'unlabelled', {});
  const labels = { 'curfew.dev/inject': 'false' };
  await ns.create(
    pod('in', CONTAINERS, { annotations: ANNOTATIONS }),
    pod('out', CONTAINERS, { annotations: ANNOTATIONS, labels }),
    pod('service', CONTAINERS, { spec: { restartPolicy: 'Always' } }),
  );
  await unlabelled.create(pod('in', CONTAINERS, { annotations: ANNOTATIONS }));
  const injected = await ns.pod('in');
  assert.deepEqual(
    injected.spec.initContainers.map((container) => container.image),
    ['localhost/curfew-shim:1'],
  );
  assert.deepEqual(
    injected.spec.containers.map((container) => container.command?.slice(0, 3)),
    [
      ['/curfew/bin/curfew-shim', 'main', '--name=main'],
      ['/curfew/bin/curfew-shim', 'sidecar', '--name=proxy'],
    ],
  );
  for (const plain of [await ns.pod('out'), await ns.pod('service'), await unlabelled.pod('in')]) {
    assert.deepEqual(plain.spec.initContainers, []);
    assert.deepEqual(
      plain.spec.containers.map((container) => container.command?.[0]),
      ['/steps', '/steps'],
    );
  }
});

test('V1 a refused pod: kubectl and the Job say which annotation and what to write', async (t) => {
  const ns = await Namespace.make(t, 'refused');
  const annotations = sidecars('poxy');
  const refused = await ns.tryCreate(pod('worker', CONTAINERS, { annotations }));
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /curfew\.dev\/sidecars/);
  assert.match(refused.stderr, /poxy/);
  await ns.create(job('migrate', CONTAINERS, { annotations }));
  const event = await until('an event of the job', async () => {
    const text = await ns.kubectl(
      ...['get', 'events', '--field-selector', 'involvedObject.name=migrate,reason=FailedCreate'],
      ...['-o', 'jsonpath={.items[0].message}'],
    );
    return text === '' ? undefined : text;
  });
  assert.match(event, /curfew\.dev\/sidecars/);
  assert.match(event, /poxy/);
});

test('W1 a dry run shows the wrapped pod and leaves none behind', async (t) => {
  const ns = await Namespace.make(t, 'dry-run');
  const dry = await ns.tryCreate(
    pod('worker', CONTAINERS, { annotations: ANNOTATIONS }),
    ...['--dry-run=server', '-o', 'jsonpath={.spec.initContainers[*].image}'],
  );
  assert.equal(dry.stdout, 'localhost/curfew-shim:1');
  assert.equal(await ns.kubectl('get', 'pods', '-o', 'name'), '');
});

test('W6 a known sidecar whose image is not looked up: a warning, and the pod unchanged', async (t) => {
  const ns = await Namespace.make(t, 'warning');
  const { command: _, ...proxy } = { ...PROXY, name: 'istio-proxy', image: 'localhost/istio/proxyv2:1' };
  const created = await ns.tryCreate(pod('worker', [steps('main', 'exit 0'), proxy]));
  assert.equal(created.code, 0);
  assert.match(created.stderr, /Warning: .*istio-proxy/);
  assert.deepEqual((await ns.pod('worker')).spec.initContainers, []);
});

test('W6 a named sidecar whose image is not looked up: refused, with what to do', async (t) => {
  const ns = await Namespace.make(t, 'no-command');
  const { command: _, ...proxy } = PROXY;
  const refused = await ns.tryCreate(
    pod('worker', [steps('main', 'exit 0'), proxy], { annotations: ANNOTATIONS }),
  );
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /entrypoint\.curfew\.dev\/proxy/);
});

/** The output of `curfew webhook-configuration --service`. */
async function printedConfiguration() {
  return z
    .object({
      metadata: z.looseObject({ name: z.string() }),
      webhooks: z.array(z.looseObject({ name: z.string() })),
    })
    .loose()
    .parse(
      JSON.parse(
        await mustKubectl(
          ['create', '--dry-run=client', '--validate=false', '-o', 'json', '-f', '-'],
          execFileSync(
            process.execPath,
            [CURFEW, 'webhook-configuration', '--service', `${SERVICE.namespace}/${SERVICE.name}`].concat(
              ...['--ca', join(process.env.STATE ?? '', 'webhook', 'ca.crt')],
            ),
            { encoding: 'utf8' },
          ),
        ),
      ),
    );
}

test('W1 the API server shows the webhook’s message for a registration with a wrong path', async (t) => {
  const configuration = await printedConfiguration();
  const label = 'curfew-test-wrong-path';
  configuration.metadata.name += '-wrong-path';
  for (const webhook of configuration.webhooks) {
    webhook.namespaceSelector = { matchLabels: { [label]: 'yes' } };
    webhook.clientConfig = {
      url: `https://${NODE_IP}:8443/review`,
      caBundle: readFileSync(join(process.env.STATE ?? '', 'webhook', 'ca.crt')).toString('base64'),
    };
  }
  await mustKubectl(['create', '-f', '-'], JSON.stringify(configuration));
  t.after(() => kubectl(['delete', 'mutatingwebhookconfiguration', configuration.metadata.name]));
  const ns = await Namespace.make(t, 'wrong-path', { [label]: 'yes' });
  const refusal = await until('a refusal', async () => {
    const { code, stderr } = await ns.tryCreate(pod('worker', CONTAINERS), '--dry-run=server');
    return code === 0 ? undefined : stderr;
  });
  assert.match(refusal, /curfew: this port serves POST \/mutate and nothing else/);
});

test('W1 W3 the API server reaches the webhook by Service as well, and twice for one pod', async (t) => {
  const configuration = await printedConfiguration();
  // Another registration besides the run's own, with another name, and only for this test's namespace. One entry serves: the others are for
  // other values of the namespace's label.
  configuration.webhooks.splice(1);
  configuration.metadata.name += '-by-service';
  const label = 'curfew-test-by-service';
  for (const webhook of configuration.webhooks) {
    webhook.namespaceSelector = { matchLabels: { [label]: 'yes' } };
  }
  await mustKubectl(['create', 'namespace', SERVICE.namespace]);
  const port = { name: 'https', port: 443, targetPort: 8443 };
  const metadata = { name: SERVICE.name, namespace: SERVICE.namespace };
  for (const object of [
    { apiVersion: 'v1', kind: 'Service', metadata, spec: { ports: [port] } },
    {
      apiVersion: 'v1',
      kind: 'Endpoints',
      metadata,
      subsets: [{ addresses: [{ ip: NODE_IP }], ports: [{ name: 'https', port: 8443 }] }],
    },
    configuration,
  ]) {
    await mustKubectl(['create', '-f', '-'], JSON.stringify(object));
  }
  t.after(async () => {
    await kubectl(['delete', 'mutatingwebhookconfiguration', configuration.metadata.name]);
    await kubectl(['delete', 'namespace', SERVICE.namespace, '--wait=false']);
  });
  const ns = await Namespace.make(t, 'by-service', { [label]: 'yes' });
  // The API server reads a new registration after a short time.
  await until('a dry run that the webhook has changed', async () => {
    const dry = await ns.tryCreate(
      pod('worker', CONTAINERS, { annotations: ANNOTATIONS }),
      ...['--dry-run=server', '-o', 'jsonpath={.spec.initContainers[*].image}'],
    );
    return dry.stdout === 'localhost/curfew-shim:1' ? true : undefined;
  });
  await ns.create(job('migrate', CONTAINERS, { annotations: ANNOTATIONS }));
  const name = await ns.podOf('migrate');
  await ns.waitForPhase(name, 'Succeeded');
  assert.deepEqual(exitCodes(await ns.pod(name)), { main: 0, proxy: 0 });

  // Both registrations are called for one pod, and the second call changes nothing.
  const both = await Namespace.make(t, 'by-both', { [label]: 'yes', 'curfew.dev/injection': 'enabled' });
  await both.create(pod('twice', CONTAINERS, { annotations: ANNOTATIONS }));
  const once = (await ns.pod(name)).spec;
  const twice = (await both.pod('twice')).spec;
  assert.deepEqual(twice.initContainers, once.initContainers);
  assert.deepEqual(twice.containers, once.containers);
});
