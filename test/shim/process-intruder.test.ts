/**
 * Rule L19 on real processes: who may write to the rendezvous can mislead its pod, and can do nothing else. A shim that runs as root
 * never follows a name there: each is swapped for something else, at rest and as fast as another process can.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { buildProgram } from './actor.ts';
import type { Container } from './container.ts';
import { PAIR, pair } from './pair.ts';
import { Pod } from './pod.ts';

const INTRUDER = buildProgram(fileURLToPath(new URL('intruder.c', import.meta.url)));
/** A shim that makes its FIFO and then changes the mode by name was caught within ten of these. */
const LIVES = 25;
const KINDS = ['link', 'folder', 'socket', 'device', 'file'] as const;
/** Every name that a pod of `m` and `s` has in the rendezvous. */
const NAMES = [
  'm.life',
  'm.state',
  'm.tmp',
  's.life',
  's.state',
  's.tmp',
  's.why',
  's.why.tmp',
  'epoch',
  'epoch.tmp',
];

/** A file that is nobody else's business, and what of it a shim could change. */
function secret(pod: Pod): { path: string; state: () => unknown } {
  const path = `${pod.folder}/secret`;
  writeFileSync(path, 'secret\n');
  chmodSync(path, 0o600);
  return {
    path,
    state: () => {
      const { mode, uid, gid, size, mtimeMs, ctimeMs } = statSync(path);
      return { mode: mode & 0o7777, uid, gid, size, mtimeMs, ctimeMs, text: readFileSync(path, 'utf8') };
    },
  };
}

/** Another container's process, of another user where it can be one. */
async function intrude(pod: Pod, kind: string, target: string, names: readonly string[]): Promise<Container> {
  // Only root makes devices: a container's root may, by what container runtimes grant.
  const user = kind === 'device' ? [] : ['setpriv', '--reuid=1234', '--regid=1234', '--clear-groups'];
  const paths = names.map((name) => `${pod.run}/${name}`);
  const intruder = pod.begin('intruder', [...user, INTRUDER, 'swap', kind, target, ...paths]);
  await intruder.says('swapping', 'stdout');
  return intruder;
}

/** One pod's life, in two processes at most. Nobody may hang. */
async function live(pod: Pod): Promise<number> {
  try {
    pod.install();
  } catch {
    // The init container failed: the kubelet would start it again.
  }
  return await pod.start('m', ['true'], { inside: [], options: { sidecars: [] } }).code();
}

for (const kind of KINDS) {
  test(`L19 a name that becomes a ${kind} at any moment misleads the pod at most`, async (t) => {
    const pod = new Pod(t, PAIR);
    const { path, state } = secret(pod);
    const before = state();
    // The life line most of all: it is made where it is missing.
    for (const names of kind === 'link' ? [['m.life'], NAMES] : [NAMES]) {
      const intruder = await intrude(pod, kind, path, names);
      for (let lives = 0; lives < LIVES; lives++) {
        const code = await live(pod);
        assert.ok(code === 0 || code === 125, `exit ${code}\n${pod.story}`);
        assert.deepEqual(state(), before, `after ${lives + 1} lives`);
      }
      await intruder.destroy();
    }
  });
}

test('L19 nothing is opened but what a name is meant to be: no device, no link, nothing behind it', async (t) => {
  for (const kind of ['link', 'device'] as const) {
    for (const name of NAMES) {
      const pod = new Pod(t, PAIR);
      const { path } = secret(pod);
      const at = `${pod.run}/${name}`;
      execFileSync('rm', ['-f', at]);
      execFileSync(
        kind === 'link' ? 'ln' : 'mknod',
        kind === 'link' ? ['-s', path, at] : ['-m666', at, 'c', '1', '5'],
      );
      const watch = pod.begin('watch', [
        INTRUDER,
        'watch',
        ...(kind === 'link' ? ['opened', path] : ['used', at]),
      ]);
      await watch.says('watching', 'stdout');
      pod.install();
      const { sidecar, main } = await pair(pod);
      await main.signal(10);
      assert.deepEqual([await main.code(), await sidecar.code()], [7, 0], `${kind} ${name}\n${pod.story}`);
      assert.equal(watch.stdout, 'watching\n', `${kind} ${name}`);
      await pod.destroy();
    }
  }
});
