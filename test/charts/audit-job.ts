/** The CronJob of docs/guides/production.md that runs `curfew audit`, and what it needs. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { objectsOf, type RenderedObject } from './rendered-chart.ts';

/** CronJob, ServiceAccount, ClusterRole and ClusterRoleBinding. */
export function auditJob(): RenderedObject[] {
  const guide = readFileSync(join(import.meta.dirname, '../../docs/guides/production.md'), 'utf8');
  const [, text] = /^```yaml\n(apiVersion: batch\/v1\nkind: CronJob\n.*?)^```$/ms.exec(guide) ?? [];
  if (text === undefined) throw new Error('the guide has no CronJob');
  return objectsOf(text);
}
