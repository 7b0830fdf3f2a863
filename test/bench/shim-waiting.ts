/** The cost of a waiting shim: resident memory, and wake-ups. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Bench, Workshop } from './bench.ts';
import {
  childrenOf,
  ended,
  installRendezvous,
  MAIN,
  phaseReached,
  put,
  readText,
  SIDECAR,
  shimCommand,
  start,
  until,
} from './pod.ts';

const WATCHED_MS = 60_000;

/** A number of /proc/PID/FILE, by its key. */
function procNumber(pid: number | undefined, file: string, key: string): number {
  const text = readText(`/proc/${pid}/${file}`) ?? '';
  const found = new RegExp(`^${key}:\\s+(\\d+)`, 'm').exec(text)?.[1];
  if (found === undefined) throw new Error(`/proc/${pid}/${file} has no ${key}: has the process ended?`);
  return Number(found);
}

/** In MB of 1000 kB, from all its pages, shared ones too. */
function resident(pid: number | undefined): number {
  return (procNumber(pid, 'smaps_rollup', 'Rss') * 1024) / 1e6;
}

/** A pod whose sidecar and main run (while none has come, the sidecar says so); a pod whose main waits for a sidecar that never comes; tini. */
async function startWaiting(workshop: Workshop, name: string) {
  const { witness, tini } = workshop;
  const working = installRendezvous(workshop, `${name}-working`);
  const waiting = installRendezvous(workshop, `${name}-main`);
  const sidecar = start(shimCommand(workshop, 'sidecar', working, [witness, 'sleep']));
  const main = start(shimCommand(workshop, 'main', waiting, [witness, 'sleep']));
  const yardstick = start([tini, '-s', '--', witness, 'sleep']);
  await until('the sidecar is started', () => phaseReached(working, SIDECAR, 'started'));
  const worker = start(shimCommand(workshop, 'main', working, [witness, 'sleep']));
  await until('the main runs', () => phaseReached(working, MAIN, 'running'));
  await until('the main waits', () => phaseReached(waiting, MAIN, 'waiting'));
  await until('tini has started its process', () => childrenOf(yardstick.pid ?? 0)[0]);
  // Killed, tini would leave its process behind; TERM it hands on.
  const putAll = async () => {
    yardstick.kill('SIGTERM');
    await Promise.all([put(sidecar), put(worker), put(main), ended(yardstick)]);
  };
  return { sidecar, main, yardstick, putAll };
}

export const shimResident: Bench = {
  name: 'resident',
  about: 'resident memory of a waiting shim',
  measure: async (workshop) => {
    const { sidecar, main, yardstick, putAll } = await startWaiting(workshop, 'resident');
    try {
      // By then the work of its start is done, and it sleeps.
      await pause(300);
      const tini = resident(yardstick.pid);
      return [
        { name: 'shim, resident: sidecar whose process runs', value: resident(sidecar.pid) },
        { name: 'shim, resident: waiting main', value: resident(main.pid) },
      ].map((row) => ({
        ...row,
        unit: 'MB',
        yardstick: tini,
        beside: 'static tini',
        limits: [{ of: 'value', bound: 'at most', limit: 1.1 }],
      }));
    } finally {
      await putAll();
    }
  },
};

export const shimWakeUps: Bench = {
  name: 'wake-ups',
  about: `wake-ups a minute of a sidecar with nothing to do, watched for ${WATCHED_MS / 1000} s`,
  aside: true,
  measure: async (workshop) => {
    const { sidecar, yardstick, putAll } = await startWaiting(workshop, 'wake-ups');
    const wakeUps = (pid: number | undefined) => procNumber(pid, 'status', 'voluntary_ctxt_switches');
    try {
      await pause(300);
      const before = { shim: wakeUps(sidecar.pid), tini: wakeUps(yardstick.pid), at: performance.now() };
      await pause(WATCHED_MS);
      const perMinute = (count: number) => (count * 60_000) / (performance.now() - before.at);
      return [
        {
          name: 'shim, wake-ups while waiting',
          value: perMinute(wakeUps(sidecar.pid) - before.shim),
          unit: 'a minute',
          yardstick: perMinute(wakeUps(yardstick.pid) - before.tini),
          beside: 'static tini',
          limits: [{ of: 'value', bound: 'at most', limit: 5 }],
        },
      ];
    } finally {
      await putAll();
    }
  },
};
