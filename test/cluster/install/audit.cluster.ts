/** The guide's CronJob for `curfew audit`, in its own image and with its own rights; no Curfew is installed. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { V1Job, V1JobSpec } from '@kubernetes/client-node';
import { z } from 'zod';
import { auditJob } from '../../charts/audit-job.ts';
import { partOf } from '../../charts/rendered-chart.ts';
import type { Namespace } from '../cluster.ts';
import { kubectl, mustKubectl } from '../kubectl.ts';
import { steps } from '../manifests.ts';
import { restrictedJob, restrictedNamespace } from './confined.ts';

const JOB = z.custom<V1JobSpec>((value) => typeof value === 'object' && value !== null);

/** The guide's objects, in this namespace. The Job is created at once: 1.20 has no CronJob of version v1. */
async function createAll(ns: Namespace): Promise<void> {
  const text = JSON.stringify(auditJob())
    .replaceAll('curfew-system', ns.name)
    .replaceAll('REGISTRY/curfew:X.Y.Z', 'localhost/curfew:1');
  const all = z.array(z.looseObject({ kind: z.string() })).parse(JSON.parse(text));
  for (const object of all) {
    if (object.kind === 'CronJob') {
      const spec = JOB.parse(partOf(object, 'spec.jobTemplate.spec'));
      const job: V1Job = { apiVersion: 'batch/v1', kind: 'Job', metadata: { name: 'audit' }, spec };
      await ns.create(job);
    } else await mustKubectl(['create', '-f', '-'], JSON.stringify(object));
  }
}

test('S2 the guide’s Job fails where a pod hangs, and its log says which', async (t) => {
  const ns = await restrictedNamespace(t, 'audits');
  t.after(() => kubectl(['delete', 'clusterrole,clusterrolebinding', 'curfew-audit', '--ignore-not-found']));
  await ns.create(
    restrictedJob('hangs', [steps('main', 'say done exit 0'), steps('istio-proxy', 'say up tick exit 0')], {
      annotations: { 'curfew.dev/sidecars': 'istio-proxy' },
    }),
  );
  const pod = await ns.podOf('hangs');
  await ns.exit(pod, 'main');
  await createAll(ns);
  const name = await ns.podOf('audit');
  await ns.waitForPhase(name, 'Failed');
  assert.match(await ns.log(name, 'audit'), new RegExp(`${ns.name}/${pod} \\(Job hangs\\): main ended 0`));
});
