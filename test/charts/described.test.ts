/** What the chart's documents say of its values is what Helm does with them. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { parse } from 'yaml';
import { CHART } from '../../charts/helm.ts';
import { describedValues } from '../../charts/values-comments.ts';
import { parseConfig } from '../../webhook/config/config.ts';
import { parseNamespaceSettings } from '../../webhook/config/namespace-settings.ts';
import { SETTINGS_NAME } from '../../webhook/config/settings-name.ts';
import { GUIDE_VALUES, guideValues } from './guide-values.ts';
import { objects, one, partOf } from './rendered-chart.ts';
import { temporaryFile } from './temporary-file.ts';

const read = (path: string) => readFileSync(join(CHART, path), 'utf8');

test('the tables of README.md have the defaults of values.yaml, also those of the section config', () => {
  const readme = read('README.md');
  const values = describedValues(read('values.yaml')).filter(({ standard }) => standard !== undefined);
  assert.ok(values.some(({ path }) => path.startsWith('config.')));
  for (const { path, standard = '' } of values) {
    const [, cell = ''] =
      new RegExp(`^\\| \`${path.replaceAll('.', '\\.')}\` \\| (.*?) \\| `, 'm').exec(readme) ?? [];
    const shown = cell.replace(/^`(.*)`$/, '$1').replaceAll('\\|', '|');
    const known: unknown = JSON.parse(standard);
    const plain = typeof known === 'string' ? known : standard;
    assert.ok(
      [standard, plain].includes(shown) || ['""', 'null'].includes(standard),
      `${path}: ${shown}, ${standard}`,
    );
  }
});

describe('the example of a registry with its own authority can be used', () => {
  const inComment = [...read('values.yaml').matchAll(/^ {4}# {3}(.*)$/gm)].map(([, line]) => line).join('\n');
  const reference = read('../../docs/reference/configuration.md');
  const [, inReference = ''] = /<<END\n(.*?)^END$/ms.exec(reference) ?? [];
  for (const [where, text] of Object.entries({ 'values.yaml': inComment, 'configuration.md': inReference }))
    test(where, (t) => {
      const all = objects(['--values', temporaryFile(t, text)]);
      const map = all.find(({ kind, metadata }) => kind === 'ConfigMap' && metadata.name === 'curfew');
      const { images } = parseConfig(String(Object(partOf(map, 'data'))['curfew.yaml']), 'ConfigMap');
      const caFile = images.registries[0]?.caFile ?? '';
      const container = partOf(one(all, 'Deployment'), 'spec.template.spec.containers.0');
      const mounts = Object(partOf(container, 'volumeMounts')).map(
        ({ mountPath }: { mountPath: string }) => mountPath,
      );
      assert.ok(
        mounts.some((path: string) => caFile.startsWith(`${path}/`)),
        `${caFile} is not below ${mounts}`,
      );
      assert.match(JSON.stringify(partOf(one(all, 'Deployment'), 'spec.template.spec.volumes')), /corp-ca/);
    });
});

describe('the values of the guide for production can be used', () => {
  assert.ok(GUIDE_VALUES.size > 4);
  for (const name of GUIDE_VALUES.keys())
    test(name, (t) => {
      const map = objects(guideValues(t, name)).find(
        ({ kind, data }) => kind === 'ConfigMap' && data !== undefined && 'curfew.yaml' in Object(data),
      );
      parseConfig(String(Object(partOf(map, 'data'))['curfew.yaml']), name);
    });

  test("a namespace's own settings", () => {
    const guide = read('../../docs/guides/production.md');
    const [, text = ''] = /```yaml\n(apiVersion: v1\nkind: ConfigMap\n.*?)^```$/ms.exec(guide) ?? [];
    const map: unknown = parse(text);
    assert.equal(partOf(map, 'metadata.name'), SETTINGS_NAME);
    const { startTimeout, catalogue, images } = parseNamespaceSettings(partOf(map, 'data'));
    assert.deepEqual([startTimeout, catalogue.extra.length, images.entrypoints.length], [300_000, 1, 1]);
  });
});
