/** An audit of some objects. */
import { Audit, type AuditReport } from '../../../webhook/cluster/audit.ts';
import { defaultPolicy } from '../../../webhook/decision/policy.ts';
import type { JsonRecord } from '../../../webhook/shared/json.ts';
import { NOW } from './cluster-objects.ts';

const KINDS: Readonly<Record<string, string>> = {
  Job: 'batch/v1',
  CronJob: 'batch/v1',
  Deployment: 'apps/v1',
};

/** Audit these objects, in the order in which the command reads them. */
export function auditOf(...objects: JsonRecord[]): AuditReport {
  const audit = new Audit(defaultPolicy(), NOW);
  for (const object of objects) if (object.kind === 'Namespace') audit.namespace(object);
  for (const object of objects) {
    const kind = String(object.kind);
    const apiVersion = KINDS[kind];
    if (apiVersion !== undefined) audit.workload(apiVersion, kind, object);
  }
  for (const object of objects) if (object.kind === 'Pod') audit.pod(object);
  return audit.report();
}
