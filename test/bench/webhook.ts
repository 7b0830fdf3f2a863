/** The webhook under load, beside a route that decides nothing. Both are bundled and run one process each; the webhook logs as it does by default. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { Agent, request as httpsRequest } from 'node:https';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { freePort } from '../free-port.ts';
import { createAuthority } from '../webhook/certificate/throw-away-certificate.ts';
import type { Bench, Workshop } from './bench.ts';
import { median, spreadOf } from './figure.ts';
import { ended, put, readText } from './pod.ts';
import { reviewText } from './review.ts';

const ROUNDS = 7;
const SECONDS = 3;
/** Until V8 has compiled all that a review runs through. */
const WARM_UP_SECONDS = 5;
const CONNECTIONS = 8;
const STARTS = 10;

interface Server {
  /** Its arguments, after node. */
  args(port: number, healthPort: number): string[];
  env?: Record<string, string>;
}

interface Running {
  process: ChildProcess;
  url: string;
  /** From spawn to the first /readyz that says 200, in ms. */
  startedIn: number;
}

interface Stage {
  webhook: Server;
  bare: Server;
  bodyFile: string;
}

async function prepare({ root, scratch }: Workshop): Promise<Stage> {
  const { cert, key } = await (await createAuthority()).issue();
  const [certFile, keyFile, bodyFile] = [
    join(scratch, 'tls.crt'),
    join(scratch, 'tls.key'),
    join(scratch, 'review.json'),
  ];
  writeFileSync(certFile, cert);
  writeFileSync(keyFile, key);
  writeFileSync(bodyFile, reviewText());
  const bundle = join(scratch, 'bare-route.mjs');
  await build({
    entryPoints: [join(root, 'test/bench/bare-route.ts')],
    outfile: bundle,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    banner: {
      js: "import { createRequire as make } from 'node:module'; const require = make(import.meta.url);",
    },
    logLevel: 'warning',
  });
  const curfew = join(root, 'dist/curfew.js');
  return {
    bodyFile,
    bare: { args: (port, health) => [bundle, certFile, keyFile, String(port), String(health)] },
    webhook: {
      // As the image runs it: see ENV and ENTRYPOINT in Dockerfile.
      env: { MALLOC_MMAP_THRESHOLD_: '32768', MALLOC_TRIM_THRESHOLD_: '131072' },
      args: (port, health) => [
        '--max-semi-space-size=4',
        ...[curfew, 'serve', '--host=127.0.0.1', `--port=${port}`, `--health-port=${health}`],
        ...[`--cert=${certFile}`, `--key=${keyFile}`],
      ],
    },
  };
}

/** Start it and wait until it is ready. */
async function run(server: Server): Promise<Running> {
  const [port, healthPort] = [await freePort(), await freePort()];
  const from = performance.now();
  const process_ = spawn(process.execPath, server.args(port, healthPort), {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, NODE_ENV: 'production', ...server.env },
  });
  const giveUp = async (why: string) => {
    await put(process_);
    throw new Error(`a server ${why} before it was ready`);
  };
  for (;;) {
    const ready = await fetch(`http://127.0.0.1:${healthPort}/readyz`).then(
      (response) => response.ok,
      () => false,
    );
    if (ready) break;
    if (process_.exitCode !== null) await giveUp(`ended with code ${process_.exitCode}`);
    if (performance.now() - from > 30_000) await giveUp('took 30 s');
    await pause(2);
  }
  const startedIn = performance.now() - from;
  return { process: process_, url: `https://127.0.0.1:${port}/mutate`, startedIn };
}

/** Check that the review is answered with a patch, because another answer costs less. @throws {Error} */
async function checkAnswer(url: string): Promise<void> {
  const agent = new Agent({ rejectUnauthorized: false });
  const request = httpsRequest(url, {
    method: 'POST',
    agent,
    headers: { 'content-type': 'application/json' },
  });
  request.end(reviewText());
  const [response] = await once(request, 'response');
  let text = '';
  for await (const chunk of response) text += chunk;
  agent.destroy();
  const answer: { response?: { allowed?: boolean; patch?: string } } = JSON.parse(text);
  if (answer.response?.allowed !== true || answer.response.patch === undefined)
    throw new Error(`the webhook does not wrap the review's pod: ${text.slice(0, 500)}`);
}

interface Load {
  failed: number;
  perSecond: number;
  p99: number;
}

/** The number of the next pod: no pod is seen twice. */
let nextPod = 1;

async function load(root: string, url: string, bodyFile: string, seconds: number): Promise<Load> {
  const script = join(root, 'test/bench/load.ts');
  const args = [script, url, bodyFile, String(CONNECTIONS), String(seconds), String(nextPod)];
  nextPod += 1_000_000;
  const { stdout } = await promisify(execFile)(process.execPath, args);
  const result: Load = JSON.parse(stdout);
  if (result.failed > 0) throw new Error(`${result.failed} requests to ${url} failed`);
  return result;
}

/** The peak of resident memory, in MB. */
function peakResident({ process: { pid } }: Running): number {
  const found = /^VmHWM:\s+(\d+) kB/m.exec(readText(`/proc/${pid}/status`) ?? '')?.[1];
  if (found === undefined) throw new Error('the server has ended');
  return (Number(found) * 1024) / 1e6;
}

export const webhookLoad: Bench = {
  name: 'reviews',
  about: `reviews a second, p99 and resident memory with ${CONNECTIONS} TLS connections, beside a bare route`,
  measure: async (workshop) => {
    const { root } = workshop;
    const { webhook, bare, bodyFile } = await prepare(workshop);
    const running: Running[] = [];
    const started = async (server: Server) => {
      const one = await run(server);
      running.push(one);
      return one;
    };
    try {
      const curfew = await started(webhook);
      const yardstick = await started(bare);
      await checkAnswer(curfew.url);
      const rounds: { curfew: Load; yardstick: Load }[] = [];
      for (const { url } of [curfew, yardstick]) await load(root, url, bodyFile, WARM_UP_SECONDS);
      for (let i = 0; i < ROUNDS; i++) {
        const round = {
          curfew: await load(root, curfew.url, bodyFile, SECONDS),
          yardstick: await load(root, yardstick.url, bodyFile, SECONDS),
        };
        rounds.push(round);
        workshop.progress(
          `reviews: round ${i + 1} of ${ROUNDS}: ${round.curfew.perSecond.toFixed(0)}/s, bare ${round.yardstick.perSecond.toFixed(0)}/s`,
        );
      }
      const rates = rounds.map((round) => round.curfew.perSecond);
      const tails = rounds.map((round) => round.curfew.p99);
      return [
        {
          name: 'webhook, reviews, each of a pod never seen before',
          value: median(rates),
          unit: '/s',
          yardstick: median(rounds.map((round) => round.yardstick.perSecond)),
          beside: 'bare fastify route',
          limits: [{ of: 'ratio', bound: 'at least', limit: 0.5 }],
          spread: spreadOf(rates),
        },
        {
          name: 'webhook, p99 in that run',
          value: median(tails),
          unit: 'ms',
          yardstick: median(rounds.map((round) => round.yardstick.p99)),
          beside: 'bare fastify route',
          limits: [{ of: 'ratio', bound: 'at most', limit: 2 }],
          spread: spreadOf(tails),
        },
        {
          name: 'webhook, resident under load, peak',
          value: peakResident(curfew),
          unit: 'MB',
          yardstick: peakResident(yardstick),
          beside: 'bare fastify route',
          limits: [{ of: 'value', bound: 'at most', limit: 130 }],
        },
      ];
    } finally {
      await Promise.all(running.map((server) => put(server.process)));
    }
  },
};

export const webhookStart: Bench = {
  name: 'ready',
  about: `webhook's start until /readyz says 200, median of ${STARTS}, beside a bare route`,
  measure: async (workshop) => {
    const { webhook, bare } = await prepare(workshop);
    const startOf = async (server: Server) => {
      const running = await run(server);
      running.process.kill('SIGKILL');
      await ended(running.process);
      return running.startedIn / 1000;
    };
    const [curfew, yardstick]: [number[], number[]] = [[], []];
    for (let i = 0; i < STARTS; i++) {
      curfew.push(await startOf(webhook));
      yardstick.push(await startOf(bare));
    }
    return [
      {
        name: 'webhook, start until ready',
        value: median(curfew),
        unit: 's',
        yardstick: median(yardstick),
        beside: 'bare fastify route',
        limits: [{ of: 'value', bound: 'at most', limit: 0.5 }],
        spread: spreadOf(curfew),
      },
    ];
  },
};
