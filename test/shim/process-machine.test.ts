/** A command for each machine, on real processes: the shim runs that of the machine that it was built for. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { MachineWords } from '../../shim/machine-words.ts';
import { ACTOR, Pod, type PodOptions } from './pod.ts';

const own = process.arch === 'arm64' ? 'arm64' : 'amd64';
const emulator = 'qemu-aarch64-static';
const shim =
  process.env.CURFEW_SHIM_ARM64 ?? fileURLToPath(new URL('../../dist/curfew-shim-arm64', import.meta.url));
const emulated = own === 'amd64' && spawnSync(emulator, ['--version']).status === 0;

const MACHINES: [machine: string, options: PodOptions, skip: string | false][] = [
  [own, { mains: ['m'] }, false],
  [
    'arm64',
    { mains: ['m'], emulator: [emulator], shim },
    !emulated && 'this machine is arm64, or qemu-user-static is not installed (test/setup test)',
  ],
];

const exits = (code: number) => [ACTOR, 'exit', String(code)];

for (const [machine, options, skip] of MACHINES)
  test(`W5 ${machine}${options.emulator === undefined ? '' : ', emulated'}: its own words, and those that all run`, {
    skip,
  }, async (t) => {
    const pod = new Pod(t, { ...options, restartPolicy: 'Always' }); // each start runs its command
    const run = (byMachine: MachineWords[], command: string[]) =>
      pod.start('m', command, { options: { byMachine } });
    const two = (amd64: number, arm64: number): MachineWords[] => [
      { machine: 'amd64', words: amd64 },
      { machine: 'arm64', words: arm64 },
    ];
    const expected = machine === 'amd64' ? 11 : 12;
    assert.equal(await run(two(3, 3), [...exits(11), ...exits(12)]).code(), expected);
    const arms = [{ machine: 'arm64', words: 3 } as const, { machine: 'amd64', words: 3 } as const];
    assert.equal(await run(arms, [...exits(12), ...exits(11)]).code(), expected, 'in whatever order');
    // The last word is everybody's.
    assert.equal(
      await run(two(2, 3), [ACTOR, 'exit', '/bin/true', 'x', 'y', '7']).code(),
      machine === 'amd64' ? 7 : 0,
    );
    const others = machine === 'amd64' ? 'arm64' : 'amd64';
    const missing = run([{ machine: others, words: 3 }], exits(0));
    assert.equal(await missing.code(), 125);
    assert.match(missing.stderr, new RegExp(`no command for this machine, which is ${machine}`));
    const empty = run(
      [
        { machine: others, words: 3 },
        { machine: machine === 'amd64' ? 'amd64' : 'arm64', words: 0 },
      ],
      exits(0),
    );
    assert.equal(await empty.code(), 125);
  });
