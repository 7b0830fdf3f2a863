/** A LimitRange names no container in its refusals, so none may be about the init container (W4). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Namespace } from './cluster.ts';
import { job, pod, sidecars, steps } from './manifests.ts';

const amounts = (cpu: string, memory: string, mostCpu: string, mostMemory: string) => ({
  resources: { requests: { cpu, memory }, limits: { cpu: mostCpu, memory: mostMemory } },
});

/**
 * Beyond it are all of the installation's own amounts: 10m, 16Mi and 100m, 32Mi, at a ratio of 10. The disk space is in no container: the API server's own defaults come after
 * the webhook too.
 */
const LIMIT = {
  type: 'Container',
  min: { cpu: '20m', memory: '24Mi', 'ephemeral-storage': '1Mi' },
  max: { cpu: '80m', memory: '64Mi' },
  maxLimitRequestRatio: { cpu: '2', memory: '2' },
};

test('W4 a LimitRange that lets the pod’s containers through lets the wrapped pod through', async (t) => {
  const ns = await Namespace.make(t, 'limit-range');
  await ns.create(
    Object.assign({
      ...{ apiVersion: 'v1', kind: 'LimitRange', metadata: { name: 'narrow' } },
      spec: { limits: [LIMIT] },
    }),
  );
  const containers = [
    steps('main', 'say working exit 0', amounts('40m', '32Mi', '80m', '64Mi')),
    steps('proxy', 'tick exit 143', amounts('20m', '24Mi', '40m', '48Mi')),
  ];
  await ns.create(job('migrate', containers, { annotations: sidecars('proxy') }));
  const name = await ns.podOf('migrate');
  await ns.waitForPhase(name, 'Succeeded');
  const [install] = (await ns.pod(name)).spec.initContainers;
  assert.equal(install?.image, 'localhost/curfew-shim:1');

  const small = [steps('main', 'exit 0', amounts('10m', '32Mi', '20m', '64Mi')), ...containers.slice(1)];
  const refusal = async (labels: Record<string, string>) => {
    const { code, stderr } = await ns.tryCreate(
      pod('small', small, { annotations: sidecars('proxy'), labels }),
    );
    assert.equal(code, 1);
    return stderr;
  };
  const refused = await refusal({});
  assert.match(refused, /minimum cpu usage per Container is 20m, but request is 10m/);
  assert.equal(refused, await refusal({ 'curfew.dev/inject': 'false' }));
});
