/** What examples/README.md says does not work, beside what its table says. */
import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { objectsOf, readRecipes, textOf } from '../../examples/recipes.ts';
import { Namespace } from '../cluster.ts';
import { minorVersion } from '../version.ts';
import { applied } from './applied.ts';
import { MAKERS } from './makers.ts';

describe('mistakes', { concurrency: true }, () => {
  test("Tekton: a Task's own sidecar that is left a main fails the pod", async (t) => {
    const { ns, pod } = await created(t, 'tekton', {});
    await MAKERS.tekton?.(ns, pod);
    await ns.waitForPhase(pod, 'Failed');
    const code = (await ns.exit(pod, 'sidecar-database')).state.terminated?.exitCode;
    // Its proxy has gone, or its command is not in the image: which comes first is Tekton's and the kubelet's.
    assert.ok(code === 125 || code === 127, `code ${code}`);
    assert.equal((await ns.exit(pod, 'step-test')).state.terminated?.exitCode, 0);
  });

  test('Airflow: an XCom container that is listed as a sidecar is gone before its result is read', async (t) => {
    const { ns, pod } = await created(t, 'airflow-xcom', {
      'curfew.dev/sidecars': 'cloud-sql-proxy, airflow-xcom-sidecar',
    });
    await ns.waitForPhase(pod, 'Succeeded');
    await assert.rejects(
      MAKERS['airflow-xcom']?.(ns, pod) ?? Promise.resolve(),
      /cannot exec|not found|completed pod/,
    );
  });
});

/** The pod of a recipe as its maker writes it, with these annotations. */
async function created(
  t: TestContext,
  name: string,
  annotations: Record<string, string>,
): Promise<{ ns: Namespace; pod: string }> {
  const recipe = readRecipes().find((one) => one.name === name);
  assert.ok(recipe !== undefined);
  const ns = await Namespace.make(t, `mistake-${name}`);
  const objects = objectsOf(textOf(recipe, recipe.runs, true)).flatMap((object) =>
    applied(object, minorVersion()),
  );
  const pod = objects.find(({ kind }) => kind === 'Pod');
  assert.ok(pod?.metadata?.name !== undefined);
  pod.metadata.annotations = { ...pod.metadata.annotations, ...annotations };
  await ns.create(...objects);
  return { ns, pod: pod.metadata.name };
}
