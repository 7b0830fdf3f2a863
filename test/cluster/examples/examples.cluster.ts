/**
 * The recipes of `examples/` on the cluster: their pods as they are, wrapped, and native, in three namespaces, all at once. What README.md says of
 * each is what is seen here. The images are stand-ins (stand-in-images.ts).
 */
import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import type { KubernetesObject } from '@kubernetes/client-node';
import { z } from 'zod';
import { explain, type Mode, objectsOf, type Recipe, readRecipes, textOf } from '../../examples/recipes.ts';
import { exitCodes, type Line, linesOf, Namespace, type Pod, statusOf, when } from '../cluster.ts';
import { mustKubectl, PATIENCE, until } from '../kubectl.ts';
import { minorVersion } from '../version.ts';
import { applied } from './applied.ts';
import { MAKERS } from './makers.ts';

const MINOR = minorVersion();
/** By the version skew policy no kubelet of such a cluster is without native sidecars (N7). */
const NATIVE_FROM = 32;
/** Two runs of a schedule that comes every minute. */
const TWO_RUNS = 240_000;
const recipes = readRecipes();
const NAMES = z.object({
  items: z.array(
    z.object({
      metadata: z.object({ name: z.string() }),
      status: z.looseObject({ succeeded: z.int().default(0) }),
    }),
  ),
});
const KINDS = z.looseObject({ kind: z.string(), metadata: z.looseObject({ name: z.string() }) });

describe('examples', { concurrency: true }, () => {
  test('without Curfew they hang, or end, as README.md says', { concurrency: true }, (t) =>
    inOneNamespace(t, 'bare', undefined, async (ns, recipe) => {
      const pod = await played(ns, recipe);
      const { containers } = await explain(textOf(recipe, recipe.runs), 'native');
      const mains = containers.filter(({ role }) => role === 'main');
      const sidecars = containers.filter(({ role }) => role === 'sidecar');
      if (recipe.without === 'ends') return await ns.waitForPhase(pod, 'Succeeded');
      // By watches: dozens of pods are waited for at once. A build that finds no daemon fails, and its pod hangs all the same.
      for (const { name } of mains) {
        const ended = `{.status.containerStatuses[?(@.name=="${name}")].state.terminated.exitCode}`;
        await ns.kubectl('wait', `pod/${pod}`, `--for=jsonpath=${ended}`, `--timeout=${PATIENCE / 1000}s`);
      }
      const hung = await ns.pod(pod);
      assert.equal(hung.status.phase, 'Running');
      for (const { name } of sidecars) assert.ok(statusOf(hung, name)?.state.running, `${name} runs on`);
    }),
  );

  test('wrapped, each ends with its work, or fails as README.md says', { concurrency: true }, (t) =>
    inOneNamespace(t, 'shim', 'shim', (ns, recipe) => assertRan(ns, recipe, 'shim')),
  );

  test(
    'native, each ends with its work',
    {
      skip: MINOR < NATIVE_FROM && `native sidecars are sure from Kubernetes 1.${NATIVE_FROM} on`,
      concurrency: true,
    },
    (t) => inOneNamespace(t, 'native', 'native', (ns, recipe) => assertRan(ns, recipe, 'native')),
  );
});

/** One test for each recipe, in one namespace, which has the label's value where one is given; where none is, for each that hangs or ends. */
async function inOneNamespace(
  t: TestContext,
  name: string,
  label: Mode | undefined,
  run: (ns: Namespace, recipe: Recipe) => Promise<void>,
): Promise<void> {
  const ns = await Namespace.make(
    t,
    `examples-${name}`,
    label === undefined ? {} : { 'curfew.dev/injection': label },
  );
  // A pod that its controller deletes hangs and ends by nothing else.
  const chosen = recipes.filter(({ without }) => label !== undefined || without !== 'is deleted');
  const objects = chosen.map((recipe) => objectsFor(recipe, label));
  // One by one: dozens of kubectls at once are too much for the machine.
  const list = { apiVersion: 'v1', kind: 'List', items: objects.flat() };
  await mustKubectl(['-n', ns.name, 'apply', '-f', '-'], JSON.stringify(list));
  await Promise.all(chosen.map((recipe) => t.test(`${name}: ${recipe.name}`, () => run(ns, recipe))));
}

/** A recipe's objects. One that does not work is as its maker writes it. */
function objectsFor(recipe: Recipe, mode: Mode | undefined): KubernetesObject[] {
  const asMade = mode !== undefined && !recipe.works[mode];
  return objectsOf(textOf(recipe, recipe.runs, asMade)).flatMap((object) => applied(object, MINOR));
}

/** Do what a recipe's controller does while the work goes on. @returns its pod's name */
async function played(ns: Namespace, recipe: Recipe): Promise<string> {
  const maker = objectsFor(recipe, undefined).find(({ kind }) =>
    ['Pod', 'Job', 'CronJob'].includes(kind ?? ''),
  );
  const { kind, metadata } = KINDS.parse(maker);
  const pod = kind === 'Pod' ? metadata.name : await ns.podOf(await jobOf(ns, kind, metadata.name));
  await MAKERS[recipe.name]?.(ns, pod);
  return pod;
}

/** The Job itself, or the first of a CronJob. */
async function jobOf(ns: Namespace, kind: string, name: string): Promise<string> {
  return kind === 'Job'
    ? name
    : await until('the first run', async () => (await runsOf(ns, name))[0]?.metadata.name);
}

async function runsOf(ns: Namespace, cronJob: string): Promise<z.output<typeof NAMES>['items']> {
  const text = await ns.kubectl('get', 'jobs', '-o', 'json', '--sort-by=.metadata.creationTimestamp');
  return NAMES.parse(JSON.parse(text)).items.filter(({ metadata }) =>
    metadata.name.startsWith(`${cronJob}-`),
  );
}

async function assertRan(ns: Namespace, recipe: Recipe, mode: Mode): Promise<void> {
  if (!recipe.works[mode]) return await assertFails(ns, recipe);
  const pod = await played(ns, recipe);
  if (recipe.name === 'gitlab-runner') return await assertDeleted(ns, pod);
  await ns.waitForPhase(pod, 'Succeeded');
  const ended = await ns.pod(pod);
  const { containers, outcome } = await explain(textOf(recipe, recipe.runs), mode);
  const sidecars = containers.filter(({ role }) => role === 'sidecar').map(({ name }) => name);
  // What was explained is what the webhook has made of it.
  assert.equal(outcome, mode === 'shim' ? 'wrapped' : 'converted');
  const inits = ended.spec.initContainers.filter(({ restartPolicy }) => restartPolicy === 'Always');
  assert.deepEqual(inits.map(({ name }) => name).toSorted(), mode === 'shim' ? [] : sidecars.toSorted());
  for (const [name, code] of Object.entries(exitCodes(ended))) assert.equal(code, 0, name);
  await assertOrder(ns, ended, containers);
  await CHECKS[recipe.name]?.(ns, pod);
}

/** A sidecar says `ready` before the mains work, where they wait for that, and is stopped when all of them have ended. */
async function assertOrder(
  ns: Namespace,
  { metadata: { name: pod } }: Pod,
  containers: Awaited<ReturnType<typeof explain>>['containers'],
): Promise<void> {
  const said = new Map<string, Line[]>();
  for (const { name } of containers) said.set(name, await ns.lines(pod, name));
  const of = (role: 'main' | 'sidecar') => containers.filter((one) => one.role === role);
  const mains = of('main').flatMap(({ name }) => said.get(name) ?? []);
  const [first, last] = [Math.min(...mains.map(({ at }) => at)), Math.max(...mains.map(({ at }) => at))];
  for (const { name, ready } of of('sidecar')) {
    const lines = said.get(name) ?? [];
    // PostgreSQL's image has INT.
    const stopped = lines.find(({ text }) => /^got (TERM|INT)$/.test(text));
    assert.ok(stopped !== undefined && stopped.at >= last, `${name} was stopped before the work was done`);
    if (ready !== null && ready !== 'none')
      assert.ok(when(lines, 'ready') <= first, `the work began before ${name} was ready`);
  }
}

/** The runner deletes the pod: the proxy stays while the job's shells are there. */
async function assertDeleted(ns: Namespace, pod: string): Promise<void> {
  const followed = ['build', 'istio-proxy'].map((name) => ns.follow(pod, name));
  await ns.kubectl('delete', 'pod', pod, '--wait=false');
  const [build = [], proxy = []] = (await Promise.all(followed)).map(linesOf);
  assert.ok(when(proxy, 'ready') <= when(build, 'working'), 'the job began before the proxy was ready');
  assert.ok(when(proxy, 'got TERM') >= when(build, 'done'));
}

/** It is wrapped, fails, and says why. */
async function assertFails(ns: Namespace, recipe: Recipe): Promise<void> {
  const expected = FAILURES[recipe.name];
  assert.ok(expected !== undefined, `how ${recipe.name} fails is not known: say it in FAILURES`);
  const pod = await played(ns, recipe);
  await ns.waitForPhase(pod, 'Failed');
  assert.match(await ns.log(pod, expected.container), expected.says);
}

/** What a recipe's pod says that does not work: the container, and a line of its log. */
const FAILURES: Readonly<Record<string, { container: string; says: RegExp }>> = {
  katib: { container: 'metrics-logger-and-collector', says: /^training container is failed: no mark in/m },
};

/** What else a recipe promises of the pod that has ended. */
const CHECKS: Readonly<Record<string, (ns: Namespace, pod: string) => Promise<void>>> = {
  'fluent-bit': async (ns, pod) => {
    assert.match(await ns.log(pod, 'fluent-bit'), /^the last line$/m, 'what the main wrote last was read');
  },
  'cronjob-no-overlap': async (ns) => {
    const next = await until(
      'the next run is complete',
      async () => (await runsOf(ns, 'sync-stock')).filter(({ status }) => status.succeeded === 1)[1],
      TWO_RUNS,
    );
    assert.ok(next);
  },
};
