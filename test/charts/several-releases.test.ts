/** Two releases in one cluster, with the values of the guide for production: neither touches the other's objects or pods. */
import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { z } from 'zod';
import { guideValues } from './guide-values.ts';
import { objectsNamed, one, type RenderedObject, set } from './rendered-chart.ts';

const MONITORED = set(
  'serviceMonitor.enabled=true',
  'prometheusRule.enabled=true',
  'grafanaDashboard.enabled=true',
);
const shop = (t: TestContext) =>
  objectsNamed('curfew', 'curfew-shop', [...guideValues(t, 'the release of team shop'), ...MONITORED]);
const others = (t: TestContext) =>
  objectsNamed('curfew', 'curfew-system', [...guideValues(t, 'the release for all others'), ...MONITORED]);

const SELECTOR = z.object({
  matchLabels: z.record(z.string(), z.string()).default({}),
  matchExpressions: z
    .array(z.object({ key: z.string(), operator: z.enum(['In', 'NotIn']), values: z.array(z.string()) }))
    .default([]),
});
const CONFIGURATION = z.looseObject({
  webhooks: z.array(z.looseObject({ name: z.string(), namespaceSelector: SELECTOR })),
});
type Labels = Readonly<Record<string, string>>;

/** The webhooks of a release that are asked about pods in a namespace with these labels. */
function asked(release: readonly RenderedObject[], labels: Labels): string[] {
  const { webhooks } = CONFIGURATION.parse(one([...release], 'MutatingWebhookConfiguration'));
  return webhooks
    .filter(({ namespaceSelector }) => selects(namespaceSelector, labels))
    .map(({ name }) => name);
}

/** As Kubernetes does: `NotIn` is true of a label that is not there. */
function selects({ matchLabels, matchExpressions }: z.output<typeof SELECTOR>, labels: Labels): boolean {
  return (
    Object.entries(matchLabels).every(([key, value]) => labels[key] === value) &&
    matchExpressions.every(({ key, operator, values }) => {
      const value = labels[key];
      const isIn = value !== undefined && values.includes(value);
      return operator === 'In' ? isIn : !isIn;
    })
  );
}

/** Objects that the whole cluster, or one namespace, has only one of. */
const identities = (release: readonly RenderedObject[]) =>
  release.map(({ kind, metadata: { namespace = '', name } }) => `${kind} ${namespace}/${name}`);

describe('two releases', () => {
  test('have no object in common, not even in one namespace', (t) => {
    const first = objectsNamed('curfew', 'curfew', guideValues(t, 'the release of team shop'));
    const second = objectsNamed('curfew', 'curfew', guideValues(t, 'the release for all others'));
    for (const [one, other] of [
      [shop(t), others(t)],
      [first, second],
    ] as const) {
      const taken = new Set(identities(one));
      assert.ok(taken.size > 10);
      assert.deepEqual(
        identities(other).filter((identity) => taken.has(identity)),
        [],
      );
    }
  });

  test('without names of their own have', () => {
    const taken = new Set(identities(objectsNamed('curfew', 'a', [])));
    assert.ok(identities(objectsNamed('curfew', 'b', [])).some((identity) => taken.has(identity)));
  });

  test('are asked about a namespace by one webhook of one of them, and about one without the label by none', (t) => {
    const [ours, theirs] = [shop(t), others(t)];
    const label = fc.constantFrom(undefined, 'enabled', 'shim', 'native', 'auto', 'audit', 'yes');
    const team = fc.constantFrom(undefined, 'shop', 'bank');
    fc.assert(
      fc.property(label, team, fc.constantFrom('shop', 'bank', 'kube-system'), (injection, owner, name) => {
        const labels = {
          'kubernetes.io/metadata.name': name,
          ...(injection === undefined ? {} : { 'curfew.dev/injection': injection }),
          ...(owner === undefined ? {} : { team: owner }),
        };
        const isOn = injection !== undefined && injection !== 'yes' && name !== 'kube-system';
        assert.equal(asked(ours, labels).length, isOn && owner === 'shop' ? 1 : 0);
        assert.equal(asked(theirs, labels).length, isOn && owner !== 'shop' ? 1 : 0);
      }),
    );
  });

  test('without a selector that excludes the other are both asked', (t) => {
    const labels = { 'curfew.dev/injection': 'enabled', team: 'shop' };
    assert.deepEqual(asked(shop(t), labels), ['pods.curfew.dev']);
    assert.deepEqual(asked(objectsNamed('curfew', 'curfew-system', []), labels), ['pods.curfew.dev']);
  });
});
