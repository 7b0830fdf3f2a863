/**
 * How soon a sidecar's process hears of the end: TERM after the last main's exit, and after the main's shim was killed.
 * The yardstick is a parent of both processes, which waits for the one and signals the other at once.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Bench, Workshop } from './bench.ts';
import { median, quantile, spreadOf } from './figure.ts';
import {
  childrenOf,
  ended,
  installRendezvous,
  MAIN,
  noted,
  phaseReached,
  shimCommand,
  start,
  until,
  witnesses,
} from './pod.ts';

const EXITS = 200;
const KILLS = 30;
/** The main runs so long that the start of the pair is over when it ends. */
const RUN_MS = 40;

const monotonic = () => Number(process.hrtime.bigint()) / 1e6;

/** From a main's exit to TERM in the sidecar's process, in ms. */
async function exitToTerm(workshop: Workshop, run: string): Promise<number> {
  const [exit, term] = [join(run, 'exit.time'), join(run, 'term.time')];
  const { witness } = workshop;
  const pair = [
    start(shimCommand(workshop, 'sidecar', run, [witness, 'term', term])),
    start(shimCommand(workshop, 'main', run, [witness, 'exit', exit, String(RUN_MS)])),
  ];
  await Promise.all(pair.map(ended));
  return noted(term) - noted(exit);
}

async function relayExitToTerm(workshop: Workshop, run: string): Promise<number> {
  const [exit, term] = [join(run, 'relay-exit.time'), join(run, 'relay-term.time')];
  const { witness } = workshop;
  await ended(start([witness, 'relay', witness, 'exit', exit, String(RUN_MS), '++', witness, 'term', term]));
  return noted(term) - noted(exit);
}

/** From the kill of the main's shim to TERM in the sidecar's process, in ms. */
async function killToTerm(workshop: Workshop, run: string): Promise<number> {
  const term = join(run, 'kill-term.time');
  const sidecar = start(shimCommand(workshop, 'sidecar', run, [workshop.witness, 'term', term]), true);
  const main = start(shimCommand(workshop, 'main', run, [workshop.witness, 'sleep']));
  await until('the main runs', () => phaseReached(run, MAIN, 'running') && childrenOf(main.pid ?? 0)[0]);
  await until('the sidecar waits for TERM', () => (witnesses(term) ? true : undefined));
  const killed = monotonic();
  main.kill('SIGKILL');
  await Promise.all([main, sidecar].map(ended));
  return noted(term) - killed;
}

async function relayKillToTerm(workshop: Workshop, run: string): Promise<number> {
  const term = join(run, 'relay-kill-term.time');
  const { witness } = workshop;
  const relay: ChildProcess = spawn(witness, ['relay', witness, 'sleep', '++', witness, 'term', term], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (relay.stdout === null) throw new Error('the relay has no output');
  const [pid] = await once(relay.stdout, 'data');
  await until('the sidecar waits for TERM', () => (witnesses(term) ? true : undefined));
  const killed = monotonic();
  process.kill(Number(String(pid)), 'SIGKILL');
  await ended(relay);
  return noted(term) - killed;
}

export const shimEnd: Bench = {
  name: 'end',
  about: `last main's exit -> TERM in the sidecar's process, p99 of ${EXITS}`,
  measure: async (workshop) => {
    workshop.progress(`end: ${EXITS} pods, one after the other`);
    // All of them first: an install syncs to disk, and would make the measured one's sync wait.
    const runs = Array.from({ length: EXITS }, (_, i) => installRendezvous(workshop, `end-${i}`));
    const [shim, relay]: [number[], number[]] = [[], []];
    for (const run of runs) {
      shim.push(await exitToTerm(workshop, run));
      relay.push(await relayExitToTerm(workshop, run));
    }
    return [
      {
        name: "last main's exit -> TERM in the sidecar, p99",
        value: quantile(shim, 0.99),
        unit: 'ms',
        yardstick: quantile(relay, 0.99),
        beside: 'a parent of both',
        limits: [{ of: 'value', bound: 'at most', limit: 10 }],
        spread: `median ${median(shim).toFixed(2)}, ${spreadOf(shim)}`,
      },
    ];
  },
};

export const shimKilled: Bench = {
  name: 'killed',
  about: `main's shim killed -> TERM in the sidecar's process, slowest of ${KILLS}`,
  measure: async (workshop) => {
    workshop.progress(`killed: ${KILLS} pods, one after the other`);
    const [shim, relay]: [number[], number[]] = [[], []];
    for (let i = 0; i < KILLS; i++) {
      const run = installRendezvous(workshop, `killed-${i}`);
      shim.push(await killToTerm(workshop, run));
      relay.push(await relayKillToTerm(workshop, run));
    }
    return [
      {
        name: "main's shim killed -> noticed, slowest",
        value: quantile(shim, 1),
        unit: 'ms',
        yardstick: quantile(relay, 1),
        beside: 'a parent of both',
        limits: [{ of: 'value', bound: 'at most', limit: 1000 }],
        spread: `median ${median(shim).toFixed(2)}, ${spreadOf(shim)}`,
      },
    ];
  },
};
