/** The guide's CronJob for `curfew audit` has only fields that Kubernetes knows, and the rights that the audit takes, no more. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { startCluster } from '../webhook/commands/fake-cluster.ts';
import { curfew } from '../webhook/commands/test-terminal.ts';
import { auditJob } from './audit-job.ts';
import { kubernetesType, wrongFields } from './kubernetes-fields.ts';
import { one, partOf } from './rendered-chart.ts';

const RULES = z.array(
  z.strictObject({
    apiGroups: z.array(z.string()),
    resources: z.array(z.string()),
    verbs: z.array(z.string()),
  }),
);

test('S2 it has only fields that Kubernetes knows', () => {
  const all = auditJob();
  assert.equal(all.length, 4);
  for (const object of all) assert.deepEqual(wrongFields(object, kubernetesType(object) ?? ''), []);
});

test('S2 its arguments are taken, and its rights are what the audit asks for', async (t) => {
  const cluster = await startCluster(t);
  cluster.objects.set('/version', { gitVersion: 'v1.36.2' });
  const args = z
    .array(z.string())
    .parse(partOf(one(auditJob(), 'CronJob'), 'spec.jobTemplate.spec.template.spec.containers.0.args'));
  const { code, err } = await curfew([...args, '--kubeconfig', cluster.kubeconfig]);
  assert.deepEqual([code, err], [0, '']);
  const asked = cluster.requests.flatMap((request) => {
    const [, group = '', resource = ''] =
      /^GET \/apis?(?:\/(?!v1\/)([^/]+))?\/v1\/([a-z]+)\?/.exec(request) ?? [];
    return resource === '' ? [] : [`list ${group}/${resource}`];
  });
  assert.equal(asked.length, cluster.requests.filter((request) => request !== 'GET /version').length);
  const granted = RULES.parse(partOf(one(auditJob(), 'ClusterRole'), 'rules')).flatMap(
    ({ apiGroups, resources, verbs }) =>
      apiGroups.flatMap((group) =>
        resources.flatMap((resource) => verbs.map((verb) => `${verb} ${group}/${resource}`)),
      ),
  );
  assert.deepEqual(granted.sort(), [...new Set(asked)].sort());
});
