/**
 * Readable pairs: golden/<case>.pod.yaml and what Curfew answers, golden/<case>.patch.json.
 * To write the answers anew: UPDATE_GOLDEN=1 node --test test/webhook/decision/mutate-golden.test.ts, and read the difference.
 */
import assert from 'node:assert/strict';
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import { parse } from 'yaml';
import { applied, mutation, POLICY } from './mutated-pod.ts';

/** Pods that name a mode are for a cluster that has native sidecars. */
const policy = { ...POLICY, cluster: { server: 36 } };
const folder = join(import.meta.dirname, 'golden');
const cases = globSync(join(folder, '*.pod.yaml')).sort();

describe('golden pairs', () => {
  for (const file of cases)
    test(`W2 ${basename(file, '.pod.yaml')}`, () => {
      const pod: unknown = parse(readFileSync(file, 'utf8'));
      const { outcome, reason, message, warnings, operations } = mutation(pod, {}, policy);
      const text = `${JSON.stringify({ outcome, reason, message, warnings, patch: operations }, null, 2)}\n`;
      const answer = join(dirname(file), basename(file).replace('.pod.yaml', '.patch.json'));
      if (process.env.UPDATE_GOLDEN === '1') writeFileSync(answer, text);
      assert.equal(readFileSync(answer, 'utf8'), text);
      assert.deepEqual(
        mutation(applied(pod, { outcome, reason, message, warnings, operations, containers: [] }), {}, policy)
          .operations,
        [],
      );
    });

  test('every answer has its pod', () => {
    const answers = globSync(join(folder, '*.patch.json')).sort();
    assert.deepEqual(
      answers.map((file) => file.replace('.patch.json', '')),
      cases.map((file) => file.replace('.pod.yaml', '')),
    );
  });
});
