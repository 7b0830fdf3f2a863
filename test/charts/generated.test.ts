/** The generated files in the repository are current. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { z } from 'zod';
import { CHART_VALUES } from '../../charts/chart-values.ts';
import { fetchClients } from '../../charts/clients.ts';
import { describingFiles, manifestFile } from '../../charts/generated-files.ts';
import { CHART } from '../../charts/helm.ts';
import { describedValues } from '../../charts/values-comments.ts';
import packageFile from '../../package.json' with { type: 'json' };
import { objectsOf } from './rendered-chart.ts';

const current = (path: string) => readFileSync(join(CHART, '..', path), 'utf8');

test('values.schema.json and the tables of README.md are current: npm run generate writes them', () => {
  for (const [path, content] of describingFiles()) assert.ok(current(path) === content, path);
});

test('curfew.yaml is current: npm run generate writes it', async () => {
  const [path, content] = manifestFile((await fetchClients()).helm);
  assert.ok(current(path) === content, path);
});

test('curfew.yaml begins with its namespace and ends with the MutatingWebhookConfiguration', () => {
  const all = objectsOf(current('curfew.yaml'));
  assert.equal(all[0]?.kind, 'Namespace');
  assert.equal(all.at(-1)?.kind, 'MutatingWebhookConfiguration');
  const namespace = all[0]?.metadata.name;
  for (const { kind, metadata } of all.slice(1))
    assert.ok([namespace, undefined].includes(metadata.namespace), kind);
  assert.doesNotMatch(current('curfew.yaml'), /helm\.sh|Source:|managed-by/);
});

test('values.yaml has every value', () => {
  const described = new Set(describedValues(current('curfew/values.yaml')).map(({ path }) => path));
  const missing: string[] = [];
  const look = (schema: z.ZodType, path: string) => {
    if (!(schema instanceof z.ZodObject)) return;
    for (const [key, child] of Object.entries(schema.shape)) {
      if (!described.has(path + key)) missing.push(path + key);
      if (child instanceof z.ZodType) look(child, `${path}${key}.`);
    }
  };
  look(CHART_VALUES, '');
  assert.deepEqual(
    // A default may leave out fields of Kubernetes' own structures.
    missing.filter((path) => !/Probe\.|issuerRef\./.test(path)),
    [],
  );
});

test("the chart's version is the project's", () => {
  const chart = current('curfew/Chart.yaml');
  assert.match(chart, new RegExp(`^version: ${packageFile.version}$`, 'm'));
  assert.match(chart, new RegExp(`^appVersion: ${packageFile.version}$`, 'm'));
});
