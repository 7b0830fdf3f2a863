/** Wrong values are refused as early as possible, with the key, the value and what is allowed. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { kubectl, until } from '../kubectl.ts';
import { restrictedNamespace, restrictedPod } from './confined.ts';
import { helm, tryInstall } from './release.ts';

const WRONG: Record<string, { values: string[]; says: RegExp[] }> = {
  'a key that is not known': { values: ['--set', 'replicas=3'], says: [/replicas/] },
  'a key of the configuration that is not known': {
    values: ['--set', 'config.log.levle=info'],
    says: [/levle/],
  },
  'a value of a wrong kind': {
    values: ['--set', 'config.listen.port=web'],
    says: [/config\/listen\/port.*want integer/],
  },
  'a value that is none of the allowed ones': {
    values: ['--set', 'config.log.level=loud'],
    says: [/level/, /info/],
  },
  'a policy that there is not': {
    values: ['--set', 'webhook.failurePolicy=Maybe'],
    says: [/failurePolicy/, /Ignore/],
  },
};

for (const [name, { values, says }] of Object.entries(WRONG)) {
  test(`helm install refuses ${name}, and installs nothing`, async (t) => {
    const ns = await restrictedNamespace(t, 'wrong');
    t.after(() => helm('--namespace', ns.name, 'uninstall', 'curfew', '--ignore-not-found'));
    const { code, stderr } = await tryInstall(ns.name, ...values);
    assert.notEqual(code, 0);
    for (const pattern of says) assert.match(stderr, pattern);
    const kinds = 'deployments,services,configmaps,secrets';
    const made = await ns.kubectl('get', kinds, '-l', 'app.kubernetes.io/name=curfew', '-o', 'name');
    assert.equal(made, '');
  });
}

test("what no schema can know: the pod's log says key, value and what is allowed", async (t) => {
  const ns = await restrictedNamespace(t, 'wrong');
  const configuration = 'listen: { prot: 8443 }\nlog: { level: loud }\nshutdown: { delay: soon }\n';
  await ns.create({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'wrong' },
    ...{ data: { 'curfew.yaml': configuration } },
  });
  const container = {
    name: 'webhook',
    image: 'localhost/curfew:1',
    args: ['serve', '--config=/etc/curfew/curfew.yaml'],
    volumeMounts: [{ name: 'config', mountPath: '/etc/curfew' }],
  };
  const volumes = [{ name: 'config', configMap: { name: 'wrong' } }];
  await ns.create(restrictedPod('webhook', [container], { spec: { volumes } }));
  await ns.waitForPhase('webhook', 'Failed');
  const log = await until('its log', async () => {
    const { stdout } = await kubectl(['-n', ns.name, 'logs', 'webhook']);
    return stdout === '' ? undefined : stdout;
  });
  assert.match(log, /curfew\.yaml: unknown key listen\.prot, did you mean listen\.port\?/);
  assert.match(log, /log\.level is "loud", which is not allowed; it takes trace, debug, info/);
  assert.match(log, /shutdown\.delay is "soon", which is not allowed; it takes a duration from 0s to 5m/);
});
