/**
 * `npm run bench:scale`: what a cluster of many pods asks of Curfew, with the real API server in front and the real images behind it.
 *
 * - How many new pods a second one replica takes until the p99 of their creation passes 50 ms, beside a namespace without Curfew.
 * - A Deployment of 5,000 pods on simulated nodes that changes its template: without Curfew, with it, and while a replica is killed.
 *
 * CURFEW_PODS   pods of the Deployment (default: 5,000)
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { figureOf, formatTable, type Measured } from '../../bench/figure.ts';
import { INJECTED } from '../install/confined.ts';
import { processOf } from '../install/containers.ts';
import { RESTRICTED } from '../install/pod-security.ts';
import { Release } from '../install/release.ts';
import { makeNamespace } from '../namespace.ts';
import { highestRate } from './rate.ts';
import { deploy, meanBetween, refusals, remove, rollOut, timedSoFar } from './rollout.ts';
import { SimulatedNodes } from './simulated-nodes.ts';

/** ms */
const BOUND = 50;
/** A Deployment's change makes a quarter more pods than it has. */
const SURGE = 1.25;
/** The labels of a namespace that is opted in. */
const ASKED = { ...RESTRICTED, ...INJECTED };
const PODS = Number(process.env.CURFEW_PODS ?? 5_000);
if (!Number.isInteger(PODS) || PODS < 4)
  throw new Error(`CURFEW_PODS is '${process.env.CURFEW_PODS}', not a number of pods such as 5000`);

const measured: Measured[] = [];
const curfew = await Release.install('--set', 'replicaCount=1');
await measureRate();
await curfew.upgrade('--set', 'replicaCount=2');
await curfew.rolledOut();
await measureRollouts();
await Release.removeAll();

const rows = measured.map((one) => ({ measured: one, figure: figureOf(one) }));
console.log(`\n${formatTable(rows)}`);
writeFileSync(
  join(process.env.STATE ?? '', 'log', 'scale.json'),
  JSON.stringify(
    rows.map(({ figure }) => figure),
    null,
    2,
  ),
);
process.exit(rows.every(({ figure }) => figure.ok) ? 0 : 1); // the connections would keep the process alive

async function measureRate(): Promise<void> {
  say(`pods a second, until the p99 of their creation passes ${BOUND} ms`);
  const bare = await highestRate(await makeNamespace('bare', RESTRICTED), BOUND);
  const asked = await highestRate(await makeNamespace('asked', ASKED), BOUND);
  measured.push({
    name: `new pods a second at one replica, p99 of their creation at most ${BOUND} ms`,
    value: asked.held.rate,
    unit: '/s',
    yardstick: bare.held.rate,
    beside: 'not asked',
    limits: [],
    spread: `at ${asked.missed.rate} /s ${asked.missed.p99.toFixed(0)} ms`,
  });
}

async function measureRollouts(): Promise<void> {
  const nodes = await SimulatedNodes.forPods(PODS * SURGE);
  const bare = await rollout(nodes, 'bare', false);
  const asked = await rollout(nodes, 'asked', true);
  const dying = await rollout(nodes, 'dying', true, killOne);
  nodes.end();
  for (const [what, { seconds, failed }] of [
    [`rollout of ${PODS} pods`, asked],
    ['the same, one of two replicas killed halfway', dying],
  ] as const)
    measured.push({
      name: what,
      value: seconds,
      unit: 's',
      yardstick: bare.seconds,
      beside: 'not asked',
      limits: [],
      spread: `${failed} creations refused and repeated`,
    });
  const perThousand = (seconds: number) => (seconds / PODS) * 1_000;
  measured.push({
    name: "webhook's processor time, for 1,000 of those pods",
    value: perThousand(asked.processor),
    unit: 's',
    yardstick: perThousand(asked.seconds),
    beside: 'time that they took',
    limits: [],
  });
  measured.push({
    name: 'creation of a pod in that rollout, mean',
    value: asked.creation,
    unit: 'ms',
    yardstick: bare.creation,
    beside: 'not asked',
    limits: [],
    spread: `of that, the call of the webhook ${asked.call.toFixed(1)} ms`,
  });
}

interface Rollout {
  seconds: number;
  failed: number;
  /** Of the webhook, in seconds. */
  processor: number;
  /** As the API server sees it, in ms. */
  creation: number;
  /** The call of the webhook in it, in ms. */
  call: number;
}

async function rollout(
  nodes: SimulatedNodes,
  name: string,
  isInjected: boolean,
  halfway: () => Promise<void> = async () => {},
): Promise<Rollout> {
  const namespace = await makeNamespace(name, isInjected ? ASKED : RESTRICTED);
  await nodes.run(namespace);
  say(`${namespace}: ${PODS} pods`);
  await deploy(namespace, PODS);
  say(`${namespace}: rollout`);
  const [before, processor] = [await timedSoFar(), await processorTime()];
  let killed: Promise<void> | undefined;
  const seconds = await rollOut(namespace, PODS, () => {
    killed = halfway();
  });
  await killed;
  nodes.check();
  const after = await timedSoFar();
  const result = {
    seconds,
    failed: await refusals(namespace),
    processor: (await processorTime()) - processor,
    creation: meanBetween(before.creations, after.creations),
    call: meanBetween(before.calls, after.calls),
  };
  say(`${namespace}: ${JSON.stringify(result)}`);
  await remove(namespace);
  return result;
}

async function killOne(): Promise<void> {
  const [victim] = await curfew.replicas();
  if (victim === undefined) throw new Error('there is no replica to kill');
  say(`killed: ${victim.name}`);
  process.kill(processOf(victim.container), 'SIGKILL');
}

/** Of all replicas that run, in seconds. */
async function processorTime(): Promise<number> {
  let ticks = 0;
  for (const { container } of await curfew.replicas()) {
    // Behind the name, which may hold blanks: fields 14 and 15 of proc(5).
    const fields =
      readFileSync(`/proc/${processOf(container)}/stat`, 'utf8')
        .split(') ')[1]
        ?.split(' ') ?? [];
    ticks += Number(fields[11]) + Number(fields[12]);
  }
  return ticks / 100;
}

function say(text: string): void {
  console.log(`${process.uptime().toFixed(0).padStart(6)}s  ${text}`);
}
