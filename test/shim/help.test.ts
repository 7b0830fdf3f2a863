/** The shim's help names every flag that the webhook can write, and no other. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { flags, help, written } from '../../shim/help.ts';
import {
  type ContainerOptions,
  type InstallOptions,
  type StartedOptions,
  type StatusOptions,
  shimFlags,
} from '../../shim/protocol.ts';

/** Every option, none at its default: a new one does not compile until it stands here. */
const CONTAINER: Required<ContainerOptions> = {
  role: 'sidecar',
  name: 'b',
  run: '/elsewhere',
  mains: ['a'],
  sidecars: ['b'],
  preStop: ['a'],
  restartPolicy: 'OnFailure',
  restartRules: [{ operator: 'In', codes: [3], all: true }],
  grace: 1_000,
  startTimeout: 1_000,
  stopSignal: 'INT',
  stopTimeout: 1_000,
  probed: true,
  aloneGrace: { least: 1_000, most: 2_000 },
  hostPid: true,
  terminationMessage: '/elsewhere',
  log: 'debug',
  ready: { kind: 'http', port: 80, path: '/', headers: ['A: b'] },
  readyTimeout: 2_000,
  byMachine: [{ machine: 'amd64', words: 1 }],
  command: ['x'],
};
const INSTALL: Required<InstallOptions> = {
  role: 'install',
  to: '/elsewhere',
  run: '/elsewhere',
  containers: ['a'],
};
const STARTED: Required<StartedOptions> = {
  role: 'started',
  name: 'b',
  run: '/elsewhere',
  delay: 1_000,
  ready: { kind: 'none' },
  readyTimeout: 2_000,
};

const STATUS: Required<StatusOptions> = { role: 'status', run: '/elsewhere', output: 'json' };

test('every flag that can be written stands in the help, and every flag of the help can be written', () => {
  const names = [INSTALL, CONTAINER, STARTED, STATUS]
    .flatMap((options) => shimFlags(options))
    .flatMap((flag) => /^--([a-z-]+)/.exec(flag)?.slice(1) ?? []);
  assert.deepEqual(
    [...new Set(names)].sort(),
    flags()
      .map(({ name }) => name)
      .sort(),
    'add the flag to flags() of shim/help.ts, or take it out there',
  );
  for (const flag of flags()) assert.ok(help().includes(`  ${written(flag)} `), flag.name);
});
