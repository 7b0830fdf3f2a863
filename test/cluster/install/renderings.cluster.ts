/**
 * The API server accepts every golden rendering of the chart (test/charts/golden), rendered for this cluster: required fields, allowed
 * values, names, selectors.
 */
import assert from 'node:assert/strict';
import { globSync } from 'node:fs';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { parseAllDocuments } from 'yaml';
import { z } from 'zod';
import { template } from '../../../charts/helm.ts';
import { Namespace } from '../cluster.ts';
import { kubectl, mustKubectl, type Result } from '../kubectl.ts';

const GOLDEN = join(import.meta.dirname, '..', '..', 'charts', 'golden');
/** Groups of kinds that this cluster does not have. */
const FOREIGN = /^(cert-manager\.io|monitoring\.coreos\.com)\//;
const OBJECT = z.looseObject({ apiVersion: z.string(), kind: z.string() });
const VERSION = z.object({ serverVersion: z.object({ gitVersion: z.string() }) });

async function rendered(values: string, namespace: string): Promise<string> {
  const version = VERSION.parse(JSON.parse(await mustKubectl(['version', '-o', 'json'])));
  // Objects that are rendered into other namespaces need existing ones.
  const there = [
    `grafanaDashboard.namespace=${namespace}`,
    `rbac.pullSecretNamespaces={${namespace}}`,
    `config.images.defaultPullSecret=${namespace}/registry`,
  ];
  const { code, stdout, stderr } = template(process.env.HELM ?? 'helm', {
    namespace,
    kubeVersion: version.serverVersion.gitVersion,
    // The objects of `helm test` have a namespace of their own, which a dry run does not make.
    flags: ['--skip-tests', '--values', values, ...there.flatMap((pair) => ['--set', pair])],
  });
  assert.equal(code, 0, stderr);
  return stdout;
}

/** Send a dry run to the API server. Nothing is stored. */
function ask(manifest: string): Promise<Result> {
  const items = parseAllDocuments(manifest)
    .map((document) => OBJECT.nullable().parse(document.toJS()))
    .filter((object) => object !== null && !FOREIGN.test(object.apiVersion));
  assert.ok(items.length >= 6, `${items.length} objects`);
  const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
  return kubectl(['apply', '--dry-run=server', '--validate=strict', '-f', '-'], list);
}

for (const values of globSync(join(GOLDEN, '*.values.yaml')).sort())
  test(`the API server accepts the rendering ${basename(values, '.values.yaml')}`, async (t) => {
    const { name } = await Namespace.make(t, 'renderings', {});
    const { code, stderr } = await ask(await rendered(values, name));
    assert.equal(code, 0, stderr);
  });

test('the API server refuses a misspelt field, a missing one and a wrong value', async (t) => {
  const { name } = await Namespace.make(t, 'renderings', {});
  const right = await rendered(join(GOLDEN, 'default.values.yaml'), name);
  for (const [change, complaint] of [
    [right.replace('enableServiceLinks:', 'enableServiceLink:'), /unknown field "?enableServiceLink/],
    [right.replace('sideEffects: NoneOnDryRun', ''), /sideEffects/],
    [right.replace('reinvocationPolicy: IfNeeded', 'reinvocationPolicy: Sometimes'), /reinvocationPolicy/],
  ] as const) {
    assert.notEqual(change, right);
    const { code, stderr } = await ask(change);
    assert.notEqual(code, 0);
    assert.match(stderr, complaint);
  }
});
