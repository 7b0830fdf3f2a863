/** The dashboard and the alerts use only metrics that the webhook has. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { z } from 'zod';
import { CHART } from '../../charts/helm.ts';
import { createMetrics } from '../../webhook/server/metrics.ts';
import { objects, one, partOf, set } from './rendered-chart.ts';

const DASHBOARD = z.object({
  panels: z
    .array(z.object({ title: z.string(), targets: z.array(z.object({ expr: z.string() })).min(1) }))
    .min(1),
});
const RULES = z.array(z.object({ alert: z.string(), expr: z.string() }));

const text = readFileSync(join(CHART, 'dashboards', 'curfew.json'), 'utf8');
const MONITORED = [
  'serviceMonitor.enabled=true',
  'prometheusRule.enabled=true',
  'grafanaDashboard.enabled=true',
];
const all = objects(set(...MONITORED));
const rules = RULES.parse(partOf(one(all, 'PrometheusRule'), 'spec.groups.0.rules'));
const queries = [
  ...DASHBOARD.parse(JSON.parse(text)).panels.flatMap(({ title, targets }) =>
    targets.map(({ expr }) => ({ name: title, expr })),
  ),
  ...rules.map(({ alert, expr }) => ({ name: alert, expr })),
];

/** The series of a webhook that has counted one event of each kind. */
async function series(): Promise<Map<string, Set<string>>> {
  const metrics = createMetrics('0');
  for (const outcome of ['wrapped', 'unchanged', 'refused', 'again', 'rejected', 'failed'] as const) {
    metrics.began();
    metrics.ended(outcome, 'overloaded', 0.1);
  }
  metrics.certificateLoaded(new Date());
  metrics.certificateFailed();
  metrics.namespaceSettings();
  const managed = metrics.selfManaged();
  managed.authorityLoaded(new Date());
  managed.certificateWritten('renewed');
  managed.caBundleWritten();
  managed.configurationRead({ found: true, contested: false });
  metrics.imageLookups([]).lookedUp('docker.io', 'miss', 0.1);
  metrics.eventEnded('written');
  const found = new Map<string, Set<string>>();
  for (const line of (await metrics.text()).split('\n')) {
    const [, name = '', labels = ''] = /^([a-z_]+)(?:\{(.*)\})? /.exec(line) ?? [];
    const names = [...labels.matchAll(/([a-z]+)="([^"]*)"/g)];
    const known = found.get(name) ?? new Set();
    for (const [pair, label = ''] of names) known.add(label).add(pair);
    found.set(name, known);
  }
  return found;
}

/** A selector's matchers as `[label="value", label]`; one for each of a pattern's alternatives, which are whole values. */
function pairsOf(selector: string): [pair: string, label: string][] {
  return [...selector.matchAll(/([a-z]+)(?:=|!=|=~|!~)"([^"]*)"/g)].flatMap(([, label = '', values = '']) =>
    values.split('|').map((value): [string, string] => [`${label}="${value}"`, label]),
  );
}

test('every query names series and labels that the webhook has', async () => {
  const known = await series();
  for (const { name, expr } of queries) {
    const asked = [...expr.matchAll(/(curfew_[a-z_]+)\{([^}]*)\}/g)];
    assert.ok(asked.length > 0 || expr.includes('apiserver_admission_webhook_'), `${name}: ${expr}`);
    assert.equal(
      asked.length,
      [...expr.matchAll(/curfew_/g)].length,
      `${name}: a series without its selector`,
    );
    for (const [, metric = '', selector = ''] of asked) {
      assert.ok(known.has(metric), `${name}: no series ${metric}`);
      for (const [pair, label = ''] of pairsOf(selector)) {
        if (label === 'namespace' || label === 'service') continue; // what scrapes it adds these
        assert.ok(known.get(metric)?.has(pair), `${name}: no ${pair} in ${metric}`);
      }
    }
    for (const [, labels = ''] of expr.matchAll(/by \(([a-z, ]+)\)/g))
      for (const label of labels.split(', '))
        assert.ok(
          label === 'pod' ||
            asked.length === 0 ||
            asked.every(([, metric = '']) => known.get(metric)?.has(label)),
          `${name}: no label ${label}`,
        );
  }
});

test('every series of the webhook is in a query', async () => {
  const asked = queries.map(({ expr }) => expr).join('\n');
  for (const name of (await series()).keys()) {
    const family = name.replace(/_(bucket|sum|count)$/, '');
    assert.ok(name === '' || asked.includes(family), `no query asks for ${name}`);
  }
});

test('the dashboard is not changed on its way to Grafana', () => {
  const map = all.find(({ metadata }) => metadata.name === 'curfew-dashboard');
  const [content] = Object.values(Object(partOf(map, 'data')));
  assert.deepEqual(JSON.parse(String(content)), JSON.parse(text));
  assert.equal(partOf(map, 'metadata.labels.grafana_dashboard'), '1');
});

test('a PodMonitor selects the pods and a port that they have, and not beside a ServiceMonitor', () => {
  const found = objects(set('podMonitor.enabled=true'));
  const labels = Object(partOf(one(found, 'Deployment'), 'spec.template.metadata.labels'));
  const monitor = one(found, 'PodMonitor');
  for (const [key, value] of Object.entries(Object(partOf(monitor, 'spec.selector.matchLabels'))))
    assert.equal(labels[key], value);
  const ports = Object(partOf(one(found, 'Deployment'), 'spec.template.spec.containers.0.ports'));
  const port = partOf(monitor, 'spec.podMetricsEndpoints.0.port');
  assert.ok(ports.some(({ name }: { name: string }) => name === port));
  assert.ok(!found.some(({ kind }) => kind === 'ServiceMonitor'));
});

test('the ServiceMonitor selects the Service and a port that it has', () => {
  const monitor = one(all, 'ServiceMonitor');
  const service = one(all, 'Service');
  const labels = Object(partOf(service, 'metadata.labels'));
  for (const [key, value] of Object.entries(Object(partOf(monitor, 'spec.selector.matchLabels'))))
    assert.equal(labels[key], value);
  const ports = partOf(service, 'spec.ports');
  assert.ok(
    Array.isArray(ports) && ports.some(({ name }) => name === partOf(monitor, 'spec.endpoints.0.port')),
  );
});
