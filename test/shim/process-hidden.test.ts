/** Rule P9 on real processes: who looks for the command, or for its container, finds the command alone. */
import assert from 'node:assert/strict';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { test } from 'node:test';
import { type Container, childrenOf, programOf } from './container.ts';
import { until } from './patience.ts';
import { ACTOR, NAMESPACE, Pod } from './pod.ts';

const { SIGTERM, SIGUSR2 } = constants.signals;
const ENV = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', MODE: 'night' };

/** One of the kernel's files about a shim. */
async function fileOf(container: Container, name: 'cmdline' | 'comm' | 'environ'): Promise<string> {
  return readFileSync(`/proc/${await container.pid()}/${name}`, 'utf8');
}

/** Run something beside a container's process 1, as `kubectl exec` does. */
async function beside(pod: Pod, container: Container, words: string[]): Promise<Container> {
  return pod.begin('beside', ['nsenter', `--target=${await container.pid()}`, '--pid', '--mount', ...words]);
}

function script(pod: Pod, name: string, text: string): string {
  const path = `${pod.folder}/${name}`;
  writeFileSync(path, `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  return path;
}

test('P9 the shim shows its own name alone, while it waits, while its process runs, and between two starts', async (t) => {
  const pod = new Pod(t, { mains: ['m'], sidecars: ['cloud-sql-proxy'] });
  const looksLikeNothing = async (container: Container) => {
    assert.equal((await fileOf(container, 'cmdline')).replace(/\0+$/, ''), 'curfew-shim');
    assert.equal(await fileOf(container, 'comm'), 'curfew-shim\n');
    const environment = Object.entries(ENV).map(([key, value]) => `${key}=${value}\0`);
    assert.equal(await fileOf(container, 'environ'), environment.join(''), "the container's, whole");
  };
  const main = pod.start('m', pod.serve('m', `${SIGUSR2}=0`), { env: ENV });
  await pod.announces('m', 'waiting');
  await looksLikeNothing(main);
  // It fails once the main has seen it work, and then at once.
  const fails = `until grep -q 'm up' ${pod.log}; do sleep 0.05; done; exit 3`;
  const sidecar = pod.start('cloud-sql-proxy', ['sh', '-c', fails], { env: ENV });
  await pod.notes('m up');
  await looksLikeNothing(main);
  await sidecar.says('starting it again in 10 s');
  await looksLikeNothing(sidecar);
  await main.signal(SIGUSR2);
  assert.equal(await sidecar.code(), 0);
});

test('P9 a command line of one letter, and one of many words, are hidden alike', async (t) => {
  const pod = new Pod(t, { mains: ['m'] });
  const words = Array.from({ length: 3_000 }, (_, i) => `word-${i}`);
  const main = pod.start('m', ['sh', '-c', 'read line', ...words], { stdin: 'pipe' });
  await main.childPid();
  assert.equal((await fileOf(main, 'cmdline')).replace(/\0+$/, ''), 'curfew-shim');
  main.write('\n');
  assert.equal(await main.code(), 0);
  // The shim as a program of another name: there is less room than its own name needs.
  copyFileSync(`${pod.bin}/curfew-shim`, `${pod.folder}/x`);
  const short = pod.begin('x', ['sh', '-c', `cd ${pod.folder} && PATH=. exec x`]);
  assert.equal(await short.code(), 125, short.words);
});

test('P9 a script that leaves when another of its name runs does its work', async (t) => {
  const pod = new Pod(t, { mains: ['m'] });
  const path = script(
    pod,
    'nightly.sh',
    '[ "$(pgrep -fc nightly.sh)" -gt 1 ] && { echo "already running, leaving"; exit 0; }; echo "did the work"',
  );
  const main = pod.start('m', [path]);
  assert.equal(await main.code(), 0);
  assert.equal(main.stdout, 'did the work\n');
});

test('P9 a main that ends its sidecar by name in a shared process namespace does not end itself', async (t) => {
  const pod = new Pod(t, { mains: ['m'], sidecars: ['cloud-sql-proxy'] });
  const pause = pod.begin('pause', [...NAMESPACE, ACTOR, 'pause']);
  const first = await until('process 1 of the pod', () =>
    childrenOf(pause.bystander()).find((pid) => programOf(pid)?.startsWith('actor')),
  );
  const inside = ['nsenter', `--target=${first}`, '--pid', '--mount'];
  const sidecar = pod.start('cloud-sql-proxy', pod.serve('cloud-sql-proxy', `${SIGTERM}=0`), { inside });
  // What its shim has to pass on comes before a signal of a higher number that it is sent afterwards.
  const text = 'trap "exit 0" 40; pkill -f cloud-sql-proxy; kill -40 $PPID; while :; do read line; done';
  const main = pod.start('m', [script(pod, 'finish.sh', text)], { inside, stdin: 'pipe' });
  assert.equal(await main.code(), 0, main.words);
  assert.equal(await sidecar.code(), 0, sidecar.words);
  assert.ok(pod.noted.includes(`cloud-sql-proxy got ${SIGTERM}`), pod.story);
});

test('P9 a signal that is sent by the name of the command comes once', async (t) => {
  const pod = new Pod(t, { mains: ['m'] });
  copyFileSync(ACTOR, `${pod.folder}/worker`);
  // Of two signals that wait for the shim the one of the lower number is passed on first.
  const last = 40;
  const [, ...words] = pod.serve('m', `${last}=0`);
  const main = pod.start('m', [`${pod.folder}/worker`, ...words]);
  await pod.notes('m up');
  assert.equal(await (await beside(pod, main, ['pkill', '-TERM', '-f', 'worker'])).code(), 0);
  await pod.notes(`m got ${SIGTERM}`);
  await main.signal(last);
  assert.equal(await main.code(), 0);
  assert.deepEqual(pod.noted, ['m up', `m got ${SIGTERM}`, `m got ${last}`, 'm ends']);
});

test('P9 a check that looks for a process by name does not hold before that runs', async (t) => {
  const pod = new Pod(t, { mains: ['m'], sidecars: ['first', 'envoy'] });
  const envoy = pod.start('envoy', pod.serve('envoy'));
  await pod.announces('envoy', 'waiting');
  assert.equal(await (await beside(pod, envoy, ['pgrep', '-f', 'envoy'])).code(), 1, 'none');
  pod.start('first', pod.serve('first'));
  await pod.notes('envoy up');
  assert.equal(await (await beside(pod, envoy, ['pgrep', '-f', 'envoy'])).code(), 0);
});
