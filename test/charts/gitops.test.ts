/** What the guide for production has GitOps tools ignore is what the webhook writes at run time: no field more, and none less. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { parse } from 'yaml';
import { z } from 'zod';
import { isReady, started } from '../webhook/certificate/replica.ts';
import { startApiServer } from '../webhook/kubernetes/fake-api-server.ts';
import { NAMESPACE, objects, one, partOf } from './rendered-chart.ts';

const GUIDE = readFileSync(join(import.meta.dirname, '../../docs/guides/production.md'), 'utf8');
const [ARGO_CD, FLUX] = [...GUIDE.matchAll(/^```yaml\n(spec:\n.*?)^```$/gms)].map(([, text = '']): unknown =>
  parse(text),
);

/** As in Argo CD's Application and Flux's HelmRelease (argoproj.io/v1alpha1, helm.toolkit.fluxcd.io/v2); of their other fields none is used. */
const IGNORED_BY_ARGO_CD = z.array(
  z.strictObject({
    group: z.string().default(''),
    kind: z.string(),
    name: z.string(),
    namespace: z.string().optional(),
    jqPathExpressions: z.array(z.string()).default([]),
    jsonPointers: z.array(z.string()).default([]),
  }),
);
const IGNORED_BY_FLUX = z.array(
  z.strictObject({
    paths: z.array(z.string()).min(1),
    target: z.strictObject({ kind: z.string(), name: z.string() }),
  }),
);

const CHART = objects();
const CONFIGURATION = one(CHART, 'MutatingWebhookConfiguration');
const NAMES = z.array(z.looseObject({ name: z.string() })).parse(partOf(CONFIGURATION, 'webhooks'));

/** `KIND NAME POINTER` of each field that the webhook's patches set in the chart's objects; a list's items by their index. */
async function written(t: TestContext): Promise<string[]> {
  const api = await startApiServer(t);
  // As the chart makes them.
  api.secret = new Map();
  api.bundles = new Map(NAMES.map(({ name }) => [name, '']));
  const replica = await started(t, api);
  await api.until(() => isReady(replica));
  const found = api.requests.flatMap((request, i) => {
    if (!request.startsWith('PATCH ')) return [];
    const kind = request === 'PATCH secrets' ? 'Secret curfew-tls' : 'MutatingWebhookConfiguration curfew';
    const { metadata, apiVersion: _, kind: _kind, type: _type, ...fields } = JSON.parse(api.bodies[i] ?? '');
    const { resourceVersion: __, name: _name, namespace: _namespace, ...more } = Object(metadata);
    assert.deepEqual(more, {}, 'nothing else of its metadata is written');
    return pointersOf(fields).map((pointer) => `${kind} ${pointer}`);
  });
  return [...new Set(found)].sort();
}

/** Where a patch sets something. `data` is one field: its keys are the webhook's. An item of webhooks is found by its name. */
function pointersOf(value: unknown, at = ''): string[] {
  if (Array.isArray(value))
    return value.flatMap((item) => {
      const index = NAMES.findIndex(({ name }) => name === Object(item).name);
      const { name: _, ...rest } = Object(item);
      return pointersOf(rest, `${at}/${index}`);
    });
  if (typeof value !== 'object' || value === null || at === '/data') return [at];
  return Object.entries(value).flatMap(([key, inner]) => pointersOf(inner, `${at}/${key}`));
}

describe('what GitOps tools ignore', () => {
  test('Flux: the fields that the webhook writes', async (t) => {
    const rules = IGNORED_BY_FLUX.parse(partOf(FLUX, 'spec.driftDetection.ignore'));
    const ignored = rules.flatMap(({ paths, target }) =>
      paths.map((path) => `${target.kind} ${target.name} ${path}`),
    );
    assert.deepEqual(ignored.sort(), await written(t));
    assert.equal(partOf(FLUX, 'spec.driftDetection.mode'), 'enabled');
  });

  test('Argo CD: the same', async (t) => {
    const rules = IGNORED_BY_ARGO_CD.parse(partOf(ARGO_CD, 'spec.ignoreDifferences'));
    const ignored = rules.flatMap(({ group, kind, name, namespace, jqPathExpressions, jsonPointers }) => {
      const object = CHART.find((one) => one.kind === kind && one.metadata.name === name);
      assert.equal(group, object?.apiVersion.split('/').at(-2) ?? '', 'the group');
      assert.equal(namespace, object?.metadata.namespace, 'the namespace');
      const pointers = jqPathExpressions.flatMap((path) => {
        const [, list = '', field = ''] = /^\.(\w+)\[\]\?\.([\w.]+)$/.exec(path) ?? [];
        return Array.from(
          Object(partOf(object, list)),
          (_, i) => `/${list}/${i}/${field.replaceAll('.', '/')}`,
        );
      });
      return [...pointers, ...jsonPointers].map((pointer) => `${kind} ${name} ${pointer}`);
    });
    assert.deepEqual(ignored.sort(), await written(t));
    assert.equal(NAMESPACE, 'curfew-system');
  });

  test('the chart itself sets none of them', async (t) => {
    for (const field of await written(t)) {
      const [kind = '', name = '', pointer = ''] = field.split(' ');
      const object = CHART.find((one) => one.kind === kind && one.metadata.name === name);
      assert.ok(object, field);
      assert.equal(partOf(object, pointer.slice(1).replaceAll('/', '.')), undefined, field);
    }
  });
});
