/**
 * Golden files: the chart renders golden/<case>.yaml from golden/<case>.values.yaml. To write them again, run
 * UPDATE_GOLDEN=1 node --test test/charts/golden.test.ts, and review the difference.
 */
import assert from 'node:assert/strict';
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, test } from 'node:test';
import { kubernetesType, wrongFields } from './kubernetes-fields.ts';
import { GOLDEN, lint, NEWEST, OLDEST, objects, objectsOf, one, render } from './rendered-chart.ts';

const cases = globSync(join(GOLDEN, '*.values.yaml')).sort();

describe('golden renderings', () => {
  for (const values of cases) {
    const name = basename(values, '.values.yaml');
    const flags = ['--values', values];
    test(`${name} is rendered as it was`, () => {
      const { code, stdout, stderr } = render(flags);
      assert.equal(code, 0, stderr);
      const file = join(GOLDEN, `${name}.yaml`);
      if (process.env.UPDATE_GOLDEN === '1') writeFileSync(file, stdout);
      assert.equal(readFileSync(file, 'utf8'), stdout);
    });

    test(`${name} lints strictly`, () => {
      const { code, stdout } = lint(flags);
      assert.equal(code, 0, stdout);
    });

    for (const version of [NEWEST, OLDEST])
      test(`${name} for ${version} has only fields that Kubernetes knows`, () => {
        let known = 0;
        for (const object of objects(flags, version)) {
          const type = kubernetesType(object);
          // The newest client does not know policy/v1beta1, whose fields are those of policy/v1.
          if (type === undefined || type === 'V1beta1PodDisruptionBudget') continue;
          known++;
          assert.deepEqual(wrongFields(object, type, object.kind), []);
        }
        assert.ok(known >= 7, `only ${known} objects`);
      });
  }

  test('every rendering has its values file', () => {
    const renderings = globSync(join(GOLDEN, '*.yaml')).filter((file) => !file.endsWith('.values.yaml'));
    assert.deepEqual(
      renderings.map((file) => basename(file, '.yaml')).sort(),
      cases.map((file) => basename(file, '.values.yaml')).sort(),
    );
  });
});

test('a field that is misspelt, misplaced or of the wrong type is found', () => {
  const text = (change: (manifest: string) => string) => {
    const deployment = one(objectsOf(change(render().stdout)), 'Deployment');
    return wrongFields(deployment, 'V1Deployment', 'Deployment');
  };
  assert.deepEqual(
    text((manifest) => manifest.replace('automountServiceAccountToken: true', 'automount: true')),
    ['Deployment.spec.template.spec.automount: V1PodSpec has no such field'],
  );
  assert.deepEqual(
    text((manifest) => manifest.replace('replicas: 2', 'replicas: two')),
    ['Deployment.spec.replicas: no number'],
  );
  assert.deepEqual(
    text((manifest) => manifest.replaceAll('containerPort: 8443', 'containerPort: [8443]')),
    ['Deployment.spec.template.spec.containers[0].ports[0].containerPort: no number'],
  );
});

test('the newest fields are rendered only for clusters that know them', () => {
  const [newest, oldest] = [render().stdout, render([], OLDEST).stdout];
  for (const [text, since] of [
    ['matchConditions:', true],
    ['unhealthyPodEvictionPolicy:', true],
    ['apiVersion: policy/v1\n', true],
    ['apiVersion: policy/v1beta1\n', false],
  ] as const) {
    assert.equal(newest.includes(text), since, text);
    assert.equal(oldest.includes(text), !since, text);
  }
});
