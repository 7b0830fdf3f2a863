/** The durations in the section `config`: values.schema.json refuses those that are too long, and accepts all that the webhook accepts. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { stringify } from 'yaml';
import { CHART } from '../../charts/helm.ts';
import { ConfigError, parseConfig } from '../../webhook/config/config.ts';
import { CONFIG } from '../../webhook/config/schema.ts';
import { describeKeys } from '../../webhook/config/schema-keys.ts';
import { partOf } from './rendered-chart.ts';

const UNITS: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
/** The bounds in the help of a duration. */
const BOUNDS = /^a (duration|lifetime) from [0-9]+[a-z]+ to ([0-9]+)([a-z]+),/;

const SCHEMA: unknown = JSON.parse(readFileSync(join(CHART, 'values.schema.json'), 'utf8'));
const KEYS = [...describeKeys(CONFIG)].flatMap(({ path, allowed }) => {
  const [, kind, most = '', unit = ''] = BOUNDS.exec(allowed) ?? [];
  const property = ['properties.config', ...path.split('.')].join('.properties.');
  const pattern = partOf(SCHEMA, `${property}.pattern`);
  // A key that the chart fills in is no value.
  if (kind === undefined || partOf(SCHEMA, property) === undefined) return [];
  const units = kind === 'duration' ? ['ms', 's', 'm', 'h'] : ['s', 'm', 'h', 'd'];
  return [
    { path, pattern: new RegExp(String(pattern)), most: Number(most) * (UNITS[unit] ?? 0), units, kind },
  ];
});

/** Whether the webhook accepts a value. Its errors about other keys do not count. */
function webhookTakes(path: string, value: string): boolean {
  const file = path.split('.').reduceRight<unknown>((inner, key) => ({ [key]: inner }), value);
  try {
    parseConfig(stringify(file), 'test');
    return true;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return !error.message.includes(
      `: ${path} is ${JSON.stringify(value)}, which is not allowed; it takes a `,
    );
  }
}

test('all durations are tested', () => {
  assert.deepEqual(
    KEYS.map(({ path }) => path).sort(),
    [
      ...['tls.reloadInterval', 'tls.selfManaged.lifetime', 'tls.selfManaged.caLifetime', 'images.timeout'],
      ...['images.cache.fresh', 'images.cache.stale', 'images.cache.failures'],
      ...['limits.requestTimeout', 'limits.queueTime', 'shutdown.delay', 'shutdown.gracePeriod'],
      'startTimeout',
    ].sort(),
  );
});

for (const { path, pattern, most, units, kind } of KEYS)
  describe(path, () => {
    test('the schema accepts up to the webhook’s longest value, in each unit', () => {
      for (const unit of units) {
        const longest = Math.floor(most / (UNITS[unit] ?? 0));
        for (const amount of [longest, longest + 1, 2 * longest + 1, 10 * longest + 10]) {
          if (amount === 0) continue;
          const fits = amount === longest;
          assert.equal(webhookTakes(path, `${amount}${unit}`), fits, `${amount}${unit}`);
          assert.equal(pattern.test(`${amount}${unit}`), fits, `${amount}${unit}`);
          assert.equal(pattern.test(`00${amount}${unit}`), fits, `00${amount}${unit}`);
        }
      }
    });

    test('the schema accepts every value that the webhook accepts', () => {
      const amount = fc
        .tuple(fc.constantFrom(...units), fc.integer({ min: 0, max: 120 }))
        .map(([unit, part]) => `${Math.floor((part * most) / 100 / (UNITS[unit] ?? 0))}${unit}`);
      const texts =
        kind === 'lifetime' ? amount : fc.array(amount, { maxLength: 3 }).map((all) => all.join(''));
      const seen = { taken: 0, refused: 0 };
      fc.assert(
        fc.property(texts, (text) => {
          const takes = webhookTakes(path, text);
          seen[takes ? 'taken' : 'refused']++;
          if (takes) assert.match(text, pattern);
        }),
        { numRuns: 300 },
      );
      assert.ok(seen.taken > 20 && seen.refused > 20, JSON.stringify(seen));
    });
  });
