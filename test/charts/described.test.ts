/** What the chart's documents say of its values is what Helm does with them. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { CHART } from '../../charts/helm.ts';
import { describedValues } from '../../charts/values-comments.ts';
import { parseConfig } from '../../webhook/config/config.ts';
import { objects, one, partOf } from './rendered-chart.ts';

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
      const folder = mkdtempSync(join(tmpdir(), 'curfew-'));
      t.after(() => rmSync(folder, { recursive: true }));
      const file = join(folder, 'values.yaml');
      writeFileSync(file, text);
      const all = objects(['--values', file]);
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
  const guide = read('../../docs/guides/production.md');
  const blocks = [...guide.matchAll(/^( *)```yaml\n *# values: (.*?)\n(.*?)^ *```$/gms)];
  assert.ok(blocks.length > 4);
  for (const [, indent = '', name = '', text = ''] of blocks)
    test(name, (t) => {
      const folder = mkdtempSync(join(tmpdir(), 'curfew-'));
      t.after(() => rmSync(folder, { recursive: true }));
      const file = join(folder, 'values.yaml');
      writeFileSync(file, text.replaceAll(new RegExp(`^${indent}`, 'gm'), ''));
      const map = objects(['--values', file]).find(
        ({ kind, data }) => kind === 'ConfigMap' && data !== undefined && 'curfew.yaml' in Object(data),
      );
      parseConfig(String(Object(partOf(map, 'data'))['curfew.yaml']), name);
    });
});
