/** The tables of the chart's README: its values, and the keys of the section `config`. */

import { CONFIG } from '../webhook/config/schema.ts';
import { describeKeys } from '../webhook/config/schema-keys.ts';
import { itemKeys } from './config-items.ts';
import { code, table } from './markdown.ts';
import type { DescribedValue } from './values-comments.ts';
import type { Schema } from './values-schema.ts';

/** The chart's own values, without `config`. */
export function valuesTable(values: readonly DescribedValue[], schema: Schema): string {
  const rows = values
    .filter(({ path }) => !path.startsWith('config.'))
    .map(({ path, comment, standard }) => {
      const choice = schemaAt(schema, path)
        ?.enum?.filter((item) => item !== '')
        .map((item) => `\`${item}\``);
      const meaning = [comment, choice === undefined ? undefined : `One of ${choice.join(', ')}.`];
      const text = meaning.filter((part) => part !== undefined).join(' ');
      return [standard === undefined ? `**${path}**` : `\`${path}\``, code(standard), text];
    });
  return table(['value', 'default', 'meaning'], rows);
}

/** The keys under `config` that may be set. A default is the chart's where the chart has one of its own. */
export function configTable(values: readonly DescribedValue[], schema: Schema): string {
  const ofChart = new Map(values.map(({ path, standard }) => [path, standard]));
  const keys = [...describeKeys(CONFIG)]
    .filter(({ path }) => schemaAt(schema, `config.${path}`) !== undefined)
    .map(({ standard, ...key }) => ({
      ...key,
      standard: plain(ofChart.get(`config.${key.path}`)) ?? standard,
    }));
  const rows = [...keys, ...itemKeys()].map(({ path, help, allowed, standard }) =>
    // The chart must know its ports.
    [`\`config.${path}\``, code(standard), `${help}: ${allowed.replace(' (0: any free one)', '')}`],
  );
  return table(['value', 'default', 'meaning'], rows);
}

/** JSON as the other defaults of the table are written: a text without its quotes. */
function plain(json: string | undefined): string | undefined {
  const value: unknown = json === undefined ? undefined : JSON.parse(json);
  return typeof value === 'string' ? value : json;
}

function schemaAt(schema: Schema, path: string): Schema | undefined {
  let found = schema;
  for (const step of path.split('.')) {
    const next = found.properties?.[step];
    if (typeof next !== 'object') return undefined;
    found = next;
  }
  return found;
}
