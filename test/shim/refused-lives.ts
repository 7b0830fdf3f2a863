/** Nine lives of a container, each beside one whose shim nothing is refused to: for the sweep over refused system calls. */
import { spawn } from 'node:child_process';
import { createServer } from 'node:net';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Phase } from '../../shim/marker.ts';
import type { Readiness } from '../../shim/protocol.ts';
import { buildProgram } from './actor.ts';
import { type Container, childrenOf, KILL, TERM } from './container.ts';
import { listenOn } from './listening.ts';
import { until, within } from './patience.ts';
import { NAMESPACE, Pod, SHIM } from './pod.ts';

const PLAIN = buildProgram(fileURLToPath(new URL('plain.c', import.meta.url)), ['-nostdlib']);

/** How the container ended, what its shim said, and how the other one ended, where there is one. */
export interface Ending {
  code: number;
  said: string;
  other?: number;
}

/** One life. `before` are the words right before the shim: what refuses, or what makes a list of calls. */
export interface Life {
  name: string;
  /** Its code where nothing is refused, and the other's. */
  code: number;
  other?: number;
  play: (test: Pick<TestContext, 'after'>, before: readonly string[]) => Promise<Ending>;
}

const FAST = { grace: 400 };

function main(stopped: boolean, namespace: readonly string[]): Life['play'] {
  return async (test, before) => {
    const pod = new Pod(test, { mains: ['m'], sidecars: ['s'], ...FAST });
    // Without a namespace of its own the stop request's sender is to be seen.
    const options = { hostPid: namespace.length === 0 };
    const sidecar = pod.start('s', [PLAIN], { inside: [], options: { hostPid: true } });
    const m = pod.start('m', stopped ? [PLAIN] : [PLAIN, '7'], {
      inside: [...namespace, ...before],
      options,
    });
    let killed = false;
    if (stopped && (await isUp(pod, m, 'running'))) {
      for (const one of [sidecar, m]) await stop(one);
      // What TERM cannot reach the runtime kills when the grace period is over.
      const isUnreached = () => (m.stderr.includes('cannot send TERM') ? true : undefined);
      killed = await until('its end', () => (m.ended ? false : isUnreached()));
      if (killed) await m.signal(KILL);
    }
    const code = await m.code();
    return { code: killed ? 128 + KILL : code, said: m.stderr, other: await sidecar.code() };
  };
}

/** Send it TERM. One whose command cannot be started ends by itself, right after it has announced the start. */
async function stop(container: Container): Promise<void> {
  try {
    await container.signal(TERM);
  } catch {
    await container.code();
  }
}

/** Whether it has come as far as this phase; where it cannot, it ends by itself. */
async function isUp(pod: Pod, container: Container, phase: Phase): Promise<boolean> {
  let ended = false;
  container.exit.then(() => {
    ended = true;
  });
  const later: readonly (Phase | undefined)[] = [phase, 'resting', 'ended'];
  await until('it to be up', () => ended || later.includes(pod.markerOf(container.name)?.phase) || undefined);
  return !ended && pod.markerOf(container.name)?.phase === phase;
}

function sidecar(ready: () => Promise<{ ready: Readiness; close: () => void }>): Life['play'] {
  return async (test, before) => {
    const pod = new Pod(test, { mains: ['m'], sidecars: ['s'], ...FAST });
    const condition = await ready();
    const s = pod.start('s', [PLAIN], {
      inside: [...before],
      options: { ready: condition.ready, readyTimeout: 200 },
    });
    const m = pod.start('m', [PLAIN, '3'], { inside: [], options: { startTimeout: 1_500 } });
    const ending = { other: await m.code(), code: await s.code(), said: s.stderr };
    condition.close();
    return ending;
  };
}

async function listening(): Promise<{ ready: Readiness; close: () => void }> {
  const server = createServer((socket) => socket.destroy());
  const port = await listenOn(server);
  return { ready: { kind: 'tcp', host: '127.0.0.1', port }, close: () => server.close() };
}

const always = (ready: Readiness) => async () => ({ ready, close: () => undefined });

export const LIVES: readonly Life[] = [
  { name: 'main ends', code: 7, other: 0, play: main(false, []) },
  { name: 'main is stopped', code: 143, other: 0, play: main(true, []) },
  { name: 'the same as process 1', code: 143, other: 0, play: main(true, NAMESPACE) },
  { name: 'sidecar', code: 0, other: 3, play: sidecar(always({ kind: 'none' })) },
  { name: 'sidecar, tcp', code: 0, other: 3, play: sidecar(listening) },
  {
    name: 'sidecar, exec',
    code: 0,
    other: 3,
    play: sidecar(always({ kind: 'exec', command: [PLAIN, '0'] })),
  },
  {
    name: 'main waits',
    code: 124,
    play: async (test, before) => {
      const pod = new Pod(test, { mains: ['m'], sidecars: ['s'] });
      const m = pod.start('m', [PLAIN, '7'], { inside: [...before], options: { startTimeout: 100 } });
      return { code: await m.code(), said: m.stderr };
    },
  },
  {
    name: 'install',
    code: 0,
    play: async (test, before) => {
      const pod = new Pod(test, { mains: ['m'] });
      const words = [...before, SHIM, 'install', `--to=${pod.bin}`, `--run=${pod.run}`, '--containers=m,n'];
      const child = spawn(words[0] ?? '', words.slice(1), { stdio: ['ignore', 'ignore', 'pipe'] });
      const said: Buffer[] = [];
      child.stderr.on('data', (chunk: Buffer) => said.push(chunk));
      const ended = new Promise<number>((resolve) => child.on('close', (code) => resolve(code ?? 128)));
      const code = await within('install to end', ended, () => words.join(' '));
      return { code, said: Buffer.concat(said).toString() };
    },
  },
  {
    name: 'restart',
    code: 0,
    other: 3,
    play: async (test, before) => {
      const pod = new Pod(test, { mains: ['m'], sidecars: ['s'], ...FAST });
      const s = pod.start('s', [PLAIN], { inside: [...before] });
      const [child] = (await isUp(pod, s, 'started')) ? childrenOf(await s.pid()) : [];
      if (child !== undefined) process.kill(child, KILL);
      const m = pod.start('m', [PLAIN, '3'], { inside: [], options: { startTimeout: 1_500 } });
      return { other: await m.code(), code: await s.code(), said: s.stderr };
    },
  },
];
