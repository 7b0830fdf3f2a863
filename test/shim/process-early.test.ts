/** Rule L17 on real processes: a shim that fails before its command runs ends with 125, and everybody hears of that end. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PAIR } from './pair.ts';
import { NAMESPACE, Pod, type Start } from './pod.ts';

const machine = process.arch === 'arm64' ? 'amd64' : 'arm64';
/** Ways in which a shim cannot begin, and what it says. */
const FAILURES: Record<string, { start: Start; flag?: string; says: RegExp }> = {
  'a flag that it does not know': {
    start: {},
    flag: '--nonsense=1',
    says: /unknown argument "--nonsense=1"/,
  },
  'a flag that does not parse': {
    start: {},
    flag: '--stop-timeout=soon',
    says: /--stop-timeout=soon does not parse/,
  },
  'a flag that is given twice': {
    start: {},
    flag: '--restart-policy=Never',
    says: /--restart-policy is given 2 times/,
  },
  'no command for this machine': {
    start: { options: { byMachine: [{ machine, words: 1 }] } },
    says: /no command for this machine/,
  },
  'three descriptors': {
    start: { inside: [...NAMESPACE, 'prlimit', '--nofile=3:3'] },
    says: /too many open files/,
  },
  'four descriptors': {
    start: { inside: [...NAMESPACE, 'prlimit', '--nofile=4:4'] },
    says: /too many open files/,
  },
};

for (const [what, { start, flag, says }] of Object.entries(FAILURES)) {
  const words = (pod: Pod, name: string, command: string[]) => {
    const all = pod.words(name, command, start);
    return flag === undefined
      ? all
      : all.flatMap((word) => (word.startsWith('--name=') ? [word, flag] : [word]));
  };

  test(`L17 a sidecar that cannot begin (${what}): the main that waits for it exits 125`, async (t) => {
    const pod = new Pod(t, PAIR);
    const waiting = pod.start('m', pod.work('m'));
    await pod.announces('m', 'waiting');
    const sidecar = pod.begin('s', words(pod, 's', ['true']));
    assert.equal(await sidecar.code(), 125);
    assert.match(sidecar.stderr, says);
    assert.equal(await waiting.code(), 125);
    // One that comes later hears of it as well.
    const late = new Pod(t, PAIR);
    assert.equal(await late.begin('s', words(late, 's', ['true'])).code(), 125);
    assert.equal(await late.start('m', late.work('m')).code(), 125);
  });

  test(`L17 a main that cannot begin (${what}): its sidecars leave`, async (t) => {
    const pod = new Pod(t, PAIR);
    const sidecar = pod.start('s', pod.serve('s'));
    await pod.notes('s up');
    assert.equal(await pod.begin('m', words(pod, 'm', ['true'])).code(), 125);
    assert.equal(await sidecar.code(), 0);
    assert.equal(pod.markerOf('m')?.code, 125);
  });
}

test('L17 whatever the limit of descriptors is, nobody waits in vain', async (t) => {
  for (let limit = 5; limit <= 14; limit++) {
    const inside = [...NAMESPACE, 'prlimit', `--nofile=${limit}:${limit}`];
    for (const [main, sidecar] of [
      [{}, { inside }],
      [{ inside }, {}],
    ]) {
      const pod = new Pod(t, PAIR);
      const s = pod.start('s', ['sleep', '1000'], sidecar);
      const m = pod.start('m', pod.work('m', 3), main);
      const codes = [await m.code(), await s.code()];
      const expected = JSON.stringify(codes) === '[3,0]' || codes.includes(125) || codes.includes(126);
      assert.ok(expected, `${limit}: ${codes}\n${pod.story}`);
      await pod.destroy();
    }
  }
});
