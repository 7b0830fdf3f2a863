/** Each alert, by Prometheus' own promtool: what makes it fire and what does not. Debian's package prometheus has it. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { z } from 'zod';
import { PASSED_OVER_TO_HANG } from '../../webhook/server/review-event.ts';
import { objects, one, partOf, set } from './rendered-chart.ts';
import { CASES, type Case } from './rule-cases.ts';

const RULES = z.array(
  z.object({
    alert: z.string(),
    expr: z.string(),
    labels: z.record(z.string(), z.string()),
    annotations: z.looseObject({ runbook_url: z.string() }),
  }),
);
type Rule = z.output<typeof RULES>[number];

const groups = (...pairs: string[]) =>
  partOf(one(objects(set('prometheusRule.enabled=true', ...pairs)), 'PrometheusRule'), 'spec.groups');
const rulesOf = (found: unknown): Rule[] => RULES.parse(partOf(found, '0.rules'));
const standard = groups();
const rules = rulesOf(standard);

function promtool(args: string[], cwd: string): { code: number | null; output: string } {
  const { status, stdout, stderr, error } = spawnSync('promtool', args, { cwd, encoding: 'utf8' });
  if (error !== undefined) throw error;
  return { code: status, output: `${stdout}${stderr}` };
}

/** Whether the alert, with these labels or none, is what promtool finds at the case's minute. */
function check(found: unknown, { alert, series, minute, firing }: Case): void {
  const rule =
    rulesOf(found).find((each) => each.alert === alert) ?? assert.fail(`there is no rule ${alert}`);
  const folder = mkdtempSync(join(tmpdir(), 'curfew-'));
  try {
    writeFileSync(join(folder, 'rules.json'), JSON.stringify({ groups: found }));
    const values = Object.entries(series).map(([name, text]) => ({ series: name, values: text }));
    const expected = (firing ?? []).map(({ value = '', ...labels }) => ({
      exp_labels: { ...labels, ...rule.labels },
      exp_annotations: Object.fromEntries(
        Object.entries(rule.annotations).map(([key, text]) => [key, filled(String(text), value, labels)]),
      ),
    }));
    const tests = [
      {
        interval: '1m',
        input_series: values,
        alert_rule_test: [{ alertname: alert, eval_time: `${minute}m`, exp_alerts: expected }],
      },
    ];
    const file = { rule_files: ['rules.json'], evaluation_interval: '1m', tests };
    writeFileSync(join(folder, 'test.json'), JSON.stringify(file));
    const { code, output } = promtool(['test', 'rules', 'test.json'], folder);
    assert.equal(code, 0, output);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const filled = (text: string, value: string, labels: Record<string, string>) =>
  text
    .replaceAll('{{ $value }}', value)
    .replaceAll(/\{\{ \$labels\.(\w+) \}\}/g, (_, label: string) => labels[label] ?? '');

describe('O6 the alerts', () => {
  for (const each of CASES)
    test(`O6 ${each.alert} ${each.firing === undefined ? 'is silent' : 'fires'}: ${each.what}`, () =>
      check(standard, each));

  test('each has a case in which it fires and one in which it is silent', () => {
    for (const { alert } of rules)
      for (const fires of [true, false])
        assert.ok(
          CASES.some((each) => each.alert === alert && (each.firing !== undefined) === fires),
          `${alert}: no case in which it ${fires ? 'fires' : 'is silent'}`,
        );
  });

  test('each has its runbook under its own name in the guide', () => {
    const guide = readFileSync(join(import.meta.dirname, '../../docs/guides/troubleshooting.md'), 'utf8');
    for (const { alert, annotations } of rules) {
      assert.match(guide, new RegExp(`^### ${alert}$`, 'm'));
      const [page, anchor] = annotations.runbook_url.split('#');
      assert.ok(page?.endsWith('/docs/guides/troubleshooting.md'), page);
      assert.equal(anchor, alert.toLowerCase());
    }
  });

  test('one names each reason for which a pod with a known sidecar is passed over', () => {
    const { expr = '' } = rules.find(({ alert }) => alert === 'CurfewPassesOverSidecars') ?? {};
    const [, reasons = ''] = /reason=~"([^"]*)"/.exec(expr) ?? [];
    assert.deepEqual(reasons.split('|').sort(), [...PASSED_OVER_TO_HANG].sort());
  });

  test('need no label that only a ServiceMonitor gives; prometheusRule.selector tells releases apart', () => {
    for (const { expr, alert } of rules) assert.doesNotMatch(expr, /namespace=|service=/, alert);
    const found = groups(`prometheusRule.selector=namespace="one"`);
    for (const { expr } of rulesOf(found))
      for (const [, selector = ''] of expr.matchAll(/curfew_\w+\{([^}]*)\}/g))
        assert.match(selector, /namespace="one"$/);
    const down = { alert: 'CurfewDown', what: '', minute: 10 };
    check(found, { ...down, series: { 'curfew_build_info{namespace="one"}': '1x20' } });
    check(found, {
      ...down,
      series: { 'curfew_build_info{namespace="two"}': '1x20' },
      firing: [{ namespace: 'one' }],
    });
  });

  test('are rules to promtool', () => {
    const folder = mkdtempSync(join(tmpdir(), 'curfew-'));
    writeFileSync(join(folder, 'rules.json'), JSON.stringify({ groups: standard }));
    const { code, output } = promtool(['check', 'rules', 'rules.json'], folder);
    rmSync(folder, { recursive: true });
    assert.equal(code, 0, output);
    assert.match(output, new RegExp(`${rules.length} rules found`));
  });
});
