/** The generated files in the repository are current. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { z } from 'zod';
import { CHART_VALUES } from '../../charts/chart-values.ts';
import { fetchClients } from '../../charts/clients.ts';
import { describingFiles, manifestFiles } from '../../charts/generated-files.ts';
import { CHART } from '../../charts/helm.ts';
import { MANIFESTS } from '../../charts/one-manifest.ts';
import { describedValues } from '../../charts/values-comments.ts';
import packageFile from '../../package.json' with { type: 'json' };
import { NEWEST, OLDEST, objects, objectsOf, one, partOf, type RenderedObject } from './rendered-chart.ts';

const current = (path: string) => readFileSync(join(CHART, '..', path), 'utf8');

test('values.schema.json and the tables of README.md are current: npm run generate writes them', () => {
  for (const [path, content] of describingFiles()) assert.ok(current(path) === content, path);
});

test('the manifests are current: npm run generate writes them', async () => {
  for (const [path, content] of manifestFiles((await fetchClients()).helm))
    assert.ok(current(path) === content, path);
});

for (const { file } of MANIFESTS)
  test(`${file} begins with its namespace and ends with the MutatingWebhookConfiguration`, () => {
    const all = objectsOf(current(file));
    assert.equal(all[0]?.kind, 'Namespace');
    // After what it calls; the policy that guards native sidecars has no such order.
    const others = all.filter(({ kind }) => !kind.startsWith('ValidatingAdmissionPolicy'));
    assert.equal(others.at(-1)?.kind, 'MutatingWebhookConfiguration');
    const namespace = all[0]?.metadata.name;
    for (const { kind, metadata } of all.slice(1))
      assert.ok([namespace, undefined].includes(metadata.namespace), kind);
    assert.doesNotMatch(current(file), /helm\.sh|Source:|managed-by/);
  });

/** The objects as a manifest has them: without Helm's labels. */
const plain = (all: RenderedObject[]) =>
  JSON.parse(
    JSON.stringify(all, (key, value) =>
      ['app.kubernetes.io/managed-by', 'helm.sh/chart'].includes(key) ? undefined : value,
    ),
  );

test('curfew.yaml is what Helm installs by default on the newest Kubernetes, and on 1.31', () => {
  const [, ...own] = objectsOf(current('curfew.yaml'));
  for (const version of [NEWEST, '1.31.0'])
    assert.deepEqual(own, plain(objects(['--skip-tests'], version)), version);
  assert.ok(own.some(({ kind }) => kind === 'PodDisruptionBudget'));
  assert.ok(partOf(one(own, 'MutatingWebhookConfiguration'), 'webhooks.0.matchConditions') !== undefined);
});

test('curfew-1.20.yaml is what Helm installs by default on 1.20 to 1.29, but for the disruption budget', () => {
  const [, ...own] = objectsOf(current('curfew-1.20.yaml'));
  for (const version of [OLDEST, '1.29.9']) {
    const rendered = objects(['--skip-tests'], version).filter(({ kind }) => kind !== 'PodDisruptionBudget');
    assert.deepEqual(own, plain(rendered), version);
  }
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
