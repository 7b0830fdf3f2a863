/** The arm64 shim on real processes, under user-mode emulation: a smoke test of what `process-*.test.ts` proves on amd64. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { KILL, TERM } from './container.ts';
import { ACTOR, NAMESPACE, Pod, type PodOptions } from './pod.ts';

const SHIM =
  process.env.CURFEW_SHIM_ARM64 ?? fileURLToPath(new URL('../../dist/curfew-shim-arm64', import.meta.url));
const EMULATOR = 'qemu-aarch64-static';
const native = process.arch === 'arm64';
const emulated = spawnSync(EMULATOR, ['--version']).status === 0;
const skip = native
  ? 'this machine is arm64: every other test runs that shim'
  : !emulated && `${EMULATOR} is not installed (Debian: qemu-user-static; test/setup test)`;

/** The processes under it are this machine's own: emulation ends at execve. */
const arm64 = (options: PodOptions): PodOptions => ({ ...options, emulator: [EMULATOR], shim: SHIM });

test('P5 arm64: install copies itself whole', { skip }, (t) => {
  const pod = new Pod(t, arm64({ mains: ['m'] }));
  assert.ok(readFileSync(`${pod.bin}/curfew-shim`).equals(readFileSync(SHIM)));
  assert.equal(statSync(`${pod.bin}/curfew-shim`).mode & 0o7777, 0o555);
  // ELF: 64 bit, little endian, EM_AARCH64.
  assert.equal(readFileSync(SHIM).readUInt16LE(18), 183);
});

test('P2 arm64: exit codes, deaths by signal, 127 and 126', { skip }, async (t) => {
  const pod = new Pod(t, arm64({ mains: ['m'], restartPolicy: 'Always' }));
  const cases: [string[], number][] = [
    [[ACTOR, 'exit', '0'], 0],
    [[ACTOR, 'exit', '255'], 255],
    [[ACTOR, 'die', '9'], 137],
    [[ACTOR, 'die', '15'], 143],
    [['no-such-command'], 127],
    [[pod.folder], 126],
  ];
  for (const [command, code] of cases) {
    const main = pod.start('m', command);
    assert.equal(await main.code(), code, main.words);
    const expected =
      code === 127
        ? /^curfew: "no-such-command": command not found in PATH\n$/
        : code === 126
          ? /^curfew: /
          : /^$/;
    assert.match(main.stderr, expected);
  }
});

test('P2 arm64: a file that execve refuses is 126 under emulation too', { skip }, async (t) => {
  const pod = new Pod(t, arm64({ mains: ['m'] }));
  const main = pod.start('m', ['/etc/passwd']);
  assert.equal(await main.code(), 126, main.words);
});

test('P3 arm64: signals reach the child', { skip }, async (t) => {
  const pod = new Pod(t, arm64({ mains: ['m'] }));
  const main = pod.start('m', pod.serve('m', '12=9'));
  await pod.notes('m up');
  for (const signal of [1, 2, 10, 28, 40]) {
    await main.signal(signal);
    await pod.notes(`m got ${signal}`);
  }
  await main.signal(12);
  assert.equal(await main.code(), 9);
});

test('P3 arm64: all signals that emulation passes on come back to a child that sends them, once', {
  skip,
}, async (t) => {
  const pod = new Pod(t, arm64({ mains: ['m'] }));
  // qemu-user takes signals of a processor's fault for its own, and 32 to 34 are its C library's and its own.
  const kept = [4, 5, 7, 8, 11, 32, 33, 34].map(String);
  const main = pod.start('m', [ACTOR, 'bounce', ...kept]);
  assert.equal(await main.code(), 0, main.words);
});

test('L1 L2 L6 L7 arm64: a main and two sidecars from start to end', { skip }, async (t) => {
  const pod = new Pod(t, arm64({ mains: ['m'], sidecars: ['a', 'b'] }));
  const m = pod.start('m', pod.work('m', 3));
  await pod.announces('m', 'waiting');
  const b = pod.start('b', pod.serve('b', `${TERM}=2`));
  await pod.announces('b', 'waiting');
  const a = pod.start('a', pod.serve('a'));
  assert.equal(await m.code(), 3, m.words);
  assert.deepEqual([await b.code(), await a.code()], [0, 0]);
  assert.deepEqual(pod.noted, ['a up', 'b up', 'm runs', 'b got 15', 'b ends', 'a got 15', 'a ends']);
  assert.equal(m.stderr + a.stderr, '');
  assert.equal(b.stderr, 'curfew: ended with code 2 when it was stopped\n');
});

test('P7 L12 arm64: a stop request from outside is known as one', { skip }, async (t) => {
  const pod = new Pod(t, arm64({ mains: ['m'], sidecars: ['s'], restartPolicy: 'OnFailure' }));
  const s = pod.start('s', pod.serve('s'));
  const m = pod.start('m', pod.serve('m', '12=5'));
  await pod.notes('m up');
  await s.signal(TERM);
  await m.signal(TERM);
  await pod.notes('m got 15');
  await m.signal(12);
  assert.equal(await m.code(), 5);
  assert.equal(await s.code(), 128 + TERM); // L7: under OnFailure, where the sandbox may have died
  assert.deepEqual([pod.markerOf('m')?.stopping, pod.markerOf('m')?.final], [true, false]);
  assert.deepEqual(pod.noted.slice(2), ['m got 15', 'm got 12', 'm ends', 's got 15', 's ends']);
});

test('L8 L9 arm64: a main that is killed is noticed; a sidecar that ends is started again', {
  skip,
}, async (t) => {
  const pod = new Pod(t, arm64({ mains: ['m'], sidecars: ['s'] }));
  const s = pod.start('s', pod.serve('s', '10=4', '15=0'));
  const m = pod.start('m', pod.serve('m'));
  await pod.notes('m up');
  await s.signal(10);
  await pod.notes('s up', 2);
  await m.signal(KILL);
  assert.equal(await s.code(), 0);
  assert.match(s.stderr, /starting it again now\n.*ended without a word/);
});

test('P5 arm64: as nobody', { skip }, async (t) => {
  const pod = new Pod(t, arm64({ mains: ['m'] }));
  const inside = [...NAMESPACE, 'setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];
  assert.equal(await pod.start('m', [ACTOR, 'exit', '4'], { inside }).code(), 4);
});
