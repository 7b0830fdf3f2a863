/**
 * The highest rate of new pods at which the API server still answers in time: pods are created as dry runs, which go through admission
 * and are not stored, one after the other at fixed moments, whether or not those before are answered.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { quantile } from '../../bench/figure.ts';
import { ask } from '../api-server.ts';
import { twoContainers } from './two-containers.ts';

/** How long each rate is held, in ms. */
const HELD = 6_000;
/** What is not counted of that: connections are opened, caches filled. */
const WARM_UP = 1_000;
/** Each rate is so many times the one before. */
const STEP = 1.25;
const FIRST_RATE = 40;
const LAST_RATE = 5_000;

/** A rate that was held. */
export interface Held {
  /** Pods a second. */
  rate: number;
  /** From the moment at which a pod was due to its answer, in ms. */
  p99: number;
}

/**
 * Raise the rate until the p99 of the answers is above a bound.
 * @param bound in ms
 * @returns the last rate that held it, and the first that did not
 */
export async function highestRate(namespace: string, bound: number): Promise<{ held: Held; missed: Held }> {
  let held: Held = { rate: 0, p99: 0 };
  for (let rate = FIRST_RATE; rate <= LAST_RATE; rate = Math.round(rate * STEP)) {
    let now = await p99At(namespace, rate);
    // Once is chance, on a machine that does something else too.
    if (now.p99 > bound) now = await p99At(namespace, rate);
    console.log(`        ${namespace}: ${rate} pods a second, p99 ${now.p99.toFixed(1)} ms`);
    if (now.p99 > bound) return { held, missed: now };
    held = now;
  }
  throw new Error(`${LAST_RATE} pods a second are not enough to make the API server slow`);
}

async function p99At(namespace: string, rate: number): Promise<Held> {
  const took: number[] = [];
  const under: Promise<void>[] = [];
  const begin = performance.now();
  const create = async (number: number, due: number) => {
    const path = `/api/v1/namespaces/${namespace}/pods?dryRun=All`;
    const { status, body } = await ask('POST', path, twoContainers(`rate-${number}`));
    if (status !== 201) throw new Error(`a dry run is refused: ${JSON.stringify(body).slice(0, 500)}`);
    if (due - begin >= WARM_UP) took.push(performance.now() - due);
  };
  const pods = Math.round((rate * HELD) / 1_000);
  for (let number = 0; number < pods; number++) {
    const due = begin + (number * 1_000) / rate;
    const early = due - performance.now();
    if (early > 1) await delay(early);
    under.push(create(number, due));
  }
  await Promise.all(under);
  return { rate, p99: quantile(took, 0.99) };
}
