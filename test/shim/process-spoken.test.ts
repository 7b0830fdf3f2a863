/** Rule L17 on real processes: a last word that no file system takes reaches everybody who is there. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import type { Container } from './container.ts';
import { readOnly } from './pair.ts';
import { NAMESPACE, Pod } from './pod.ts';

const SIDECARS = Array.from({ length: 15 }, (_, i) => `s${i}`);
/** A container whose rendezvous is read-only from the beginning. */
const cannotWrite = (pod: Pod) => [
  ...NAMESPACE,
  'unshare',
  '--mount',
  'sh',
  '-c',
  `${readOnly(pod.run)}; exec "$@"`,
  '-',
];

/** From now on it cannot write to the rendezvous. */
async function makeReadOnly(pod: Pod, container: Container): Promise<void> {
  execFileSync('nsenter', [`--target=${await container.pid()}`, '--mount', 'sh', '-c', readOnly(pod.run)]);
}

test('L17 fifteen sidecars hear the last word of a main that cannot write it', async (t) => {
  const pod = new Pod(t, { mains: ['m'], sidecars: SIDECARS, restartPolicy: 'OnFailure' });
  const sidecars = SIDECARS.map((name) => pod.start(name, ['sleep', '1000']));
  const main = pod.start('m', pod.serve('m', '10=0'));
  await pod.notes('m up');
  await makeReadOnly(pod, main);
  await main.signal(10);
  assert.equal(await main.code(), 0);
  for (const sidecar of sidecars) {
    assert.equal(await sidecar.code(), 0, sidecar.name);
    assert.equal(sidecar.stderr, '', sidecar.name);
  }
});

test('L17 a main that could never write is heard by its own word: under another policy than theirs too', async (t) => {
  const pod = new Pod(t, { mains: ['m'], sidecars: ['s', 'r'], restartPolicy: 'OnFailure' });
  const sidecars = ['s', 'r'].map((name) => pod.start(name, ['sleep', '1000']));
  await pod.announces('r', 'started');
  const never = { restartPolicy: 'Never' } as const;
  assert.equal(await pod.start('m', pod.work('m'), { inside: cannotWrite(pod), options: never }).code(), 125);
  for (const sidecar of sidecars) assert.equal(await sidecar.code(), 0);
});

test('L5 L17 that a main was stopped is heard with its last word: it may be started again', async (t) => {
  const pod = new Pod(t, { mains: ['m'], sidecars: ['s'] });
  const sidecar = pod.start('s', pod.serve('s'));
  const main = pod.start('m', pod.serve('m', '15=0'));
  await pod.notes('m up');
  await makeReadOnly(pod, main);
  await main.signal(15);
  assert.equal(await main.code(), 0);
  // A new image under Never: the kubelet starts it again.
  assert.equal(await pod.start('m', pod.work('m', 3)).code(), 3);
  assert.equal(await sidecar.code(), 0);
  assert.deepEqual(pod.noted, ['s up', 'm up', 'm got 15', 'm ends', 'm runs', 's got 15', 's ends']);
});
