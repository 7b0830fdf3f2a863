/**
 * KILL of any process of a pod at any moment. Each pod is drawn from a seed: CURFEW_SEEDS says how many pods (default 100),
 * CURFEW_SEED takes one seed again.
 */
import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { V1Pod } from '@kubernetes/client-node';
import { exitCodes, Namespace, type Pod, statusOf } from '../cluster.ts';
import { until } from '../kubectl.ts';
import { pod, sidecars } from '../manifests.ts';
import { emptyDirOf, type Process, processesOf, shimOf, signal, standStill } from '../node/local.ts';
import { assertGone, assertOrder, linesOf, Phases } from './ending.ts';
import { type KillPlan, PARTS, type Part, planFor } from './kill-plan.ts';
import { Store } from './store.ts';

const PODS_AT_A_TIME = 8;
const FIRST_PORT = 7_001;
const LOOK_EVERY = 50;
const once = process.env.CURFEW_SEED;
const first = once === undefined ? randomInt(2 ** 31) : Number(once);
const seeds = Array.from(
  { length: once === undefined ? Number(process.env.CURFEW_SEEDS ?? 100) : 1 },
  (_, i) => first + i,
);

test(`L8 L9 L11 KILL of any process at any moment: ${seeds.length} pods`, {
  concurrency: PODS_AT_A_TIME,
}, async (t) => {
  const ns = await Namespace.make(t, 'kill');
  const phases = new Phases(t, ns);
  const kills: Record<string, number> = Object.fromEntries(PARTS.map((part) => [part, 0]));
  let late = 0;
  const runs = seeds.map((seed) =>
    t.test(`seed ${seed}`, async (t) => {
      const plan = planFor(seed);
      t.diagnostic(`CURFEW_SEED=${seed}: ${JSON.stringify(plan)}`);
      if (await play(t, ns, phases, `seed-${seed}`, plan)) kills[plan.part] = (kills[plan.part] ?? 0) + 1;
      else late++;
    }),
  );
  await Promise.all(runs);
  const counts = PARTS.map((part) => `${part} ${kills[part]}`).join(', ');
  const hit = seeds.length - late;
  if (once === undefined)
    assert.ok(hit > seeds.length / 2, `only ${hit} of ${seeds.length} kills met anybody`);
  console.log(`chaos: pods killed in: ${seeds.length}, seeds ${seeds[0]} to ${seeds.at(-1)}`);
  console.log(`chaos: kills: ${counts}; the victim had ended before: ${late}`);
});

/** @returns whether a process was killed */
async function play(
  t: TestContext,
  ns: Namespace,
  phases: Phases,
  name: string,
  plan: KillPlan,
): Promise<boolean> {
  const store = new Store(name);
  const roles = {
    mains: plan.mains.map((main) => main.name),
    sidecars: plan.sidecars.map((item) => item.name),
  };
  await ns.create(podOf(name, plan, store));
  const { uid } = (await ns.pod(name)).metadata;
  const killedAt = await kill(uid, plan, () => phases.hasEnded(name));
  t.diagnostic(killedAt === undefined ? 'it had ended before' : `killed: ${plan.part}`);
  if (plan.held) {
    await servesAgain(ns, name, plan.victim, killedAt ?? 0);
    store.touch('go');
  }
  await phases.end(name);
  const ended = await ns.pod(name);
  assertVerdict(ended, plan, killedAt !== undefined);
  const lines = await linesOf(ns, name, roles);
  assertOrder(lines, roles);
  for (const sidecar of roles.sidecars) {
    const said = lines.get(sidecar) ?? [];
    const up = said.findLast((line) => line.text === 'up');
    // All sidecars that served to the end have flushed; a killed one has where it was started again.
    const spared = killedAt === undefined || plan.part === 'sandbox' || plan.victim !== sidecar;
    if (up !== undefined && (spared || up.at > killedAt))
      assert.equal(store.of(sidecar), 'whole', `the data of ${sidecar}`);
  }
  await assertGone(ended);
  return killedAt !== undefined;
}

function podOf(name: string, plan: KillPlan, store: Store): V1Pod {
  const containers = plan.mains.map((main) => {
    const fails = main.failsFirst ? `once /store/${main.name}-failed 7 ` : '';
    const holds = plan.held ? 'await /store/go ' : '';
    const list = `say working ${fails}work ${main.work} ${holds}say done exit ${main.code}`;
    return store.steps(main.name, list);
  });
  const annotations = sidecars(...plan.sidecars.map((item) => item.name));
  for (const [index, item] of plan.sidecars.entries()) {
    const port = FIRST_PORT + index;
    if (item.readyAfter !== undefined) annotations[`ready.curfew.dev/${item.name}`] = `tcp://:${port}`;
    const before = item.readyAfter === undefined ? '' : `sleep ${item.readyAfter} listen ${port}`;
    containers.push(store.keeper(item.name, {}, before));
  }
  const { restartPolicy } = plan;
  return pod(name, containers, { annotations, spec: { restartPolicy, volumes: [store.volume] } });
}

/** @returns when it was killed; undefined where it had ended before */
async function kill(uid: string, plan: KillPlan, hasEnded: () => boolean): Promise<number | undefined> {
  // The kubelet replaces a sandbox that is lost before its containers exist, with and without Curfew.
  const awaited =
    plan.part === 'sandbox' ? [...plan.mains, ...plan.sidecars].map((item) => item.name) : [plan.victim];
  const seen = new Set<string>();
  while (seen.size < awaited.length) {
    if (hasEnded()) return undefined;
    for (const name of awaited) if (shimOf(uid, name) !== undefined) seen.add(name);
    await delay(LOOK_EVERY);
  }
  await delay(plan.after);
  for (; !hasEnded(); await delay(LOOK_EVERY)) {
    const shim = shimOf(uid, plan.victim)?.shim;
    if (shim === undefined) return undefined;
    // A container that is killed before its first marker looks like one that never started (docs/limits.md).
    if (isBlank(uid, plan.victim)) continue;
    const killedAt = plan.part === 'sandbox' ? killSandbox(uid) : await killPart(shim, plan.part);
    if (killedAt !== undefined) return killedAt;
  }
  return undefined;
}

function killSandbox(uid: string): number | undefined {
  const found = processesOf(uid).filter(({ command }) => command[0] === '/pause');
  return signal(found, 'SIGKILL') > 0 ? Date.now() : undefined;
}

/**
 * Kill a shim, its processes, or both, while all of them are stopped. So a shim cannot react before the time that is returned, and
 * a line with a later time is from a new process.
 * @returns undefined where no process could be killed at that moment
 */
async function killPart(shim: Process, part: Exclude<Part, 'sandbox'>): Promise<number | undefined> {
  const shims = await standStill([shim]);
  const others = await standStill(processesOf(shim.container).filter(({ pid }) => pid !== shim.pid));
  const victims = { shim: shims, child: others, container: [...others, ...shims] }[part];
  const killed = signal(victims, 'SIGKILL');
  const now = Date.now();
  await delay(2); // so that no line has the same millisecond
  signal([...shims, ...others], 'SIGCONT');
  return killed > 0 ? now : undefined;
}

/** Wait until a sidecar whose process was killed serves again while the mains work. Its first restart has no back-off. */
async function servesAgain(ns: Namespace, name: string, sidecar: string, killedAt: number): Promise<void> {
  await until(`${sidecar} of ${name} serves again`, async () => {
    const said = await ns.linesSoFar(name, sidecar);
    return said.some(({ text, at }) => text === 'up' && at > killedAt) || undefined;
  });
  const told = /^curfew: ended with code 137 while the work goes on: starting it again now$/m;
  assert.match(await ns.log(name, sidecar), told);
}

function isBlank(uid: string, container: string): boolean {
  try {
    return readFileSync(join(emptyDirOf(uid, 'curfew-run'), `${container}.state`), 'utf8').trim() === '';
  } catch {
    return false; // the pod has ended
  }
}

/** The expected phase, and the expected codes of the mains. */
function assertVerdict(ended: Pod, plan: KillPlan, killed: boolean): void {
  const codes = exitCodes(ended);
  const { phase } = ended.status;
  if (plan.restartPolicy === 'OnFailure') {
    for (const [container, code] of Object.entries(codes))
      assert.equal(code, 0, `${container} ended with ${code}`);
    assert.equal(phase, 'Succeeded');
    return;
  }
  const hits = (container: string) => killed && plan.part !== 'sandbox' && plan.victim === container;
  const sidecarLost = killed && plan.part !== 'child' && plan.sidecars.some((item) => hits(item.name));
  for (const { name, code } of plan.mains) {
    // A main that waits for a sidecar that has ended for good gives up. A main that is told to end, ends.
    const possible = [hits(name) ? 137 : code];
    if (sidecarLost) possible.push(125);
    if (killed && plan.part === 'sandbox') possible.push(143);
    assert.ok(possible.includes(codes[name] ?? -1), `${name} ended with ${codes[name]}, not ${possible}`);
    assert.equal(statusOf(ended, name)?.restartCount, 0);
  }
  for (const { name } of plan.sidecars) {
    assert.equal(codes[name], sidecarLost && hits(name) ? 137 : 0, `${name} ended with ${codes[name]}`);
  }
  const whole = Object.values(codes).every((code) => code === 0);
  assert.equal(phase, whole ? 'Succeeded' : 'Failed');
}
