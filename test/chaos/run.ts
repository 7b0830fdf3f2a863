/** `npm run test:chaos`: real shims and real processes, ended, stopped and restarted at any time, against the rules. See --help. */
import { spawnSync } from 'node:child_process';
import { availableParallelism, constants } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { ArgumentError, regularExpression, runProgram, wholeNumber } from '../arguments.ts';
import { SHIM } from '../shim/pod.ts';
import type { Break } from './break.ts';
import { BREAKS } from './breaks.ts';
import { buildBroken } from './broken-shim.ts';
import { planOf } from './draw.ts';
import { NAMED } from './named.ts';
import { describePlan, type Plan } from './plan.ts';
import { type Outcome, play } from './player.ts';

const HELP = `npm run test:chaos -- [options]

First pods of real processes under the real shim (docs/verification.md, "Chaos"): the named scenarios, and one for each seed, which
determines all that is done and after which event. Then pods in a real cluster (test/cluster, session chaos).
Needs root.

  --processes      only the pods of processes
  --pods           only the pods in the cluster
  --seeds N        how many seeds (default 200)
  --from N         the first of them (default 1)
  --seed N         play this one again, and tell everything
  --named REGEX    only the named scenarios whose names match, and no seed
  --jobs N         pods at a time (default: 3 for each core)
  --breaks         put bugs into copies of the shim, and see each of them found
  --only REGEX     with --breaks: only those whose names match
  --help

CURFEW_SHIM names another shim than dist/'s.

A seed is the same plan each time; how the processes' own steps fall between is the machine's affair, so a failure may take a
few tries to come again. Exit code: 0 when all rules held; 1 when one was broken, or a bug put in on purpose was not found; 2
when the arguments are wrong.
`;

/** When a pod hangs, it hangs: a bug put in on purpose need not be waited for as long as a suspicion. */
const BREAK_BOUND = 25_000;
/** How many seeds are looked at for plans in which a bug can show, and how many of these are played. */
const BREAK_SEEDS = 20_000;
const BREAK_PLAYS = 40;

/** All that was played, counted. */
class Tally {
  pods = 0;
  starts = 0;
  killed = 0;
  whys = 0;
  readonly deeds = new Map<string, number>();
  readonly failed: Outcome[] = [];

  add(outcome: Outcome): void {
    this.pods++;
    this.starts += outcome.starts;
    this.killed += outcome.killed;
    this.whys += outcome.whys;
    for (const [kind, count] of outcome.deeds) this.deeds.set(kind, (this.deeds.get(kind) ?? 0) + count);
    if (outcome.breaches.length > 0) this.failed.push(outcome);
  }
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      processes: { type: 'boolean', default: false },
      pods: { type: 'boolean', default: false },
      seeds: { type: 'string', default: '200' },
      from: { type: 'string', default: '1' },
      seed: { type: 'string' },
      named: { type: 'string' },
      jobs: { type: 'string', default: `${availableParallelism() * 3}` },
      breaks: { type: 'boolean', default: false },
      only: { type: 'string', default: '' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const jobs = wholeNumber('jobs', values.jobs, 1);
  if (process.getuid?.() !== 0) throw new ArgumentError('needs root, because it makes namespaces');
  if (values.breaks) return await findBreaks(regularExpression('only', values.only), jobs);
  if (values.seed !== undefined) return await playAgain(planOf(wholeNumber('seed', values.seed, 1)));
  if (values.named !== undefined) {
    const chosen = named(regularExpression('named', values.named));
    return chosen.length === 1 && chosen[0] !== undefined
      ? await playAgain(chosen[0])
      : await playAll(chosen, 0, 0, jobs);
  }
  let code = 0;
  if (!values.pods)
    code = await playAll(
      NAMED,
      wholeNumber('from', values.from, 1),
      wholeNumber('seeds', values.seeds, 1),
      jobs,
    );
  if (!values.processes) code = Math.max(code, playPods());
  return code;
}

/** The session of the cluster's tests. */
function playPods(): number {
  const run = fileURLToPath(new URL('../cluster/run.ts', import.meta.url));
  const { status, signal, error } = spawnSync(process.execPath, [run, '--session', 'chaos'], {
    stdio: 'inherit',
  });
  if (error !== undefined) throw error;
  return status ?? 128 + (signal === null ? 0 : constants.signals[signal]);
}

async function playAgain(plan: Plan): Promise<number> {
  console.log([plan.title, ...describePlan(plan)].join('\n'));
  const outcome = await play(plan, SHIM);
  console.log([...outcome.story, ...breachesOf(outcome)].join('\n'));
  console.log(
    outcome.breaches.length === 0 ? 'all rules held' : `${outcome.breaches.length} times a rule was broken`,
  );
  return outcome.breaches.length === 0 ? 0 : 1;
}

async function playAll(
  scenarios: readonly Plan[],
  from: number,
  seeds: number,
  jobs: number,
): Promise<number> {
  const since = performance.now();
  const tally = new Tally();
  const all = scenarios.length + seeds;
  const progress = () => {
    if (process.stderr.isTTY)
      process.stderr.write(`\r${tally.pods} of ${all} pods, ${tally.failed.length} failed `);
    else if (tally.pods % 50 === 0)
      process.stderr.write(`${tally.pods} of ${all} pods, ${tally.failed.length} failed\n`);
  };
  const take = (outcome: Outcome) => {
    tally.add(outcome);
    if (outcome.breaches.length > 0) tell(outcome);
    progress();
  };
  // The named ones mostly wait.
  const slow = scenarios.map(async (plan) => take(await play(plan, SHIM)));
  let next = from;
  await Promise.all([
    ...slow,
    ...Array.from({ length: jobs }, async () => {
      while (next < from + seeds) take(await play(planOf(next++), SHIM));
    }),
  ]);
  if (process.stderr.isTTY) process.stderr.write('\n');
  const kinds = [...tally.deeds]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([kind, count]) => `${count} ${kind}`);
  const range = seeds > 0 ? `seeds ${from} to ${from + seeds - 1} and ` : '';
  console.log(
    `${range}${scenarios.length} named scenarios: ${tally.pods} pods, ${tally.starts} containers started, ${tally.killed} processes killed, why right ${tally.whys} times, ${Math.round((performance.now() - since) / 1_000)} s`,
  );
  console.log(`what was done: ${kinds.join(', ') || 'nothing'}`);
  console.log(
    'what was checked of each: L1 to L3, L5 to L15, L17, P4 (test/chaos/rules*.ts), S1 (why.ts), and that nobody waits for ever',
  );
  if (tally.failed.length === 0) {
    console.log('all rules held');
    return 0;
  }
  console.log(
    `rules were broken in ${tally.failed.map(({ plan }) => plan.title).join('; ')}. To play one again:`,
  );
  for (const { plan } of tally.failed) console.log(`  npm run test:chaos -- ${againOf(plan)}`);
  return 1;
}

async function findBreaks(only: RegExp, jobs: number): Promise<number> {
  const chosen = BREAKS.filter(({ rules, what }) => only.test(`${rules.join(' ')} ${what}`));
  let found = 0;
  for (const bug of chosen) {
    const { shim, remove } = buildBroken(bug);
    try {
      const { outcome, plays } = await findBreak(bug, shim, jobs);
      const breach = outcome?.breaches.find(({ rule }) => bug.rules.includes(rule));
      if (breach !== undefined) found++;
      const how =
        breach === undefined
          ? `NOT FOUND in ${plays} seeds`
          : `found by ${breach.rule} in ${outcome?.plan.title}, pod ${plays}: ${breach.text}`;
      console.log(`${bug.rules[0]} ${bug.what}: ${how}`);
    } finally {
      remove();
    }
  }
  console.log(`${found} of ${chosen.length} bugs found by their rules`);
  return found === chosen.length ? 0 : 1;
}

/** Play seeds in which the bug can show, until it does. */
async function findBreak(
  bug: Break,
  shim: string,
  jobs: number,
): Promise<{ outcome?: Outcome; plays: number }> {
  const { where } = bug;
  if (typeof where === 'string') {
    const plan = NAMED.find(({ title }) => title === where);
    if (plan === undefined) throw new Error(`no named scenario '${where}'`);
    return { outcome: await play(plan, shim), plays: 1 };
  }
  let seed = 0;
  let plays = 0;
  let first: Outcome | undefined;
  const next = (): Plan | undefined => {
    while (seed < BREAK_SEEDS && plays < BREAK_PLAYS && first === undefined) {
      const plan = planOf(++seed);
      if (!where(plan)) continue;
      plays++;
      return { ...plan, bound: Math.min(plan.bound, BREAK_BOUND) };
    }
    return undefined;
  };
  await Promise.all(
    Array.from({ length: jobs }, async () => {
      for (let plan = next(); plan !== undefined; plan = next()) {
        const outcome = await play(plan, shim, () => first !== undefined);
        if (outcome.breaches.some(({ rule }) => bug.rules.includes(rule))) first ??= outcome;
      }
    }),
  );
  return first === undefined ? { plays } : { outcome: first, plays };
}

function tell(outcome: Outcome): void {
  const { plan, story } = outcome;
  const lines = [`${plan.title}: BROKEN`, ...breachesOf(outcome), ...describePlan(plan), ...story];
  console.log(lines.map((line, i) => (i === 0 ? line : `  ${line}`)).join('\n'));
}

function breachesOf({ breaches }: Outcome): string[] {
  return breaches.map(({ rule, text }) => `${rule}: ${text}`);
}

function againOf({ title }: Plan): string {
  return title.startsWith('seed ') ? `--seed ${title.slice(5)}` : `--named '${title}'`;
}

function named(pattern: RegExp): Plan[] {
  const chosen = NAMED.filter(({ title }) => pattern.test(title));
  if (chosen.length === 0)
    throw new ArgumentError(
      `--named: no such scenario; there are\n${NAMED.map(({ title }) => `  ${title}`).join('\n')}`,
    );
  return chosen;
}

await runProgram('test/chaos/run.ts', main);
