/**
 * `npm run bench:pods`: the time that Curfew adds to a pod's start and to its end, compared to pods without it in the same rounds.
 *
 * In a round one pod of each kind is created after the other, each once the one before works. Then all mains are told
 * to end at the same moment: the kubelet looks at its containers about once a second, and so it looks at all of them.
 *
 * CURFEW_RUNS   rounds (default: 30)
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { figureOf, formatTable, type Limit, type Measured, median, spreadOf } from '../../bench/figure.ts';
import { when } from '../cluster.ts';
import { makeNamespace } from '../namespace.ts';
import { hasHelper, KIND_NAMES, KINDS, type Kind, type KindName, SIGNALS } from './pods.ts';
import { Stopwatch } from './stopwatch.ts';

/** The times of one pod, in milliseconds. */
interface Times {
  /** From the request that creates it to its main's first instruction. */
  start: number;
  /** From its main's last instruction to its helper's. */
  told: number;
  /** From its main's last instruction to the news that the pod has succeeded. */
  end: number;
}

const ROUNDS = Number(process.env.CURFEW_RUNS ?? 30);
if (!Number.isInteger(ROUNDS) || ROUNDS < 1) {
  throw new Error(`CURFEW_RUNS is '${process.env.CURFEW_RUNS}', not a number of rounds such as 30`);
}
/** How much a ratio of two medians may differ by chance. */
const CHANCE = 1.15;
/** Multiples of it spread evenly over a second, however many there are. */
const GOLDEN = 0.618034;

const samples = await run();
const rows = measuredOf(samples).map((measured) => ({ measured, figure: figureOf(measured) }));
console.log(`\nmedians of ${ROUNDS} pods of each kind`);
for (const name of KIND_NAMES) console.log(`  ${name.padEnd(10)}${KINDS[name].about}`);
console.log(`\n${formatTable(rows)}`);
const figures = rows.map(({ figure }) => figure);
writeFileSync(
  join(process.env.STATE ?? '', 'log', 'speed.json'),
  JSON.stringify({ figures, samples }, null, 2),
);
process.exit(figures.every(({ ok }) => ok) ? 0 : 1); // the watches would keep the process alive

async function run(): Promise<Record<KindName, Times[]>> {
  mkdirSync(SIGNALS);
  const taken: Record<KindName, Times[]> = {
    plain: [],
    init: [],
    hand: [],
    curfew: [],
    native: [],
    converted: [],
  };
  const watches = new Map<Kind['label'], Stopwatch>();
  for (const name of KIND_NAMES) {
    const { label } = KINDS[name];
    if (!watches.has(label)) watches.set(label, await openNamespace(label));
  }
  const watchOf = (name: KindName): Stopwatch => {
    const watch = watches.get(KINDS[name].label);
    if (watch === undefined) throw new Error(`no namespace for pods of kind ${name}`);
    return watch;
  };
  // The first round is not counted, because it loads images, caches and connections.
  for (let round = 0; round <= ROUNDS; round++) {
    const begun: { name: KindName; start: number }[] = [];
    for (const name of KIND_NAMES) {
      await delay(((round * GOLDEN) % 1) * 1000); // pods start at all parts of the kubelet's one-second period
      begun.push({ name, start: await watchOf(name).start(KINDS[name].make(`${name}-${round}`, round)) });
    }
    writeFileSync(join(SIGNALS, String(round)), '');
    const times = begun.map(async ({ name, start }) => {
      return { name, start, ...(await theEnd(watchOf(name), `${name}-${round}`, hasHelper(name))) };
    });
    for (const { name, ...time } of await Promise.all(times)) if (round > 0) taken[name].push(time);
    if (round % 5 === 0)
      console.log(`${process.uptime().toFixed(0).padStart(6)}s  ${round} of ${ROUNDS} rounds`);
  }
  return taken;
}

/** Wait for the end of a pod, and delete it. */
async function theEnd(watch: Stopwatch, pod: string, helper: boolean): Promise<Omit<Times, 'start'>> {
  const ended = await watch.succeeded(pod);
  const done = when(await watch.lines(pod, 'main'), 'done');
  const told = helper ? when(await watch.lines(pod, 'helper'), 'told') - done : 0;
  await watch.remove(pod);
  return { told, end: ended - done };
}

/** A namespace, opted in or not, that pods can be created in, and its watch. */
async function openNamespace(label: Kind['label']): Promise<Stopwatch> {
  const name = await makeNamespace('speed', label === undefined ? {} : { 'curfew.dev/injection': label });
  const stopwatch = new Stopwatch(name);
  await stopwatch.watch(new AbortController().signal);
  return stopwatch;
}

function measuredOf(taken: Record<KindName, Times[]>): Measured[] {
  const typical = (name: KindName, what: keyof Times) => median(taken[name].map((times) => times[what]));
  const native = taken.native.length > 0;
  // For comparison where the cluster has no native sidecars: a sidecar that starts before the main.
  const rival = native ? 'native' : 'hand';
  const NAMES: Record<keyof Times, string> = {
    start: "creation -> main's first instruction",
    told: "main's end -> helper's end",
    end: "main's end -> phase Succeeded",
  };
  const row = (
    what: keyof Times,
    yardstick: number,
    beside: string,
    limits: Limit[] = [],
    kind: KindName = 'curfew',
  ): Measured => {
    const all = taken[kind].map((times) => times[what]);
    const spread = spreadOf(all);
    const of = kind === 'curfew' ? '' : `${kind}: `;
    return { name: `${of}${NAMES[what]}`, value: median(all), unit: 'ms', yardstick, beside, limits, spread };
  };
  const beside = (what: keyof Times, name: KindName, limit?: number) =>
    row(
      what,
      typical(name, what),
      name,
      limit === undefined ? [] : [{ of: 'ratio', bound: 'at most', limit }],
    );
  const oneMore = typical('init', 'start') - typical('plain', 'start');
  return [
    beside('start', 'plain'),
    beside('start', 'init'),
    beside('start', rival),
    row('start', typical(rival, 'start') + oneMore, `${rival} + (init - plain), a container start more`, [
      { of: 'ratio', bound: 'at most', limit: CHANCE },
    ]),
    beside('told', 'hand', 1),
    beside('end', 'plain'),
    beside('end', rival, CHANCE),
    // What Curfew makes native must cost what a native sidecar does.
    ...(native ? (['start', 'end'] as const) : []).map((what) =>
      row(
        what,
        typical('native', what),
        'native',
        [{ of: 'ratio', bound: 'at most', limit: CHANCE }],
        'converted',
      ),
    ),
  ];
}
